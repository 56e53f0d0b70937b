"""Derivatives of source text: of the partials that the generators write out.

The texts are those of `symbols.trace_partial`: names, numbers, ``+ - * / **`` and calls of ufuncs
with a rule. What a partial may hold besides (comparisons, say) has no derivative here.
"""

from __future__ import annotations

import ast

from .pointwise import UFUNCS
from .symbols import trace_partial

__all__ = ["derivative"]

_UFUNC_NAMES = {ufunc.__name__: primitive for ufunc, primitive in UFUNCS.items()}
_ZERO, _ONE = ast.Constant(0), ast.Constant(1)


def derivative(text: str, name: str) -> str | None:
    """The source of the derivative of ``text`` with respect to ``name``; "0" where it is constant.

    Returns
    -------
    str or None
        None for a text that holds anything but arithmetic and differentiable ufuncs.
    """
    try:
        return ast.unparse(_derivative(ast.parse(text, mode="eval").body, name))
    except _Unsupported:
        return None


class _Unsupported(Exception):
    """A piece of source without a derivative here."""


def _derivative(e: ast.expr, name: str) -> ast.expr:
    if not any(isinstance(part, ast.Name) and part.id == name for part in ast.walk(e)):
        return _ZERO
    match e:
        case ast.Name():
            return _ONE
        case ast.UnaryOp(op=ast.USub(), operand=u):
            return _negative(_derivative(u, name))
        case ast.BinOp(left=u, op=op, right=v):
            return _of_binary(u, op, v, _derivative(u, name), _derivative(v, name))
        case ast.Call(func=ast.Attribute(attr=function), args=[u]):
            return _product(_of_call(function, u, e), _derivative(u, name))
    raise _Unsupported


def _of_binary(u: ast.expr, op: ast.operator, v: ast.expr, du: ast.expr, dv: ast.expr) -> ast.expr:
    match op:
        case ast.Add():
            return _sum(du, dv)
        case ast.Sub():
            return _sum(du, _negative(dv))
        case ast.Mult():
            return _sum(_product(du, v), _product(u, dv))
        case ast.Div():
            # (u / v)' = u' / v - u v' / (v v)
            second = _quotient(_product(u, dv), _product(v, v))
            return _sum(_quotient(du, v), _negative(second))
        case ast.Pow() if _is(dv, 0):
            one_less = ast.BinOp(v, ast.Sub(), _ONE)
            return _product(_product(v, ast.BinOp(u, ast.Pow(), one_less)), du)
    raise _Unsupported


def _of_call(function: str, u: ast.expr, call: ast.expr) -> ast.expr:
    """The derivative of a ufunc at ``u``, from its own rule."""
    primitive = _UFUNC_NAMES.get(function)
    if primitive is None or primitive.partials is None or len(primitive.partials) != 1:
        raise _Unsupported
    partial = primitive.partials[0]
    if partial is None:
        raise _Unsupported
    tree = ast.parse(trace_partial(partial, 1).text, mode="eval").body
    substituted: ast.expr = _Substitution({"x": u, "out": call}).visit(tree)
    return substituted


class _Substitution(ast.NodeTransformer):
    def __init__(self, values: dict[str, ast.expr]) -> None:
        self.values = values

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.values.get(node.id, node)


def _is(e: ast.expr, value: int) -> bool:
    return isinstance(e, ast.Constant) and e.value == value


def _negative(u: ast.expr) -> ast.expr:
    if _is(u, 0):
        return u
    return u.operand if isinstance(u, ast.UnaryOp) else ast.UnaryOp(ast.USub(), u)


def _sum(u: ast.expr, v: ast.expr) -> ast.expr:
    if _is(u, 0) or _is(v, 0):
        return v if _is(u, 0) else u
    if isinstance(v, ast.UnaryOp):
        return ast.BinOp(u, ast.Sub(), v.operand)
    return ast.BinOp(u, ast.Add(), v)


def _product(u: ast.expr, v: ast.expr) -> ast.expr:
    if _is(u, 0) or _is(v, 0):
        return _ZERO
    if _is(u, 1) or _is(v, 1):
        return v if _is(u, 1) else u
    for one, other in ((u, v), (v, u)):
        if isinstance(one, ast.UnaryOp):
            return _negative(_product(one.operand, other))
    return ast.BinOp(u, ast.Mult(), v)


def _quotient(u: ast.expr, v: ast.expr) -> ast.expr:
    return u if _is(u, 0) else ast.BinOp(u, ast.Div(), v)
