"""The notation of `np.einsum`: reading it, and reducing it to a pure contraction.

A pure contraction has neither ellipses, nor diagonals, nor sums over a label that only one operand
has, nor lengths 1 that broadcast; see `wengert.rules.einsum`. What has to be done to the operands
first is a `Preparation` for each.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from ..core.errors import ShapeError, WengertTypeError, WengertValueError
from ..rules.einsum import LETTERS

__all__ = ["Preparation", "contraction_of", "subscripts_of"]

Shape = tuple[int, ...]


class Preparation(NamedTuple):
    """What happens to an operand before the contraction, in this order.

    ``shape``: it is reshaped, without the axes of length 1 that broadcast; ``diagonals``: for each
    pair of axes their diagonal takes the place of both, as the last axis; ``sums``: these axes are
    summed over. None and () where there is nothing to do.
    """

    shape: Shape | None
    diagonals: tuple[tuple[int, int], ...]
    sums: tuple[int, ...]


# ------------------------------------------------------------------ the two ways to write it


def subscripts_of(operands: Sequence[Any]) -> tuple[str, tuple[Any, ...]]:
    """The subscripts as a string, and the operands, of either form of the call.

    The forms are ``einsum("ij,jk->ik", a, b)`` and ``einsum(a, [0, 1], b, [1, 2], [0, 2])``.
    """
    if not operands:
        raise WengertValueError("einsum: expected subscripts and at least one operand")
    if isinstance(operands[0], str):
        if len(operands) == 1:
            raise WengertValueError("einsum: expected at least one operand after the subscripts")
        return operands[0], tuple(operands[1:])
    lists = list(operands[1::2])
    arrays = tuple(operands[0 : 2 * len(lists) : 2])
    out = [operands[-1]] if len(operands) % 2 and lists else []
    if not lists:
        raise WengertTypeError("einsum: the first argument must be the subscripts, a string")
    letters = _letters([*lists, *out])
    terms = ["".join(["..." if c is Ellipsis else letters[c] for c in term]) for term in lists]
    text = ",".join(terms)
    if out:
        text += "->" + "".join(["..." if c is Ellipsis else letters[c] for c in out[0]])
    return text, arrays


def _letters(lists: list[Any]) -> dict[Any, str]:
    """A letter for each integer label, in the order of the integers."""
    try:
        numbers = [c if c is Ellipsis else operator.index(c) for term in lists for c in term]
    except TypeError:
        raise WengertTypeError(
            "einsum: after each operand comes a list of integers (or ...), one for each of its axes"
        ) from None
    used = {c for c in numbers if c is not Ellipsis}
    if any(not 0 <= c < len(LETTERS) for c in used):
        raise WengertValueError(f"einsum: labels must be at least 0 and below {len(LETTERS)}")
    alphabet = LETTERS if max(used, default=0) < 26 else LETTERS[26:] + LETTERS[:26]
    return {c: alphabet[c] for c in used}


# ------------------------------------------------------------------ reading a string


def _parse(subscripts: str, shapes: tuple[Shape, ...]) -> tuple[list[str], str]:
    """The labels of each operand and of the output, with letters in place of the ellipses."""
    inputs, arrow, output = subscripts.replace(" ", "").partition("->")
    terms = inputs.split(",")
    where = f"einsum {subscripts!r}"
    if len(terms) != len(shapes):
        raise WengertValueError(f"{where}: {len(terms)} terms for {len(shapes)} operands")
    for term in [*terms, output]:
        bare = term.replace("...", "", 1)
        if any(c not in LETTERS for c in bare):
            raise WengertValueError(
                f"{where}: {term!r} has characters other than letters and '...'"
            )
    spare = [c for c in LETTERS if c not in subscripts]
    widths = []
    for i, (term, shape) in enumerate(zip(terms, shapes, strict=True)):
        width = len(shape) - len(term.replace("...", ""))
        if width < 0 or (width and "..." not in term):
            raise ShapeError(
                f"{where}: operand {i} of shape {shape} has {len(shape)} dimensions, which does "
                f"not fit {term!r}"
            )
        widths.append(width if "..." in term else 0)
    most = max(widths)
    if most > len(spare):
        raise WengertValueError(f"{where}: more than {len(LETTERS)} labels")
    hidden = "".join(spare[:most])
    full = [t.replace("...", hidden[most - w :]) for t, w in zip(terms, widths, strict=True)]
    return full, _output(where, full, hidden, arrow, output)


def _output(where: str, terms: list[str], hidden: str, arrow: str, output: str) -> str:
    counts = Counter("".join(terms))
    if not arrow:
        return hidden + "".join(sorted(c for c, n in counts.items() if n == 1 and c not in hidden))
    if hidden and "..." not in output:
        raise WengertValueError(f"{where}: the output needs '...', too")
    output = output.replace("...", hidden)
    for c in output:
        if c not in counts:
            raise WengertValueError(f"{where}: the output has {c!r}, which no operand has")
        if output.count(c) > 1:
            raise WengertValueError(f"{where}: the output has {c!r} twice")
    return output


# ------------------------------------------------------------------ reduction to a pure contraction


@lru_cache(4096)
def contraction_of(
    subscripts: str, shapes: tuple[Shape, ...]
) -> tuple[tuple[Preparation | None, ...], tuple[str, ...], str]:
    """What to do with each operand, and the terms of the pure contraction of the results.

    Raises
    ------
    WengertValueError, ShapeError
        Naming the subscripts, the operand, its shape and the label that does not fit.
    """
    terms, out = _parse(subscripts, shapes)
    lengths = _lengths(subscripts, terms, shapes)
    preparations, pure = [], []
    for i, (term, shape) in enumerate(zip(terms, shapes, strict=True)):
        elsewhere = out + "".join(terms[:i] + terms[i + 1 :])
        preparation, term = _prepare(term, shape, lengths, elsewhere)
        preparations.append(preparation)
        pure.append(term)
    # A label that broadcast away in one operand may now be in one operand alone.
    for i, term in enumerate(pure):
        elsewhere = out + "".join(pure[:i] + pure[i + 1 :])
        lone = tuple([k for k, c in enumerate(term) if c not in elsewhere])
        if lone:
            p = preparations[i] or Preparation(None, (), ())
            preparations[i] = p._replace(sums=lone)
            pure[i] = "".join([c for c in term if c in elsewhere])
    return tuple(preparations), tuple(pure), out


def _lengths(subscripts: str, terms: list[str], shapes: tuple[Shape, ...]) -> dict[str, int]:
    """The length of each label: that of its axes other than 1."""
    found: dict[str, tuple[int, int]] = {}
    for i, (term, shape) in enumerate(zip(terms, shapes, strict=True)):
        for c, n in zip(term, shape, strict=True):
            if n != shape[term.index(c)]:
                raise ShapeError(
                    f"einsum {subscripts!r}: operand {i} of shape {shape} is to give its diagonal "
                    f"along {c!r}, but the lengths differ"
                )
            m, j = found.get(c, (1, i))
            if n not in (1, m) and m != 1:
                raise ShapeError(
                    f"einsum {subscripts!r}: label {c!r} has length {m} in operand {j} of shape "
                    f"{shapes[j]} and {n} in operand {i} of shape {shape}"
                )
            found[c] = (m, j) if n == 1 else (n, i)
    return {c: n for c, (n, _) in found.items()}


def _prepare(
    term: str, shape: Shape, lengths: dict[str, int], elsewhere: str
) -> tuple[Preparation | None, str]:
    """What to do with one operand, and its labels afterwards; lone labels are still there."""
    kept = [k for k, c in enumerate(term) if shape[k] == lengths[c]]
    new_shape = None if len(kept) == len(term) else tuple([shape[k] for k in kept])
    labels = [term[k] for k in kept]
    diagonals = []
    for c in dict.fromkeys(labels):
        while labels.count(c) > 1:
            j = labels.index(c)
            k = labels.index(c, j + 1)
            diagonals.append((j, k))
            del labels[k], labels[j]
            labels.append(c)
    if new_shape is None and not diagonals:
        return None, "".join(labels)
    return Preparation(new_shape, tuple(diagonals), ()), "".join(labels)
