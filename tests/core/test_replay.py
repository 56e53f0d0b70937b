"""The tape becomes a Program, and running that Program gives the value again."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
from wengert.core.program import interpret, verify
from wengert.core.replay import program_of_tape

from .mutating_programs import PROGRAMS

A = np.random.default_rng(0).normal(size=6)


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_mutating_programs(f):
    x = wg.Tensor(A, requires_grad=True)
    try:
        y = f(x)
    except wg.MutationError:  # it writes into its argument
        x = wg.Tensor(A, requires_grad=True)
        y = f(x * 1.0)
    program = program_of_tape([y], [x])
    verify(program)
    for point in (A, A * 2, -A):
        np.testing.assert_allclose(interpret(program, [point])[0], f(point.copy()))


def test_branch_is_the_one_that_was_taken():
    f = lambda x: x * x if x > 0 else -x  # noqa: E731
    x = wg.Tensor(2.0, requires_grad=True)
    program = program_of_tape([f(x)], [x])
    assert interpret(program, [-3.0])[0] == 9.0


def test_constants_and_other_leaves_are_captured():
    w = wg.Tensor([1.0, 2.0], requires_grad=True)
    x = wg.Tensor([3.0, 4.0], requires_grad=True)
    c = np.array([5.0, 6.0])
    y = np.sum(x * w * c) + 1.0
    program = program_of_tape([y, 7.0], [x])
    verify(program)
    assert len(program.captured) == 2
    value, constant = interpret(program, [np.ones(2)])
    assert (value, constant) == (18.0, 7.0)
    both = program_of_tape([y], [w, x])
    assert interpret(both, [np.ones(2), np.ones(2)])[0] == 12.0


def test_several_outputs_of_one_operation():
    x = wg.Tensor(np.diag([2.0, 3.0]), requires_grad=True)
    sign, logdet = np.linalg.slogdet(x)
    program = program_of_tape([sign * logdet, logdet], [x])
    verify(program)
    first, second = interpret(program, [np.diag([2.0, -3.0])])
    np.testing.assert_allclose([first, second], [-np.log(6), np.log(6)])


def test_program_can_be_transformed():
    from wengert.core.program import evaluate

    x = wg.Tensor(A, requires_grad=True)
    program = program_of_tape([np.sum(np.sin(x) * x)], [x])
    gradient = wg.grad(lambda x: evaluate(program, [x])[0])(A)
    np.testing.assert_allclose(gradient, np.cos(A) * A + np.sin(A))


def test_text_is_deterministic():
    texts = set()
    for _ in range(2):
        x = wg.Tensor(A, requires_grad=True)
        texts.add(str(program_of_tape([np.sum(np.exp(x[1:]) * 2.0)], [x])))
    assert len(texts) == 1


def test_what_cannot_be_run_again():
    x = wg.Tensor([1.0], requires_grad=True)
    own = wg.Tensor([2.0], True, (x,), lambda g: None, "<OwnBackward>")
    with pytest.raises(wg.WengertTypeError, match="OwnBackward"):
        program_of_tape([own * 2.0], [x])
    with pytest.raises(wg.WengertValueError, match="not on the tape"):
        program_of_tape([x], [wg.Tensor([1.0])])


class TestChangedArrays:
    """Regression: plain operands of sums were shown as they are now, not as they were used."""

    def test_a_change_before_is_an_error(self):
        x = wg.Tensor([1.0, 2.0], requires_grad=True)
        for f in (lambda c: x + c, lambda c: x - c, lambda c: np.concatenate([x, c])):
            c = np.array([3.0, 4.0])
            y = f(c)
            program_of_tape([y], [x])
            c[0] = 100.0
            with pytest.raises(wg.MutationError, match="array has been changed since"):
                program_of_tape([y], [x])

    def test_operands_that_were_saved_are_as_they_were(self):
        x, c = wg.Tensor([1.0, 2.0], requires_grad=True), np.array([3.0, 4.0])
        y = x * c
        c[0] = 100.0
        (result,) = interpret(program_of_tape([y], [x]), [np.ones(2)])
        np.testing.assert_array_equal(result, [3.0, 4.0])

    def test_a_change_afterwards_is_not_seen(self):
        x, c = wg.Tensor([1.0, 2.0], requires_grad=True), np.array([3.0, 4.0])
        program = program_of_tape([x + c + c], [x])
        assert len(program.captured) == 1
        c[0] = 100.0
        (result,) = interpret(program, [np.zeros(2)])
        np.testing.assert_array_equal(result, [6.0, 8.0])

    def test_a_leaf_that_was_written_through_its_array(self):
        x, w = wg.Tensor([1.0], requires_grad=True), wg.Tensor([2.0], requires_grad=True)
        y = x + w
        w.array[0] = 5.0
        with pytest.raises(wg.MutationError, match="array has been changed since"):
            program_of_tape([y], [x])

    def test_nan_is_equal_to_itself(self):
        x = wg.Tensor([1.0, np.nan, np.inf], requires_grad=True)
        program_of_tape([x * 2.0 + np.ones(3)], [x])
