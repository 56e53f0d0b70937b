"""`wengert.jit`: signatures, captures, transforms in both orders, errors."""

from __future__ import annotations

import functools
import threading
from typing import Any, NamedTuple

import numpy as np
import pytest

import wengert as wg

pytest.importorskip("llvmlite")

X = np.linspace(-1.0, 1.0, 6).reshape(2, 3)
WEIGHTS = np.ones(3)
SCALE = 2.0


def energy(x: Any) -> Any:
    y = np.sin(x) ** 2
    y[0] = 0.0
    return y.sum()


class Pair(NamedTuple):
    a: Any
    b: Any


# ------------------------------------------------------------------ arguments and results


def test_containers() -> None:
    @wg.jit
    def f(p: dict[str, Any], q: Any = None) -> Any:
        return Pair(p["x"] * 2, [p["y"][0].sum(), 3.0 if q is None else q + 1])

    out = f({"x": X, "y": (X, X)}, q=np.float32(2))
    assert type(out) is Pair
    np.testing.assert_array_equal(out.a, 2 * X)
    assert type(out.b[1]) is np.float32
    assert f({"x": X, "y": (X, X)}).b[1] == 3.0


def test_recorded_once_for_each_signature() -> None:
    @wg.jit
    def f(x: Any) -> Any:
        return x * 2

    for x in (X, X + 1, X[0], X.astype(np.float32), X[0] * 2):
        np.testing.assert_array_equal(f(x), x * 2)
        assert f(x).dtype == x.dtype
    assert len(f._entries) == 3


@pytest.mark.parametrize(
    "x",
    [
        np.asfortranarray(X), X.T, X[:, ::-1], X[::-1, ::2], X[:0], np.array(0.5), np.float64(0.5),
        np.broadcast_to(X[0], (4, 3)), np.frombuffer(b"\0" + X.tobytes(), offset=1),
        X.astype(">f8"), np.linspace(0, 1, 41), np.linspace(0, 1, 1000).reshape(8, 125),
    ],
)  # fmt: skip
def test_layouts(x: Any) -> None:
    def f(x: Any) -> Any:
        return np.exp(x) * 2 + np.sum(x), np.asarray(x).sum(-1) if np.ndim(x) == 9 else x - 1

    found, expected = wg.jit(f)(x), f(x)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-14)
        assert type(a) is type(b)


def test_python_numbers_are_weak() -> None:
    x = np.ones(3, np.float32)
    runs = []

    @wg.jit
    def step(x: Any, rate: Any) -> Any:
        runs.append(None)
        return x - 0.5 * rate * x

    for rate in (0.1, 0.2, 0.3):
        found = step(x, rate)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, x - 0.5 * rate * x)
    assert len(runs) == 1
    assert step(x, np.float64(0.1)).dtype == np.float64


def test_results_belong_to_the_caller() -> None:
    f = wg.jit(lambda x: (x, x, x.reshape(-1), x + 1, np.transpose(x)))
    first = f(X.copy())
    for y in first:
        y[...] = 7
    second = f(X)
    np.testing.assert_array_equal(second[0], X)
    assert len({y.__array_interface__["data"][0] for y in (*first, *second)}) == 10


def test_arguments_stay() -> None:
    def f(x: Any) -> Any:
        x[0] = 5.0
        x += 1
        return x * 2

    x = X.copy()
    expected = f(x.copy())
    np.testing.assert_array_equal(wg.jit(f)(x), expected)
    np.testing.assert_array_equal(x, X)


# ------------------------------------------------------------------ static arguments


def test_static_arguments() -> None:
    @functools.partial(wg.jit, static_argnums=1, static_argnames="flag")
    def f(x: Any, n: int, flag: bool = True, *, name: str = "") -> Any:
        for _ in range(n):
            x = x * 2
        return x if flag else -x

    np.testing.assert_array_equal(f(X, 3), 8 * X)
    np.testing.assert_array_equal(f(X, 2), 4 * X)
    np.testing.assert_array_equal(f(X, 2, False), -4 * X)
    np.testing.assert_array_equal(f(X, 2, flag=False), -4 * X)
    with pytest.raises(wg.WengertTypeError, match="cannot be hashed"):
        f(X, [1])


def test_bad_options() -> None:
    with pytest.raises(wg.WengertTypeError, match="expected a function"):
        wg.jit(3)
    with pytest.raises(wg.WengertTypeError, match="static_argnums must be"):
        wg.jit(energy, static_argnums="x")
    with pytest.raises(wg.WengertValueError, match="both static and donated"):
        wg.jit(energy, static_argnums=0, donate_argnums=0)
    with pytest.raises(wg.WengertTypeError, match="type str.*static_argnums"):
        wg.jit(lambda x, s: x)(X, "s")
    with pytest.raises(wg.WengertTypeError, match="a result is a str"):
        wg.jit(lambda x: "s")(X)


def test_branch_on_a_value() -> None:
    def f(x: Any) -> Any:
        if x.sum() > 0:
            return x
        return -x

    with pytest.raises(wg.AbstractValueError, match="static_argnums") as error:
        wg.jit(f)(X)
    assert "test_jit.py" in str(error.value)
    assert "x.sum() > 0" in str(error.value)


def test_index_out_of_bounds() -> None:
    f = wg.jit(lambda x, i: x[i])
    np.testing.assert_array_equal(f(X[0], np.array([0, -1, 2])), X[0][[0, -1, 2]])
    for bad in (3, -4):
        with pytest.raises(IndexError, match="out of bounds"):
            f(X[0], np.array([0, bad]))


# ------------------------------------------------------------------ captured variables


def test_captured_arrays_are_read_at_each_call() -> None:
    w = np.arange(3.0)

    def f(x: Any) -> Any:
        return x * np.sin(w)

    g = wg.jit(f)
    np.testing.assert_allclose(g(X), f(X))
    w[1] = 7.0
    np.testing.assert_allclose(g(X), f(X))
    w = np.arange(3.0) + 1
    np.testing.assert_allclose(g(X), f(X))
    w = np.float64(2.0)
    np.testing.assert_allclose(g(X), f(X))


def uses_globals(x: Any) -> Any:
    return inner(x) * WEIGHTS


def inner(x: Any) -> Any:
    return np.cos(WEIGHTS) * x * SCALE


def test_globals_are_read_at_each_call(monkeypatch: pytest.MonkeyPatch) -> None:
    g = wg.jit(wg.grad(lambda x: uses_globals(x).sum()))
    reference = wg.grad(lambda x: uses_globals(x).sum())
    np.testing.assert_allclose(g(X), reference(X))
    monkeypatch.setitem(globals(), "WEIGHTS", np.arange(3.0))
    np.testing.assert_allclose(g(X), reference(X))
    monkeypatch.setitem(globals(), "SCALE", 5.0)
    np.testing.assert_allclose(g(X), reference(X))


def test_captured_containers_and_objects() -> None:
    class Model:
        def __init__(self) -> None:
            self.w = np.ones(3)

        def __call__(self, x: Any) -> Any:
            return np.exp(self.w) * x

    model, table = Model(), {"a": [np.ones(3), 2.0]}

    def f(x: Any) -> Any:
        return model(x) * np.sin(table["a"][0]) * table["a"][1]

    g = wg.jit(f)
    np.testing.assert_allclose(g(X), f(X))
    model.w[0] = 3.0
    np.testing.assert_allclose(g(X), f(X))
    model.w = np.zeros(3)
    np.testing.assert_allclose(g(X), f(X))
    table["a"][0][1] = 0.5
    table["a"][1] = 4.0
    np.testing.assert_allclose(g(X), f(X))
    method = wg.jit(model.__call__)
    model.w[:] = 9.0
    np.testing.assert_allclose(method(X), model(X))


def test_functions_that_are_replaced_bring_their_own_variables() -> None:
    def scaled(w: Any) -> Any:
        def by(x: Any) -> Any:
            return x * w * factor

        return by

    factor = 1.0
    helper = scaled(np.ones(3))
    f = wg.jit(lambda x: helper(x))  # noqa: F821 - deleted at the end
    for _ in range(3):
        np.testing.assert_array_equal(f(X), X)
    w = np.full(3, 2.0)

    def other(x: Any) -> Any:
        return x * w

    helper = other
    for _ in range(3):
        np.testing.assert_array_equal(f(X), 2 * X)
    w = np.full(3, 5.0)
    np.testing.assert_array_equal(f(X), 5 * X)
    helper, factor = scaled(np.ones(3)), 3.0
    np.testing.assert_array_equal(f(X), 3 * X)
    for function in (np.exp, np.sin, np.cumsum, wg.numpy.tanh, abs, np.exp):
        helper = function
        for _ in range(3):
            np.testing.assert_allclose(f(X), function(X), rtol=1e-14)
    del helper
    with pytest.raises(NameError):
        f(X)


def real(x: Any) -> Any:
    """Its own name is that of an attribute, twice: it refers to a global of this name."""

    def inner(y: Any) -> Any:
        return y.real * WEIGHTS

    return inner(x).real


def test_functions_that_seem_to_call_themselves() -> None:
    np.testing.assert_allclose(wg.jit(lambda x: real(x) * 2)(X), real(X) * 2)


# ------------------------------------------------------------------ transforms


def test_transforms_in_both_orders() -> None:
    v = np.ones_like(X)
    f = wg.jit(energy)
    close = functools.partial(np.testing.assert_allclose, rtol=1e-13, atol=1e-13)
    close(wg.grad(f)(X), wg.grad(energy)(X))
    close(wg.jit(wg.grad(energy))(X), wg.grad(energy)(X))
    close(wg.jvp(f, (X,), (v,))[1], wg.jvp(energy, (X,), (v,))[1])
    close(wg.jit(lambda x: wg.jvp(energy, (x,), (v,))[1])(X), wg.jvp(energy, (X,), (v,))[1])
    close(wg.hessian(f)(X), wg.hessian(energy)(X))
    close(wg.jit(wg.hessian(energy))(X), wg.hessian(energy)(X))
    close(wg.hessian(wg.jit(energy))(X), wg.jit(wg.hessian(wg.jit(energy)))(X))
    batch = np.stack([X, 2 * X, -X])
    close(wg.vmap(f)(batch), wg.vmap(energy)(batch))
    close(wg.jit(wg.vmap(energy))(batch), wg.vmap(energy)(batch))
    close(wg.vmap(wg.grad(f))(batch), wg.vmap(wg.grad(energy))(batch))
    close(wg.jit(wg.vmap(wg.grad(f)))(batch), wg.vmap(wg.grad(energy))(batch))
    close(wg.grad(wg.jit(lambda x: f(x) ** 2))(X), wg.grad(lambda x: energy(x) ** 2)(X))


def test_inner_calls_are_compiled_with_the_outer_function() -> None:
    f = wg.jit(lambda x: np.sin(x) * 2)
    g = wg.jit(lambda x: f(x) + f(x + 1))
    assert "jit" in str(g.lower(X).program)
    assert "jit" not in str(g.lower(X).optimized)
    np.testing.assert_allclose(g(X), 2 * np.sin(X) + 2 * np.sin(X + 1))


def test_captured_variables_are_differentiated() -> None:
    def outer(w: Any) -> Any:
        return wg.jit(lambda x: np.sum(np.tanh(w * x)))(X)

    def plain(w: Any) -> Any:
        return np.sum(np.tanh(w * X))

    w = np.arange(3.0)
    np.testing.assert_allclose(wg.grad(outer)(w), wg.grad(plain)(w), atol=1e-15)
    np.testing.assert_allclose(wg.vmap(outer)(np.stack([w, w + 1])), [plain(w), plain(w + 1)])


def test_tensors() -> None:
    x = wg.Tensor(X, requires_grad=True)
    wg.jit(energy)(x).backward()
    np.testing.assert_allclose(x.grad, wg.grad(energy)(X))
    y = wg.jit(lambda x: x * 2)(wg.Tensor(X))
    assert isinstance(y, wg.Tensor)


def test_several_results_and_integers() -> None:
    @wg.jit
    def f(x: Any, i: Any) -> Any:
        return {"sum": x[i].sum(), "top": np.argmax(x), "pair": (x, i + 1)}

    g = wg.grad(lambda x: f(x, np.array([0, 2]))["sum"])
    np.testing.assert_array_equal(g(X[0]), [1.0, 0.0, 1.0])


# ------------------------------------------------------------------ stages, effects


def test_stages() -> None:
    f = wg.jit(wg.grad(lambda x: np.sum(np.sort(x) * np.tanh(x))))
    stages = f.lower(X[0])
    assert "tanh" in str(stages.program)
    assert len(stages.optimized) <= len(stages.program)
    assert "define" in stages.llvm
    assert stages.cost()["calls"]
    assert "by NumPy" in stages.report()
    assert "tanh" in stages.report()


def test_random_numbers_are_those_of_the_key() -> None:
    def f(key: Any, x: Any) -> Any:
        return x * wg.random.normal(key, (3,))

    g = wg.jit(f)
    for seed in (1, 2):
        key = wg.random.key(seed)
        np.testing.assert_allclose(g(key, X), f(key, X), rtol=1e-14)


def test_several_threads() -> None:
    f = wg.jit(lambda x: np.sum(np.sort(np.exp(x) * x, axis=0) @ np.ones((40, 2))))
    xs = [np.random.default_rng(k).normal(size=(50, 40)) for k in range(4)]
    expected = [wg.jit(lambda x: np.sum(np.sort(np.exp(x) * x, axis=0) * 2))(x) for x in xs]
    wrong = []

    def run(k: int) -> None:
        for _ in range(50):
            if not np.isclose(f(xs[k]), expected[k]):
                wrong.append(k)

    threads = [threading.Thread(target=run, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


# ------------------------------------------------------------------ donation


def test_donated_parameters_are_updated_in_place() -> None:
    def step(p: list[Any], x: Any) -> Any:
        g = wg.grad(lambda p: np.sum(np.tanh(x @ p[0] + p[1]) ** 2))(p)
        return [a - 0.1 * b for a, b in zip(p, g, strict=True)]

    rng = np.random.default_rng(0)
    p = [rng.normal(size=(3, 4)), rng.normal(size=4)]
    expected = step([a.copy() for a in p], X)
    f = wg.jit(step, donate_argnums=0)
    assert f.lower(p, X).cost()["in_place"] == 2
    found = f(p, X)
    assert found[0] is p[0]
    assert found[1] is p[1]
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b)
    again = f(found, X)
    for a, b in zip(again, step(expected, X), strict=True):
        np.testing.assert_allclose(a, b)
    np.testing.assert_allclose(wg.grad(lambda x: f([np.ones((3, 4)), np.zeros(4)], x)[0].sum())(X),
        wg.grad(lambda x: step([np.ones((3, 4)), np.zeros(4)], x)[0].sum())(X))  # fmt: skip


def test_donated_scalars_stay_scalars() -> None:
    """A counter was returned as an array without axes, and the next call recorded again."""
    f = wg.jit(lambda n, x: (n + 1, x * n), donate_argnums=(0, 1))
    n, x = np.int64(0), np.ones(3)
    for _ in range(3):
        n, x = f(n, x)
        assert type(n) is np.int64
    assert n == 3
    assert len(f._entries) == 1


def test_donation_keeps_what_is_read_later() -> None:
    def f(x: Any, y: Any) -> Any:
        return x[::-1] + 1, np.cumsum(x + y), y * 2

    x, y = np.arange(5.0), np.ones(5)
    expected = f(x.copy(), y.copy())
    for a, b in zip(wg.jit(f, donate_argnums=(0, 1))(x, y), expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_donation_refuses_shared_memory() -> None:
    f = wg.jit(lambda x, y: x + y, donate_argnums=0)
    x = np.arange(6.0)
    for other in (x, x[:]):
        with pytest.raises(wg.WengertValueError, match="shares memory"):
            f(x, other)
    x.flags.writeable = False
    with pytest.raises(wg.WengertValueError, match="read-only"):
        f(x, np.ones(6))


def test_arrays_that_only_the_recording_sees() -> None:
    """Hidden inputs that are no variables: they are operands inside of transforms as well."""

    def f(x: Any) -> Any:
        return np.sum(x * np.arange(3.0) + np.sin(x)[np.array([0, 1, 1])])

    g, x = wg.jit(f), X[0]
    np.testing.assert_allclose(wg.grad(g)(x), wg.grad(f)(x))
    np.testing.assert_allclose(wg.jit(lambda x: g(x) * 2)(x), f(x) * 2)
    np.testing.assert_allclose(wg.vmap(g)(X), [f(X[0]), f(X[1])])
    np.testing.assert_allclose(wg.hessian(g)(x), wg.hessian(f)(x), atol=1e-15)


def test_captured_integers_that_the_function_needs_to_know() -> None:
    sizes, w = np.array([1, 2]), np.ones(3)

    def f(x: Any) -> Any:
        parts = [x[: int(n)].sum() for n in sizes]
        return np.stack(parts) * w[:2]

    g = wg.jit(f)
    for _ in range(3):
        np.testing.assert_array_equal(g(X[0]), f(X[0]))
    sizes[1] = 3
    w[1] = 5.0
    np.testing.assert_array_equal(g(X[0]), f(X[0]))
    with pytest.raises(wg.AbstractValueError, match="static_argnums"):
        wg.jit(lambda x, n: x[: int(n[0])] + sizes[0])(X[0], sizes)


def test_cost() -> None:
    a, b = np.ones((30, 40)), np.ones((40, 50))
    cost = wg.jit(lambda a, b: a @ b).lower(a, b).cost()
    assert cost["flops"] == 2 * 30 * 40 * 50
    assert cost["bytes"] == 8 * (30 * 40 + 40 * 50 + 30 * 50)
    assert cost["peak"] == 8 * 30 * 50 + cost["arena"]
    x = np.ones(1000)
    cost = wg.jit(lambda x: x * 2 + np.sin(x)).lower(x).cost()
    assert cost["flops"] == 3000
    assert cost["bytes"] == 16_000
    assert cost["peak"] == 8000
    cost = wg.jit(lambda x: np.sum(x * x)).lower(x).cost()
    assert cost["flops"] == 2000
    step = wg.jit(lambda x, y: x - 0.5 * y, donate_argnums=0).lower(x, x)
    assert step.cost()["peak"] == 0
    assert step.cost()["in_place"] == 1
    large = wg.jit(lambda x: np.sort(np.exp(x)) + np.cumsum(x)).lower(x)
    assert large.cost()["peak"] >= 3 * 8000
    assert "operations" in large.report()


def test_bad_argument_numbers() -> None:
    for options, match in (
        ({"static_argnums": 1.5}, "static_argnums must be an integer.*1.5"),
        ({"donate_argnums": (0, True)}, "donate_argnums must be"),
        ({"donate_argnums": None}, "donate_argnums must be"),
        ({"static_argnames": 3}, "static_argnames must be"),
        ({"static_argnames": ("a", 3)}, "static_argnames must be"),
        ({"donate_argnums": (0, 0)}, "names an argument twice"),
        ({"donate_argnums": -1}, "negative"),
        ({"donate_argnums": 5}, "takes 2 arguments"),
        ({"static_argnums": 5}, "takes 2 arguments"),
        ({"static_argnames": "z"}, "no argument 'z'"),
        ({"static_argnames": "y", "donate_argnums": 1}, "both static and donated"),
    ):
        with pytest.raises(wg.WengertError, match=match):
            wg.jit(lambda x, y: x + y, **options)
    any_number = wg.jit(lambda *xs, **kw: xs[0] * kw["k"], donate_argnums=5, static_argnames="k")
    np.testing.assert_array_equal(any_number(X, k=2), X * 2)
