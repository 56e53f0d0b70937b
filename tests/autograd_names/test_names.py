"""Every public name of autograd has a counterpart of that name, in the module of that name."""

from __future__ import annotations

import builtins
import importlib
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import scipy.special

import wengert
import wengert.misc
from tests.autograd_names.namespaces import NOT_PUBLIC, installed_names, stored_names

NAMES = stored_names()

# What a module of autograd imports for its own use; it is found where it belongs.
OF_PYTHON = {"OrderedDict", "contextmanager", "defaultdict", "partial", "repeat", "as_strided"}
# What is left out, by reason and module: nothing that a program imports.
LEFT_OUT: dict[str, dict[str, set[str]]] = {
    "a derivative rule of autograd's, or a part of one": {
        "builtins": {
            "container_take", "container_untake", "fwd_grad_make_sequence", "grad_container_take",
            "grad_sequence_extend_left", "grad_sequence_extend_right", "make_sequence",
            "sequence_extend_left", "sequence_extend_right",
        },
        "misc.fixed_points": {"fixed_point_vjp"},
        "numpy": {"make_diagonal"},
        "numpy.fft": {
            "check_even_shape", "check_no_repeated_axes", "fft_grad", "get_fft2_args",
            "get_fft_args", "get_fftn_args", "irfft_grad", "make_rfft_factors", "match_complex",
            "rfft_grad", "truncate_pad",
        },
        "numpy.linalg": {
            "T", "add2d", "grad_cholesky", "grad_eig", "grad_eigh", "grad_inv", "grad_pinv",
            "grad_solve", "grad_svd", "norm_jvp", "norm_vjp",
        },
        "scipy.integrate": {"argnums_unpack", "grad_odeint"},
        "scipy.linalg": {"grad_solve_banded", "grad_solve_triangular"},
        "scipy.signal": {
            "compute_conv_size", "einsum_tensordot", "flipped_idxs", "grad_convolve", "parse_axes",
        },
        "scipy.special": {
            "fwd_grad_logsumexp", "inv_root_pi", "make_gammainc_vjp_arg1", "make_grad_logsumexp",
            "repeat_to_match_shape", "root_pi", "unbroadcast_f",
        },
        "scipy.stats.beta": {
            "grad_beta_logpdf_arg0", "grad_beta_logpdf_arg1", "grad_beta_logpdf_arg2",
        },
        "scipy.stats.chi2": {"grad_chi2_logpdf"},
        "scipy.stats.gamma": {"grad_gamma_logpdf_arg0", "grad_gamma_logpdf_arg1"},
        "scipy.stats.multivariate_normal": {"covgrad", "generalized_outer_product", "solve"},
        "scipy.stats.poisson": {"grad_poisson_logpmf"},
        "scipy.stats.t": {
            "grad_tlogpdf_df", "grad_tlogpdf_diff", "grad_tlogpdf_loc", "grad_tlogpdf_scale",
            "grad_tlogpdf_x",
        },
    },
    "a class of autograd's for traced containers, or its metaclass": {
        "builtins": {
            "ContainerVSpace", "DictBox", "DictMeta", "DictVSpace", "ListMeta", "ListVSpace",
            "NamedTupleVSpace", "SequenceBox", "SequenceVSpace", "TupleMeta", "TupleVSpace",
        },
    },
    "Python's own builtin under another name": {
        "builtins": {"dict_", "isinstance_", "list_", "tuple_", "type_"},
    },
    "a step of how autograd traces; wengert's tape has other ones": {
        "misc.tracers": {"ConstGraphNode", "FullGraphNode", "Node", "full_graph", "toposort",
                         "trace"},
        "numpy": {"array_from_args", "concatenate_args", "custom_where", "wrap_if_boxes_inside"},
        "tracer": {
            "Node", "TraceStack", "box_type_mappings", "box_types", "find_top_boxed_args",
            "new_box", "notrace_primitives", "toposort", "trace", "trace_primitives_map",
            "trace_stack",
        },
    },
    "fills autograd's namespaces from NumPy's": {
        "numpy": {"c_class", "metadata", "notrace_functions", "numpy_version",
                  "parse_einsum_input", "r_class", "wrap_intdtype", "wrap_namespace"},
        "numpy.fft": {"wrap_namespace"},
        "numpy.linalg": {"wrap_namespace"},
        "numpy.random": {"wrap_namespace"},
        "scipy.linalg": {"wrap_namespace"},
    },
    "a helper of autograd.util or autograd.wrap_util that the module imports for itself": {
        "builtins": {"subvals"},
        "differential_operators": {"atuple", "unary_to_nary"},
        "misc.optimizers": {"wraps"},
        "misc.tracers": {"subvals", "wraps"},
        "test_util": {"get_name", "unary_to_nary"},
        "tracer": {"subvals", "wraps"},
    },
}  # fmt: skip


def left_out(module: str) -> set[str]:
    return set().union(*(by_module.get(module, set()) for by_module in LEFT_OUT.values()))


def counterpart(module: str) -> Any:
    """wengert's module of that name, or the object of that name; None if there is none."""
    name = f"wengert.{module}".rstrip(".")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        parent, _, last = name.rpartition(".")
        try:
            return getattr(importlib.import_module(parent), last, None)
        except ModuleNotFoundError:
            return None


def is_found_elsewhere(name: str) -> bool:
    """Whether a name that a module of autograd only imports is where it belongs in wengert."""
    places = (wengert, wengert.extend, wengert.misc, np)
    return any(hasattr(place, name) for place in places) or hasattr(builtins, name)


def is_imported_in_scipy(module: str, name: str) -> bool:
    """Whether a module of ``autograd.scipy`` has a name for its own use."""
    if any(hasattr(place, name) for place in (wengert.extend, wengert.misc)):
        return True
    if name in ("make_vjp", "tuple", "unbroadcast_f"):
        return True
    return module.startswith("scipy.stats.") and hasattr(scipy.special, name)


def holes(module: str) -> list[str]:
    own = counterpart(module)
    excused = left_out(module) | OF_PYTHON
    found = []
    for name in NAMES[module]:
        if hasattr(own, name) or name in excused:
            continue
        if module.startswith("numpy") and not hasattr(np, name) and is_found_elsewhere(name):
            continue
        # autograd's own functions may not hide behind NumPy's of the same name.
        if not module.startswith(("numpy", "scipy")) and is_found_elsewhere(name):
            continue
        if module.startswith("scipy") and is_imported_in_scipy(module, name):
            continue
        found.append(name)
    return found


@pytest.mark.parametrize("module", NAMES)
def test_no_hole(module: str) -> None:
    assert counterpart(module) is not None
    removed = {"in1d", "row_stack", "trapz"} - set(dir(np))  # by newer NumPy
    assert set(holes(module)) <= removed


def test_what_is_left_out_is_left_out_once_and_for_one_reason() -> None:
    """An excuse for a name that autograd does not have, or that wengert has, hides a mistake."""
    for module, names in NAMES.items():
        listed = [n for by_module in LEFT_OUT.values() for n in by_module.get(module, ())]
        assert len(listed) == len(set(listed))
        assert set(listed) <= set(names)
        assert not [n for n in listed if hasattr(counterpart(module), n)]
    assert {m for by_module in LEFT_OUT.values() for m in by_module} <= set(NAMES)


def test_names_are_autograds_and_not_pythons() -> None:
    for name in ("isinstance", "type"):
        assert getattr(wengert, name) is getattr(wengert.builtins, name)
        assert getattr(wengert, name) is not getattr(builtins, name)
    assert set(wengert.__all__).isdisjoint(dir(builtins))


def test_the_stored_names_are_the_installed_ones() -> None:
    pytest.importorskip("autograd")
    installed = installed_names()
    # A newer NumPy has more names, an older autograd fewer.
    missing = {m: sorted(set(installed[m]) - set(NAMES.get(m, ()))) for m in installed}
    new = {m: [n for n in ns if not hasattr(np, n)] for m, ns in missing.items()}
    assert not any(new.values()), "run python -m tests.autograd_names.namespaces"


def test_every_module_is_classified() -> None:
    autograd = pytest.importorskip("autograd")
    import pkgutil

    modules = {m.name.removeprefix("autograd.") for m in pkgutil.walk_packages(
        autograd.__path__, "autograd.")}  # fmt: skip
    assert modules - set(NAMES) <= set(NOT_PUBLIC)


def test_submodules_by_import() -> None:
    for module in NAMES:
        if not module.startswith("scipy"):
            name = f"wengert.{module}".rstrip(".")
            assert isinstance(importlib.import_module(name), ModuleType)
