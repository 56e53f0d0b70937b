"""Writing into Tensors: NumPy's semantics, derivatives, and what must be refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert import Tensor
from wengert.testing import check_grads


def leaf(*shape: int) -> Tensor:
    return Tensor(np.arange(1.0, 1.0 + np.prod(shape)).reshape(shape), True)


class TestRefused:
    def test_leaf_outside_no_grad(self) -> None:
        w = leaf(3)
        for write in (
            lambda: w.__setitem__(0, 5.0),
            lambda: w.__iadd__(1.0),
            lambda: w[1:].__setitem__(0, 5.0),
            lambda: np.add(w, 1.0, out=w),
        ):
            with pytest.raises(
                wg.MutationError, match=r"requires gradients.*no_grad\(\).*copy\(\)"
            ):
                write()
        np.testing.assert_array_equal(w.array, [1.0, 2.0, 3.0])

    def test_broadcast_destination(self) -> None:
        y = np.broadcast_to(leaf(3) * 1.0, (2, 3))
        with pytest.raises(ValueError, match="read-only"):
            y[0, 0] = 1.0
        with pytest.raises(ValueError, match="read-only"):
            y += 1.0

    @pytest.mark.parametrize("transform", ["vmap", "jvp", "linearize", "grad"])
    def test_broadcast_destination_inside(self, transform: str) -> None:
        def f(x: Any) -> Any:
            y = np.broadcast_to(x * 1.0, (2, 3))
            y[0, 0] = 1.0
            return np.sum(y)

        run = {
            "vmap": lambda: wg.vmap(f)(np.ones((2, 3))),
            "jvp": lambda: wg.jvp(f, (np.ones(3),), (np.ones(3),)),
            "linearize": lambda: wg.linearize(f, np.ones(3)),
            "grad": lambda: wg.grad(f)(np.ones(3)),
        }
        with pytest.raises(ValueError, match="read-only"):
            run[transform]()

    def test_unsafe_casts(self) -> None:
        x = leaf(3)
        y = Tensor([1.0, 2.0, 3.0]).astype(int)
        with pytest.raises(
            wg.MutationError, match="dtype int64; create the destination with a float"
        ):
            y[0] = x[0]
        with pytest.raises(TypeError, match="cannot cast"):
            y += 0.5
        z = x * 1.0
        with pytest.raises(wg.WengertTypeError, match="complex value is written into a real array"):
            z[0] = x[0] * 1j
        with pytest.raises(TypeError, match="complex128 to float64"):
            z += 1j

    def test_shapes_that_do_not_fit(self) -> None:
        y = leaf(2, 3) * 1.0
        with pytest.raises(
            wg.ShapeError, match=r"shape \(2,\) does not fit a region of shape \(3,\)"
        ):
            y[0] = np.ones(2)
        with pytest.raises(wg.ShapeError, match=r"\(2, 2, 3\).*region of shape \(2, 3\)"):
            y[...] = np.ones((2, 2, 3))
        with pytest.raises((wg.ShapeError, ValueError)):
            y += np.ones((2, 2, 3))
        with pytest.raises(IndexError):
            y[5] = 0.0
        with pytest.raises(IndexError):
            y[0, 0, 0] = 0.0
        np.testing.assert_array_equal(y.array, leaf(2, 3).array)

    def test_scalars_have_no_items(self) -> None:
        s = np.sum(leaf(3))
        with pytest.raises(TypeError, match="does not support item assignment"):
            s[...] = 1.0

    def test_traced_value_into_a_plain_array(self) -> None:
        def one(t: Any) -> Any:
            buffer = np.zeros(3)
            buffer[0] = t
            return np.sum(buffer)

        def many(t: Any) -> Any:
            buffer = np.zeros(3)
            buffer[:] = t
            return np.sum(buffer)

        def add(t: Any) -> Any:
            buffer = np.zeros(3)
            buffer += t
            return np.sum(buffer)

        pattern = r"wengert\.numpy\.zeros|np\.zeros_like"
        runs: list[Callable[[Any, Any], Any]] = [
            lambda f, x: wg.grad(f)(x),
            lambda f, x: wg.jvp(f, (x,), (x,)),
            lambda f, x: wg.linearize(f, x),
            lambda f, x: wg.vjp(f, x),
        ]
        for f, point in ((one, 2.0), (many, np.ones(3))):
            for run in runs:
                with pytest.raises(wg.WengertTypeError, match=pattern) as caught:
                    run(f, point)
                names = [entry.name for entry in caught.traceback]
                assert f.__name__ in names, "the traceback must lead to the user's line"
            with pytest.raises(wg.AbstractValueError):
                wg.vmap(f)(np.stack([point, point]))
        with pytest.raises(wg.MutationError, match=pattern):
            wg.grad(add)(np.ones(3))

    def test_buffer_that_accepts_writes(self) -> None:
        def f(x: Any) -> Any:
            buffer = np.zeros_like(x)
            buffer[1:] = x[:-1]
            buffer[0] += x[-1]
            return np.sum(buffer * x)

        x = np.arange(1.0, 5.0)
        expected = np.roll(x, 1) + np.roll(x, -1)
        np.testing.assert_array_equal(wg.grad(f)(x), expected)
        np.testing.assert_array_equal(wg.vmap(wg.grad(f))(x[None]), [expected])

    def test_drop_in_namespace_accepts_writes(self) -> None:
        import wengert.numpy as wnp

        def f(x: Any) -> Any:
            buffer = wnp.zeros(4)
            buffer[2] = x[0] * x[1]
            return wnp.sum(buffer)

        np.testing.assert_array_equal(wg.grad(f)(np.array([2.0, 3.0])), [3.0, 2.0])


class TestAugmentedAssignment:
    @pytest.mark.parametrize(
        ("name", "f"),
        [
            ("+=", lambda a, b: a.__iadd__(b)),
            ("-=", lambda a, b: a.__isub__(b)),
            ("*=", lambda a, b: a.__imul__(b)),
            ("/=", lambda a, b: a.__itruediv__(b)),
            ("**=", lambda a, b: a.__ipow__(b)),
            ("%=", lambda a, b: a.__imod__(b)),
        ],
    )
    def test_is_in_place_for_arrays(self, name: str, f: Callable[[Any, Any], Any]) -> None:
        def program(x: Any) -> Any:
            y = x * 1.5
            alias = y
            alias = f(alias, x + 0.25)
            return np.sum(alias * y)  # y is the same array

        x = np.array([1.3, 2.7])
        assert program(Tensor(x)).array == program(x)
        h = 1e-6
        numeric = [(program(x + h * e) - program(x - h * e)) / (2 * h) for e in np.eye(2)]
        np.testing.assert_allclose(wg.grad(program)(x), numeric, rtol=1e-7)
        np.testing.assert_allclose(wg.vmap(program)(x[None]), [program(x)], rtol=1e-15)

    def test_rebinds_scalars(self) -> None:
        def f(x: Any) -> Any:
            y = x
            x += x * 2.0
            return y * x

        assert wg.grad(f)(3.0) == 18.0  # y is the old value: d 3 x^2
        np.testing.assert_array_equal(wg.grad(lambda x: np.sum(f(x)))(np.array([3.0])), [54.0])

    def test_keeps_the_dtype(self) -> None:
        x = Tensor(np.ones(2, "f4"), True)
        y = x * 1
        y += np.ones(2)
        assert y.dtype == np.float32
        np.sum(y).backward()
        assert x.grad.dtype == np.float32

    def test_matmul(self) -> None:
        x = leaf(2, 2)
        y = x * 1.0
        y @= np.eye(2) * 2.0
        np.sum(y).backward()
        np.testing.assert_array_equal(x.grad, np.full((2, 2), 2.0))

    def test_self_assignment_of_a_region_adds_nothing(self) -> None:
        x = leaf(4)
        y = x * 1.0
        y[1:] *= 2.0  # Python ends it with y[1:] = (the view)
        node = y._n
        y[1:] = y[1:]
        assert y._n is node
        np.sum(y * y).backward()
        np.testing.assert_array_equal(x.grad, [2.0, 16.0, 24.0, 32.0])

    def test_overlapping_assignment(self) -> None:
        x = leaf(4)
        y = x * 1.0
        y[1:] = y[:-1]
        np.testing.assert_array_equal(y.array, [1.0, 1.0, 2.0, 3.0])
        np.sum(y * y).backward()
        np.testing.assert_array_equal(x.grad, [4.0, 4.0, 6.0, 0.0])


class TestLayoutWhereOnlyShapesAreKnown:
    """Under vmap a reshape is a view or a copy as in NumPy, or the write is refused."""

    X = np.arange(6.0).reshape(2, 3)

    @staticmethod
    def write_through_reshape_of_transposed(x: Any) -> Any:
        y = x.T * 1.0
        r = y.reshape(6)
        r[0] = 5.0
        return y

    @staticmethod
    def read_reshape_after_write(x: Any) -> Any:
        y = x.T * 1.0
        r = y.reshape(6)
        y[0, 0] = 5.0
        return r

    @staticmethod
    def plain_reshape(x: Any) -> Any:
        y = np.sin(x)
        r = y.reshape(6)
        r[0] = 5.0
        y[1] += r[:3]
        return y

    @staticmethod
    def reshape_of_reversed(x: Any) -> Any:
        y = x[:, ::-1] * 1.0
        r = y.reshape(3, 2)
        y[0, 0] = 5.0
        return r

    @staticmethod
    def reshape_of_a_copy(x: Any) -> Any:
        y = x.T.copy()
        r = y.reshape(6)
        y[0, 0] = 5.0
        return r

    @staticmethod
    def zeros_like_the_argument(x: Any) -> Any:
        y = np.zeros_like(x)
        y.reshape(6)[2:4] = x[0, 1]
        return y

    @staticmethod
    def reshape_after_an_empty_write(x: Any) -> Any:
        """Regression: under forward mode a write of nothing made a column-major array row-major."""
        y = x * 1.0
        y[0:0] += 1.0
        r = y.reshape(6)
        y[...] = 0.0
        return r

    PROGRAMS = (
        "write_through_reshape_of_transposed",
        "read_reshape_after_write",
        "plain_reshape",
        "reshape_of_reversed",
        "reshape_of_a_copy",
        "zeros_like_the_argument",
        "reshape_after_an_empty_write",
    )

    @pytest.mark.parametrize("order", ["C", "F"])
    @pytest.mark.parametrize("name", PROGRAMS)
    def test_as_numpy_or_refused(self, name: str, order: Any) -> None:
        """Regression: results of transposed values counted as contiguous."""
        f = getattr(self, name)
        x = np.array(self.X, order=order)
        expected = f(x.copy("K"))
        np.testing.assert_array_equal(f(Tensor(x)).array, f(Tensor(x).array.copy("K")))
        batch = np.stack([x, x])
        try:
            found = wg.vmap(f)(batch)
        except wg.MutationError as error:
            message = str(error)
            assert "view or a copy" in message
            assert order == "F" or "transposed" in name or "after_write" in name
        else:
            np.testing.assert_array_equal(found[0], f(batch[0].copy("K")))
            del expected

    @pytest.mark.parametrize("order", ["C", "F"])
    @pytest.mark.parametrize("name", PROGRAMS)
    def test_eager_modes(self, name: str, order: Any) -> None:
        f = getattr(self, name)
        x = np.array(self.X, order=order)
        v = np.array(np.cos(self.X), order=order)
        expected = f(x.copy("K"))
        h = 1e-6
        slope = (f((x + h * v).copy("K")) - f((x - h * v).copy("K"))) / (2 * h)
        value, tangent = wg.jvp(f, (x,), (v,))
        np.testing.assert_array_equal(value, expected)
        np.testing.assert_allclose(tangent, slope, atol=1e-8)
        np.testing.assert_allclose(wg.linearize(f, x)[1](v), slope, atol=1e-8)
        weights = np.sin(np.arange(6.0)).reshape(expected.shape)
        (g,) = wg.vjp(f, x)[1](weights)
        np.testing.assert_allclose(np.sum(g * v), np.sum(weights * slope), atol=1e-8)

    def test_certain_cases_are_not_refused(self) -> None:
        for name in self.PROGRAMS[2:]:
            f = getattr(self, name)
            np.testing.assert_array_equal(wg.vmap(f)(self.X[None])[0], f(self.X.copy()))


def test_a_shape_cannot_be_set() -> None:
    def f(x: Any) -> Any:
        y = x * 1.0
        y.shape = (6,)
        return np.sum(y)

    with pytest.raises(wg.WengertTypeError, match=r"x = x\.reshape\(\(6,\)\)"):
        wg.grad(f)(np.ones((2, 3)))


DIAGONALS = {
    "ii->i": (3, 3),
    "ji->ij": (2, 3),
    "ij": (2, 3),
    "iij->ij": (2, 2, 3),
    "iij->ji": (2, 2, 3),
    "jii->ij": (3, 2, 2),
    "iii->i": (3, 3, 3),
    "ijij->ji": (2, 3, 2, 3),
    "...ii->...i": (2, 3, 3),
}


@pytest.mark.parametrize("subscripts", DIAGONALS)
def test_writes_through_the_view_that_einsum_makes(subscripts: str) -> None:
    """NumPy's is writeable, other than that of `np.diagonal`."""
    shape = DIAGONALS[subscripts]
    rng = np.random.default_rng(0)
    x, weights = rng.normal(size=shape), rng.normal(size=shape)

    def f(x: Any) -> Any:
        y = x * 1.0
        before = np.einsum(subscripts, y)
        view = np.einsum(subscripts, y)
        view[...] = np.sin(view) * np.cos(view)
        view[0] *= 2.0
        np.multiply(view, 1.5, out=view)
        return np.sum(y * weights) + np.sum(before**2)

    assert np.isclose(wg.value_and_grad(f)(x)[0], f(x), rtol=1e-14)
    check_grads(f, (x,), order=2)
    stack = np.stack([x, 2 * x])
    np.testing.assert_allclose(wg.vmap(wg.grad(f))(stack)[1], wg.grad(f)(2 * x), rtol=1e-13)
    np.testing.assert_allclose(wg.jit(wg.grad(f))(x), wg.grad(f)(x), rtol=1e-12)
    t = wg.Tensor(x.copy())
    np.einsum(subscripts, t)[...] = 7.0
    np.einsum(subscripts, x)[...] = 7.0
    np.testing.assert_array_equal(t.array, x)


def test_einsum_of_a_read_only_view_is_read_only() -> None:
    def f(x: Any) -> Any:
        y = x * 1.0
        np.einsum("ii->i", np.broadcast_to(y, (3, 3)))[...] = 0.0
        return np.sum(y)

    for g in (f, wg.grad(f), wg.jit(f)):
        with pytest.raises(ValueError, match="read-only"):
            g(np.ones(3))


def test_sliding_windows_follow_writes_and_refuse_them() -> None:
    """Regression: they were a copy, which took writes that NumPy refuses and followed none."""
    windows_of = np.lib.stride_tricks.sliding_window_view

    def f(x: Any) -> Any:
        y = x * 1.0
        windows = windows_of(y, (2, 2))
        y[0] = x[1] ** 2
        return np.sum(windows * np.arange(windows.size).reshape(windows.shape))

    x = np.arange(12.0).reshape(3, 4)
    assert wg.value_and_grad(f)(x)[0] == f(x)
    check_grads(f, (x,), order=2)
    np.testing.assert_allclose(wg.jit(wg.grad(f))(x), wg.grad(f)(x), rtol=1e-13)
    np.testing.assert_allclose(wg.vmap(wg.grad(f))(x[None])[0], wg.grad(f)(x), rtol=1e-13)

    def written(x: Any) -> Any:
        y = x * 1.0
        windows_of(y, 2)[0] = 1.0
        return np.sum(y)

    for g in (written, wg.grad(written), wg.jit(written)):
        with pytest.raises(ValueError, match="read-only"):
            g(np.ones(3))
    with pytest.raises(wg.MutationError, match=r"sliding_window_view\(.*writeable=True.*itself"):
        windows_of(wg.Tensor(np.ones(3)), 2, writeable=True)


def test_conj_of_a_real_array_is_the_array() -> None:
    """Regression: `x.conj()[0] = v` wrote into a copy; `np.conjugate` does copy."""

    def f(x: Any) -> Any:
        y = x * 1.0
        y.conj()[0] = 5.0
        y.conjugate()[1] *= 3.0
        np.conjugate(y)[2] = 9.0
        return np.sum(y * y)

    x = np.arange(1.0, 5.0)
    assert wg.value_and_grad(f)(x)[0] == f(x)
    np.testing.assert_array_equal(wg.grad(f)(x), [0.0, 36.0, 6.0, 8.0])
