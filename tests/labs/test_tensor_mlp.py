"""Every sentence of the course's description of its Tensor, the network, and the grader."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wengert as wg
from labs.tensor_mlp import by_hand, facts, grade, lab, network, submitted, training
from labs.tensor_mlp.submitted import MLP, SGD, Linear, Tensor, cross_entropy_loss, softmax, tanh
from wengert import data
from wengert.testing import check_grads

FOLDER = Path(lab.__file__).parent
A = [[1, 2, 3], [4, 5, 6]]
B = [[8, 2, 5]]


def pair() -> tuple[Tensor, Tensor]:
    return Tensor(A, True), Tensor(B, True)


# ------------------------------------------------------------------ the Tensor


def test_the_facts_of_the_course() -> None:
    """All of them hold of the library's own Tensor, by the grader that teachers use."""
    report = grade.grade(FOLDER / "submitted.py")
    assert not [r for r in report.results if r.problem], str(report)
    assert report.points == len(grade.all_facts()) == 42


def test_names_are_the_librarys_own() -> None:
    assert submitted.Tensor is wg.Tensor
    assert submitted.matmul is wg.tensors.matmul
    for name in submitted.__all__:
        assert hasattr(submitted, name)


class TestConstructor:
    def test_positions_and_defaults(self) -> None:
        a = Tensor([1.0], True)
        step = lambda upstream: None  # noqa: E731
        t = Tensor(np.ones(1), True, (a,), step, "<Name>")
        assert (t.requires_grad, t.parents, t.grad_fn_name) == (True, (a,), "<Name>")
        assert t.grad_fn is step
        named = Tensor(np.ones(1), requires_grad=True, parents=(a,), grad_fn=step, grad_fn_name="n")
        assert named.grad_fn_name == "n"
        plain = Tensor([1.0])
        assert not plain.requires_grad
        assert (plain.parents, plain.grad_fn, plain.grad_fn_name, plain.grad) == (
            (),
            None,
            None,
            None,
        )

    @pytest.mark.parametrize("dtype", ["u1", "i4", "i8"])
    def test_copies_and_integers_become_float(self, dtype: str) -> None:
        source = np.array([1, 2], dtype)
        t = Tensor(source)
        source[:] = 9
        np.testing.assert_array_equal(t.array, [1.0, 2.0])
        assert t.array.dtype == np.float64
        floats = np.array([1.0, 2.0])
        u = Tensor(floats, True)
        u.array[0] = 7
        assert floats[0] == 1.0


class TestArray:
    def test_is_a_live_ndarray_for_all_kinds(self) -> None:
        a, b = pair()
        for t in (a, a + b, a.sum(), a.max(), Tensor(2.0), Tensor(2.0, True), Tensor(A), a[0]):
            assert type(t.array) is np.ndarray
            assert t.array.shape == t.shape

    def test_writes_are_seen_by_later_operations(self) -> None:
        a = Tensor([1.0, 2.0], True)
        array = a.array
        array[0] = 5
        np.testing.assert_array_equal((a * 2).array, [10.0, 4.0])
        array[1] = 7
        np.testing.assert_array_equal((a * 2).array, [10.0, 14.0])
        s = Tensor(2.0, True)
        s.array[...] = 3.0
        assert float(s * 2) == 6.0

    def test_sgd_of_the_course(self) -> None:
        param = Tensor([1.0, 2.0], True)
        expected = np.array([1.0, 2.0])
        for _ in range(3):
            param.zero_grad()
            (param * param).sum().backward()
            param.array -= 0.1 * param.grad
            expected -= 0.1 * 2 * expected
            np.testing.assert_allclose(param.array, expected, rtol=1e-14)
            assert param.requires_grad

    def test_updates_leave_a_finished_graph_right(self) -> None:
        """The graph keeps the values it was computed with; another backward() is not wrong."""
        w = Tensor([2.0], True)
        loss = w * w
        w.array -= 1.0
        loss.backward()
        np.testing.assert_array_equal(w.grad, [4.0])
        np.testing.assert_array_equal(w.array, [1.0])

    def test_of_a_result_is_written_but_not_differentiated(self) -> None:
        """A departure: the gradient of a written result is an error instead of a wrong number."""
        y = Tensor([2.0], True) * 2
        y.array[0] = 1
        np.testing.assert_array_equal(y.array, [1.0])
        y.array = np.ones(1) * 3
        np.testing.assert_array_equal(y.array, [3.0])
        with pytest.raises(wg.MutationError, match="was written, and no derivative of that"):
            y.backward()

    def test_fast_paths_are_taken_again(self) -> None:
        """Regression: after ``w.array -= step`` operations on w recorded slow nodes."""
        for make in (lambda w: w + 1.0, lambda w: 2.0 * w, lambda w: w @ w, lambda w: w / w):
            w = Tensor(np.eye(2) + 1, True)
            expected = make(w)._n[1]
            w.array -= 0.5
            assert make(w)._n[1] is expected
            held = w.array
            assert make(w)._n[1] is not expected  # somebody may still write
            del held
            x = Tensor(np.eye(2), True)
            w.array += 0
            assert (x + w)._n[1] is (x + x)._n[1]


class TestGrad:
    def test_zeros_until_backward_also_on_the_way(self) -> None:
        a, b = pair()
        y = a * b
        for t in (a, b, y):
            assert type(t.grad) is np.ndarray
            np.testing.assert_array_equal(t.grad, np.zeros(t.shape))
        assert Tensor(A).grad is None

    def test_live_and_settable(self) -> None:
        a, b = pair()
        for t in (a, a * b):
            held = t.grad
            held[...] = 3
            np.testing.assert_array_equal(t.grad, np.full(t.shape, 3.0))
            t.grad += 1  # regression: this made a copy, and `held` was no longer live
            assert t.grad is held
            t.grad = np.ones(t.shape)
            np.testing.assert_array_equal(t.grad, np.ones(t.shape))
            t.zero_grad()
            np.testing.assert_array_equal(t.grad, np.zeros(t.shape))

    def test_backward_adds_to_what_is_held(self) -> None:
        a = Tensor([1.0, 2.0], True)
        held = a.grad
        (3 * a).backward()
        (3 * a).backward()
        np.testing.assert_array_equal(held, [6.0, 6.0])

    def test_is_a_tensor_only_after_create_graph(self) -> None:
        a = Tensor([2.0], True)
        (a * a).backward()
        assert type(a.grad) is np.ndarray
        a.zero_grad()
        (a * a).backward(create_graph=True)
        assert isinstance(a.grad, Tensor)


class TestGraph:
    def test_parents_are_the_operands(self) -> None:
        a, b = pair()
        assert (a + b).parents[0] is a
        assert (a + b).parents[1] is b
        assert a.exp().parents == (a,)
        y = a * b
        assert (y @ Tensor(np.ones((3, 1)))).parents[0] is y
        c = Tensor(B)
        assert (a - c).parents[1] is c

    def test_order(self) -> None:
        x, w, b, c = (
            Tensor([[1.0, 2.0]]),
            Tensor([[1.0], [2.0]], True),
            Tensor([[1.0]], True),
            Tensor(2.0),
        )
        z = x @ w
        y = z + b
        out = y * c
        order = out.backward()
        assert list(map(id, [order[-1]])) == [id(out)]
        assert {id(t) for t in order} == {id(t) for t in (x, w, b, c, z, y, out)}
        assert len(order) == 7
        place = {id(t): i for i, t in enumerate(order)}
        for t in (z, y, out):
            assert all(place[id(p)] < place[id(t)] for p in t.parents)
        assert all(isinstance(t, Tensor) for t in order)

    @pytest.mark.parametrize(
        ("make", "name"),
        [
            (lambda a, b: a + b, "Add"), (lambda a, b: 1 + a, "Add"),
            (lambda a, b: a - b, "Sub"), (lambda a, b: 1 - a, "Sub"),
            (lambda a, b: a * b, "Mul"), (lambda a, b: 2 * a, "Mul"),
            (lambda a, b: a / b, "Div"), (lambda a, b: 1 / a, "Div"),
            (lambda a, b: a @ np.ones((3, 1)), "Matmul"),
            (lambda a, b: np.ones((1, 2)) @ a, "Matmul"),
            (lambda a, b: a.log(), "Log"), (lambda a, b: a.exp(), "Exp"),
            (lambda a, b: a.sum(), "Sum"), (lambda a, b: a.sum(0, True), "Sum"),
            (lambda a, b: a.max(), "Max"), (lambda a, b: a.max(1, True), "Max"),
        ],
    )  # fmt: skip
    def test_names_and_repr(self, make: Any, name: str) -> None:
        y = make(*pair())
        assert y.grad_fn_name == f"<{name}Backward>"
        text = np.array2string(
            y.array, separator=" ", precision=3, floatmode="fixed", max_line_width=80
        ).replace("\n", "\n       ")
        assert repr(y) == f"tensor({text}, grad_fn=<{name}Backward>)"

    def test_repr_of_leaves_and_constants(self) -> None:
        assert repr(Tensor(A)) == "tensor([[1.000 2.000 3.000]\n        [4.000 5.000 6.000]])"
        assert repr(Tensor(0.5, True)) == "tensor(0.500, requires_grad=True)"
        assert repr(Tensor(A) + Tensor(B)).endswith("11.000]])")  # no operand requires gradients
        long = repr(Tensor(np.arange(30.0)))
        assert max(map(len, long.splitlines())) <= 80 + len("       ")
        assert long.splitlines()[1].startswith("        ")

    def test_grad_fn_adds_only_to_the_parents(self) -> None:
        a, b = pair()
        y = a * b
        z = y * 2.0
        for n in (1, 2):
            z.grad_fn(np.ones((2, 3)))
            np.testing.assert_array_equal(y.grad, np.full((2, 3), 2.0 * n))
        np.testing.assert_array_equal(a.grad, np.zeros((2, 3)))

    def test_positional_keepdims(self) -> None:
        """Regression: NumPy's order has dtype and out there, which a bool cannot be."""
        a = np.array(A, float)
        for t in (Tensor(A), Tensor(A, True), Tensor([A, A], True)[0]):
            assert t.sum(1, True).shape == t.max(1, True).shape == (2, 1)
            assert t.sum(1, False).shape == t.max(1, False).shape == (2,)
            np.testing.assert_array_equal(t.sum(0, True).array, a.sum(axis=0, keepdims=True))


# ------------------------------------------------------------------ the network


class TestNetwork:
    def test_linear(self) -> None:
        layer = Linear(4, 100_000, np.random.default_rng(0))
        assert layer.W.shape == (4, 100_000)
        assert layer.b.shape == (1, 100_000)
        weights = layer.W.array
        assert -0.5 <= weights.min() < -0.499  # sqrt(1 / 4)
        assert 0.499 < weights.max() <= 0.5
        assert abs(weights.std() - 0.5 / np.sqrt(3)) < 1e-3
        with pytest.raises(wg.WengertValueError, match="Linear: out_features must be at least 1"):
            Linear(3, 0)
        assert not np.array_equal(Linear(3, 2).W.array, Linear(3, 2).W.array)

    def test_softmax(self) -> None:
        x = np.array([[1e4, 1e4 - 1, -1e4], [0.0, 1.0, 2.0]])
        p = softmax(Tensor(x, True))
        np.testing.assert_allclose(p.array.sum(axis=1), 1.0)
        np.testing.assert_allclose(
            p.array[0], [1 / (1 + np.exp(-1)), np.exp(-1) / (1 + np.exp(-1)), 0]
        )
        np.testing.assert_array_equal(softmax(x).array, p.array)

    def test_derivatives(self) -> None:
        rng = np.random.default_rng(0)
        x = rng.normal(size=(3, 4))
        check_grads(lambda x: softmax(x) * np.arange(4.0), (x,))
        check_grads(tanh, (x,))
        check_grads(lambda x: cross_entropy_loss(x, np.array([0, 3, 1])), (x,))

    def test_cross_entropy(self) -> None:
        rng = np.random.default_rng(0)
        x, y = rng.normal(size=(5, 3)), np.array([0, 2, 1, 1, 0])
        expected = -np.mean(np.log(np.exp(x) / np.exp(x).sum(axis=1, keepdims=True))[range(5), y])
        assert float(cross_entropy_loss(Tensor(x), y)) == pytest.approx(expected, rel=1e-13)
        assert float(cross_entropy_loss(1e4 * np.eye(3), np.arange(3))) == 0.0

    def test_errors_of_the_loss(self) -> None:
        logits = Tensor(np.zeros((2, 3)))
        with pytest.raises(wg.WengertValueError, match="label 3 of example 1 is out of range"):
            cross_entropy_loss(logits, np.array([0, 3]))
        with pytest.raises(wg.WengertTypeError, match="labels must be integers"):
            cross_entropy_loss(logits, np.array([0.0, 1.0]))
        with pytest.raises(wg.ShapeError, match=r"labels of shape \(2,\), got \(3,\)"):
            cross_entropy_loss(logits, np.array([0, 1, 2]))

    def test_mlp(self) -> None:
        model = MLP(4, 5, 3, np.random.default_rng(0))
        assert [p.shape for p in model.parameters()] == [
            (4, 5),
            (1, 5),
            (5, 5),
            (1, 5),
            (5, 3),
            (1, 3),
        ]
        assert model.parameters()[2] is model.fc2.W
        again = MLP(4, 5, 3, np.random.default_rng(0))
        np.testing.assert_array_equal(model.fc3.W.array, again.fc3.W.array)

    def test_steps_are_those_written_by_hand(self) -> None:
        rng = np.random.default_rng(0)
        x, y = rng.normal(size=(8, 6)), rng.integers(0, 10, 8)
        model = MLP(6, 7, 10, rng)
        copies = [p.array.copy() for p in model.parameters()]
        mine, theirs = by_hand.tensor_step(model, x, y, 0.1), by_hand.hand_step(copies, x, y, 0.1)
        for _ in range(20):
            assert mine() == pytest.approx(theirs(), rel=1e-12)
        for p, q in zip(model.parameters(), copies):
            np.testing.assert_allclose(p.array, q, rtol=1e-11, atol=1e-14)

    def test_sgd_takes_any_iterable(self) -> None:
        w = Tensor([1.0], True)
        optimizer = SGD((t for t in [w]), lr=0.5)
        for _ in range(2):
            optimizer.zero_grad()
            (w * w).sum().backward()
            optimizer.step()
        np.testing.assert_array_equal(w.array, [0.0])


class TestTraining:
    @staticmethod
    def problem() -> tuple[Any, ...]:
        rng = np.random.default_rng(0)
        x = rng.normal(size=(90, 3))
        return x[:60], (x[:60, 0] > 0).astype(int), x[60:], (x[60:, 0] > 0).astype(int)

    def test_prints_and_returns(self, capsys: pytest.CaptureFixture[str]) -> None:
        data = self.problem()
        model = MLP(3, 8, 2, np.random.default_rng(0))
        history = training.train(model, *data, 5, 8, 0.1, np.random.default_rng(1))
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 5
        for i, line in enumerate(lines):
            found = re.fullmatch(
                r"Epoch (\d)/5 \| Train Loss: (\d\.\d{4}) \| Val Loss: (\d\.\d{4}) \| "
                r"Test Acc: (\d+\.\d\d)%",
                line,
            )
            assert found, line
            assert int(found[1]) == i + 1
            assert float(found[2]) == round(history["train_loss"][i], 4)
            assert float(found[3]) == round(history["val_loss"][i], 4)
        assert found[4] == f"{training.evaluate(model, *data[2:]):.2f}"
        val_loss = float(cross_entropy_loss(model(data[2]), data[3]))
        assert history["val_loss"][-1] == pytest.approx(val_loss, rel=1e-12)

    def test_evaluate_does_not_record_and_batches_agree(self) -> None:
        x, y, *_ = self.problem()
        model = MLP(3, 8, 2, np.random.default_rng(0))
        results = {training.evaluate(model, x, y, batch_size=n) for n in (1, 7, 60, 1000)}
        assert len(results) == 1
        answers = model(x).array.argmax(axis=1)
        assert results == {100 * np.mean(answers == y)}
        assert all(not p.grad.any() for p in model.parameters())

    def test_bad_sizes(self) -> None:
        x, y, *_ = self.problem()
        with pytest.raises(wg.ShapeError, match="60 images and 59 labels"):
            training.train(MLP(3, 2, 2), x, y[:-1], x, y)
        with pytest.raises(wg.ShapeError, match="60 images and 59 labels"):
            training.evaluate(MLP(3, 2, 2), x, y[:-1])
        with pytest.raises(wg.ShapeError, match=r"matmul: shapes \(.*\) and \(4, 2\) do not fit"):
            training.evaluate(MLP(4, 2, 2), x, y)

    def test_interrupt_keeps_what_there_is(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        real = training._train_epoch
        calls: list[int] = []

        def second_is_interrupted(*args: Any) -> float:
            calls.append(1)
            if len(calls) == 2:
                raise KeyboardInterrupt
            return real(*args)

        monkeypatch.setattr(training, "_train_epoch", second_is_interrupted)
        history = training.train(MLP(3, 4, 2), *self.problem(), epochs=5)
        assert [len(v) for v in history.values()] == [1, 1]
        assert "interrupted in epoch 2" in capsys.readouterr().out

    def test_pictures(self) -> None:
        x, y = np.random.default_rng(0).random((3, 784)), np.array([4, 5, 6])
        ax = training.plot_mnist_image(x, y, index=2)
        assert ax.get_title() == "6"
        np.testing.assert_array_equal(ax.images[0].get_array(), x[2].reshape(28, 28))
        assert training.plot_mnist_image(x.reshape(3, 28, 28)).get_title() == ""
        with pytest.raises(wg.WengertValueError, match="image 3 of 3"):
            training.plot_mnist_image(x, y, 3)
        with pytest.raises(wg.ShapeError, match="784 pixels"):
            training.plot_mnist_image(x[:, :100])
        figure = training.plot_losses({"T": {"train_loss": [2.0, 1.0], "val_loss": [2.0, 1.5]}})
        (axes,) = figure.axes
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("epoch", "cross entropy (nats)")
        assert len(axes.lines) == 2


# ------------------------------------------------------------------ the grader


def graded(tmp_path: Path, source: str, seconds: float = 20.0) -> dict[str, str]:
    path = tmp_path / "submission.py"
    path.write_text(textwrap.dedent(source), encoding="utf-8")
    return {r.title: r.problem for r in grade.grade(path, seconds).results if r.problem}


class TestGrader:
    def test_crashes_cost_only_their_points(self, tmp_path: Path) -> None:
        problems = graded(
            tmp_path,
            """
            import os, sys, time
            from labs.tensor_mlp.submitted import *
            print("not a result")
            def exp(x): os._exit(3)
            def log(x): sys.exit("no log")
            def softmax(x): time.sleep(60)
            def tanh(x): return undefined_name
            def matmul(a, b): return a * 1.0
            del ensure_tensor
            """,
            seconds=5.0,
        )
        assert {k: v.split(",")[0] for k, v in problems.items()} == {
            "The function exp": "ended the process (exit code 3)",
            "The function log": "SystemExit: no log",
            "softmax: rows sum to one, also for scores of 1000": "took more than 5 s",
            "tanh, far from zero, too": "NameError: name 'undefined_name' is not defined",
            "add, sub, mul, div, matmul: values": "matmul has shape (2",
            "A @ B: 2x3 ones by 3x2 twos": "ShapeError: backward(): the gradient has shape (2",
            "ensure_tensor passes Tensors through and wraps the rest": "AttributeError: module "
            "'wengert_graded_submission' has no attribute 'ensure_tensor'",
        }

    def test_wrong_gradients_are_told(self, tmp_path: Path) -> None:
        problems = graded(
            tmp_path,
            """
            from labs.tensor_mlp.submitted import *
            def sub(a, b): return a - 2 * b.detach() + b
            """,
        )
        assert problems == {
            "A - B": "B.grad after backward is [[2.0, 2.0, 2.0]], expected [[-2, -2, -2]]"
        }

    @pytest.mark.parametrize(
        ("source", "reason"),
        [
            ("x = (", "could not be imported: SyntaxError"),
            ("import no_such_module", "could not be imported: ModuleNotFoundError"),
            ("import os; os._exit(5)", "could not be imported: ended the process (exit code 5)"),
            ("raise SystemExit", "could not be imported: SystemExit"),
        ],
    )
    def test_what_cannot_be_imported(self, tmp_path: Path, source: str, reason: str) -> None:
        problems = graded(tmp_path, source)
        assert len(problems) == len(grade.all_facts())
        assert all(reason in problem for problem in problems.values())

    def test_command(self, tmp_path: Path) -> None:
        path = tmp_path / "mine.py"
        path.write_text("import beside\nfrom labs.tensor_mlp.submitted import *\ndel exp\n")
        (tmp_path / "beside.py").write_text("")
        done = subprocess.run(
            [sys.executable, str(FOLDER / "grade.py"), str(path)],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            check=False,
        )
        assert done.returncode == 1, done.stderr
        assert done.stdout.splitlines()[-1] == "Score: 41 / 42 (97.6 %)"
        assert "FAIL  The function exp" in done.stdout
        assert grade.main([str(tmp_path / "none.py")]) == 2

    def test_no_such_file(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert grade.main(["/no/such.py"]) == 2
        assert "/no/such.py: no such file" in capsys.readouterr().err

    def test_every_fact_has_a_title(self) -> None:
        titles = [grade._first_line(f._testMethodDoc) for f in grade.all_facts()]
        assert len(set(titles)) == len(titles)
        assert all(issubclass(s, facts.Fact) for s in facts.SECTIONS)


# ------------------------------------------------------------------ the lab


def test_quick_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    lab.add_arguments(parser)
    options = parser.parse_args([])
    options.out, options.quick, options.seed, options.data_dir = tmp_path, True, None, None
    figures = lab.run(options)
    json.dumps(figures)
    assert figures["facts_that_hold"] == figures["facts"] == 42
    assert figures["fashion_mnist_epochs"] == 2
    assert figures["fashion_mnist_test_accuracy_percent"] > 60
    assert figures["fashion_mnist_train_loss"][1] < figures["fashion_mnist_train_loss"][0]
    assert figures["step_ratio"] > 0  # its bar holds for the full run: `BOUNDS` in lab.py
    assert ("mnist_left_out" in figures) == (data.find("mnist") is None)
    for name in ("images.png", "tensor_mlp.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "fashion-mnist.safetensors").stat().st_size > 784 * 256 * 8
    assert "Epoch 2/2 | Train Loss: " in capsys.readouterr().out


@pytest.mark.parametrize("flag", ["--epochs", "--batch-size", "--hidden-size"])
def test_bad_flags(tmp_path: Path, flag: str) -> None:
    parser = argparse.ArgumentParser()
    lab.add_arguments(parser)
    options = parser.parse_args([flag, "0"])
    with pytest.raises(wg.ConfigError, match=f"{flag} must be at least 1, got 0"):
        lab.run(options)


def test_network_does_not_hide_a_second_autograd() -> None:
    """The lab is built on the library: no backward pass of its own besides `by_hand`."""
    for module in (network, training, submitted):
        source = Path(module.__file__ or "").read_text(encoding="utf-8")
        assert "grad_fn" not in source
