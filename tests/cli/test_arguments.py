"""Arguments of a function on the command line."""

import numpy as np
import pytest

import wengert as wg
from wengert.cli.arguments import parse_argument


def parse(text):
    return parse_argument(text, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3.5", 3.5),
        ("-2", -2.0),
        ("1e-3", 1e-3),
        ("1 + 2j", 1 + 2j),
        ("int(3)", 3),
        ("True", True),
        ("None", None),
        ("'mean'", "mean"),
        (" 3 ", 3.0),
    ],
)
def test_scalars(text, expected):
    found = parse(text)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("text", "expected", "dtype"),
    [
        ("[1, 2]", [1, 2], np.float64),
        ("[[1, 2.5], [3, 4]]", [[1, 2.5], [3, 4]], np.float64),
        ("(1, 2)", [1, 2], np.float64),
        ("[]", [], np.float64),
        ("[1j, 2]", [1j, 2], np.complex128),
        ("[True, False]", [True, False], np.bool_),
        ("int([0, 2])", [0, 2], np.int64),
        ("zeros(2, 1)", [[0], [0]], np.float64),
        ("ones((1, 2))", [[1, 1]], np.float64),
        ("arange(3)", [0, 1, 2], np.float64),
        ("arange(2, 2)", [[0, 1], [2, 3]], np.float64),
    ],
)
def test_arrays(text, expected, dtype):
    found = parse(text)
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == dtype


@pytest.mark.parametrize("name", ["normal", "uniform"])
def test_random_arrays(name):
    found = parse(f"{name}(3, 4)")
    assert found.shape == (3, 4)
    assert len(np.unique(found)) == 12
    assert parse(f"{name}()").shape == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not understood"),
        ("x", "not understood"),
        ("[1, [2, 3]]", "not understood"),
        ("['a', 'b']", "lists hold numbers and have equal lengths"),
        ("int([0.5])", "needs whole numbers"),
        ("open('/etc/passwd')", r"open\('/etc/passwd'\): known are normal, uniform, zeros, ones"),
        ("normal(2, seed=1)", "known are normal"),
        ("__import__('os').system('true')", "known are normal"),
        ("normal(-1)", "a shape is made of whole numbers, as in normal"),
        ("normal(2.5)", "a shape is made of whole numbers"),
        ("normal(x)", "not understood"),
        ("(" * 500, "not understood"),
    ],
)
def test_what_is_no_argument(text, message):
    with pytest.raises(wg.ConfigError, match=message):
        parse(text)
