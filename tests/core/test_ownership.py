"""Changes behind the tape's back: the right gradient or an error, never a wrong number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert import Tensor
from wengert.core import ownership

THREE = np.array([1.0, 2.0, 3.0])
ONES = np.ones(3)


def leaf(values: Any = THREE) -> Tensor:
    return Tensor(values, True)


# ------------------------------------------------------------------ plain operands


def test_plain_operand_changed_before_the_pullback() -> None:
    x, w = leaf(ONES), THREE.copy()
    y = np.sum(x * w)
    w[:] = 9.0
    y.backward()
    np.testing.assert_array_equal(x.grad, THREE)


OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "x * w": lambda x, w: x * w,
    "w * x": lambda x, w: w * x,
    "x / w": lambda x, w: x / w,
    "w / x": lambda x, w: w / x,
    "x ** w": lambda x, w: x**w,
    "w ** x": lambda x, w: w**x,
    "x @ w": lambda x, w: x @ w,
    "w @ x": lambda x, w: w @ x,
    "np.multiply": np.multiply,
    "np.logaddexp": np.logaddexp,
    "np.arctan2": np.arctan2,
    "np.hypot": np.hypot,
    "np.maximum": np.maximum,
    "np.where": lambda x, w: np.where(w > 2, x, w),
    "write": lambda x, w: write(x * 1.0, w),
    "x % w": lambda x, w: x % w,
}


def write(y: Any, w: Any) -> Any:
    y[1:] = w[1:] * y[:2]
    return y * y


ARRANGEMENTS: dict[str, Callable[[Any], tuple[Any, Any]]] = {
    "owner": lambda w: (w, w),
    "view": lambda w: (w, w[::-1]),
    "read-only view": lambda w: (w, read_only(w)),
    "broadcast": lambda w: (w, np.broadcast_to(w, (2, 3))),
    "0-d": lambda w: (w[1:2], w[1:2].reshape(())),
}


def read_only(w: Any) -> Any:
    v = w.view()
    v.flags.writeable = False
    return v


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_operand_of_any_operation_changed(operation: str, arrangement: str) -> None:
    if "@" in operation and arrangement in ("0-d", "broadcast"):
        pytest.skip("not an operand of @")
    if operation == "write" and arrangement in ("0-d", "broadcast"):
        pytest.skip("not the shape of the region")
    f, arrange = OPERATIONS[operation], ARRANGEMENTS[arrangement]

    def run(change: bool) -> Any:
        owner, w = arrange(THREE.copy())
        x = leaf([1.5, 2.5, 0.5])
        y = f(x, w)
        if change:
            owner[...] = 7.0
        y.backward()
        assert not change or np.all(w == 7.0)
        return x.grad

    np.testing.assert_array_equal(run(True), run(False))


@pytest.mark.parametrize("operation", [op for op in OPERATIONS if op != "write"])
def test_memory_map_changed(operation: str, tmp_path: Any) -> None:
    """Regression: arrays of a subclass were saved without a copy."""
    f = OPERATIONS[operation]
    w = np.memmap(tmp_path / "w", dtype=float, mode="w+", shape=(3,))
    w[:] = THREE
    x, y = leaf([1.5, 2.5, 0.5]), leaf([1.5, 2.5, 0.5])
    z = f(x, w)
    _, linear = wg.linearize(lambda x: f(x, w), y.array)
    expected = linear(ONES)
    w[:] = 7.0
    z.backward()
    f(y, THREE).backward()
    np.testing.assert_array_equal(x.grad, y.grad)
    np.testing.assert_array_equal(linear(ONES), expected)


def test_masked_arrays_are_refused() -> None:
    """Regression: the mask was dropped without a word."""
    masked = np.ma.array(THREE, mask=[False, True, False])
    message = r"a MaskedArray is no operand of wengert.*np\.asarray\(x\).*np\.where"
    for run in (
        lambda: leaf() * masked,
        lambda: np.hypot(leaf(), masked),
        lambda: wg.grad(lambda x: np.sum(x * masked))(THREE),
        lambda: wg.grad(np.sum)(masked),
        lambda: wg.vmap(np.sin)(masked),
    ):
        with pytest.raises(wg.WengertTypeError, match=message):
            run()


def test_index_and_mask_changed() -> None:
    x, i, mask = leaf(), np.array([0, 1]), np.array([True, False, True])
    y = np.sum(x[i] * np.array([1.0, 10.0])) + np.sum(x[mask]) + np.sum(np.where(mask, x, 0.0))
    i[0], mask[:] = 2, False
    y.backward()
    np.testing.assert_array_equal(x.grad, [3.0, 10.0, 2.0])


def test_written_value_and_index_changed() -> None:
    x, v, i = leaf(), np.array([5.0, 6.0]), np.array([1, 2])
    y = x * 1.0
    y[i] = v
    z = np.sum(y * y)
    v[:], i[:] = 0.0, 0
    z.backward()
    np.testing.assert_array_equal(x.grad, [2.0, 0.0, 0.0])


def test_a_large_read_only_operand_is_not_copied() -> None:
    w = np.ones(100_000)
    w.flags.writeable = False
    x = leaf(np.ones(100_000))
    y = x * w
    assert any(part is w for part in y._n), "a read-only array that owns its memory needs no copy"


# ------------------------------------------------------------------ one buffer, filled often


def filled_buffer(x: Any) -> Any:
    buffer, scalar = np.zeros(3), np.array(0.0)
    total = 0.0
    for k in range(3):
        buffer[:] = k
        scalar[...] = k
        total = total + x * buffer + x * x * scalar
    return np.sum(total)


def test_reused_buffer_in_every_mode() -> None:
    expected = 3.0 + 6.0 * THREE
    np.testing.assert_allclose(wg.grad(filled_buffer)(THREE), expected)
    np.testing.assert_allclose(wg.jvp(filled_buffer, (THREE,), (ONES,))[1], expected.sum())
    np.testing.assert_allclose(wg.linearize(filled_buffer, THREE)[1](ONES), expected.sum())
    np.testing.assert_allclose(wg.vmap(filled_buffer)(THREE[None]), [filled_buffer(THREE)])
    np.testing.assert_allclose(wg.vmap(wg.grad(filled_buffer))(THREE[None]), [expected])
    np.testing.assert_allclose(wg.hessian(filled_buffer)(THREE), 6 * np.eye(3))
    np.testing.assert_allclose(
        wg.grad(lambda b: np.sum(wg.vmap(filled_buffer)(b)))(THREE[None]), [expected]
    )


def test_linearization_keeps_the_constants_it_was_made_with() -> None:
    """Regression: the captured arrays of `linearize` were read again at each call."""
    w = THREE.copy()
    _, linear = wg.linearize(lambda x: x * w, ONES)
    w[:] = 100.0
    np.testing.assert_array_equal(linear(ONES), THREE)


def test_pullback_keeps_primals_and_constants() -> None:
    x, w = THREE.copy(), THREE.copy()
    value, pullback = wg.vjp(lambda x: np.exp(x) * w * x, x)
    expected = pullback(ONES)[0]
    value[:] = x[:] = w[:] = 0.0
    np.testing.assert_array_equal(pullback(ONES)[0], expected)


def test_argument_changed_by_the_function_itself() -> None:
    """A captured plain array that f changes while it runs."""
    w = THREE.copy()

    def f(x: Any) -> Any:
        y = x * w
        w[:] = 0.0
        return np.sum(y * y)

    np.testing.assert_array_equal(wg.grad(f)(ONES), 2 * THREE**2)


# ------------------------------------------------------------------ .array


def test_array_of_a_leaf_written_after_recording() -> None:
    a, b = leaf(), leaf([4.0, 5.0, 6.0])
    y = np.sum(a * b)
    a.array[0] = 100.0
    y.backward()
    np.testing.assert_array_equal(b.grad, THREE)
    np.testing.assert_array_equal(a.array, [100.0, 2.0, 3.0])


@pytest.mark.parametrize("constant", [True, False])
def test_array_held_from_before(constant: bool) -> None:
    c = Tensor(THREE, not constant)
    held = c.array
    x = leaf(ONES)
    held[1] = 7.0
    y = np.sum(x * c)
    held[0] = 100.0
    y.backward()
    np.testing.assert_array_equal(x.grad, [1.0, 7.0, 3.0])
    assert c.array is held


def test_view_of_the_array_held() -> None:
    a = leaf()
    part = a.array[1:]
    y = np.sum(a * a)
    part[0] = 100.0
    y.backward()
    np.testing.assert_array_equal(a.grad, 2 * THREE)
    np.testing.assert_array_equal(a.array, [1.0, 100.0, 3.0])


def test_buffer_of_the_array_held() -> None:
    a = leaf()
    memory = memoryview(a.array)
    y = np.sum(a * a)
    np.frombuffer(memory)[...] = 9.0
    y.backward()
    np.testing.assert_array_equal(a.grad, 2 * THREE)
    np.testing.assert_array_equal(a.array, [9.0, 9.0, 9.0])


def test_view_taken_before_the_array_is_written() -> None:
    c, x = Tensor(THREE), leaf([1.0, 1.0])
    v = c[1:]
    y = np.sum(x * v)
    c.array[1] = 50.0
    y.backward()
    np.testing.assert_array_equal(x.grad, [2.0, 3.0])
    np.testing.assert_array_equal(v.array, [50.0, 3.0])
    np.testing.assert_array_equal((v * 1.0).array, [50.0, 3.0])


def test_view_of_an_exposed_tensor_is_a_view() -> None:
    """Regression: a view of a Tensor whose array was held did not write through."""
    c = Tensor(THREE)
    held = c.array
    v = c[1:]
    v[0] = 9.0
    np.testing.assert_array_equal(c.array, [1.0, 9.0, 3.0])
    np.testing.assert_array_equal(held, [1.0, 9.0, 3.0])
    held[2] = 8.0
    np.testing.assert_array_equal(v.array, [9.0, 8.0])
    x = leaf([1.0, 1.0])
    y = np.sum(x * v)
    held[1:] = 0.0
    c.array[1:] = 0.0
    y.backward()
    np.testing.assert_array_equal(x.grad, [9.0, 8.0])


def test_array_stays_live_under_writes_through_the_tensor() -> None:
    """Regression: an item assignment gave the Tensor a new array while the old one was held."""
    c = Tensor(THREE)
    held = c.array
    c[0] = 5.0
    c += 1.0
    np.testing.assert_array_equal(held, [6.0, 3.0, 4.0])
    assert c.array is held
    p = leaf()
    held = p.array
    with wg.no_grad():
        p -= 1.0
    np.testing.assert_array_equal(held, [0.0, 1.0, 2.0])


def test_held_array_and_tracked_write() -> None:
    """A traced value cannot live in a plain array: the Tensor gets an array of its own."""
    c, x = Tensor(THREE), leaf()
    held = c.array
    c[0] = x[1] * 10.0
    np.testing.assert_array_equal(held, THREE)
    y = np.sum(c * c)
    held[:] = 0.0
    y.backward()
    np.testing.assert_array_equal(x.grad, [0.0, 2 * 20.0 * 10.0, 0.0])


def test_course_sgd_step() -> None:
    w = leaf()
    np.sum(w * w).backward()
    w.array -= 0.5 * w.grad
    np.testing.assert_array_equal(w.array, [0.0, 0.0, 0.0])
    assert w.requires_grad
    w.array = w.array + 2.0
    w.zero_grad()
    np.sum(w * w).backward()
    np.testing.assert_array_equal(w.grad, [4.0, 4.0, 4.0])


def test_update_between_forward_and_backward() -> None:
    a = leaf()
    y = np.sum(a * a)
    a.array -= 1.0
    y.backward()
    np.testing.assert_array_equal(a.grad, 2 * THREE)
    b = leaf()
    y = np.sum(b * b)
    b.array = np.zeros(3)
    with wg.no_grad():
        b[0] = 77.0
    y.backward()
    np.testing.assert_array_equal(b.grad, 2 * THREE)


def test_array_of_a_scalar_is_live() -> None:
    a = Tensor(2.0, True)
    y = a * a
    a.array[...] = 5.0
    y.backward()
    assert type(a.array) is np.ndarray
    assert float(a.grad) == 4.0
    assert float(a.array) == 5.0


# ------------------------------------------------------------------ copy on write


def test_detached_values_are_independent() -> None:
    x = leaf()
    y = np.exp(x)
    detached = y.detach()
    detached[0] = 99.0
    np.sum(y).backward()
    np.testing.assert_array_equal(x.grad, np.exp(THREE))
    y = x * 3.0
    detached = y.detach()
    y *= 2.0
    np.testing.assert_array_equal(detached.array, 3 * THREE)


def test_saved_operands_survive_writes_into_the_constant() -> None:
    c, x = Tensor(THREE), leaf(ONES)
    y = np.sum(x * c)
    c[0] = 50.0
    y.backward()
    np.testing.assert_array_equal(x.grad, THREE)
    np.testing.assert_array_equal(c.array, [50.0, 2.0, 3.0])


def test_writes_in_place_do_not_copy_when_nobody_else_looks() -> None:
    x = leaf(np.ones(1000))
    y = x * 1.0
    memory = y._a.ctypes.data
    y[0] = 2.0
    v = y[1:]
    v[0] = x[3]
    y[1:] = v  # what Python does after y[1:] op= z
    same = y._a.ctypes.data == memory
    assert same


def test_results_do_not_alias() -> None:
    x, z = leaf(), leaf()
    y = x + z
    seed = np.ones(3)
    y.backward(seed)
    x.grad[0] = 99.0
    seed[1] = 99.0
    np.testing.assert_array_equal(z.grad, [1.0, 1.0, 1.0])
    np.testing.assert_array_equal(y.grad, [1.0, 1.0, 1.0])
    point = THREE.copy()
    value, pullback = wg.vjp(lambda x: x, point)
    value[:] = 0.0
    (gradient,) = pullback(seed)
    gradient[:] = 5.0
    np.testing.assert_array_equal(point, THREE)
    np.testing.assert_array_equal(seed, [1.0, 99.0, 1.0])
    batched = wg.vmap(lambda x: x)(point)
    batched[:] = 0.0
    np.testing.assert_array_equal(point, THREE)


def test_vmap_returns_one_result_twice() -> None:
    """Regression: the second of two equal results was given away with the first."""

    def f(x: Any) -> Any:
        y = x * 2.0
        return y, y, x

    first, second, third = wg.vmap(f)(THREE)
    first[0] = 99.0
    np.testing.assert_array_equal(second, 2 * THREE)
    np.testing.assert_array_equal(third, THREE)


def test_vmap_of_a_tensor_returns_another_tensor() -> None:
    t = Tensor(THREE)
    same = wg.vmap(lambda x: x)(t)
    same[0] = 99.0
    np.testing.assert_array_equal(t.array, THREE)


def test_grad_is_live_and_accumulates() -> None:
    x = leaf()
    np.sum(x * x).backward()
    held = x.grad
    held[0] = 5.0
    np.sum(x * x).backward()
    assert x.grad is held
    np.testing.assert_array_equal(held, [7.0, 8.0, 12.0])


# ------------------------------------------------------------------ out=


def test_out() -> None:
    x = leaf()
    with pytest.raises(wg.MutationError, match=r"np\.multiply\(.*out=array.*wengert\.numpy\.zeros"):
        np.multiply(x, 2.0, out=np.zeros(3))
    with pytest.raises(wg.MutationError, match="requires gradients"):
        np.multiply(x, 2.0, out=x)
    buffer = Tensor(np.zeros(3))
    np.multiply(x, 2.0, out=buffer)
    np.multiply(buffer, buffer, out=buffer)
    np.sum(buffer).backward()
    np.testing.assert_array_equal(x.grad, 8 * THREE)


# ------------------------------------------------------------------ memory layout


def test_in_place_operation_keeps_the_layout() -> None:
    """Regression: the layout decides whether a reshape made before is a view."""

    def program(w: Any) -> Any:
        x = w.T * 2.0  # column-major
        r = x.T.reshape(6)  # a view, for NumPy
        x += np.ones((3, 2))
        r[0] = 100.0
        return x

    w = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(program(Tensor(w, True)).array, program(w))


def test_reshape_of_a_transpose_is_a_copy() -> None:
    def program(w: Any) -> Any:
        x = w * 2.0
        r = x.T.reshape(6)
        r[0] = 100.0
        return x

    w = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(program(Tensor(w, True)).array, program(w))


def test_an_array_is_alone_in_a_list_until_somebody_refers_to_it() -> None:
    items = [np.zeros(3), np.zeros(4)[1:]]
    assert ownership.alone_in_list(items, 0)
    assert not ownership.alone_in_list(items, 1)  # a view
    other = items[0]
    assert not ownership.alone_in_list(items, 0)
    del other
    assert ownership.alone_in_list(items, 0)
