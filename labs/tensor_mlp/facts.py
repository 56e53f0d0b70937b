"""The facts of the course as unit tests, one point each; `grade.py` runs them.

A test uses as little of a submission as it can, so that what is missing or crashes costs only the
points of the tests that need it. The first line of a docstring is what the report shows.
"""

# ruff: noqa: PT009  (unittest's assertions name both values, without pytest)

from __future__ import annotations

import contextlib
import io
import re
import unittest
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

__all__ = ["SECTIONS", "Fact"]

A = [[1, 2, 3], [4, 5, 6]]
B = [[8, 2, 5]]
C = [[1, 2, 3], [6, 4, 0]]


class Fact(unittest.TestCase):
    """What all facts share."""

    submission: ClassVar[ModuleType]

    def leaf(self, array: Any) -> Any:
        return self.submission.Tensor(array, requires_grad=True)

    def same(self, what: str, actual: Any, expected: Any, tolerance: float = 1e-9) -> None:
        """Compare numbers and shapes; what differs is the message."""
        actual, expected = np.asarray(actual), np.asarray(expected)
        if actual.shape != expected.shape:
            self.fail(f"{what} has shape {actual.shape}, expected {expected.shape}")
        if not np.allclose(actual, expected, rtol=tolerance, atol=tolerance):
            self.fail(f"{what} is {actual.tolist()}, expected {expected.tolist()}")

    def gradients(self, name: str, of_a: Any, of_b: Any) -> None:
        """Both ways to A's and B's gradients: `backward` and `grad_fn`, with ones upstream."""
        for way in ("backward", "grad_fn"):
            a, b = self.leaf(A), self.leaf(B)
            out = getattr(self.submission, name)(a, b)
            getattr(out, way)(np.ones((2, 3)))
            self.same(f"A.grad after {way}", a.grad, of_a)
            self.same(f"B.grad after {way}", b.grad, of_b)


class Construction(Fact):
    """The Tensor itself."""

    def test_integers(self) -> None:
        """Integers become floats."""
        t = self.submission.Tensor([[1, 2]])
        self.assertEqual(np.asarray(t.array).dtype.kind, "f")
        self.same("array", t.array, [[1.0, 2.0]])

    def test_copy(self) -> None:
        """The constructor copies."""
        source = np.ones(2)
        t = self.submission.Tensor(source)
        source[:] = 7
        self.same("array", t.array, [1.0, 1.0])

    def test_array(self) -> None:
        """.array is live, settable, an ndarray for scalars, too."""
        t = self.leaf([1.0, 2.0])
        t.array[0] = 5
        self.same("array after writing into it", t.array, [5.0, 2.0])
        t.array -= 0.5
        self.same("array after -=", t.array, [4.5, 1.5])
        t.array = np.array([3.0, 4.0])
        self.same("array after setting it", t.array, [3.0, 4.0])
        result = self.leaf([1.0, 2.0]) * self.leaf([3.0, 4.0])
        result.array[0] = 5
        self.same("array of a result after writing into it", result.array, [5.0, 8.0])
        result.array = np.array([6.0, 7.0])
        self.same("array of a result after setting it", result.array, [6.0, 7.0])
        self.assertIs(type(self.submission.Tensor(2.0).array), np.ndarray)
        self.same("scalar", self.submission.Tensor(2.0).array, 2.0)

    def test_grad(self) -> None:
        """.grad is zeros, live and settable; None for constants."""
        t = self.leaf([1.0, 2.0])
        self.same("grad", t.grad, [0.0, 0.0])
        t.grad += 1
        t.grad[0] += 1
        self.same("grad after writing", t.grad, [2.0, 1.0])
        t.grad = np.array([3.0, 3.0])
        self.same("grad after setting it", t.grad, [3.0, 3.0])
        self.assertIsNone(self.submission.Tensor([1.0]).grad)

    def test_zero_grad(self) -> None:
        """zero_grad() makes .grad zeros."""
        t = self.leaf([1.0, 2.0])
        t.grad += 1
        t.zero_grad()
        self.same("grad", t.grad, [0.0, 0.0])

    def test_attributes(self) -> None:
        """.shape, .requires_grad, .parents, .grad_fn, .grad_fn_name of leaves and constants."""
        for requires_grad in (True, False):
            t = self.submission.Tensor(A, requires_grad)
            self.assertEqual(t.shape, (2, 3))
            self.assertIs(bool(t.requires_grad), requires_grad)
            self.assertEqual(tuple(t.parents), ())
            self.assertIsNone(t.grad_fn)
            self.assertIsNone(t.grad_fn_name)

    def test_ensure_tensor(self) -> None:
        """ensure_tensor passes Tensors through and wraps the rest."""
        t = self.leaf(A)
        self.assertIs(self.submission.ensure_tensor(t), t)
        wrapped = self.submission.ensure_tensor(3)
        self.assertIsInstance(wrapped, self.submission.Tensor)
        self.assertFalse(wrapped.requires_grad)
        self.same("array", wrapped.array, 3.0)


class Arithmetic(Fact):
    """Operations of two Tensors."""

    def test_values(self) -> None:
        """add, sub, mul, div, matmul: values."""
        s = self.submission
        a, b = np.array(A, float), np.array(B, float)
        for name, value in (("add", a + b), ("sub", a - b), ("mul", a * b), ("div", a / b)):
            self.same(name, getattr(s, name)(self.leaf(A), self.leaf(B)).array, value)
        self.same("matmul", s.matmul(self.leaf(A), self.leaf(b.T)).array, a @ b.T)

    def test_add(self) -> None:
        """A + B: B was broadcast, so its gradient is a sum over rows."""
        self.gradients("add", np.ones((2, 3)), [[2, 2, 2]])

    def test_sub(self) -> None:
        """A - B."""
        self.gradients("sub", np.ones((2, 3)), [[-2, -2, -2]])

    def test_mul(self) -> None:
        """A * B."""
        self.gradients("mul", [[8, 2, 5], [8, 2, 5]], [[5, 7, 9]])

    def test_div(self) -> None:
        """A / B."""
        self.gradients("div", [[0.125, 0.5, 0.2]] * 2, [[-0.078125, -1.75, -0.36]])

    def test_matmul(self) -> None:
        """A @ B: 2x3 ones by 3x2 twos."""
        for way in ("backward", "grad_fn"):
            a, b = self.leaf(np.ones((2, 3))), self.leaf(np.full((3, 2), 2.0))
            getattr(self.submission.matmul(a, b), way)(np.ones((2, 2)))
            self.same("A.grad", a.grad, np.full((2, 3), 4.0))
            self.same("B.grad", b.grad, np.full((3, 2), 2.0))

    def test_operators(self) -> None:
        """+ - * / @ and unary minus."""
        a, b = np.array(A, float), np.array(B, float)
        x, y = self.leaf(A), self.leaf(B)
        for what, t, value in (
            ("A + B", x + y, a + b),
            ("A - B", x - y, a - b),
            ("A * B", x * y, a * b),
            ("A / B", x / y, a / b),
            ("A @ B'", x @ self.leaf(b.T), a @ b.T),
            ("-A", -x, -a),
        ):
            self.same(what, t.array, value)

    def test_reflected(self) -> None:
        """Numbers and arrays on the left, with gradients."""
        x = self.leaf([2.0])
        ((3 - x) * (1 / x) + 2 * x - (-x) + (1 + x)).backward()
        self.same("grad", x.grad, [-0.75 + 3 + 1])
        m = self.leaf(np.eye(2))
        (np.ones((1, 2)) @ m).backward()
        self.same("grad of np.ones((1, 2)) @ M", m.grad, np.ones((2, 2)))

    def test_accumulate(self) -> None:
        """broadcast_grad_accumulate sums down to the Tensor's shape, and adds."""
        for shape in ((1, 3), (3,), (2, 3), ()):
            t = self.leaf(np.zeros(shape))
            expected = np.zeros(shape)
            for _ in range(2):
                self.submission.broadcast_grad_accumulate(t, np.array(A, float))
                summed = np.array(A, float)
                if len(shape) < 2:
                    summed = summed.sum(axis=0)
                if shape == ():
                    summed = summed.sum()
                if shape == (1, 3):
                    summed = summed.sum(axis=0, keepdims=True)
                expected = expected + summed
            self.same(f"grad of shape {shape}", t.grad, expected)


class Functions(Fact):
    """exp, log, sum, max."""

    def test_exp(self) -> None:
        """The function exp."""
        x = self.leaf(C)
        out = self.submission.exp(x)
        self.same("exp", out.array, np.exp(np.array(C, float)))
        out.backward()
        self.same("grad", x.grad, np.exp(np.array(C, float)))

    def test_log(self) -> None:
        """The function log."""
        x = self.leaf(A)
        out = self.submission.log(x)
        self.same("log", out.array, np.log(np.array(A, float)))
        out.backward()
        self.same("grad", x.grad, 1 / np.array(A, float))

    def test_sum(self) -> None:
        """Sum over axis 1, with the integer upstream [1, 2]."""
        for way in ("backward", "grad_fn"):
            x = self.leaf(A)
            out = self.submission.sum(x, axis=1)
            self.same("sum", out.array, [6.0, 15.0])
            getattr(out, way)(np.array([1, 2]))
            self.same("grad", x.grad, [[1, 1, 1], [2, 2, 2]])

    def test_max(self) -> None:
        """Max over axis 1, with the integer upstream [1, 2]."""
        for way in ("backward", "grad_fn"):
            x = self.leaf(C)
            out = self.submission.max(x, axis=1)
            self.same("max", out.array, [3.0, 6.0])
            getattr(out, way)(np.array([1, 2]))
            self.same("grad", x.grad, [[0, 0, 1], [2, 0, 0]])

    def test_axes(self) -> None:
        """Sum and max: axis=None, axis=0, keepdims."""
        c = np.array(C, float)
        for name, ones in (("sum", np.ones((2, 3))), ("max", (c == c.max()) * 1.0)):
            for options in ({}, {"axis": 0}, {"axis": 1, "keepdims": True}, {"keepdims": True}):
                out = getattr(self.submission, name)(self.leaf(C), **options)
                self.same(f"{name} {options}", out.array, getattr(np, name)(c, **options))
            x = self.leaf(C)
            getattr(self.submission, name)(x).backward()
            self.same(f"grad of {name}", x.grad, ones)

    def test_methods(self) -> None:
        """As methods: .exp() .log() .sum(axis, keepdims) .max(axis, keepdims)."""
        a, x = np.array(A, float), self.leaf(A)
        for what, t, value in (
            (".exp()", x.exp(), np.exp(a)),
            (".log()", x.log(), np.log(a)),
            (".sum()", x.sum(), a.sum()),
            (".sum(axis=1)", x.sum(axis=1), a.sum(axis=1)),
            (".sum(0, True)", x.sum(0, True), a.sum(axis=0, keepdims=True)),
            (".max(axis=0)", x.max(axis=0), a.max(axis=0)),
            (".max(1, True)", x.max(1, True), a.max(axis=1, keepdims=True)),
        ):
            self.same(what, t.array, value)

    def test_sigmoid(self) -> None:
        """The sigmoid 1 / (1 + exp(-1 * x)), differentiated through the graph."""
        x = self.leaf(C)
        (1 / (1 + (-1 * x).exp())).backward()
        expected = [
            [0.19661193324, 0.10499358540, 0.04517665973],
            [0.00246650929, 0.01766270621, 0.25],
        ]
        self.same("grad", x.grad, expected, 1e-10)


class Graph(Fact):
    """The graph and backward()."""

    def test_parents(self) -> None:
        """.parents are the very operands."""
        a, b = self.leaf(A), self.leaf(B)
        out = a + b
        self.assertIs(out.parents[0], a)
        self.assertIs(out.parents[1], b)
        self.assertTrue(out.requires_grad)

    def test_names(self) -> None:
        """.grad_fn_name of all nine operations."""
        x = self.leaf(A)
        for name, t in (
            ("Add", x + x), ("Sub", x - x), ("Mul", x * x), ("Div", x / x),
            ("Matmul", x @ self.leaf(np.ones((3, 1)))), ("Log", x.log()), ("Exp", x.exp()),
            ("Sum", x.sum()), ("Max", x.max()),
        ):  # fmt: skip
            self.assertEqual(t.grad_fn_name, f"<{name}Backward>")

    def test_ones(self) -> None:
        """backward() without a gradient starts from ones, for a 2x3 output, too."""
        a, b = self.leaf(A), self.leaf(B)
        (a * b).backward()
        self.same("B.grad", b.grad, [[5, 7, 9]])

    def test_accumulates(self) -> None:
        """backward() adds to .grad; a Tensor used twice gets both contributions."""
        x = self.leaf([3.0])
        (x * x + x).backward()
        self.same("grad", x.grad, [7.0])
        (x * x).backward()
        self.same("grad after another", x.grad, [13.0])

    def test_intermediate(self) -> None:
        """Tensors on the way have .grad: zeros before, the gradient after backward()."""
        x = self.leaf([3.0])
        y = x * x
        self.same("grad before", y.grad, [0.0])
        (2 * y).backward()
        self.same("grad after", y.grad, [2.0])

    def test_diamond(self) -> None:
        """Each operation runs once, after all uses of its result."""
        x = self.leaf([1.0])
        y = x
        for _ in range(40):
            y = y * 0.5 + y * 0.5
        y.backward()
        self.same("grad", x.grad, [1.0])

    def test_order(self) -> None:
        """backward() returns the topological order, parents first, constants included."""
        a, b, c = self.leaf([1.0]), self.leaf([2.0]), self.submission.Tensor([3.0])
        s = a + b
        p = s * c
        q = p * s
        order = list(q.backward())
        self.assertEqual(len(order), 6)
        self.assertIs(order[-1], q)
        place = {id(t): i for i, t in enumerate(order)}
        self.assertEqual(set(place), {id(t) for t in (a, b, c, s, p, q)})
        for t in (s, p, q):
            for parent in t.parents:
                self.assertLess(place[id(parent)], place[id(t)])

    def test_user_node(self) -> None:
        """Tensor(out, True, (a, b), fn, "<Name>") is a node of its own."""
        a, b = self.leaf([2.0, 3.0]), self.leaf([5.0])

        def step(upstream: Any) -> None:
            a.grad += upstream * b.array
            b.grad += (upstream * a.array).sum(keepdims=True)

        product = self.submission.Tensor(a.array * b.array, True, (a, b), step, "<Product>")
        (product * product).backward()
        self.same("A.grad", a.grad, [100.0, 150.0])
        self.same("B.grad", b.grad, [130.0])
        self.assertEqual(product.grad_fn_name, "<Product>")
        self.assertIs(product.parents[1], b)


class Text(Fact):
    """repr."""

    def test_leaf(self) -> None:
        """Leaves that require gradients, and constants."""
        self.assertEqual(repr(self.leaf([1, 2])), "tensor([1.000 2.000], requires_grad=True)")
        self.assertEqual(repr(self.submission.Tensor(2.0)), "tensor(2.000)")

    def test_result(self) -> None:
        """Results of operations, with later lines indented."""
        text = "tensor([[ 9.000  4.000  8.000]\n        [12.000  7.000 11.000]], "
        self.assertEqual(repr(self.leaf(A) + self.leaf(B)), text + "grad_fn=<AddBackward>)")


class Network(Fact):
    """The network."""

    def test_tanh(self) -> None:
        """tanh, far from zero, too."""
        x = self.leaf([[-900.0, 0.5, 900.0]])
        out = self.submission.tanh(x)
        self.same("tanh", out.array, [[-1.0, np.tanh(0.5), 1.0]])
        out.backward()
        self.same("grad", x.grad, [[0.0, 1 - np.tanh(0.5) ** 2, 0.0]])

    def test_softmax(self) -> None:
        """softmax: rows sum to one, also for scores of 1000."""
        out = self.submission.softmax(self.leaf([[1000.0, 1000.0], [0.0, np.log(3.0)]]))
        self.same("softmax", out.array, [[0.5, 0.5], [0.25, 0.75]])

    def test_linear(self) -> None:
        """Linear: shapes, range of the initial values, x @ W + b, parameters()."""
        layer = self.submission.Linear(100, 20)
        self.assertEqual((layer.W.shape, layer.b.shape), ((100, 20), (1, 20)))
        weights = np.asarray(layer.W.array)
        self.assertLessEqual(np.abs(weights).max(), 0.1)
        self.assertGreater(weights.std(), 0.05)
        x = np.random.default_rng(0).random((3, 100))
        expected = x @ layer.W.array + layer.b.array
        self.same("Linear(x)", layer(self.submission.Tensor(x)).array, expected)
        self.same("forward(x)", layer.forward(self.submission.Tensor(x)).array, expected)
        self.assertEqual([id(p) for p in layer.parameters()], [id(layer.W), id(layer.b)])
        self.assertTrue(layer.W.requires_grad and layer.b.requires_grad)

    def test_cross_entropy(self) -> None:
        """cross_entropy_loss: value and gradient."""
        logits = self.leaf([[0.0, np.log(3.0)], [0.0, 0.0]])
        loss = self.submission.cross_entropy_loss(logits, np.array([1, 0]))
        self.same("loss", np.reshape(loss.array, ()), (np.log(4 / 3) + np.log(2.0)) / 2)
        loss.backward()
        self.same("grad", logits.grad, [[0.125, -0.125], [-0.25, 0.25]])

    def test_cross_entropy_is_stable(self) -> None:
        """cross_entropy_loss is finite for scores of 1e4."""
        logits = self.leaf([[1e4, 0.0]])
        loss = self.submission.cross_entropy_loss(logits, np.array([0]))
        self.same("loss", np.reshape(loss.array, ()), 0.0)
        loss.backward()
        self.same("grad", logits.grad, [[0.0, 0.0]])

    def test_sgd(self) -> None:
        """SGD: step() and zero_grad()."""
        w = self.leaf([1.0, 2.0])
        optimizer = self.submission.SGD([w], 0.1)
        w.grad = np.array([10.0, 20.0])
        optimizer.step()
        self.same("parameter", w.array, [0.0, 0.0])
        optimizer.zero_grad()
        self.same("grad", w.grad, [0.0, 0.0])

    def test_mlp(self) -> None:
        """MLP: fc1, fc2, fc3, two tanh layers, six parameters."""
        model = self.submission.MLP(4, 5, 3)
        x = np.random.default_rng(0).random((2, 4))
        h = x
        for layer in (model.fc1, model.fc2):
            h = np.tanh(h @ layer.W.array + layer.b.array)
        expected = h @ model.fc3.W.array + model.fc3.b.array
        self.same("MLP(x)", model(self.submission.Tensor(x)).array, expected)
        self.assertEqual(len(list(model.parameters())), 6)

    def test_evaluate(self) -> None:
        """evaluate: percent of right answers, also in batches that do not divide the images."""
        rng = np.random.default_rng(0)
        model = self.submission.MLP(4, 5, 3)
        x = rng.random((25, 4))
        answers = np.asarray(model(self.submission.Tensor(x)).array).argmax(axis=1)
        labels = np.where(np.arange(25) < 20, answers, (answers + 1) % 3)
        got = self.submission.evaluate(model, x, labels, batch_size=10)
        self.same("accuracy", got, 80.0)

    def test_train(self) -> None:
        """train: learns, returns both losses, prints a line per epoch."""
        rng = np.random.default_rng(0)
        x = rng.normal(size=(300, 2))
        y = (x[:, 0] > x[:, 1]).astype(int)
        model = self.submission.MLP(2, 8, 2)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            history = self.submission.train(
                model, x[:200], y[:200], x[200:], y[200:], epochs=3, batch_size=20, lr=0.5
            )
        self.assertEqual(sorted(history), ["train_loss", "val_loss"])
        self.assertEqual([len(v) for v in history.values()], [3, 3])
        self.assertLess(history["train_loss"][-1], 0.8 * history["train_loss"][0])
        losses = r"Train Loss: \d+\.\d{4} \| Val Loss: \d+\.\d{4}"
        lines = printed.getvalue().strip().splitlines()
        self.assertEqual(len(lines), 3)
        for i, text in enumerate(lines):
            line = rf"Epoch {i + 1}/3 \| {losses} \| Test Acc: \d+\.\d\d%"
            self.assertTrue(re.fullmatch(line, text.strip()), f"printed {text!r}")


SECTIONS: tuple[type[Fact], ...] = (Construction, Arithmetic, Functions, Graph, Text, Network)
