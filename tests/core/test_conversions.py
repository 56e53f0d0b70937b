"""A traced value that is asked to leave: it works, or the error names who asked and the remedy."""

from __future__ import annotations

import copy
import json
import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.integrate
import scipy.interpolate
import scipy.linalg
import scipy.sparse
import scipy.spatial.distance
import scipy.special
import scipy.stats

import wengert as wg

V = np.array([0.5, 1.5, 2.5])
M = np.eye(3) + 0.1
VECTORIZED = np.vectorize(lambda t: t * t)

# What is done inside grad, and the pieces of the message: who asked, and what to write instead.
REFUSED: dict[str, tuple[Callable[[Any], Any], tuple[str, ...]]] = {
    "math.sin": (lambda x: math.sin(x[0]), ("math.sin", "use np.sin")),
    "np.vectorize": (
        lambda x: np.vectorize(lambda t: t * t)(x),
        ("np.vectorize stores what it computes in a plain array", "use wg.vmap"),
    ),
    "vectorized": (lambda x: VECTORIZED(x), ("VECTORIZED takes plain numbers",)),
    "math.fabs": (lambda x: math.fabs(x[0]), ("math.fabs", "use np.abs")),
    "math.gamma": (lambda x: math.gamma(x[0]), ("math.gamma", "scipy.special.gamma")),
    "float": (lambda x: float(x[0]), ("float()", "leave the conversion out")),
    "int": (lambda x: int(x[0]), ("int()", "leave the conversion out")),
    "complex": (lambda x: complex(x[0]), ("complex()", "leave the conversion out")),
    "item": (lambda x: x[0].item(), (".item()", "leave it out")),
    "tolist": (lambda x: x.tolist(), (".tolist()", "leave it out")),
    "numpy": (lambda x: x.numpy(), (".numpy()", "leave it out")),
    "percent": (lambda x: "%.3f" % x[0], ('f"{x:.3f}"',)),  # noqa: UP031
    "asarray": (np.asarray, ("wengert.numpy.array",)),
    "array": (lambda x: np.array(x), ("np.array", "leave it out for one Tensor")),
    "array of Tensors": (lambda x: np.array([x[0], x[1]]), ("np.stack", "wengert.numpy.array")),
    "list": (lambda x: np.sum([x[0], x[1]]), ("np.sum", "inside lists", "wengert.numpy")),
    "list, ufunc": (lambda x: np.sin([x[0], x[1]]), ("np.sin", "inside lists")),
    "np.r_": (lambda x: np.sum(np.r_[x, 1.0]), ("np.r_", "use wengert.numpy.r_")),
    "np.c_": (lambda x: np.c_[x, x], ("np.c_", "use wengert.numpy.c_")),
    "np.full": (lambda x: np.full(3, x[0]), ("np.full", "use wengert.numpy.full")),
    "np.float64": (lambda x: np.float64(x[0]), ("np.float64", "x.astype(np.float64)")),
    "method": (lambda x: V.dot(x), (".dot", "np.dot(a, x)")),
    "np.random": (lambda x: np.random.normal(x), ("np.random.normal", "standard_normal")),  # noqa: NPY002
    "expm": (lambda x: scipy.linalg.expm(np.outer(x, x)), ("use wengert.scipy.linalg.expm",)),
    "scipy solve": (lambda x: scipy.linalg.solve(M, x), ("use wengert.scipy.linalg.solve",)),
    "quad": (
        lambda x: scipy.integrate.quad(lambda t: t * x[0], 0, 1),
        ("scipy.integrate.quad",),
    ),
    "trapezoid": (lambda x: scipy.integrate.trapezoid(x), ("use wg.scipy.integrate.trapezoid",)),
    "spline": (
        lambda x: scipy.interpolate.CubicSpline(np.arange(3.0), x)(0.5),
        ("scipy.interpolate.CubicSpline",),
    ),
    "logsumexp": (
        lambda x: scipy.special.logsumexp(x),
        ("scipy.special.logsumexp", "use wengert.scipy.special.logsumexp"),
    ),
    "distribution": (lambda x: scipy.stats.norm.pdf(x), ("scipy.stats.norm.pdf",)),
    "distances": (
        lambda x: scipy.spatial.distance.pdist(x[:, None]),
        ("scipy.spatial.distance.pdist", "wg.primitive"),
    ),
    "sparse": (lambda x: scipy.sparse.csr_matrix(M) * x, ("SciPy", "A @ x")),
}


@pytest.mark.parametrize("name", REFUSED)
def test_the_error_names_who_asked_and_what_to_write(name: str) -> None:
    f, pieces = REFUSED[name]
    for run in (
        lambda: wg.grad(lambda x: np.sum(x) + np.sum(f(x)))(V),
        lambda: wg.jvp(f, (V,), (V,)),
    ):
        with pytest.raises(wg.WengertTypeError, match="derivative would be lost") as caught:
            run()
        message = str(caught.value)
        for piece in pieces:
            assert piece.replace("wg.", "wengert.") in message, message
        assert "wengert.stop_gradient(x)" in message
        assert "test_conversions.py, line" in message or name == "asarray"


def test_abstract_values_have_no_numbers() -> None:
    for f, piece in (
        (lambda x: math.sin(x[0]), "math.sin computes with plain numbers; use np.sin"),
        (lambda x: np.array([x[0]]), "np.stack"),
        (lambda x: scipy.linalg.expm(x), "scipy.linalg.expm"),
        (lambda x: 1 if x[0] > 1 else 2, "np.where instead of a branch"),
        (lambda x: range(x.astype(int)[0]), "only shapes are known"),
    ):
        with pytest.raises(wg.AbstractValueError, match="inside vmap or jit") as caught:
            wg.vmap(f)(V[None])
        assert piece in str(caught.value)


def test_the_same_with_stop_gradient_is_allowed() -> None:
    assert wg.grad(lambda x: x * math.sin(wg.stop_gradient(x)))(0.5) == math.sin(0.5)
    assert wg.grad(lambda x: x * scipy.special.gamma(wg.stop_gradient(x)))(3.0) == 2.0


# ------------------------------------------------------------------ assignment into plain arrays


@pytest.mark.parametrize("dtype", [float, complex, np.int64, np.float32])
def test_a_traced_value_in_a_plain_array(dtype: Any) -> None:
    def f(x: Any) -> Any:
        buffer = np.zeros(2, dtype)
        buffer[0] = x
        return buffer.sum()

    with pytest.raises(wg.WengertTypeError, match="np.zeros_like.*np.stack") as caught:
        wg.grad(f)(1.0)
    assert "buffer[0] = x]" in str(caught.value)


def test_a_tensor_that_requires_gradients_in_a_plain_array() -> None:
    t = wg.Tensor(2.0, requires_grad=True)
    buffer = np.zeros(2)
    with pytest.raises(ValueError, match="setting an array element") as caught:
        buffer[0] = t
    assert isinstance(caught.value.__cause__, wg.WengertTypeError)
    assert "loses its history" in str(caught.value.__cause__)
    with pytest.raises(wg.WengertTypeError, match="loses its history"):
        buffer[:] = t
    buffer[0] = t.item()
    buffer[1] = float(t)
    assert buffer.tolist() == [2.0, 2.0]
    kept: dict[str, Any] = {}
    kept["t"] = t  # an assignment, but not into an array
    buffer[0] = wg.Tensor(3.0)
    assert buffer[0] == 3.0


def test_an_error_that_the_user_raises_from_ours_stays() -> None:
    def f(x: Any) -> Any:
        try:
            return float(x)
        except wg.WengertError as error:
            raise ValueError("my own words") from error

    with pytest.raises(ValueError, match="^my own words$"):
        wg.grad(f)(1.0)


# ------------------------------------------------------------------ Python's own questions


def test_truth() -> None:
    for t in (wg.Tensor(V), wg.Tensor(V, requires_grad=True), wg.Tensor(np.zeros(0))):
        with pytest.raises(wg.WengertValueError, match=r"np.any\(x\) or np.all\(x\).*np.where"):
            bool(t)
        with pytest.raises(ValueError, match="ambiguous"):
            t = 1 if t else 2
    assert wg.Tensor([2.0])
    assert wg.grad(lambda x: x * 3 if x else x)(1.0) == 3.0


def test_numbers_of_the_wrong_shape_or_kind() -> None:
    t = wg.Tensor(V)
    for call in (float, int, complex, math.sin):
        with pytest.raises(wg.WengertTypeError, match=r"shape \(3,\).*one real number"):
            call(t)
    with pytest.raises(wg.WengertTypeError, match="dtype complex128"):
        float(wg.Tensor(1j))
    with pytest.raises(wg.WengertValueError, match=r"\.item\(\).*\(3,\).*size 1.*x.tolist"):
        t.item()


def test_indices_and_counts() -> None:
    for call in (range, [1, 2, 3].__getitem__):
        with pytest.raises(wg.WengertTypeError, match="dtype float64 is no index and no count"):
            call(wg.Tensor(2.0))
    assert list(range(wg.Tensor([1.0, 2.0]).astype(int)[1])) == [0, 1]
    with pytest.raises(wg.WengertTypeError, match=r"range: a Tensor.*len\(x\)"):
        wg.grad(lambda x: sum(range(x)) * x)(2.0)


def test_length_and_iteration_of_one_number() -> None:
    with pytest.raises(wg.WengertTypeError, match=r"len\(\).*np.atleast_1d"):
        len(wg.Tensor(1.0))
    with pytest.raises(wg.WengertTypeError, match="iteration.*np.atleast_1d"):
        list(wg.Tensor(1.0))
    assert wg.grad(lambda x: sum(x))(V).tolist() == [1, 1, 1]


def test_formats() -> None:
    seen = []
    wg.grad(lambda x: seen.append(f"{x:.3f} {x!s} {x}") or x)(0.5)
    assert seen[0].startswith("0.500 tensor(0.500")
    with pytest.raises(wg.WengertTypeError, match=r"'\.3f'.*shape \(3,\).*np.array2string"):
        f"{wg.Tensor(V):.3f}"


def test_membership_hash_and_containers() -> None:
    t, u = wg.Tensor(V), wg.Tensor(V)
    assert t in [u, t][1:]
    assert {t: 1}[t] == 1
    assert hash(t) != hash(u)
    with pytest.raises(ValueError, match="ambiguous"):  # NumPy's: t == u is a plain array
        assert t in [u]
    assert 0.5 in t


def test_json_takes_tolist() -> None:
    t = wg.Tensor(V)
    with pytest.raises(TypeError, match="not JSON serializable"):
        json.dumps({"t": t})
    assert json.dumps({"t": t.tolist()}) == '{"t": [0.5, 1.5, 2.5]}'


def test_pickles_and_copies() -> None:
    t = wg.Tensor(V, requires_grad=True)
    for again in (pickle.loads(pickle.dumps(t)), copy.deepcopy(t), copy.copy(t)):
        assert again.requires_grad
        assert again.tolist() == t.tolist()
    for call, remedy in (
        (lambda x: pickle.dumps(x), "x.detach.*x.numpy"),
        (lambda x: copy.deepcopy([x]), "x.copy"),
        (lambda x: copy.copy(x), "x.copy"),
    ):
        with pytest.raises(wg.MutationError, match=f"history would be lost; .*{remedy}"):
            call(t * 2)
        with pytest.raises(wg.MutationError, match=remedy):
            wg.grad(call)(1.0)


def test_no_copy_is_impossible() -> None:
    with pytest.raises(wg.WengertValueError, match=r"without a copy; leave copy out"):
        np.asarray(wg.Tensor(V), copy=False)


def test_the_array_of_a_view_is_read_only() -> None:
    y = wg.Tensor(V, requires_grad=True)[1:]
    with pytest.raises(ValueError, match="read-only"):
        y.array[0] = 1.0
    assert "read-only" in (wg.Tensor.array.__doc__ or "")
    with pytest.raises(wg.WengertValueError, match=r"np.broadcast_to.*x.copy\(\)"):
        np.broadcast_to(wg.Tensor(1.0), (3,))[0] = 2.0


@pytest.mark.parametrize(
    "call",
    [
        lambda: wg.grad(math.sin)(1.0),
        lambda: wg.jvp(math.sin, (1.0,), (1.0,)),
        lambda: wg.show(math.sin, 1.0),
    ],
)
def test_a_function_handed_to_a_transform_is_not_named_as_the_transform(call: Any) -> None:
    with pytest.raises(wg.WengertTypeError) as caught:
        call()
    message = str(caught.value)
    assert "What was called takes plain numbers" in message, message
    assert "np.sin(x), not math.sin(x)" in message
    assert "wengert.show" not in message
    assert "wengert.transforms" not in message
    assert "leave the conversion out" not in message


def test_an_error_behind_an_attribute_error_of_an_attribute_that_is_there() -> None:
    """What `brentq` now and then ends in: it calls Python while an error is pending."""

    def f(x: Any) -> Any:
        try:
            float(x)
        except wg.WengertTypeError:
            raise AttributeError("no attribute 'shape'", name="shape", obj=x)  # noqa: B904

    with pytest.raises(wg.WengertTypeError, match="derivative would be lost"):
        wg.grad(f)(1.0)
    with pytest.raises(AttributeError, match="sahpe"):
        wg.grad(lambda x: x.sahpe)(1.0)
