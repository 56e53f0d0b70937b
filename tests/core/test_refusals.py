"""What NumPy refuses is reported with the operation, the shapes, the cause and the remedy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp
from wengert.core.primitive import PRIMITIVES
from wengert.core.refusals import explained, operation_text


def x() -> wg.Tensor:
    return wg.Tensor(np.ones((2, 3)), requires_grad=True)


def y() -> wg.Tensor:
    return wg.Tensor(np.ones(4), requires_grad=True)


def buffer() -> wg.Tensor:
    return wg.Tensor(np.zeros((2, 3)))


P = np.ones(4)
TEXTS = np.array(["a", "b", "c"])
OBJECTS = np.array([1, 2.5, 3], dtype=object)

# The call, and pieces that its message must have: operation, shapes, cause or remedy.
SHAPES: dict[str, tuple[Callable[[], Any], tuple[str, ...]]] = {
    "add": (lambda: x() + y(), ("x + y", "(2, 3) and (4,)", "lengths 3 and 4", "x[:, None]")),
    "add a plain array": (lambda: x() + P, ("x + y", "(2, 3) and (4,)", "x[:, None]")),
    "add to a plain array": (lambda: P + x(), ("x + y", "(4,) and (2, 3)")),
    "divide": (lambda: P / x(), ("x / y", "(4,) and (2, 3)")),
    "power": (lambda: x() ** y(), ("x ** y", "(2, 3) and (4,)")),
    "np.add": (lambda: np.add(x(), y()), ("x + y", "(2, 3) and (4,)")),
    "maximum": (lambda: np.maximum(x(), y()), ("np.maximum(x, y)", "(2, 3) and (4,)")),
    "arctan2": (lambda: np.arctan2(x(), P), ("np.arctan2(x, y)", "do not broadcast")),
    "compare": (lambda: x() < y(), ("np.less(x, y)", "(2, 3) and (4,)")),
    "where": (lambda: np.where(x() > 0, x(), y()), ("np.where", "(2, 3), (2, 3) and (4,)")),
    "clip": (lambda: np.clip(x(), y(), 1), ("np.clip", "(2, 3) and (4,)")),
    "in place": (lambda: buffer().__iadd__(y()), ("x + y", "(2, 3) and (4,)")),
    "concatenate": (lambda: np.concatenate([x(), y()]), ("np.concatenate", "(4,)", "np.stack")),
    "concatenate lengths": (
        lambda: np.concatenate([x(), np.ones((3, 4))]),
        ("np.concatenate", "(2, 3) and (3, 4)", "axis"),
    ),
    "stack": (lambda: np.stack([x(), y()]), ("stack", "(2, 3) and (4,)")),
    "vstack": (lambda: np.vstack([x(), P]), ("vstack", "(1, 4)")),
    "dot": (lambda: np.dot(x(), y()), ("np.dot", "(2, 3) and (4,)", "3 columns against 4 rows")),
    "matmul": (lambda: x() @ y(), ("matmul", "(2, 3) and (4,)", "Transpose")),
    "inner": (lambda: np.inner(x(), y()), ("inner", "(2, 3) and (4,)", "Transpose")),
    "solve": (lambda: np.linalg.solve(np.eye(3), y()), ("solve", "(3, 3)", "(4,)")),
    "solve not square": (lambda: np.linalg.solve(x(), y()), ("solve", "square", "(2, 3)")),
    "reshape": (lambda: x().reshape(5), ("reshape", "(2, 3)", "size 6", "(5,)", "-1")),
    "reshape -1": (lambda: np.reshape(x(), (-1, 4)), ("np.reshape", "(2, 3)", "(-1, 4)")),
    "broadcast_to": (lambda: np.broadcast_to(x(), (4, 3)), ("np.broadcast_to", "(4, 3)")),
    "broadcast_arrays": (lambda: np.broadcast_arrays(x(), y()), ("broadcast_arrays", "(4,)")),
    "item": (lambda: buffer().__setitem__(0, P), ("setitem", "(4,)", "(3,)", "Reshape")),
    "squeeze": (lambda: np.squeeze(x(), 0), ("np.squeeze", "(2, 3)", "help(np.squeeze)")),
    "split": (lambda: np.split(x(), 4), ("np.split", "(2, 3)", "help(np.split)")),
    "repeat": (lambda: np.repeat(x(), [1, 2, 3], axis=0), ("np.repeat", "(2,)", "(3,)")),
    "sum where": (lambda: np.sum(x(), where=np.ones(7, bool)), ("np.sum", "(7,)", "broadcast")),
    "max of nothing": (lambda: np.max(wg.Tensor(np.zeros(0))), ("np.max", "(0,)")),
    "trapezoid": (lambda: np.trapezoid(x(), P), ("np.trapezoid", "(3,) and (2, 2)")),
    "einsum": (lambda: np.einsum("ij,jk", x(), x()), ("einsum", "'j'", "(2, 3)")),
    "full_like": (lambda: np.full_like(x(), y()), ("full_like", "(4,)", "(2, 3)")),
    "wengert.numpy.array": (lambda: wnp.array([x(), y()]), ("array", "(2, 3)", "(4,)")),
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_that_do_not_fit(name: str) -> None:
    call, pieces = SHAPES[name]
    with pytest.raises(wg.ShapeError) as caught:
        call()
    message = str(caught.value)
    assert isinstance(caught.value, ValueError)
    assert all(piece in message for piece in pieces), message


@pytest.mark.parametrize("mode", ["grad", "jvp", "vmap", "jacfwd"])
def test_shapes_that_do_not_fit_inside_transforms(mode: str) -> None:
    v = np.ones((2, 3))
    run = {
        "grad": lambda f: wg.grad(f)(v),
        "jvp": lambda f: wg.jvp(f, (v,), (v,)),
        "vmap": lambda f: wg.vmap(f)(v[None]),
        "jacfwd": lambda f: wg.jacfwd(f)(v),
    }[mode]
    for f, operation in (
        (lambda t: (t + P).sum(), "x + y"),
        (lambda t: np.maximum(t, P).sum(), "np.maximum(x, y)"),
        (lambda t: (t @ P).sum(), "matmul"),
        (lambda t: np.concatenate([t, P[None]]).sum(), "concatenate"),
        (lambda t: t.reshape(5).sum(), "reshape"),
    ):
        with pytest.raises(wg.ShapeError, match=r"\(2, 3\)") as caught:
            run(f)
        assert operation in str(caught.value)


def test_the_users_line_is_named() -> None:
    with pytest.raises(wg.ShapeError) as caught:
        x() + y()
    assert str(caught.value).endswith("x() + y()]")
    assert "[test_refusals.py, line " in str(caught.value)
    assert str(caught.value).count("test_refusals.py") == 1
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


DTYPES: dict[str, tuple[Callable[[], Any], tuple[str, ...]]] = {
    "text added": (lambda: x() + TEXTS, ("x + y", "<U1", "text", "np.asarray(x, float)")),
    "text in a ufunc": (lambda: np.add(x(), TEXTS), ("x + y", "text")),
    "text as an operand": (lambda: np.maximum(x(), "a"), ("np.maximum(x, y)", "text")),
    "text chosen": (lambda: np.where(x() > 0, x(), "a"), ("np.where", "text")),
    "objects": (
        lambda: x() * np.array([1, None, 3], dtype=object),
        ("x * y", "object", "Python objects"),
    ),
    "objects of numbers": (lambda: np.maximum(x(), OBJECTS), ("np.maximum(x, y)", "object")),
    "dates": (lambda: x() + np.array(["2020-01-01"], "datetime64[D]"), ("x + y", "dates")),
    "bits": (lambda: x() & 1, ("np.bitwise_and(x, y)", "float64", ".astype(int)")),
    "shift": (lambda: x() << 2, ("np.left_shift(x, y)", "float64", ".astype(int)")),
    "invert": (lambda: ~x(), ("np.invert(x)", "float64")),
    "gcd": (lambda: np.gcd(x(), 2), ("np.gcd(x, y)", "float64")),
    "None in a ufunc": (lambda: np.add(x(), None), ("np.add", "None", "expected a Tensor")),
    "str in a ufunc": (lambda: np.multiply("a", x()), ("np.multiply", "a str")),
    "text written": (lambda: buffer().__setitem__(0, "abc"), ("x[...] = value", "text")),
    "a Tensor of text": (lambda: wg.Tensor("abc"), ("Tensor", "<U3")),
    "objects at the end": (lambda: (x() + OBJECTS).sum().backward(), ("backward()", "object")),
}


@pytest.mark.parametrize("name", DTYPES)
def test_dtypes_that_hold_no_numbers(name: str) -> None:
    call, pieces = DTYPES[name]
    with pytest.raises(wg.WengertTypeError) as caught:
        call()
    message = str(caught.value)
    assert all(piece in message for piece in pieces), message


def test_objects_inside_grad() -> None:
    with pytest.raises(
        wg.WengertTypeError, match="grad of <lambda>: .*dtype object holds Python objects"
    ):
        wg.grad(lambda t: np.sum(t + OBJECTS))(np.ones(3))


def test_rows_of_different_lengths() -> None:
    with pytest.raises(wg.WengertValueError, match="Rows must have equal lengths"):
        wg.Tensor([[1, 2], [3]])


def test_python_operators_with_foreign_operands_keep_pythons_protocol() -> None:
    class Foreign:
        def __radd__(self, other: Any) -> str:
            return "mine"

    class Ufunc:
        __array_ufunc__ = None

        def __radd__(self, other: Any) -> str:
            return "mine"

    assert x() + Foreign() == "mine"
    assert x() + Ufunc() == "mine"
    with pytest.raises(TypeError, match="unsupported operand type"):
        x() + "a"
    with pytest.raises(TypeError, match="unsupported operand type"):
        None * x()


def test_integers_to_negative_powers() -> None:
    with pytest.raises(wg.WengertValueError, match="negative integer powers.*help"):
        x().detach().astype(int) ** np.array([-1, -2, -1])


def test_indices_out_of_bounds() -> None:
    for call in (lambda: x()[5], lambda: np.take(x(), [5], axis=0), lambda: x()[0, 0, 0]):
        with pytest.raises(wg.WengertIndexError, match=r"\(an array of shape \(2, 3\)\)") as caught:
            call()
        assert isinstance(caught.value, IndexError)
    with pytest.raises(wg.WengertIndexError, match=r"shape \(5,\) does not match"):
        x()[np.ones(5, bool)]
    with pytest.raises(wg.WengertIndexError, match=r"not float64; cast with .astype\(int\)"):
        x()[1.5]


def test_errors_that_programs_catch_by_name_are_numpys_own() -> None:
    with pytest.raises(np.linalg.LinAlgError, match="Singular"):
        np.linalg.inv(wg.Tensor(np.zeros((2, 2)), requires_grad=True))
    with pytest.raises(np.exceptions.AxisError):
        np.sum(x(), axis=3)
    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        x() / 0.0


def test_a_function_of_the_user_keeps_its_own_errors() -> None:
    def shout(row: Any) -> Any:
        raise ValueError("operands could not be broadcast, says the user")

    for call in (
        lambda: np.apply_along_axis(shout, 0, x()),
        lambda: wg.primitive(shout, vjp=lambda *a: a)(x()),
        lambda: np.piecewise(y(), [y() > 0], [shout]),
    ):
        with pytest.raises(ValueError, match="^operands could not be broadcast, says") as caught:
            call()
        assert type(caught.value) is ValueError


def test_methods() -> None:
    for call, pieces in (
        (lambda: x().squeeze(0), ("x.squeeze", "(2, 3)", "help(np.ndarray.squeeze)")),
        (lambda: x().repeat(-1), ("x.repeat", "(2, 3)")),
        (lambda: x().transpose(0, 0), ("axes", "repeated axis in (0, 0)", "once")),
        (lambda: x().dot(np.ones(7)), ("x.dot: matmul", "(2, 3) and (7,)")),
        (lambda: x().cumsum(axis="a"), ("x.cumsum", "axes and counts are integers")),
    ):
        with pytest.raises(wg.WengertError) as caught:
            call()
        assert all(piece in str(caught.value) for piece in pieces), str(caught.value)


def test_the_function_that_was_called_is_named() -> None:
    for call, start in (
        (lambda: np.trapezoid(x(), P), "np.trapezoid: "),
        (lambda: np.dot(x(), y()), "np.dot: matmul: "),
        (lambda: np.squeeze(x(), 0), "np.squeeze: "),
        (lambda: np.percentile(x(), 200), "np.percentile: "),
        (lambda: np.pad(x(), 1, mode="foo"), "np.pad: "),
        (lambda: np.mean(x(), axis=1.5), "np.mean: "),
        (lambda: np.linalg.norm(x(), ord="bad"), "norm: "),
        (lambda: np.subtract(x(), y()), "x - y: "),
    ):
        with pytest.raises(wg.WengertError) as caught:
            call()
        assert str(caught.value).startswith(start), str(caught.value)
        assert str(caught.value).partition(" [")[0].count(start) == 1


def test_a_wrong_keyword_is_pythons_error() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'foo'"):
        x().sum(foo=1)


def test_plain_arrays_get_numpys_own_errors() -> None:
    with pytest.raises(ValueError, match="operands could not be broadcast") as caught:
        wnp.add(np.ones((2, 3)), P)
    assert type(caught.value) is ValueError


def test_explained_leaves_other_errors_alone() -> None:
    for error in (KeyError("a"), OverflowError("b"), np.exceptions.AxisError(3, 2)):
        assert explained(error, "np.f", [x()]) is error


def test_every_primitive_can_be_written_in_a_message() -> None:
    for primitive in PRIMITIVES.values():
        text = operation_text(primitive, {}, 2)  # parameters are missing: then the name serves
        assert text
