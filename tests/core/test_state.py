"""`no_grad`, and several threads at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert import Tensor
from wengert.core.state import LOCAL, PAUSED

from .mutating_programs import PROGRAMS


def run_in_threads(functions: list[Callable[[], Any]]) -> list[Any]:
    """Run all at once; errors are raised here."""
    barrier = threading.Barrier(len(functions))

    def together(f: Callable[[], Any]) -> Any:
        barrier.wait()
        return f()

    with ThreadPoolExecutor(len(functions)) as pool:
        return [future.result() for future in [pool.submit(together, f) for f in functions]]


class TestNoGrad:
    def test_nothing_is_recorded(self) -> None:
        x = Tensor([1.0, 2.0], True)
        with wg.no_grad():
            results = [x * 2, np.exp(x), x @ x, np.sum(x), x[0], x.reshape(2, 1), np.maximum(x, 0)]
            assert not any(r.requires_grad for r in results)
            assert x.requires_grad
        assert (x * 2).requires_grad

    def test_nesting_and_decorator(self) -> None:
        x = Tensor(1.0, True)
        with wg.no_grad():
            with wg.no_grad():
                pass
            assert not (x * 2).requires_grad

        @wg.no_grad()
        def f() -> Any:
            return x * 2

        assert not f().requires_grad
        assert not f().requires_grad
        assert not PAUSED

    def test_one_block_entered_again(self) -> None:
        x = Tensor(1.0, True)
        block = wg.no_grad()
        with block:
            with block:
                assert not (x * 2).requires_grad
            assert not (x * 2).requires_grad
        assert (x * 2).requires_grad
        assert not PAUSED

    def test_a_decorated_function_that_calls_itself(self) -> None:
        x = Tensor(1.0, True)

        @wg.no_grad()
        def power(n: int) -> Any:
            return x if n == 1 else x * power(n - 1)

        assert not power(4).requires_grad
        assert (x * 2).requires_grad
        assert not PAUSED

    def test_is_left_by_an_error(self) -> None:
        x = Tensor(1.0, True)
        with pytest.raises(ZeroDivisionError), wg.no_grad():
            x / (1 // 0)
        assert (x * 2).requires_grad
        assert not PAUSED

    def test_leaf_may_be_written(self) -> None:
        w = Tensor([1.0, 2.0], True)
        np.sum(w * w).backward()
        with wg.no_grad():
            w -= 0.5 * w.grad
            w[0] = 7.0
        assert w.requires_grad
        np.testing.assert_array_equal(w.array, [7.0, 0.0])
        w.zero_grad()
        np.sum(w * w).backward()
        np.testing.assert_array_equal(w.grad, [14.0, 0.0])

    def test_a_result_may_not(self) -> None:
        w = Tensor([1.0, 2.0], True)
        y = w * 2
        with wg.no_grad(), pytest.raises(wg.MutationError, match="inside no_grad"):
            y[0] = 1.0
        with wg.no_grad(), pytest.raises(wg.MutationError, match="inside no_grad"):
            y += 1.0

    def test_transforms_work_inside(self) -> None:
        with wg.no_grad():
            assert wg.grad(lambda x: x * x)(3.0) == 6.0
            assert wg.jvp(lambda x: x * x, (3.0,), (1.0,))[1] == 6.0
            assert wg.hessian(lambda x: x**3)(2.0) == 12.0
            np.testing.assert_array_equal(wg.vmap(wg.grad(np.sin))(np.zeros(2)), [1.0, 1.0])
            x = Tensor(3.0, True)
            assert not (x * x).requires_grad

    def test_inside_a_transform_it_stops_reverse_mode(self) -> None:
        def f(x: Any) -> Any:
            with wg.no_grad():
                constant = x * x
            return constant * x

        assert wg.grad(f)(3.0) == 9.0

    def test_backward_works_inside(self) -> None:
        x = Tensor(3.0, True)
        y = x * x
        with wg.no_grad():
            y.backward()
        assert float(x.grad) == 6.0


class TestThreads:
    def test_no_grad_of_one_thread_does_not_affect_another(self) -> None:
        entered, done = threading.Event(), threading.Event()

        def pausing() -> bool:
            with wg.no_grad():
                entered.set()
                assert done.wait(10)
                return bool((Tensor(1.0, True) * 2).requires_grad)

        def recording() -> bool:
            assert entered.wait(10)
            x = Tensor(3.0, True)
            y = np.exp(x * x) + np.maximum(x, 0.0)[...]
            y.backward()
            done.set()
            return bool(float(x.grad) == 6 * np.exp(9.0) + 1)

        assert run_in_threads([pausing, recording]) == [False, True]
        assert not PAUSED

    def test_six_threads_in_all_modes(self) -> None:
        def work(seed: int) -> Callable[[], None]:
            def run() -> None:
                rng = np.random.default_rng(seed)
                x, v = rng.standard_normal(6), rng.standard_normal(6)
                f = PROGRAMS[seed % len(PROGRAMS)]
                gradient, product = wg.grad(f)(x), wg.hessian(f)(x) @ v
                for k in range(25):
                    np.testing.assert_array_equal(wg.grad(f)(x), gradient)
                    tangent = wg.jvp(f, (x,), (v,))[1]
                    np.testing.assert_allclose(tangent, gradient @ v, rtol=1e-9, atol=1e-9)
                    found = wg.jvp(wg.grad(f), (x,), (v,))[1]
                    np.testing.assert_allclose(found, product, rtol=1e-8, atol=1e-8)
                    batched = wg.vmap(wg.grad(f))(np.stack([x, v]))
                    np.testing.assert_allclose(batched[0], gradient, rtol=1e-9, atol=1e-9)
                    t = wg.Tensor(x, True)
                    if k % 2:
                        with wg.no_grad():
                            assert not (t * 2.0).requires_grad
                    y = np.sum(np.tanh(t) * t)
                    y.backward()
                    np.testing.assert_array_equal(
                        t.grad, wg.grad(lambda x: np.sum(np.tanh(x) * x))(x)
                    )

            return run

        run_in_threads([work(seed) for seed in range(6)])
        assert not PAUSED
        assert LOCAL.depth == 0

    def test_one_tape_swept_by_several_threads(self) -> None:
        x = np.linspace(0.0, 1.0, 50)
        _, pullback = wg.vjp(lambda x: np.sin(x) * x, x)
        expected = [pullback(np.full(50, float(k)))[0] for k in range(6)]

        def sweep(k: int) -> Callable[[], None]:
            def run() -> None:
                for _ in range(50):
                    np.testing.assert_array_equal(pullback(np.full(50, float(k)))[0], expected[k])

            return run

        run_in_threads([sweep(k) for k in range(6)])

    def test_a_recording_belongs_to_its_thread(self) -> None:
        """Inside vmap on one thread, another thread differentiates with concrete numbers."""
        inside, done = threading.Event(), threading.Event()

        def f(x: Any) -> Any:
            inside.set()
            assert done.wait(10)
            return x * 2.0

        def other() -> Any:
            assert inside.wait(10)
            value = wg.grad(lambda x: x * x if x > 0 else -x)(3.0)
            done.set()
            return value

        first, second = run_in_threads([lambda: wg.vmap(f)(np.ones(2)), other])
        np.testing.assert_array_equal(first, [2.0, 2.0])
        assert second == 6.0


def test_depth_is_restored_after_errors() -> None:
    for transform in (wg.grad, wg.derivative, lambda f: wg.vmap(f), wg.hessian):
        with pytest.raises(ZeroDivisionError):
            transform(lambda x: x * (1 // 0))(np.ones(2) if transform is not wg.derivative else 1.0)
    assert LOCAL.depth == 0
    assert LOCAL.recordings == []
    assert float(Tensor(2.0, True) * 3.0) == 6.0
