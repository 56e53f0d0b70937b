"""The Tensor that users see: construction, attributes, repr, conversions, copies."""

from __future__ import annotations

import copy
import math
import pickle
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert import Tensor

A = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]


class TestConstruction:
    def test_copies(self) -> None:
        a = np.zeros(3)
        t = Tensor(a)
        a[0] = 9.0
        np.testing.assert_array_equal(t.array, np.zeros(3))
        u = Tensor(t)
        u.array[1] = 5.0
        np.testing.assert_array_equal(t.array, np.zeros(3))

    @pytest.mark.parametrize(
        ("given", "requires_grad", "dtype"),
        [
            ([1, 2], False, "float64"),
            ([1, 2], True, "float64"),
            (np.array([1, 2], "int8"), True, "float64"),
            (3, False, "float64"),
            (2.5, False, "float64"),
            (np.float32(1), True, "float32"),
            (np.float16(1), True, "float16"),
            (np.ones(2, "f4"), True, "float32"),
            ([1j], True, "complex128"),
            (np.ones(1, "c8"), True, "complex64"),
            ([True, False], False, "bool"),
            ([True, False], True, "float64"),
        ],
    )
    def test_dtypes(self, given: Any, requires_grad: bool, dtype: str) -> None:
        t = Tensor(given, requires_grad)
        assert t.dtype == np.dtype(dtype)
        assert t.requires_grad is requires_grad

    def test_tensor_function(self) -> None:
        assert wg.tensor([1, 2], requires_grad=True).requires_grad
        assert type(wg.tensor(1.0)).__name__ == "Tensor"
        assert isinstance(wg.tensor(1.0) * 2, Tensor)

    def test_bad_input(self) -> None:
        with pytest.raises(wg.WengertTypeError, match="holds numbers"):
            Tensor(["a"])
        with pytest.raises(wg.WengertTypeError, match="rows of different lengths"):
            Tensor(np.array([[1], [1, 2]], dtype=object))
        with pytest.raises(wg.WengertTypeError, match="loses its history"):
            Tensor([Tensor(1.0, True), Tensor(2.0)])
        with pytest.raises(wg.WengertTypeError, match=r"parents\[0\] is a ndarray"):
            Tensor([1.0], True, (np.ones(1),), lambda g: None)

    def test_grad_fn_must_be_a_function(self) -> None:
        with pytest.raises(wg.WengertTypeError, match=r"grad_fn must be a function .*, not a int"):
            Tensor([1.0], True, (Tensor([1.0], True),), 3)  # type: ignore[arg-type]

    def test_cannot_be_subclassed(self) -> None:
        with pytest.raises(wg.WengertTypeError, match="hold one as an attribute"):
            type("Mine", (Tensor,), {})


class TestAttributes:
    def test_shape_and_kind(self) -> None:
        t = Tensor(A, True)
        assert (t.shape, t.ndim, t.size, len(t)) == ((2, 3), 2, 6, 2)
        assert (t.itemsize, t.nbytes) == (8, 48)
        assert type(t.shape) is tuple

    def test_array_is_an_ndarray_even_for_scalars(self) -> None:
        x = Tensor(2.0, True)
        for t in (x, x * 2, np.sum(x), Tensor(A).sum(), Tensor([1.0])[0], (x * 2).detach()):
            assert type(t.array) is np.ndarray
            assert t.array.shape == ()

    def test_array_is_live_and_settable(self) -> None:
        t = Tensor([1.0, 2.0], True)
        t.array[0] = 5.0
        assert t.array is t.array
        np.testing.assert_array_equal((t * 1.0).array, [5.0, 2.0])
        t.array = [7, 8]
        np.testing.assert_array_equal(t.array, [7.0, 8.0])
        assert t.dtype == np.float64
        source = np.zeros(2)
        t.array = source
        source[0] = 3.0
        np.testing.assert_array_equal(t.array, [0.0, 0.0])

    def test_array_errors(self) -> None:
        t = Tensor([1.0, 2.0], True)
        with pytest.raises(wg.ShapeError, match=r"shape \(2,\).* shape \(3,\)"):
            t.array = np.zeros(3)
        with pytest.raises(wg.WengertTypeError, match="holds numbers"):
            t.array = "ab"
        v = Tensor([1.0, 2.0])[:1]
        with pytest.raises(wg.MutationError, match=r"x\[\.\.\.\] = value"):
            v.array = np.zeros(1)

    def test_grad_is_zeros_or_none(self) -> None:
        t = Tensor(A, True)
        assert type(t.grad) is np.ndarray
        np.testing.assert_array_equal(t.grad, np.zeros((2, 3)))
        assert Tensor(A).grad is None
        y = t * 2
        np.testing.assert_array_equal(y.grad, np.zeros((2, 3)))

    def test_grad_of_intermediate_tensors(self) -> None:
        t = Tensor(A, True)
        y = t * 2
        z = np.sum(y * y)
        z.backward()
        np.testing.assert_array_equal(y.grad, 2 * y.array)
        np.testing.assert_array_equal(t.grad, 8 * np.array(A))
        np.testing.assert_array_equal(z.grad, 1.0)

    def test_grad_is_live_and_settable(self) -> None:
        t = Tensor([1.0, 2.0], True)
        t.grad += 1.0
        t.grad[0] = 5.0
        np.testing.assert_array_equal(t.grad, [5.0, 1.0])
        t.grad = [7, 8]
        np.testing.assert_array_equal(t.grad, [7.0, 8.0])
        t.zero_grad()
        np.testing.assert_array_equal(t.grad, [0.0, 0.0])
        t.grad = None
        np.testing.assert_array_equal(t.grad, [0.0, 0.0])
        with pytest.raises(ValueError, match=r"shape \(2,\) cannot have shape \(3,\)"):
            t.grad = np.zeros(3)

    def test_grad_of_float32(self) -> None:
        t = Tensor(np.ones(2, "f4"), True)
        y = np.sum(t * np.ones(2))
        assert y.dtype == np.float64
        y.backward()
        assert t.grad.dtype == np.float32

    def test_requires_grad_can_be_set_on_leaves(self) -> None:
        t = Tensor([1.0])
        t.requires_grad = True
        (t * t).backward()
        np.testing.assert_array_equal(t.grad, [2.0])
        t.requires_grad = False
        assert t.grad is None
        assert not (t * 2).requires_grad
        with pytest.raises(wg.WengertValueError, match=r"detach\(\)"):
            (Tensor([1.0], True) * 2).requires_grad = False
        with pytest.raises(wg.WengertTypeError, match=r"astype\(float\)"):
            Tensor([1.0]).astype(int).requires_grad = True

    def test_requires_grad_of_a_view_follows_its_base(self) -> None:
        """Regression: a view told of its base's earlier state."""
        base, x = Tensor([1.0, 2.0, 3.0]), Tensor([5.0], True)
        v = base[1:]
        base[1] = x[0]
        assert v.requires_grad
        np.sum(v * v).backward()
        np.testing.assert_array_equal(x.grad, [10.0])

    def test_propagation(self) -> None:
        x, c = Tensor([1.0, 2.0], True), Tensor([1.0, 2.0])
        assert (x + c).requires_grad
        assert not (c + c).requires_grad
        assert not (c * 2.0).requires_grad
        assert not (x.detach() * 2).requires_grad


FORMAT = {"separator": " ", "precision": 3, "floatmode": "fixed", "max_line_width": 80}


class TestRepr:
    def test_exactly(self) -> None:
        x = Tensor([[1.0, 2.0], [3.0, 4.5678]], True)
        assert repr(x) == ("tensor([[1.000 2.000]\n        [3.000 4.568]], requires_grad=True)")
        assert repr(Tensor([1.0])) == "tensor([1.000])"
        assert repr(Tensor(2.0)) == "tensor(2.000)"
        assert repr(x * 1) == (
            "tensor([[1.000 2.000]\n        [3.000 4.568]], grad_fn=<MulBackward>)"
        )
        assert str(x) == repr(x)

    @pytest.mark.parametrize(
        "a",
        [
            np.arange(30.0).reshape(2, 15),
            np.array([1e-8, 1e8]),
            np.zeros((0, 2)),
            np.array([np.nan, np.inf, -1.5]),
            np.arange(2000.0),
            np.array([1 + 2j]),
            np.float64(-0.0),
        ],
        ids=lambda a: f"{a.dtype}{list(a.shape)}",
    )
    def test_is_array2string(self, a: Any) -> None:
        body = np.array2string(np.asarray(a), **FORMAT).replace("\n", "\n" + " " * 7)
        assert repr(Tensor(a)) == f"tensor({body})"
        assert repr(Tensor(a, True)) == f"tensor({body}, requires_grad=True)"

    @pytest.mark.parametrize(
        ("name", "f"),
        [
            ("<AddBackward>", lambda a, b: a + b),
            ("<SubBackward>", lambda a, b: a - b),
            ("<MulBackward>", lambda a, b: a * b),
            ("<DivBackward>", lambda a, b: a / b),
            ("<NegBackward>", lambda a, b: -a),
            ("<MatmulBackward>", lambda a, b: a @ b.T),
            ("<LogBackward>", lambda a, b: a.log()),
            ("<ExpBackward>", lambda a, b: a.exp()),
            ("<SumBackward>", lambda a, b: a.sum()),
            ("<SumBackward>", lambda a, b: a.sum(axis=1, keepdims=True)),
            ("<MaxBackward>", lambda a, b: a.max(axis=1)),
            ("<MaxBackward>", lambda a, b: a.max()),
        ],
    )
    def test_names_of_operations(self, name: str, f: Any) -> None:
        a, b = Tensor(A, True), Tensor([[8.0, 2.0, 5.0]], True)
        y = f(a, b)
        assert y.grad_fn_name == name
        assert repr(y).endswith(f", grad_fn={name})")
        constant = f(Tensor(A), Tensor([[8.0, 2.0, 5.0]]))
        assert constant.grad_fn_name is None
        assert "grad_fn" not in repr(constant)
        assert "requires_grad" not in repr(constant)

    def test_abstract_value(self) -> None:
        texts = []
        wg.vmap(lambda x: texts.append(repr(x)) or x)(np.ones((2, 3)))
        assert texts == ["tensor(abstract float64[3])"]

    def test_format(self) -> None:
        t = Tensor(2.5, True)
        assert f"{t:.3f}" == "2.500"
        assert f"{t}" == repr(t)


class TestConversions:
    def test_of_constants_and_leaves_outside_transforms(self) -> None:
        t = Tensor(1.5, True)
        assert (float(t), int(t), complex(t), bool(t), t.item()) == (1.5, 1, 1.5 + 0j, True, 1.5)
        assert math.sin(t) == math.sin(1.5)
        assert Tensor([[1.5]]).tolist() == [[1.5]]
        np.testing.assert_array_equal(np.asarray(Tensor([1.0, 2.0])), [1.0, 2.0])
        assert np.asarray(Tensor([1.0]), dtype="f4").dtype == np.float32
        assert bool(Tensor([0.0])) is False

    def test_conversion_to_an_array_is_a_copy(self) -> None:
        t = Tensor([1.0, 2.0])
        for a in (np.asarray(t), np.array(t), t.numpy()):
            a[0] = 9.0
        np.testing.assert_array_equal(t.array, [1.0, 2.0])
        with pytest.raises(ValueError, match="without a copy"):
            np.asarray(t, copy=False)

    def test_errors(self) -> None:
        t = Tensor([1.0, 2.0], True)
        with pytest.raises(wg.WengertTypeError, match=r"requires gradients.*\.detach\(\)"):
            np.asarray(t)
        with pytest.raises(ValueError, match="truth value"):
            bool(t)
        with pytest.raises(TypeError):
            float(t)
        with pytest.raises(TypeError):
            [1, 2, 3][Tensor(1.0)]
        with pytest.raises(TypeError, match="0-d"):
            len(Tensor(1.0))
        with pytest.raises(TypeError, match="0-d"):
            iter(Tensor(1.0))

    def test_iteration(self) -> None:
        x = Tensor([1.0, 2.0], True)
        a, b = x
        (a * b).backward()
        np.testing.assert_array_equal(x.grad, [2.0, 1.0])

    def test_hash_is_identity(self) -> None:
        a, b = Tensor(1.0), Tensor(1.0)
        assert len({a: 1, b: 2, a * 1: 3}) == 3

    def test_comparisons_give_plain_arrays(self) -> None:
        x = Tensor([1.0, 2.0], True)
        assert type(x > 1.5) is np.ndarray
        np.testing.assert_array_equal(x > 1.5, [False, True])
        np.testing.assert_array_equal(x == x, [True, True])


class TestCopies:
    def test_detach(self) -> None:
        x = Tensor([1.0, 2.0], True)
        y = (x * 2).detach()
        assert not y.requires_grad
        assert y.parents == ()
        assert y.grad is None

    @pytest.mark.parametrize(
        "make", [copy.copy, copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))]
    )
    def test_copy_and_pickle(self, make: Any) -> None:
        x = Tensor([1.0, 2.0], True)
        x.grad[0] = 4.0
        y = make(x)
        assert type(y) is type(x)
        assert y.requires_grad
        np.testing.assert_array_equal(y.array, x.array)
        np.testing.assert_array_equal(y.grad, [0.0, 0.0])
        y.array[0] = 7.0
        np.testing.assert_array_equal(x.array, [1.0, 2.0])
        assert not make(Tensor([1.0])).requires_grad
        assert make(Tensor(np.ones(1, "f4"))).dtype == np.float32
        assert make(Tensor([True])).dtype == np.bool_

    @pytest.mark.parametrize("make", [copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))])
    def test_integers_stay_integers(self, make: Any) -> None:
        """Regression: the constructor, which makes floats of integers, was used to restore."""
        assert make(Tensor([1.0, 2.0]).astype(int)).dtype == np.int64

    @pytest.mark.parametrize("make", [copy.copy, copy.deepcopy, pickle.dumps])
    def test_results_are_refused(self, make: Any) -> None:
        with pytest.raises(wg.MutationError, match=r"result of a recorded operation.*detach\(\)"):
            make(Tensor([1.0], True) * 2)

    def test_deepcopy_of_a_container(self) -> None:
        parameters = {"w": Tensor(A, True), "b": [Tensor(1.0, True)]}
        again = copy.deepcopy(parameters)
        assert again["w"] is not parameters["w"]
        np.testing.assert_array_equal(again["w"].array, A)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: 1j * x,
        lambda x: x * 1j,
        lambda x: 1j + x,
        lambda x: 1j - x,
        lambda x: 1j / x,
        lambda x: x / 1j,
        lambda x: 1j**x,
    ],
)
def test_python_complex_with_a_scalar(f: Any) -> None:
    """``1j * np.float64(2)`` is a Python complex; a Tensor holds NumPy's."""
    value = np.float64(0.7)
    result = f(wg.Tensor(value, True).sum())
    assert result.dtype == np.complex128
    np.testing.assert_allclose(result.array, f(value), rtol=1e-15)
    slope = wg.grad(lambda x: np.real(f(x)) + 2 * np.imag(f(x)))(value)
    h = 1e-6
    difference = (f(value + h) - f(value - h)) / (2 * h)
    np.testing.assert_allclose(slope, difference.real + 2 * difference.imag, rtol=1e-8)
