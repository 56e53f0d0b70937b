"""check_grads accepts right derivatives and finds wrong ones, whatever is wrong with them."""

import numpy as np
import pytest

from wengert.testing import GradientInconclusive, GradientMismatch, check_grads, checks

RNG = np.random.default_rng(0)
X = RNG.standard_normal((3, 2))
Z = RNG.standard_normal(3) + 1j * RNG.standard_normal(3)


def two_layer(parameters, x, scale):
    hidden = np.tanh(x @ parameters["w"] + parameters["b"])
    return {"out": hidden.sum(axis=0) * scale, "square": (hidden**2).sum()}


PARAMETERS = {"w": RNG.standard_normal((2, 3)), "b": RNG.standard_normal(3)}


@pytest.mark.parametrize("method", ["richardson", "central"])
def test_right_derivatives_pass(method):
    report = check_grads(two_layer, (PARAMETERS, X, 2), order=2, method=method)
    assert report.ok
    assert report.compared > 100
    assert report.max_relative_error < 1e-6
    assert str(report).startswith("derivatives agree: ")


def test_complex_step():
    assert check_grads(lambda x: np.exp(np.sin(x)) * x, (X,), order=2, method="complex").ok


def test_single_precision():
    report = check_grads(lambda x: np.sin(x) * x, (X.astype(np.float32),), order=2)
    assert report.rtol == 2e-4


@pytest.mark.parametrize(
    "f",
    [
        lambda z: np.sum(np.abs(z) ** 2),
        lambda z: np.exp(z) * np.conj(z),
        lambda z: z.real * z.imag,
        lambda z: np.sum((z * z).real) * z,
    ],
)
def test_complex_arguments(f):
    assert check_grads(f, (Z,), order=2).ok


def test_python_numbers_and_scalars():
    assert check_grads(lambda a, b: a * np.sin(b), (0.5, np.float64(1.5)), order=2).ok


def test_third_order():
    assert check_grads(lambda x: np.tanh(x) * x, (0.4,), order=3).ok


def test_each_combination_of_modes_is_named():
    f = lambda x: np.sin(x) * x  # noqa: E731
    with pytest.raises(GradientMismatch) as caught:
        with _wrong(lambda _, value: value * 1.01):
            check_grads(f, (0.5,), order=2)
    labels = {entry.mode for entry in caught.value.report.mismatches}
    assert labels >= {"fwd", "rev"}


class _wrong:
    """Inside, vjp and jvp are wrong in the way that ``change(name, value)`` says."""

    def __init__(self, change):
        self.change = change

    def __enter__(self):
        self.patch = pytest.MonkeyPatch()
        jvp, vjp = checks.jvp, checks.vjp

        def wrong_jvp(f, primals, tangents):
            value, out = jvp(f, primals, tangents)
            return value, tuple(self.change("fwd", part) for part in out)

        def wrong_vjp(f, *primals):
            value, pullback = vjp(f, *primals)
            return value, lambda ct: tuple(self.change("rev", part) for part in pullback(ct))

        self.patch.setattr(checks, "jvp", wrong_jvp)
        self.patch.setattr(checks, "vjp", wrong_vjp)

    def __exit__(self, *_):
        self.patch.undo()


def test_one_wrong_entry_is_named():
    def spoil(mode, value):
        if mode == "rev" and np.shape(value) == (2, 3):
            value = np.array(value)
            value[1, 2] *= 1.0001
        return value

    with _wrong(spoil), pytest.raises(GradientMismatch) as caught:
        check_grads(two_layer, (PARAMETERS, X, 2))
    entries = caught.value.report.mismatches
    assert all(entry.mode == "rev" for entry in entries)
    named = [entry for entry in entries if not entry.argument.startswith("random")]
    assert [(entry.argument, entry.index) for entry in named] == [("args[0]['w']", (1, 2))]
    assert named[0].relative_error == pytest.approx(1e-4, rel=0.1)
    message = str(caught.value)
    assert "args[0]['w'][1, 2]: analytic" in message
    assert "numeric" in message
    assert "relative error 1.0e-04" in message


@pytest.mark.parametrize(
    "spoil",
    [
        lambda mode, value: -value,
        lambda mode, value: value + 1e-4,
        lambda mode, value: value * np.nan,
        lambda mode, value: value * (1 + 1e-5),
        lambda mode, value: value * 0,
    ],
)
@pytest.mark.parametrize("mode", ["fwd", "rev"])
def test_faults_are_found_in_either_mode(spoil, mode):
    with _wrong(spoil), pytest.raises(GradientMismatch):
        check_grads(two_layer, (PARAMETERS, X, 2), modes=(mode,))


def test_a_missing_conjugate_is_found():
    with _wrong(lambda mode, value: np.conj(value)), pytest.raises(GradientMismatch):
        check_grads(lambda z: np.exp(z), (Z,), modes=("rev",))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda mode, value: value[None], "has shape (1, 3, 2)"),
        (lambda mode, value: value.astype(np.float32), "dtype float32"),
    ],
)
def test_wrong_shape_or_dtype(spoil, message):
    with _wrong(spoil), pytest.raises(GradientMismatch) as caught:
        check_grads(np.sin, (X,))
    assert message in str(caught.value)


def test_a_transform_that_changes_the_value(monkeypatch):
    jvp = checks.jvp

    def wrong(f, primals, tangents):
        value, out = jvp(f, primals, tangents)
        return tuple(2 * part for part in value), out

    monkeypatch.setattr(checks, "jvp", wrong)
    with pytest.raises(GradientMismatch, match="the value of output differs"):
        check_grads(np.sin, (X,))


def test_large_arguments_are_sampled():
    x = RNG.standard_normal(500)
    report = check_grads(lambda x: np.sum(np.sin(x)), (x,), max_entries=10)
    assert report.compared == 2 * (10 + 2)

    def spoil(mode, value):
        return np.where(np.arange(500) == 77, 0.0, value) if np.shape(value) == (500,) else value

    with _wrong(spoil), pytest.raises(GradientMismatch, match="random direction"):
        check_grads(lambda x: np.sum(np.sin(x)), (x,), max_entries=10)


def test_a_kink_is_inconclusive_rather_than_right_or_wrong():
    x = np.array([0.0, 1.0])
    with pytest.raises(GradientInconclusive, match="is the point at a kink") as caught:
        check_grads(np.abs, (x,))
    assert all(
        entry.argument.startswith("random") or entry.index == (0,)
        for entry in caught.value.report.inconclusive
    )
    report = check_grads(np.abs, (x,), allow_inconclusive=True)
    assert not report.ok


def test_small_gradients_do_not_hide_behind_the_absolute_tolerance():
    def small(x):
        return 1e-15 * np.sin(x)

    assert check_grads(small, (X,)).ok
    with _wrong(lambda mode, value: 1.001 * value), pytest.raises(GradientMismatch):
        check_grads(small, (X,))


def test_vanishing_derivatives():
    assert check_grads(lambda x: np.sin(x) ** 2 + np.cos(x) ** 2, (X,)).ok
    assert check_grads(np.floor, (X,)).ok
    with _wrong(lambda mode, value: value + 1e-6), pytest.raises(GradientMismatch):
        check_grads(np.floor, (X,))


def test_argnums():
    report = check_grads(lambda a, b: a * b, (2.0, 3.0), argnums=1, directions=0)
    assert report.compared == 2


@pytest.mark.parametrize(
    ("args", "keywords", "message"),
    [
        ((np.array([1, 2]),), {}, "cast them to float"),
        ((), {}, "nothing to differentiate"),
        ((1.0,), {"modes": ("forward",)}, "modes must be"),
        ((1.0,), {"modes": ()}, "modes must be"),
        ((1.0,), {"order": 0}, "order must be"),
        ((1.0,), {"method": "newton"}, "method must be one of"),
    ],
)
def test_bad_calls(args, keywords, message):
    with pytest.raises(ValueError, match=message):
        check_grads(np.sin, args, **keywords)


def test_a_function_without_float_output():
    with pytest.raises(ValueError, match="returns no float"):
        check_grads(lambda x: "text", (1.0,))
