"""What becomes of every function of `scipy.special` when it is called on Tensors: the one table.

Data only, for SciPy 1.13 to 1.17. `wengert.numpy.classification` explains the kinds;
``python -m wengert.scipy.special.reference`` writes the page docs/reference/special.md from it, and
tests/scipy/test_special_classification.py checks it against SciPy and against what happens.

Entries marked ``here_only`` are no ufuncs in SciPy, whose own functions therefore do not take
Tensors; those of `wengert.scipy.special` do.
"""

from __future__ import annotations

from ...numpy.classification import Entry, Refusal

__all__ = ["CLASSIFICATION"]

# ------------------------------------------------------------------ differentiable

PRIMITIVE: dict[str, str] = {
    "Gamma and beta functions": """
        gamma gammaln loggamma rgamma psi digamma polygamma beta betaln poch binom
        gammainc gammaincc gammaincinv gammainccinv
        betainc betaincc betaincinv betainccinv""",
    "Error functions and the normal distribution": """
        erf erfc erfcx erfi erfinv erfcinv dawsn wofz ndtr log_ndtr ndtri ndtri_exp owens_t
        voigt_profile""",
    "Logarithms of probabilities, entropies, losses": """
        expit log_expit logit xlogy xlog1py entr rel_entr kl_div huber pseudo_huber logsumexp
        softplus""",
    "Bessel functions": """
        j0 j1 y0 y1 jv jve jn yn yv yve i0 i0e i1 i1e iv ive k0 k0e k1 k1e kn kv kve
        hankel1 hankel1e hankel2 hankel2e
        spherical_jn spherical_yn spherical_in spherical_kn
        wright_bessel log_wright_bessel besselpoly""",
    "Airy, Kelvin and Struve functions": """
        airy airye ber bei berp beip ker kei kerp keip kelvin struve modstruve""",
    "Integrals of Bessel, Airy and Struve functions": """
        itj0y0 iti0k0 it2j0y0 it2i0k0 itairy itstruve0 it2struve0 itmodstruve0""",
    "Exponential, trigonometric and Fresnel integrals": """
        exp1 expi expn sici shichi fresnel modfresnelp modfresnelm spence""",
    "Elliptic integrals and functions": """
        ellipk ellipkm1 ellipe ellipkinc ellipeinc ellipj
        elliprc elliprd elliprf elliprg elliprj agm""",
    "Zeta functions": "zeta zetac",
    "Hypergeometric functions": "hyp0f1 hyp1f1 hyp2f1 hyperu",
    "Lambert's function": "lambertw wrightomega",
    "Orthogonal polynomials and spherical harmonics": """
        eval_chebyt eval_chebyu eval_chebyc eval_chebys eval_sh_chebyt eval_sh_chebyu
        eval_legendre eval_sh_legendre eval_laguerre eval_genlaguerre
        eval_hermite eval_hermitenorm eval_gegenbauer eval_jacobi eval_sh_jacobi
        lpmv sph_harm_y assoc_laguerre""",
    "Parabolic cylinder, Mathieu and spheroidal functions": """
        pbdv pbvv pbwa mathieu_cem mathieu_sem
        mathieu_modcem1 mathieu_modcem2 mathieu_modsem1 mathieu_modsem2
        pro_ang1 pro_ang1_cv pro_rad1 pro_rad1_cv pro_rad2 pro_rad2_cv
        obl_ang1 obl_ang1_cv obl_rad1 obl_rad1_cv obl_rad2 obl_rad2_cv""",
    "Distribution functions and their inverses": """
        bdtr bdtrc bdtri bdtrik bdtrin nbdtr nbdtrc nbdtri nbdtrik nbdtrin
        pdtr pdtrc pdtri pdtrik btdtria btdtrib
        chdtr chdtrc chdtri chdtriv chndtr chndtrix fdtr fdtrc fdtri fdtridfd
        gdtr gdtrc gdtria gdtrib gdtrix stdtr stdtridf stdtrit nrdtrimn nrdtrisd tklmbda""",
    "Elementary functions": """
        cbrt exp2 exp10 expm1 log1p exprel cosm1 powm1 sindg cosdg tandg cotdg radian
        boxcox boxcox1p inv_boxcox inv_boxcox1p""",
}

COMPOSITE: dict[str, str] = {
    "Gamma and beta functions": "multigammaln comb perm factorial",
    "Logarithms of probabilities, entropies, losses": "softmax log_softmax",
    "Bessel functions": "jvp yvp ivp kvp h1vp h2vp",
    "Orthogonal polynomials and spherical harmonics": "legendre_p sph_legendre_p",
    "Elementary functions": "sinc diric",
}

ZERO: dict[str, str] = {"Steps": "gammasgn round"}

HERE_ONLY = """
    polygamma logsumexp softmax log_softmax multigammaln comb perm factorial
    spherical_jn spherical_yn spherical_in spherical_kn sph_harm_y legendre_p sph_legendre_p diric
    zeta lambertw"""

_ORDER = "in the argument, not in the order"
_ARGUMENT = "in the argument, not in the parameters"
_DEGREE = "in the argument, not in the degree and the parameters"
_COUNTS = "not in the counts, which it rounds down"

NOTES: dict[str, str] = {
    **dict.fromkeys(
        """jv jve jn yn yv yve iv ive kn kv kve hankel1 hankel1e hankel2 hankel2e spherical_jn
        spherical_yn spherical_in spherical_kn struve modstruve expn jvp yvp ivp kvp h1vp
        h2vp""".split(),
        _ORDER,
    ),
    **dict.fromkeys(
        """besselpoly wright_bessel log_wright_bessel pbdv pbvv pbwa mathieu_cem mathieu_sem
        mathieu_modcem1 mathieu_modcem2 mathieu_modsem1 mathieu_modsem2 pro_ang1 pro_ang1_cv
        pro_rad1 pro_rad1_cv pro_rad2 pro_rad2_cv obl_ang1 obl_ang1_cv obl_rad1 obl_rad1_cv
        obl_rad2 obl_rad2_cv hyp0f1 hyperu""".split(),
        _ARGUMENT,
    ),
    **dict.fromkeys(
        """eval_chebyt eval_chebyu eval_chebyc eval_chebys eval_sh_chebyt eval_sh_chebyu
        eval_legendre eval_sh_legendre eval_laguerre eval_genlaguerre eval_hermite eval_hermitenorm
        eval_gegenbauer eval_jacobi eval_sh_jacobi lpmv assoc_laguerre""".split(),
        _DEGREE,
    ),
    **dict.fromkeys("bdtr bdtrc bdtri nbdtr nbdtrc nbdtri pdtr pdtrc pdtri".split(), _COUNTS),
    **dict.fromkeys(
        "gammainc gammaincc gammaincinv gammainccinv".split(),
        "in both arguments; every order by quadrature, to about 1e-12",
    ),
    **dict.fromkeys(
        "betainc betaincc betaincinv betainccinv".split(),
        "in all three arguments; every order by quadrature, to about 1e-11; NaN in a parameter "
        "that is 0",
    ),
    **dict.fromkeys(
        """bdtrik bdtrin nbdtrik nbdtrin pdtrik btdtria btdtrib chdtriv gdtria gdtrib
        fdtridfd""".split(),
        "0 where SciPy's search ends at an end of its interval",
    ),
    **dict.fromkeys(
        "obl_rad1 obl_rad1_cv".split(),
        "in the argument, not in the parameters; SciPy 1.17 corrupts "
        "memory where c is above about 100",
    ),
    "elliprc": "also for negative y, a principal value",
    "voigt_profile": "also for sigma = 0, the Lorentz profile",
    "polygamma": "not in n; complex arguments, too",
    "poch": "in both arguments",
    "binom": "in both arguments",
    "hyp1f1": (
        "in the parameters for real arguments, by power series: NaN where it loses more than ten "
        "digits by cancellation"
    ),
    "hyp2f1": (
        "in the parameters for real arguments, by power series: NaN for x within 0.002 of 1, "
        "above, or below -500, and where the series loses more than ten digits by cancellation"
    ),
    "zeta": "real: in x by the Euler-Maclaurin formula, and in q; SciPy's own takes Tensors",
    "zetac": "real",
    "lambertw": "in z; the result is complex; SciPy's own takes Tensors",
    "jve": "real arguments",
    "yve": "real arguments",
    "ive": "real arguments",
    "airye": "real arguments",
    "elliprd": "complex arguments to first order in elliprf and elliprg only",
    "elliprj": "real arguments, also for negative p, a principal value",
    "chndtr": "not in the degrees of freedom",
    "chndtrix": "not in the degrees of freedom",
    "stdtr": "in the degrees of freedom to second order",
    "stdtridf": "to second order; 0 where SciPy's search ends at an end of its interval",
    "stdtrit": "in the degrees of freedom to second order",
    "sph_harm_y": "in the angles; diff_n has to be 0",
    "sph_legendre_p": "in the angle; diff_n has to be 0",
    "legendre_p": "in the argument; diff_n has to be 0",
    "multigammaln": "d is plain",
    "comb": "with exact=False; 0 where k > N or one is negative",
    "perm": "with exact=False; 0 where k > N or one is negative",
    "factorial": "with exact=False; in n, and 0 for negative n",
    "entr": "infinite at 0",
    "logsumexp": "weights of any sign, return_sign; composite with these",
    "diric": "in x",
    "huber": "continuous second derivatives only away from abs(r) = delta",
}

# ------------------------------------------------------------------ not differentiable

PLAIN: dict[str, str] = {
    "It takes integers": """
        bernoulli euler factorial2 factorialk stirling2
        ai_zeros bi_zeros ber_zeros bei_zeros berp_zeros beip_zeros ker_zeros kei_zeros kerp_zeros
        keip_zeros kelvin_zeros erf_zeros fresnel_zeros fresnelc_zeros fresnels_zeros
        jn_zeros jnp_zeros jnjnp_zeros jnyn_zeros yn_zeros ynp_zeros y0_zeros y1_zeros y1p_zeros""",
    "It makes nodes and weights of a quadrature": """
        roots_chebyc roots_chebys roots_chebyt roots_chebyu roots_gegenbauer roots_genlaguerre
        roots_hermite roots_hermitenorm roots_jacobi roots_laguerre roots_legendre roots_sh_chebyt
        roots_sh_chebyu roots_sh_jacobi roots_sh_legendre
        c_roots cg_roots h_roots he_roots j_roots js_roots l_roots la_roots p_roots ps_roots s_roots
        t_roots ts_roots u_roots us_roots""",
    "It makes a polynomial, an object that may be called on Tensors": """
        chebyc chebys chebyt chebyu gegenbauer genlaguerre hermite hermitenorm jacobi laguerre
        legendre sh_chebyt sh_chebyu sh_jacobi sh_legendre""",
    "It makes a table of coefficients or characteristic values from numbers": """
        mathieu_even_coef mathieu_odd_coef pro_cv_seq obl_cv_seq""",
    "It takes no array": """
        errstate geterr seterr test SpecialFunctionError SpecialFunctionWarning""",
}

REFUSED: dict[Refusal, str] = {
    Refusal(
        "no derivative of a noncentral distribution is known in closed form",
        "NoRuleError",
        "integrate its density, or give it a derivative with wengert.primitive",
    ): """
        chndtridf chndtrinc ncfdtr ncfdtri ncfdtridfd ncfdtridfn ncfdtrinc
        nctdtr nctdtridf nctdtrinc nctdtrit""",
    Refusal(
        "it is the distribution of a test statistic, of which SciPy has no density",
        "NoRuleError",
        "give it a derivative with wengert.primitive",
    ): "kolmogorov kolmogi smirnov smirnovi",
    Refusal(
        "no derivative of a characteristic value in its parameters is known here",
        "NoRuleError",
        "pass plain parameters",
    ): "mathieu_a mathieu_b pro_cv obl_cv",
    Refusal(
        "it makes a table for all orders up to a given one, of one number",
        "WengertTypeError",
        "use the function of one order: jv, spherical_jn, pbdv, eval_legendre, lpmv, sph_harm_y",
    ): """
        lmbda riccati_jn riccati_yn lqn lqmn pbdn_seq pbdv_seq pbvv_seq lpn lpmn clpmn
        assoc_legendre_p_all legendre_p_all sph_harm_y_all sph_legendre_p_all""",
    Refusal(
        "its options choose branches and norms that have no rules",
        "WengertTypeError",
        "use lpmv, which is the same for real arguments between -1 and 1",
    ): "assoc_legendre_p",
    Refusal(
        "it calls a Python function on plain numbers",
        "WengertTypeError",
        "give it a derivative with wengert.primitive",
    ): "ellip_harm ellip_harm_2 ellip_normal",
    Refusal(
        "newer versions of SciPy have it no more",
        "NoRuleError",
        "use betainc, betaincinv or sph_harm_y",
    ): "btdtr btdtri sph_harm",
}

# ------------------------------------------------------------------ all of it

_HERE_ONLY = frozenset(HERE_ONLY.split())

CLASSIFICATION: dict[str, Entry] = {
    **{
        name: Entry(kind, subject, NOTES.get(name, ""), here_only=name in _HERE_ONLY)
        for kind, table in (("primitive", PRIMITIVE), ("composite", COMPOSITE), ("zero", ZERO))
        for subject, names in table.items()
        for name in names.split()
    },
    **{name: Entry("plain", reason) for reason, names in PLAIN.items() for name in names.split()},
    **{
        name: Entry("refused", why.reason, why.remedy, why.error)
        for why, names in REFUSED.items()
        for name in names.split()
    },
}
"""By name."""
