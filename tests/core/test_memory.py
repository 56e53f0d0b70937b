"""Nothing relies on the garbage collector; long chains and forward mode have bounded needs."""

from __future__ import annotations

import gc
import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert import Tensor

from .mutating_programs import PROGRAMS, through_reshape_and_transpose

X = np.linspace(-1.0, 1.0, 6)
V = np.arange(6.0)
program = through_reshape_and_transpose


def with_backward(create_graph: bool) -> None:
    t = Tensor(X, True)
    np.sum(t * t * t).backward(create_graph=create_graph)
    t.grad  # noqa: B018


def with_backward_twice() -> None:
    t = Tensor(X, True)
    np.sum(t * t * t).backward(create_graph=True)
    gradient = t.grad
    t.zero_grad()
    np.sum(gradient * t).backward()


def with_history() -> None:
    t = Tensor(X, True)
    y = np.sum(t * t)
    list(y.backward())
    y.parents[0].parents  # noqa: B018
    y.grad_fn(1.0)
    repr(y)


def with_mutation() -> None:
    t = Tensor(X, True)
    y = t * 2.0
    y[1:] = y[:-1] * 1.0
    v = y[2:]
    v *= 3.0
    y += y
    np.sum(y).backward()
    y.grad  # noqa: B018


def with_exposed_array() -> None:
    t = Tensor(X, True)
    np.sum(t * t).backward()
    t.array -= t.grad


def with_user_node() -> None:
    a = Tensor([1.0], True)

    def double(upstream: Any) -> None:
        a.grad += 2 * upstream

    out = Tensor(2 * a.array, True, (a,), double, "<Double>")
    np.sum(out * out).backward()


def with_error_in(transform: Callable[..., Any]) -> Callable[[], None]:
    def run() -> None:
        with pytest.raises(ZeroDivisionError):
            transform(lambda x: np.sum(x * x) * (1 // 0))(X)

    return run


def with_refused_float() -> None:
    with pytest.raises(wg.AbstractValueError):
        wg.vmap(float)(X)


def linearized(x: Any) -> Any:
    return wg.linearize(program, x)[1](V)


@wg.custom_jvp
def softplus(x: Any) -> Any:
    return np.logaddexp(0.0, x)


@softplus.defjvp
def _softplus_jvp(primals: Any, tangents: Any) -> Any:
    (x,), (t,) = primals, tangents
    return softplus(x), t / (1 + np.exp(-x))


@wg.custom_vjp
def clipped(x: Any) -> Any:
    return x * 1.0


clipped.defvjp(lambda x: (x * 1.0, x), lambda x, ct: (np.clip(ct, -1.0, 1.0),))
block = wg.checkpoint(lambda x: np.sin(np.exp(x) * x))


def with_custom(f: Callable[[Any], Any]) -> None:
    def total(x: Any) -> Any:
        return np.sum(f(f(x)) * x)

    wg.grad(total)(X)
    wg.jvp(total, (X,), (V,))
    wg.vmap(wg.grad(total))(np.stack([X, V]))
    wg.grad(lambda x: np.sum(wg.grad(total)(x) * V))(X)
    t = Tensor(X, True)
    total(t).backward()


ACTIONS: dict[str, Callable[[], Any]] = {
    "grad": lambda: wg.grad(program)(X),
    "jvp": lambda: wg.jvp(program, (X,), (V,)),
    "vjp": lambda: wg.vjp(program, X)[1](1.0),
    "linearize": lambda: linearized(X),
    "grad of grad": lambda: wg.grad(lambda x: np.sum(wg.grad(program)(x) * V))(X),
    "jvp of grad": lambda: wg.jvp(wg.grad(program), (X,), (V,)),
    "grad of jvp": lambda: wg.grad(lambda x: wg.jvp(program, (x,), (V,))[1])(X),
    "jvp of jvp": lambda: wg.jvp(lambda x: wg.jvp(program, (x,), (V,))[1], (X,), (V,)),
    "vmap": lambda: wg.vmap(program)(np.stack([X, V])),
    "vmap of grad": lambda: wg.vmap(wg.grad(program))(np.stack([X, V])),
    "grad of vmap": lambda: wg.grad(lambda b: np.sum(wg.vmap(program)(b)))(np.stack([X, V])),
    "hessian": lambda: wg.hessian(program)(X),
    "jacrev": lambda: wg.jacrev(np.tanh)(X),
    "jacfwd": lambda: wg.jacfwd(np.tanh)(X),
    "backward": lambda: with_backward(False),
    "backward, create_graph": lambda: with_backward(True),
    "backward twice": with_backward_twice,
    "history": with_history,
    "mutation": with_mutation,
    "exposed array": with_exposed_array,
    "user's node": with_user_node,
    "custom_jvp": lambda: with_custom(softplus),
    "custom_vjp": lambda: with_custom(clipped),
    "checkpoint": lambda: with_custom(block),
    "error in grad": with_error_in(wg.grad),
    "error in jvp": with_error_in(lambda f: lambda x: wg.jvp(f, (x,), (V,))),
    "error in vmap": with_error_in(lambda f: lambda x: wg.vmap(f)(x[None])),
    "error in linearize": with_error_in(lambda f: lambda x: wg.linearize(f, x)),
    "refused float": with_refused_float,
    **{f"grad of {f.__name__}": lambda f=f: wg.grad(f)(X) for f in PROGRAMS},
}


@contextmanager
def traced_memory() -> Iterator[Callable[[], int]]:
    """Gives a function that tells how many bytes allocated since are still there."""
    tracemalloc.start()
    try:
        yield lambda: tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


@contextmanager
def without_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@pytest.mark.parametrize("action", ACTIONS)
def test_no_cyclic_garbage(action: str) -> None:
    run = ACTIONS[action]
    run()
    run()
    with without_collector():
        for _ in range(20):
            run()
        assert gc.collect() == 0


@pytest.mark.parametrize("action", ACTIONS)
def test_number_of_objects_does_not_grow(action: str) -> None:
    run = ACTIONS[action]
    for _ in range(3):
        run()
    with without_collector():
        before = len(gc.get_objects())
        for _ in range(20):
            run()
        grown = len(gc.get_objects()) - before
    assert grown < 20


def test_a_tape_dies_with_its_last_tensor() -> None:
    size = 100_000
    t = Tensor(np.ones(size), True)
    with without_collector(), traced_memory() as allocated:
        y = t * 2.0
        for _ in range(20):
            y = np.sin(y) * 0.5
        held = allocated()
        del y
        freed = allocated()
    assert held > 20 * 8 * size
    assert freed < 8 * size


def test_a_tape_does_not_hold_the_users_tensors() -> None:
    t = Tensor([1.0, 2.0], True)
    with without_collector():
        middle = np.exp(t)
        reference = weakref.ref(middle)
        z = np.sum(middle)
        del middle
        assert reference() is None
        z.backward()
    np.testing.assert_array_equal(t.grad, np.exp([1.0, 2.0]))


def test_a_pullback_holds_the_tape_and_lets_it_go() -> None:
    x = np.ones(100_000)
    with without_collector(), traced_memory() as allocated:
        _, pullback = wg.vjp(lambda x: np.sum(np.exp(np.sin(np.cos(x)))), x)
        held = allocated()
        del pullback, _
        freed = allocated()
    assert held > 2 * x.nbytes
    assert freed < 0.1 * x.nbytes


def integrate(x: Any, steps: int) -> Any:
    y = x
    for _ in range(steps):
        y = y + np.tanh(y) * 0.01
        y[0] = y[1] * 1.0
    return np.sum(y)


def test_forward_mode_needs_memory_independent_of_the_steps() -> None:
    peaks = []
    x = np.ones(1000)
    for steps in (50, 1000):
        with traced_memory():
            wg.jvp(lambda x, steps=steps: integrate(x, steps), (x,), (x,))
            peaks.append(tracemalloc.get_traced_memory()[1])
    assert peaks[1] < 1.2 * peaks[0]


def test_forward_mode_inside_reverse_mode_of_something_else() -> None:
    """An inner jvp whose argument does not depend on the outer variable records nothing."""
    x = np.ones(1000)
    peaks = []
    for steps in (50, 1000):
        tracemalloc.start()
        wg.grad(lambda w, steps=steps: w * wg.jvp(lambda x: integrate(x, steps), (x,), (x,))[1])(
            2.0
        )
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]


@pytest.mark.slow
def test_chain_of_a_million_operations() -> None:
    """No recursion in recording, in the sweep, or when the tape is freed."""
    t = Tensor(1.0, True)
    y = t
    for _ in range(500_000):
        y = y * 1.0000001 + 0.0
    y.backward()
    assert float(t.grad) == pytest.approx(np.exp(0.05), rel=1e-6)
    del y


@pytest.mark.parametrize("second", ["rev", "fwd"])
def test_long_chain_at_second_order(second: str) -> None:
    def f(x: Any) -> Any:
        y = x
        for _ in range(3000):
            y = y * (1.0 + 1e-7 * x)
        return y

    gradient = wg.grad(f)
    g = wg.grad(gradient)(2.0) if second == "rev" else wg.derivative(gradient)(2.0)
    h = 1e-4
    assert g == pytest.approx((gradient(2.0 + h) - gradient(2.0 - h)) / (2 * h), rel=1e-5)


def test_long_chain_of_wide_nodes_is_freed() -> None:
    """Nodes of any primitive, views and writes: deep structures of tuples and lists."""
    t = Tensor([1.0, 2.0], True)
    y = t * 1.0
    for _ in range(60_000):
        y = np.maximum(y, 0.5)
    np.sum(y).backward()
    np.testing.assert_array_equal(t.grad, [1.0, 1.0])
    del y
    z = t * 1.0
    for _ in range(20_000):
        z[0] = z[1]
    del z


def test_long_chain_inside_vmap() -> None:
    def f(x: Any) -> Any:
        for _ in range(5000):
            x = x * 1.0001
        return x

    np.testing.assert_allclose(wg.vmap(wg.grad(f))(np.ones(3)), [1.0001**5000] * 3)


def test_raising_the_allocators_limits_touches_no_memory() -> None:
    """The block is larger than what is ever mapped by default, and none of it becomes resident."""
    import resource

    from wengert.core.memory import LARGEST, retain_freed_memory

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    retain_freed_memory()
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert LARGEST > 2**24
    assert (after - before) * 1024 < LARGEST / 4
