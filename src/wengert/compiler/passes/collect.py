"""Sums of products of bounded values: like terms are collected, and common factors taken out.

Derivatives of derivatives are sums of many products of few factors. The fourth derivative of
``t = tanh(x)`` comes as some twenty operations on ``t`` and ``e = 1 - t * t``; it is
``(16 e - 8 t * t) * (t * e)``. Only sums and products of values in short intervals are looked at,
so that no order of operations overflows, and what is NaN stays so; the sign of a zero may be
another.

Rounding stays what it was, up to a small factor: a sum that may be more exact than its terms is
never multiplied out. These are ``1 - s`` and ``a - b``, of terms that are not rounded themselves;
in ``e - 2 * t * t`` the products are. So every sum with two such terms is a value of its own, from
which other polynomials are made. A sum with a constant is one, too, since it may be zero exactly;
but added to others it is taken apart: above, ``16 e - 8 t * t`` becomes ``16 - 24 t * t``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from math import frexp

from ..ir import Graph, Node, reachable, value_of
from ..lowering.table import Lowered
from ..ranges import Ranges

__all__ = ["collect_terms"]

Monomial = tuple[Node, ...]  # factors, by their numbers
Polynomial = dict[Monomial, float]  # the coefficients of monomials

_ARITHMETIC = ("add", "sub", "mul", "neg")
_MOST_TERMS = 12
_MOST_FACTORS = 12
_LARGEST = 2.0**8  # of the values; twelve of them do not overflow in single precision
_COEFFICIENTS = (2.0**-24, 2.0**24)


def collect_terms(lowered: Lowered) -> Lowered:
    """Write polynomials in bounded values with fewer operations, where that is possible."""
    roots = [y for y in lowered.outputs if isinstance(y, Node)] + [c for c, _ in lowered.checks]
    nodes = reachable(roots)
    forms = _forms(nodes)
    chosen = _chosen(nodes, roots, forms)
    if not chosen:
        return lowered
    made: dict[Node, Node] = {}
    for n in nodes:
        if n in chosen:
            made[n] = _written(lowered.graph, chosen[n], n, made)
        else:
            made[n] = lowered.graph.again(n, [made[x] for x in n.args])
    lowered.outputs = [made[y] if isinstance(y, Node) else y for y in lowered.outputs]
    lowered.checks = [(made[c], why) for c, why in lowered.checks]
    return lowered


# ------------------------------------------------------------------ from operations to polynomials


def _forms(nodes: Iterable[Node]) -> dict[Node, Polynomial]:
    """The polynomials that are computed from bounded values."""
    ranges = Ranges()
    forms: dict[Node, Polynomial] = {}
    for n in nodes:
        if n.dtype.kind != "f":
            continue
        known = ranges.of(n)
        if not (-_LARGEST <= known.low and known.high <= _LARGEST):
            continue
        if (value := value_of(n)) is not None:
            forms[n] = {(): float(value)} if value else {(n,): 1.0}
        elif n.op == "map" and n.attrs in _ARITHMETIC and all(x in forms for x in n.args):
            forms[n] = _combined(n.attrs, [_operand(x, forms[x]) for x in n.args]) or {(n,): 1.0}
        else:
            forms[n] = {(n,): 1.0}
    return forms


def _operand(x: Node, form: Polynomial) -> Polynomial:
    """What a polynomial is made of: of ``x`` itself, if multiplying it out could lose digits."""
    return form if len(form) == 1 or (() not in form and _is_rounded(form)) else {(x,): 1.0}


def _is_rounded(form: Polynomial) -> bool:
    """Whether a sum is no more exact than its terms: all but one of them are products."""
    return sum(len(m) <= 1 for m in form) <= 1


def _combined(name: str, operands: list[Polynomial]) -> Polynomial | None:
    """The polynomial after one more operation; None if it would be too long, or lose a value."""
    result: Polynomial = {}
    if name == "mul":
        for m, c in operands[0].items():
            for k, d in operands[1].items():
                both = tuple(sorted(m + k, key=lambda a: a.id))
                result[both] = result.get(both, 0.0) + c * d
    else:
        signs = (-1.0,) if name == "neg" else (1.0, 1.0 if name == "add" else -1.0)
        for sign, operand in zip(signs, operands, strict=True):
            for m, c in operand.items():
                result[m] = result.get(m, 0.0) + sign * c
    # What cancels may have been NaN; coefficients are made to cancel by rounding, too.
    if len(result) > _MOST_TERMS or not _all_are_moderate(result):
        return None
    return result if all(len(m) <= _MOST_FACTORS for m in result) else None


def _all_are_moderate(form: Polynomial) -> bool:
    least, most = _COEFFICIENTS
    return all(least <= abs(c) <= most for c in form.values())


# ------------------------------------------------------------------ which are written anew


def _chosen(
    nodes: list[Node], roots: Iterable[Node], forms: dict[Node, Polynomial]
) -> dict[Node, Expression]:
    """New expressions for those nodes that take fewer operations so."""
    users: dict[Node, list[Node]] = {n: [] for n in nodes}
    for n in nodes:
        for x in n.args:
            users[x].append(n)
    needed = set(roots)
    results = frozenset(needed)
    chosen: dict[Node, Expression] = {}
    for n in reversed(nodes):
        if n not in needed:
            continue
        atoms = {a for m in forms.get(n, {}) for a in m}
        if atoms and n not in atoms:
            expression = _factored(forms[n], forms)
            atoms = _atoms(expression)
            if _operations(expression) < _replaced(n, atoms, users, results):
                chosen[n] = expression
                needed |= atoms
                continue
        needed.update(n.args)
    return chosen


def _replaced(
    root: Node, atoms: set[Node], users: dict[Node, list[Node]], results: frozenset[Node]
) -> int:
    """The number of operations that nobody needs if the root is computed from the atoms."""
    inside = {root}
    for n in _inside(root, atoms):
        if n is root or (n not in results and all(u in inside for u in users[n])):
            inside.add(n)
    return sum(n.op == "map" for n in inside)


def _inside(root: Node, atoms: set[Node]) -> list[Node]:
    """The nodes between a root and the atoms, users first."""
    found, stack = {root}, [root]
    while stack:
        for x in stack.pop().args:
            if x not in atoms and x not in found:
                found.add(x)
                stack.append(x)
    return sorted(found, key=lambda n: -n.id)


# ------------------------------------------------------------------ from polynomials to operations


class Expression:
    """``coefficient * factors + ... `` as a sum of products, whose factors may be such sums."""

    __slots__ = ("terms",)

    def __init__(self, terms: list[tuple[float, Monomial, Expression | None]]) -> None:
        self.terms = terms


def _factored(form: Polynomial, forms: dict[Node, Polynomial]) -> Expression:
    """Take out, again and again, the factor that most terms have, with what else they share."""
    terms: list[tuple[float, Monomial, Expression | None]] = []
    rest = _taken_apart(form, forms)
    while rest:
        counts = Counter(a for m in rest for a in set(m))
        common = max(counts, key=lambda a: (counts[a], -a.id), default=None)
        if common is None or counts[common] < 2:
            terms += [(c, m, None) for m, c in rest.items()]
            break
        having = [m for m in rest if common in m]
        shared = Counter(having[0])
        for m in having[1:]:
            shared &= Counter(m)
        inner = {_without(m, shared): rest.pop(m) for m in having}
        scale = _scale(inner.values())
        inner = {m: c / scale for m, c in inner.items()}
        factors = tuple(sorted(shared.elements(), key=lambda a: a.id))
        terms.append((scale, factors, _factored(inner, forms)))
    return Expression(terms)


def _taken_apart(form: Polynomial, forms: dict[Node, Polynomial]) -> Polynomial:
    """The form with the terms of sums that are added, where they meet like ones."""
    best = dict(form)
    for m in form:
        own = forms[m[0]] if len(m) == 1 and len(form) > 1 else {}
        if len(own) < 2 or not _is_rounded(own):
            continue
        apart = dict(best)
        c = apart.pop(m)
        for k, d in own.items():
            apart[k] = apart.get(k, 0.0) + c * d
        if len(apart) <= len(best) and _all_are_moderate(apart):
            best = apart
    return best


def _atoms(e: Expression) -> set[Node]:
    """The values that an expression is made of."""
    found = {a for _, m, _ in e.terms for a in m}
    return found.union(*[_atoms(inner) for _, _, inner in e.terms if inner is not None])


def _without(m: Monomial, factors: Counter[Node]) -> Monomial:
    left = Counter(m) - factors
    return tuple(sorted(left.elements(), key=lambda a: a.id))


def _scale(coefficients: Iterable[float]) -> float:
    """What all coefficients are multiples of, plus or minus, if two of them are."""
    sizes = [abs(c) for c in coefficients]
    least = min(sizes)
    is_exact = abs(frexp(least)[0]) == 0.5 or all(c == least for c in sizes)
    return least if sizes.count(least) > 1 and is_exact else 1.0


def _operations(e: Expression) -> int:
    """How many operations `_written` makes; powers of one value share their squares."""
    total = len(e.terms) - 1
    for c, m, inner in e.terms:
        total += _operations(inner) if inner is not None else 0
        total += max(len(m) + (inner is not None) - 1, 0)
        total += len(e.terms) == 1 and abs(c) != 1
    # A coefficient is multiplied into a sum for nothing, but the first term begins it.
    return total + (len(e.terms) > 1 and all(abs(c) != 1 and (m or x) for c, m, x in e.terms))


def _written(g: Graph, e: Expression, like: Node, made: dict[Node, Node]) -> Node:
    """The nodes of an expression: first a constant, then terms that are only added."""
    total: Node | None = None
    ordered = sorted(e.terms, key=lambda t: (bool(t[1]) or t[2] is not None, abs(t[0]) != 1, -t[0]))
    for c, m, inner in ordered:
        y: Node | None = None
        for a in m:
            y = made[a] if y is None else g.map("mul", y, made[a])
        if inner is not None:
            z = _written(g, inner, like, made)
            y = z if y is None else g.map("mul", z, y)
        factor = g.const(c, like.dtype, like.shape)
        if y is None:
            total = factor
        elif total is None:
            total = g.map("neg", y) if c == -1 else g.map("mul", y, factor)
        elif abs(c) == 1:
            total = g.map("add" if c > 0 else "sub", total, y)
        else:
            total = g.map("multiply_add", y, factor, total)
    assert total is not None
    return total
