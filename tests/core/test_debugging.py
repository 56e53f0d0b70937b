"""`wengert.debug`: the first operation, forward or backward, that makes a NaN or an infinity."""

from __future__ import annotations

import inspect
import re
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp

X = np.array([1.0, 0.0, 4.0])


def caught(f: Callable[..., Any], *args: Any, **options: Any) -> wg.NonFiniteError:
    with pytest.raises(wg.NonFiniteError) as raised, wg.debug(**options):
        f(*args)
    return raised.value


def line_of(f: Callable[..., Any], marker: str) -> str:
    """Where a marked line of a function stands, as messages say it."""
    lines, start = inspect.getsourcelines(f)
    (i,) = [i for i, line in enumerate(lines) if marker in line]
    return f"test_debugging.py, line {start + i}: "


def logarithm(x):
    y = x * 2
    z = np.log(y)  # HERE
    return z.sum()


def root(x):
    y = np.sqrt(x)  # HERE
    return np.sum(y * 3)


def power(x):
    return np.sum(x**1.5)


# ------------------------------------------------------------------ what is said


def test_forward() -> None:
    error = caught(wg.grad(logarithm), X)
    assert str(error).startswith(
        "np.log(x) made -inf, at index (1,), in 1 of 3 elements of its result ["
        + line_of(logarithm, "HERE")
    )
    assert "\n    x: float64 of shape (3,), [2., 0., 8.]; 0 at that place\n" in str(error)
    assert "\n    result: float64 of shape (3,)" in str(error)
    assert (error.operation, error.phase) == ("np.log(x)", "forward")
    assert error.line.startswith(line_of(logarithm, "HERE"))
    np.testing.assert_array_equal(error.operands["x"], 2 * X)
    assert np.isneginf(error.value[1])
    assert isinstance(error, FloatingPointError)


def test_backward() -> None:
    error = caught(wg.grad(root), X)
    assert str(error).startswith(
        "the backward pass of np.sqrt(x) made inf, at index (1,), in 1 of 3 elements of the "
        "cotangent of x [" + line_of(root, "HERE")
    )
    rows = str(error).splitlines()
    assert rows[1] == "    the cotangent: float64 of shape (3,), [3., 3., 3.]; 3 at that place"
    assert "\n    x: float64 of shape (3,), [1., 0., 4.]; 0 at that place" in str(error)
    assert error.phase == "backward"
    np.testing.assert_array_equal(error.operands["x"], X)


def test_tangent() -> None:
    error = caught(wg.jvp, root, (X,), (np.ones(3),))
    assert str(error).startswith("the tangent of np.sqrt(x) made inf, at index (1,)")
    assert "\n    the tangent of x: float64 of shape (3,), [1., 1., 1.]" in str(error)
    assert error.line.startswith(line_of(root, "HERE"))
    assert error.phase == "tangent"


def test_large_operands_are_summed_up() -> None:
    x = np.linspace(-3, 3, 100).reshape(10, 10)
    error = caught(wg.grad(lambda x: np.sum(np.log(x))), x)
    assert "made nan, at index (0, 0), in 50 of 100 elements" in str(error)
    assert "x: float64 of shape (10, 10), from -3 to 3; -3 at that place" in str(error)
    assert re.search(
        r"result: float64 of shape \(10, 10\), from .* to .*, 50 times nan", str(error)
    )


def test_scalars_and_operands_that_broadcast() -> None:
    error = caught(wg.grad(lambda x: x / (x - 3.0)), 3.0)
    assert str(error).startswith("x / y made inf [")
    assert "\n    y: float64, 0." in str(error)
    error = caught(wg.grad(lambda x: np.sum(np.ones((2, 3)) / x)), X)
    assert "at index (0, 1), in 2 of 6 elements" in str(error)
    assert "\n    y: float64 of shape (3,), [1., 0., 4.]; 0 at that place" in str(error)


def test_single_precision_and_complex() -> None:
    error = caught(wg.grad(lambda x: np.exp(x)), np.float32(100.0))
    assert "np.exp(x) made inf" in str(error)
    error = caught(wg.grad(lambda z: np.abs(np.log(z))), 0j)
    assert "np.log(x) made" in str(error)


# ------------------------------------------------------------------ where it looks


TRANSFORMS = {
    "grad": lambda f, x: wg.grad(f)(x),
    "value_and_grad": lambda f, x: wg.value_and_grad(f)(x),
    "vjp": lambda f, x: wg.vjp(f, x)[1](1.0),
    "jvp": lambda f, x: wg.jvp(f, (x,), (np.ones(3),)),
    "linearize": lambda f, x: wg.linearize(f, x)[1](np.ones(3)),
    "jacfwd": lambda f, x: wg.jacfwd(f)(x),
    "jacrev": lambda f, x: wg.jacrev(f)(x),
    "hessian": lambda f, x: wg.hessian(f)(x),
    "hvp": lambda f, x: wg.hvp(f, x, np.ones(3)),
    "vmap of grad": lambda f, x: wg.vmap(wg.grad(f))(np.stack([x + 1, x])),
    "grad of vmap": lambda f, x: wg.grad(lambda r: np.sum(wg.vmap(f)(r)))(np.stack([x + 1, x])),
    "vmap of vmap of grad": lambda f, x: wg.vmap(wg.vmap(wg.grad(f)))(np.stack([x + 1, x])[None]),
    "vmap of jvp": lambda f, x: wg.vmap(lambda r: wg.jvp(f, (r,), (r + 1,))[1])(x[None]),
    "jvp of grad": lambda f, x: wg.jvp(wg.grad(f), (x,), (np.ones(3),)),
    "grad of jvp": lambda f, x: wg.grad(lambda r: wg.jvp(f, (r,), (r + 1,))[1])(x),
    "grad of grad": lambda f, x: wg.grad(lambda r: np.sum(wg.grad(f)(r)))(x),
    "checkpoint": lambda f, x: wg.grad(wg.checkpoint(f))(x),
    "checkpoint in checkpoint": lambda f, x: wg.grad(wg.checkpoint(wg.checkpoint(f)))(x),
    "backward": lambda f, x: f(wg.Tensor(x, requires_grad=True)).backward(),
    "create_graph": lambda f, x: f(wg.Tensor(x, requires_grad=True)).backward(create_graph=True),
}


@pytest.mark.parametrize("transform", TRANSFORMS)
class TestEveryTransform:
    def test_derivative(self, transform: str) -> None:
        error = caught(TRANSFORMS[transform], root, X)
        assert error.operation == "np.sqrt(x)"
        assert error.phase in ("tangent", "backward")
        assert error.line.startswith(line_of(root, "HERE"))
        assert "\n    x: float64 of shape " in str(error)

    def test_value(self, transform: str) -> None:
        error = caught(TRANSFORMS[transform], logarithm, X)
        assert (error.operation, error.phase) == ("np.log(x)", "forward")
        assert error.line.startswith(line_of(logarithm, "HERE"))

    def test_where_all_is_finite_nothing_changes(self, transform: str) -> None:
        expected = TRANSFORMS[transform](root, X + 1)
        with wg.debug():
            found = TRANSFORMS[transform](root, X + 1)
        if transform not in ("backward", "create_graph"):
            for a, b in zip(wg.tree.leaves(found), wg.tree.leaves(expected), strict=True):
                assert type(a) is type(b)
                np.testing.assert_allclose(a, b, rtol=1e-15)


def test_second_order_only() -> None:
    # The first derivative of x**1.5 is finite at zero, the second is not.
    with wg.debug():
        np.testing.assert_allclose(wg.grad(power)(X), 1.5 * np.sqrt(X))
    for transform in ("hessian", "hvp", "jvp of grad", "grad of grad"):
        error = caught(TRANSFORMS[transform], power, X)
        assert "** y" in error.operation, transform
        assert error.line.startswith(line_of(power, "1.5"))


def test_vmap_says_which_example() -> None:
    error = caught(wg.vmap(logarithm), np.stack([X + 1, X]))
    assert "at index (1, 1), in 1 of 6 elements" in str(error)


def test_tensors_outside_of_transforms() -> None:
    def update():
        w = wg.Tensor(X, requires_grad=True)
        with wg.no_grad():
            w /= 0.0  # HERE

    assert caught(update).line.startswith(line_of(update, "HERE"))
    plain = caught(lambda: np.log(wg.Tensor(X)))
    assert plain.operation == "np.log(x)"


def test_writes_and_views() -> None:
    def f(x):
        y = x * 1.0
        v = y[1:]
        v += np.log(x[1:])  # HERE
        return y.sum()

    for transform in ("grad", "jvp", "vmap of grad"):
        assert caught(TRANSFORMS[transform], f, X).line.startswith(line_of(f, "HERE"))
    with wg.debug():
        np.testing.assert_allclose(wg.grad(f)(X + 1), 1 + np.array([0, 1, 1]) / (X + 1))


def test_products_reductions_and_joins() -> None:
    big = np.array([1e200, 1.0, 1e200])
    for f, name in [
        (lambda x: x @ x, "x @ y"),
        (lambda x: np.sum(x * 1e108), "np.sum"),
        (lambda x: np.sum(np.concatenate([x * 1e200, x])), "x * y"),
        (lambda x: np.prod(x), "np.prod"),
        (lambda x: np.einsum("i,i->", x, x), "x @ y"),
        (lambda x: wg.scipy.special.logsumexp(np.square(x)), "np.square"),
    ]:
        error = caught(wg.grad(f), big)
        assert name in error.operation
        assert "made inf" in str(error)


def test_several_outputs() -> None:
    error = caught(wg.grad(lambda m: np.sum(np.linalg.inv(m))), np.diag([1.0, 1e-320]))
    assert "np.linalg.inv" in str(error) or "solve" in str(error)
    twice = wg.primitive(lambda x: (x, x / 0.0 if x.ndim else x), lambda ct, out, x: ct[0])
    error = caught(wg.grad(lambda x: np.sum(twice(x)[0])), X)
    assert "made" in str(error)


def test_rules_of_users() -> None:
    f = wg.custom_vjp(lambda x: x * 1.0)
    f.defvjp(lambda x: (x * 1.0, x), lambda x, ct: (ct / x,))

    def loss(x):
        return np.sum(f(x))  # HERE

    error = caught(wg.grad(loss), X)
    assert str(error).startswith("the backward pass of <lambda>(x) made inf, at index (1,)")
    assert error.line.startswith(line_of(loss, "HERE"))
    g = wg.custom_jvp(lambda x: x * 1.0)
    g.defjvp(lambda primals, tangents: (g(*primals), tangents[0] / primals[0]))
    assert caught(wg.jvp, g, (X,), (X + 1,)).phase == "tangent"
    assert caught(wg.grad(lambda x: np.sum(g(x))), X).phase == "backward"


def test_operations_made_by_hand() -> None:
    a = wg.Tensor(X, requires_grad=True)

    def grad_fn(upstream):
        a.grad += upstream / 0.0

    y = wg.Tensor(X, True, (a,), grad_fn, "<Bad>")
    assert "the backward pass of <Bad> made inf" in str(caught(lambda: y.sum().backward()))


# ------------------------------------------------------------------ where it does not


def test_strong_zeros_as_ever() -> None:
    f = lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0.0))  # noqa: E731
    expected = wg.grad(f)(X)
    with wg.debug():
        np.testing.assert_array_equal(wg.grad(f)(X), expected)
        np.testing.assert_array_equal(wg.vmap(wg.grad(f))(X[None]), expected[None])
    # A tangent of a branch that is not taken is there, whatever becomes of it.
    assert caught(wg.jacfwd(f), X).phase == "tangent"


def test_an_infinity_that_is_given_passes() -> None:
    mask = np.array([0.0, -np.inf, 0.0])
    f = lambda x: wg.scipy.special.logsumexp(x + mask)  # noqa: E731
    with wg.debug():
        assert np.isfinite(wg.grad(f)(X)).all()
        assert np.isfinite(wg.vmap(wg.grad(f))(X[None])).all()
    error = caught(wg.grad(lambda x: np.sum((x + mask) - (x + mask))), X)
    assert "x - y made nan, at index (1,)" in str(error)


def test_a_nan_that_is_given_is_named() -> None:
    bad = np.array([1.0, np.nan, 2.0])
    error = caught(wg.grad(lambda x: np.sum(x * bad)), X)
    assert str(error).startswith("x * y met nan, which was given with y, at index (1,)")
    error = caught(wg.grad(power), bad)
    assert "x ** y met nan, which was given with x" in str(error)
    error = caught(lambda: wg.vjp(np.sin, X)[1](bad))
    assert "met nan, which was given with the cotangent" in str(error)
    with wg.debug():  # no operation has met it
        np.testing.assert_array_equal(
            wg.grad(lambda x: np.sum(np.where(np.isnan(x), 0.0, x)))(bad), [1.0, 0.0, 1.0]
        )


def test_infinities_may_be_allowed() -> None:
    with wg.debug(infinities=False):
        assert np.isinf(wg.grad(root)(X)[1])
        assert np.isinf(logarithm(wg.Tensor(X)).item())
    assert "made nan" in str(caught(lambda: np.log(wg.Tensor(-X - 1)), infinities=False))
    with pytest.raises(wg.WengertTypeError, match=r"infinities must be True or False.*with"):
        with wg.debug(infinities=root):
            pass


def test_numpys_warnings_are_off_inside() -> None:
    with wg.debug():
        before = np.geterr()
        assert before["divide"] == before["invalid"] == "ignore"
    assert np.geterr()["divide"] == "warn"


# ------------------------------------------------------------------ blocks


def test_nothing_is_left_behind() -> None:
    from wengert.core.state import DEBUGGED, PAUSED

    caught(wg.grad(logarithm), X)
    caught(wg.grad(root), X)
    assert DEBUGGED == PAUSED == []
    with np.errstate(all="ignore"):
        assert np.isinf(wg.grad(root)(X)[1])
    y = wg.Tensor(X + 1, requires_grad=True)
    assert not (y * 2)._n[1].wide  # the fast path again


def test_blocks_nest() -> None:
    with wg.debug():
        with wg.debug(infinities=False):
            wg.grad(root)(X)
        with pytest.raises(wg.NonFiniteError):
            wg.grad(root)(X)
        with pytest.raises(wg.NonFiniteError):
            wg.grad(logarithm)(X)


def test_inside_of_a_function_and_as_a_decorator() -> None:
    def loss(x):
        y = np.sqrt(x)
        with wg.debug():
            z = y * 2
        return np.sum(z)

    with np.errstate(all="ignore"):
        assert np.isinf(wg.grad(loss)(X)[1])
    with pytest.raises(wg.NonFiniteError):
        wg.debug()(wg.grad(root))(X)


def test_a_tape_recorded_outside_is_swept_inside() -> None:
    y = root(wg.Tensor(X, requires_grad=True))
    error = caught(y.backward)
    assert str(error).startswith("the backward pass of np.sqrt(x) made inf")
    assert error.line == ""


def test_a_tape_recorded_inside_is_swept_outside() -> None:
    with wg.debug():
        w = wg.Tensor(X, requires_grad=True)
        y = root(w)
    y.backward()
    assert np.isinf(w.grad[1])


def test_other_threads_are_not_looked_at() -> None:
    inside, done = threading.Event(), threading.Event()
    results: list[Any] = []

    def elsewhere() -> None:
        inside.wait(10)
        with np.errstate(all="ignore"):
            for _ in range(50):
                results.append(wg.grad(root)(X)[1])
        y = wg.Tensor(X, requires_grad=True) * 2
        results.append(y.requires_grad)
        done.set()

    thread = threading.Thread(target=elsewhere)
    thread.start()
    with wg.debug():
        inside.set()
        done.wait(10)
        with pytest.raises(wg.NonFiniteError):
            wg.grad(root)(X)
    thread.join()
    assert results == [np.inf] * 50 + [True]


def test_no_grad_inside() -> None:
    with wg.debug(), wg.no_grad():
        y = wg.Tensor(X + 1, requires_grad=True) * 2
        assert not y.requires_grad
        with pytest.raises(wg.NonFiniteError):
            np.log(wg.Tensor(X))


def test_programs_of_the_user_run_unchanged() -> None:
    def f(x):
        out = wnp.zeros(3)
        for i in range(3):
            out[i] = np.sin(x[i]) if x[i] > 0 else x[i] ** 2
        return np.sum(np.sort(out) * np.arange(3.0)) + out.max() + np.linalg.norm(x)

    expected = wg.grad(f)(X)
    hessian = wg.hessian(f)(X)
    with wg.debug():
        np.testing.assert_allclose(wg.grad(f)(X), expected)
        np.testing.assert_allclose(wg.hessian(f)(X), hessian)


# ------------------------------------------------------------------ errors in a backward pass


def note_of(f: Callable[[], Any], error: Any = wg.WengertError) -> str:
    with pytest.raises(error) as raised:
        f()
    (note,) = raised.value.__notes__
    return str(note)


def test_errors_of_users_rules_name_the_forward_line() -> None:
    f = wg.custom_vjp(lambda x: x * 1.0)
    f.defvjp(lambda x: (x * 1.0, None), lambda _, ct: (ct[:2],))
    g = wg.primitive(np.sin, lambda ct, out, x: 1 / 0)

    def loss(x):
        y = f(x)  # HERE
        return np.sum(y)

    note = note_of(lambda: wg.grad(loss)(X), wg.ShapeError)
    assert note.startswith("raised in the backward pass of <lambda>(x), recorded at ")
    assert line_of(loss, "HERE") in note
    assert "backward pass of sin(x)" in note_of(lambda: wg.grad(g)(1.0), ZeroDivisionError)
    w = wg.Tensor(X, requires_grad=True)
    assert line_of(loss, "HERE") in note_of(lambda: loss(w).backward())


def test_errors_of_a_checkpoint_name_the_forward_line() -> None:
    count = [0.0]

    def changes(x):
        count[0] += 1.0
        return x * count[0]

    def loss(x):
        return np.sum(wg.checkpoint(changes)(x))  # HERE

    note = note_of(lambda: wg.grad(loss)(X), wg.WengertValueError)
    assert line_of(loss, "HERE") in note


def test_without_debug_the_operation_is_named_and_debug_offered() -> None:
    x = wg.Tensor(X, requires_grad=True)
    y = wg.Tensor(X, True, (x,), lambda upstream: 1 / 0, "<Bad>")
    note = note_of(y.sum().backward, ZeroDivisionError)
    assert note == (
        "raised in the backward pass of <Bad>, whose line is recorded inside "
        "`with wengert.debug():`"
    )


def test_strong_sweep_over_tangents_of_a_jvp_that_has_ended() -> None:
    # The sweep with strong products left saved operands their tangents, and gave a Tensor.
    def f(x):
        by_jvp = wg.jvp(lambda y: y * x * y, (x,), (np.ones(3),))[1]
        return np.sum(np.where(x > 0, by_jvp * np.sqrt(x), 0.0))

    found = wg.grad(f)(X)
    assert type(found) is np.ndarray
    np.testing.assert_allclose(found, 5 * X**1.5)
