"""Python expressions as syntax trees: building them, and writing them as a person would.

`ast.unparse` puts the parentheses; the functions here see to it that there are few to put: a
gradient times a partial derivative is written ``grad_y * 2 * x``, ``grad_y / x``,
``-grad_y * y / x``.
"""

from __future__ import annotations

import ast
import copy
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.errors import WengertTypeError
from ..core.primitive import PRIMITIVES, Primitive
from ..rules.pointwise import UFUNCS
from .definitions import DEFINITIONS, functions_called

__all__ = [
    "Symbol",
    "assign",
    "attribute",
    "call",
    "constant",
    "identifier",
    "method",
    "name",
    "names_in",
    "operation",
    "parse",
    "patterned",
    "product",
    "quotient",
    "subscript",
    "tidy",
    "trace_rule",
]

Expr = ast.expr


# ------------------------------------------------------------------ building


def name(label: str) -> ast.Name:
    """A variable."""
    return ast.Name(label, ast.Load())


def identifier(text: str) -> str:
    """A text as a name: ``p_w_1`` for ``p['w'][1]``, in the form that Python itself uses."""
    characters = unicodedata.normalize("NFKC", text)
    parts = "".join([c if f"a{c}".isidentifier() else " " for c in characters]).split()
    found = "_".join(parts).strip("_") or "f"
    return found if found.isidentifier() else f"f_{found}"


def constant(value: Any) -> Expr:
    """A number as it is written: NumPy scalars that promote like Python's without their type."""
    if isinstance(value, np.generic) and value.dtype in (
        np.float64,
        np.complex128,
        np.bool_,
        np.intp,
    ):
        value = value.item()
    elif isinstance(value, np.generic):
        return call(f"np.{value.dtype.name}", constant(value.item()))
    elif isinstance(value, np.ndarray):
        return array(value)
    if isinstance(value, float) and not np.isfinite(value):
        text = "np.nan" if np.isnan(value) else "np.inf" if value > 0 else "-np.inf"
        return parse(text)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value < 0:
        return ast.UnaryOp(ast.USub(), ast.Constant(-value))
    return parse(repr(value))


def array(a: np.ndarray[Any, Any]) -> Expr:
    """A constant array: by the function that makes it if there is one, else by its elements."""
    known = patterned(a)
    if known is not None:
        return known
    text = repr(a.tolist()).replace("nan", "np.nan").replace("inf", "np.inf")
    return parse(
        f"np.array({text}{_dtype_text(a)})" if a.size else f"np.empty({a.shape}{_dtype_text(a)})"
    )


def _dtype_text(a: np.ndarray[Any, Any]) -> str:
    usual = (np.float64, np.intp, np.bool_) if a.size else (np.float64,)
    return "" if a.dtype in usual else f", dtype=np.{a.dtype.name}"


def patterned(a: np.ndarray[Any, Any]) -> Expr | None:
    """``np.arange(5)``, ``np.zeros((2, 3))``, ``np.eye(3)`` and the like; None for other arrays."""
    if a.size < 2 or a.dtype.kind not in "fiu":
        return None
    dtype = _dtype_text(a)
    if a.dtype.kind in "iu":
        is_range = a.ndim == 1 and np.array_equal(a, np.arange(a.size))
        return parse(f"np.arange({a.size}{dtype})") if is_range else None
    shape = repr(a.shape[0] if a.ndim == 1 else a.shape)
    first = a.flat[0]
    if (a == first).all():
        if first in (0, 1):
            return parse(f"np.{'zeros' if first == 0 else 'ones'}({shape}{dtype})")
        return parse(f"np.full({shape}, _x_{dtype})", _x_=constant(first.item()))
    if a.ndim == 2 and np.array_equal(a, np.eye(*a.shape)):
        return parse(f"np.eye({', '.join(map(str, dict.fromkeys(a.shape)))}{dtype})")
    return None


class _Fill(ast.NodeTransformer):
    def __init__(self, values: dict[str, Expr]) -> None:
        self._values = values

    def visit_Name(self, node: ast.Name) -> Expr:
        return copy.deepcopy(self._values[node.id]) if node.id in self._values else node


def parse(text: str, **values: Expr) -> Expr:
    """The tree of an expression, with trees in place of some names."""
    tree = ast.parse(text, mode="eval").body
    filled: Expr = _Fill(values).visit(tree) if values else tree
    return filled


def call(function: str, *args: Expr, **keywords: Expr) -> ast.Call:
    """``function(*args, **keywords)``."""
    given = [ast.keyword(k, v) for k, v in keywords.items()]
    return ast.Call(parse(function), list(args), given)


def attribute(x: Expr, what: str) -> ast.Attribute:
    """``x.what``."""
    return ast.Attribute(x, what, ast.Load())


def method(x: Expr, what: str, *args: Expr, **keywords: Expr) -> ast.Call:
    """``x.what(*args, **keywords)``."""
    given = [ast.keyword(k, v) for k, v in keywords.items()]
    return ast.Call(attribute(x, what), list(args), given)


def subscript(x: Expr, index: str, **arrays: Expr) -> ast.Subscript:
    """``x[index]``, with trees in place of some names in the index."""
    tree = parse(f"_x_[{index}]", _x_=x, **arrays)
    assert isinstance(tree, ast.Subscript)
    return tree


def assign(target: Expr, value: Expr, operator: str = "=") -> ast.stmt:
    """``target = value`` or ``target += value``."""
    statement = ast.parse(f"_t_ {operator} _v_").body[0]
    assert isinstance(statement, ast.Assign | ast.AugAssign)
    target = copy.deepcopy(target)
    target.ctx = ast.Store()  # type: ignore[attr-defined]
    if isinstance(statement, ast.Assign):
        statement.targets = [target]
    else:
        statement.target = target  # type: ignore[assignment]
    statement.value = value
    return statement


def names_in(tree: ast.AST) -> set[str]:
    """The variables that a tree reads; ``x.shape`` and ``np.zeros_like(x)`` read no values."""
    found: set[str] = set()
    stack: list[ast.AST] = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Attribute) and node.attr in ("shape", "dtype"):
            continue
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in ("zeros_like", "ones_like"):
                continue
        if isinstance(node, ast.Name):
            found.add(node.id)
        stack.extend(ast.iter_child_nodes(node))
    return found


# ------------------------------------------------------------------ operations

# How a person writes them, where the record's own text is for another purpose.
_TEXTS = {
    "square": "{0} ** 2",
    "reciprocal": "1 / {0}",
    "product_of_changes": "{0} * {1}",
    "strong_product": "{0} * {1}",
    "selected_product": "{0} * {1}",
    "share_of_larger": "({0} > {1}) + 0.5 * ({0} == {1})",
    "share_ignoring_nan": "({0} > {1}) + 0.5 * ({0} == {1}) + np.isnan({1})",
    "equal": "{0} == {1}",
    "not_equal": "{0} != {1}",
    "less": "{0} < {1}",
    "less_equal": "{0} <= {1}",
    "greater": "{0} > {1}",
    "greater_equal": "{0} >= {1}",
    "logical_and": "np.logical_and({0}, {1})",
    "bitwise_and": "{0} & {1}",
    "bitwise_or": "{0} | {1}",
    "bitwise_xor": "{0} ^ {1}",
    "invert": "~{0}",
    "copy": "{0}.copy()",
    "square_root": "np.sqrt({0})",
}


def operation(
    primitive: Primitive, operands: Sequence[Expr], params: dict[str, Any]
) -> Expr | None:
    """An operation as its record shows it; None if that is nothing that Python understands."""
    show = _TEXTS.get(primitive.name, primitive.show)
    if show is None:
        return None
    places = [f"_p{i}_" for i in range(len(operands))]
    text = show(*places, **params) if callable(show) else show.format(*places, **params)
    try:
        tree = parse(text)
    except SyntaxError:
        return None
    called = functions_called(tree)
    if called and not (
        called <= DEFINITIONS.keys() and PRIMITIVES.get(primitive.name) is primitive
    ):
        return None  # a function of the user
    filled: Expr = _Fill(dict(zip(places, operands, strict=True))).visit(tree)
    return filled


class Symbol:
    """A stand-in for an operand, of which arithmetic makes a syntax tree."""

    __slots__ = ("tree",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, tree: Expr) -> None:
        self.tree = tree

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Symbol:
        if method != "__call__" or kwargs or ufunc not in UFUNCS:
            raise WengertTypeError(f"{ufunc.__name__}.{method} cannot be written as source")
        tree = operation(UFUNCS[ufunc], [_tree(x) for x in inputs], {})
        if tree is None:
            raise WengertTypeError(f"{ufunc.__name__} cannot be written as source")
        return Symbol(tree)

    def __array_function__(
        self, function: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Symbol:
        if function is not np.where or len(args) != 3 or kwargs:
            raise WengertTypeError(f"{function.__name__} cannot be written as source")
        condition, x, y = map(_tree, args)
        return Symbol(parse("np.where(_c_, _x_, _y_)", _c_=condition, _x_=x, _y_=y))

    def __bool__(self) -> bool:
        # NumPy would take an object for true.
        raise WengertTypeError("an operand that is not known has no truth value")

    def __neg__(self) -> Symbol:
        return Symbol(ast.UnaryOp(ast.USub(), self.tree))


def _tree(x: Any) -> Expr:
    return x.tree if isinstance(x, Symbol) else constant(x)


def _operators() -> None:
    def make(text: str, reflected: bool) -> Callable[[Any, Any], Symbol]:
        def operator(x: Any, y: Any) -> Symbol:
            a, b = (y, x) if reflected else (x, y)
            return Symbol(parse(f"_a_ {text} _b_", _a_=_tree(a), _b_=_tree(b)))

        return operator

    arithmetic = {"add": "+", "sub": "-", "mul": "*", "truediv": "/", "pow": "**", "mod": "%"}
    for special, text in arithmetic.items():
        setattr(Symbol, f"__{special}__", make(text, False))
        setattr(Symbol, f"__r{special}__", make(text, True))
    comparisons = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
    for special, text in comparisons.items():
        setattr(Symbol, f"__{special}__", make(text, False))


_operators()


def trace_rule(rule: Callable[..., Any], *operands: Any) -> Expr | None:
    """What a pointwise rule computes, as a tree; None if it cannot be traced on symbols.

    Parameters
    ----------
    rule : callable
        A partial derivative from a primitive's record.
    *operands : tree or number
        What to call it with.
    """
    try:
        with np.errstate(all="ignore"):
            tree = _tree(rule(*[Symbol(x) if isinstance(x, ast.expr) else x for x in operands]))
    except Exception:
        return None
    return _Powers().visit(tree)  # type: ignore[no-any-return]


class _Powers(ast.NodeTransformer):
    """``x ** 1`` is ``x``: what the rule of a power gives for a square."""

    def visit_BinOp(self, node: ast.BinOp) -> Expr:
        self.generic_visit(node)
        return node.left if isinstance(node.op, ast.Pow) and _is_number(node.right, 1) else node


# ------------------------------------------------------------------ products and tidying


def _is_number(x: Expr, value: float) -> bool:
    return isinstance(x, ast.Constant) and type(x.value) in (int, float) and x.value == value


def _factors(x: Expr) -> tuple[bool, list[Expr], list[Expr]]:
    """Sign, numerators and denominators of a product."""
    if isinstance(x, ast.UnaryOp) and isinstance(x.op, ast.USub):
        negative, above, below = _factors(x.operand)
        return not negative, above, below
    if isinstance(x, ast.BinOp) and isinstance(x.op, ast.Mult):
        s, a, b = _factors(x.left)
        t, c, d = _factors(x.right)
        return s != t, a + c, b + d
    if isinstance(x, ast.BinOp) and isinstance(x.op, ast.Div):
        s, a, b = _factors(x.left)
        return s, a, [*b, x.right]
    return False, [] if _is_number(x, 1) else [x], []


def _multiplied(factors: list[Expr]) -> Expr:
    result = factors[0]
    for x in factors[1:]:
        result = ast.BinOp(result, ast.Mult(), x)
    return result


def product(x: Expr, y: Expr) -> Expr:
    """``x * y`` with as few parentheses as possible: ``g * (2 * x)`` is ``g * 2 * x``."""
    s, a, b = _factors(x)
    t, c, d = _factors(y)
    above, below = a + c, b + d
    result = _multiplied(above) if above else ast.Constant(1.0)
    if s != t:
        result = _multiplied([ast.UnaryOp(ast.USub(), above[0]), *above[1:]]) if above else result
    for z in below:
        result = ast.BinOp(result, ast.Div(), z)
    return result


def quotient(x: Expr, y: Expr) -> Expr:
    """``x / y``."""
    return ast.BinOp(x, ast.Div(), y)


def _negative(x: Expr) -> Expr:
    """``-a @ b`` for ``a @ b``, and ``a @ b`` for ``-a @ b``."""
    if isinstance(x, ast.BinOp) and isinstance(x.op, ast.MatMult):
        return ast.BinOp(_negative(x.left), x.op, x.right)
    if isinstance(x, ast.UnaryOp) and isinstance(x.op, ast.USub):
        return x.operand
    return ast.UnaryOp(ast.USub(), x)


class _Tidy(ast.NodeTransformer):
    """Small rewritings that change no value: ``x * x`` to ``x ** 2``, ``-(-x)`` to ``x``."""

    def visit_BinOp(self, node: ast.BinOp) -> Expr:
        self.generic_visit(node)
        left, right, op = node.left, node.right, node.op
        if isinstance(op, ast.Mult) and isinstance(right, ast.Name):
            if isinstance(left, ast.Name) and left.id == right.id:
                return parse("_x_ ** 2", _x_=left)
            if (
                isinstance(left, ast.BinOp)
                and isinstance(left.op, ast.Mult)
                and isinstance(left.right, ast.Name)
                and left.right.id == right.id
            ):
                return parse("_a_ * _x_ ** 2", _a_=left.left, _x_=right)
        if isinstance(right, ast.UnaryOp) and isinstance(right.op, ast.USub):
            if isinstance(op, ast.Add):
                return ast.BinOp(left, ast.Sub(), right.operand)
            if isinstance(op, ast.MatMult):
                return ast.BinOp(_negative(left), op, right.operand)
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Expr:
        self.generic_visit(node)
        inner = node.operand
        if (
            isinstance(node.op, ast.USub)
            and isinstance(inner, ast.UnaryOp)
            and isinstance(inner.op, ast.USub)
        ):
            return inner.operand
        return node


def tidy(tree: Any) -> Any:
    """The tree in the form a person would write."""
    return _Tidy().visit(tree)
