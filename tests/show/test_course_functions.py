"""The course's hand-written graphs (seed-systems.md, 3): the listing writes them."""

from __future__ import annotations

import numpy as np
import pytest

from .programs import assert_same, check, run_elsewhere


def f1(x1, w1, x2, w2, b, y):
    yhat = x1 * w1 + x2 * w2 + b
    d = yhat - y
    L = d**2
    return L


def f1_by_hand(x1, w1, x2, w2, b, y):
    yhat = x1 * w1 + x2 * w2 + b
    d = yhat - y
    grad_d = 2 * d
    return d**2, (grad_d * w1, grad_d * x1, grad_d * w2, grad_d * x2, grad_d, -grad_d)


def f2(x):
    d = 2 * x
    e = np.exp(d)
    t = e - 1
    b = e + 1
    y = t / b
    return y


def f2_by_hand(x):
    e = np.exp(2 * x)
    t, b = e - 1, e + 1
    grad_t = 1 / b
    grad_b = -t / b**2
    grad_e = grad_t + grad_b
    return t / b, (grad_e * e * 2,)


def f3(s1, s2, y):
    e1 = np.exp(s1)
    e2 = np.exp(s2)
    d = e1 + e2
    p1 = e1 / d
    p2 = e2 / d
    p = p1 if y == 1 else p2
    L = -np.log(p)
    return L


def f3_by_hand(s1, s2, y):
    e1, e2 = np.exp(s1), np.exp(s2)
    d = e1 + e2
    p1, p2 = e1 / d, e2 / d
    p = p1 if y == 1 else p2
    grad_p = -1 / p
    grad_p1, grad_p2 = (grad_p, 0.0) if y == 1 else (0.0, grad_p)
    grad_d = -grad_p1 * e1 / d**2 - grad_p2 * e2 / d**2
    grad_e1, grad_e2 = grad_p1 / d + grad_d, grad_p2 / d + grad_d
    return -np.log(p), (grad_e1 * e1, grad_e2 * e2)


def f4(x, y, z):
    return np.sin(x * y) / (1 + z**2) + np.sqrt(x) * np.exp(-y * z)


CASES = [
    (f1, f1_by_hand, (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)),
    (f2, f2_by_hand, (0.3,)),
    (f3, f3_by_hand, (0.4, -1.2, 1)),
    (f3, f3_by_hand, (0.4, -1.2, 2)),
]


@pytest.mark.parametrize(("f", "by_hand", "args"), CASES)
def test_listing_agrees_with_the_hand_written_graph(f, by_hand, args):
    listing = check(f, *args)
    rng = np.random.default_rng(0)
    for _ in range(5):
        new = tuple(x if isinstance(x, int) else float(rng.normal()) for x in args)
        assert_same(listing.run(*new), by_hand(*new))


def test_f4():
    check(f4, 0.5, -1.0, 2.0)


def test_text_of_f1():
    assert str(check(f1, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0)) == (
        """\
# forward pass
a = x1 * w1
c = x2 * w2
e = a + c
yhat = e + b
d = yhat - y
L = d ** 2

# backward pass
grad_L = 1.0
grad_d = grad_L * 2 * d
grad_yhat = grad_d
grad_y = -grad_d
grad_e = grad_yhat
grad_b = grad_yhat
grad_a = grad_e
grad_c = grad_e
grad_x2 = grad_c * w2
grad_w2 = grad_c * x2
grad_x1 = grad_a * w1
grad_w1 = grad_a * x1"""
    )


def test_text_of_f2():
    assert str(check(f2, 0.3)) == (
        """\
# forward pass
d = 2 * x
e = np.exp(d)
t = e - 1
b = e + 1
y = t / b

# backward pass
grad_y = 1.0
grad_t = grad_y / b
grad_b = -grad_y * y / b
grad_e = grad_b
grad_e += grad_t
grad_d = grad_e * e
grad_x = grad_d * 2"""
    )


def test_choose_node_shows_the_branch_taken():
    listing = check(f3, 0.4, -1.2, 2)
    assert "p2 = e2 / d" in listing.forward
    assert "p1" not in listing.forward
    with pytest.raises(ValueError, match="y=2"):
        listing.run(0.4, -1.2, 1)


def test_function_text_runs_without_wengert():
    listing = check(f2, 0.3)
    out = run_elsewhere(listing.function + "\nprint(*f2(0.3)[1])")
    np.testing.assert_allclose(float(out), f2_by_hand(0.3)[1][0])


def test_source_runs_without_wengert():
    listing = check(f1, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0)
    inputs = "x1, w1, x2, w2, b, y = 1.0, 2.0, 3.0, 4.0, 5.0, 6.0\n"
    out = run_elsewhere(inputs + listing.source + "\nprint(grad_w2)")
    np.testing.assert_allclose(float(out), 2 * (1 * 2 + 3 * 4 + 5 - 6) * 3)
