"""The source of forward over reverse mode (`core.dual`) for the operations of `fast.py`."""

from __future__ import annotations

from .fast_source import add_to, in_place, indent, partials_of, product
from .symbolic import derivative
from .symbols import trace_partial

__all__ = ["dual"]

_MOVERS = {"x": "m", "y": "n", "out": "node"}


def dual(name: str) -> str:
    """The generated source of forward over reverse mode (`core.dual`)."""
    arity = len(partials_of(name))
    tangents, bends = "", ""
    used: frozenset[str] = frozenset()
    for operand, parent, partial in zip("xy", "mn", partials_of(name), strict=False):
        if partial is None:
            continue
        symbol = trace_partial(partial, arity)
        used |= symbol.names
        slopes = {v: derivative(symbol.text, v) for v in sorted(symbol.names)}
        declined = [_MOVERS[v] for v, slope in slopes.items() if slope is None]
        both = " and ".join(f"{v} is not None" for v in (parent, *declined) if v != "node")
        moved = product(f"tangents[{parent}[0]]", symbol)
        if arity == 1:
            tangents = in_place(moved) if not declined else "t = None\n"
        else:
            if declined:
                tangents += f"if {both}:\n    return None\n"
            added = (
                f"t = {moved}\n"
                if not tangents
                else f"u = {moved}\nt = u if t is None else t + u\n"
            )
            tangents += f"if {parent} is not None:\n{indent(added)}"
        bent = _bends(operand, parent, slopes, arity)
        bends += f"if {parent} is not None:\n{indent(bent)}" if bent and arity == 2 else bent
    if arity == 2:
        read = "m = node[2]\nn = node[3]\nx = node[5]\ny = node[6]\n"
        tangents = f"""t = None
{tangents}sx = x if type(x) is tuple else np.shape(x)
sy = y if type(y) is tuple else np.shape(y)
if sx != sy:
    t = spread(t, sx, sy)
"""
        bends = f"sx = x if type(x) is tuple else np.shape(x)\n{bends}" if "sx" in bends else bends
        bends = f"sy = y if type(y) is tuple else np.shape(y)\n{bends}" if "sy" in bends else bends
        read += "out = node[7]\n" if "out" in used else ""
    else:
        saved = [v for v in ("x", "out") if v in used]
        read = "m = node[2]\n" + "".join(f"{v} = node[{5 + i}]\n" for i, v in enumerate(saved))
    text = f"\n\ndef tangent_{name}(node, tangents):\n{indent(read + tangents)}    return t\n"
    rules = f"tangent_{name}, {f'bend_{name}' if bends else None}"
    if bends:
        text += f"\n\ndef bend_{name}(node, g, tangents, results):\n{indent(read + bends)}"
    layout = " ".join(["x y out" if "out" in used else "x y"] if arity == 2 else saved)
    return f"""{text}

{name.upper()}.dual = Dual({rules})
{name}_p.kind.dual = dual_of_record({name.upper()}, "{layout}")
"""


def _bends(operand: str, parent: str, slopes: dict[str, str | None], arity: int) -> str:
    """Source that adds ``g`` times the tangent of a partial with these slopes."""
    text = ""
    for name, slope in slopes.items():
        if slope is None or slope == "0":
            continue
        mover = _MOVERS[name]
        term = f"t = g * tangents[{mover}[0]]" + ("" if slope == "1" else f" * ({slope})") + "\n"
        if arity == 2:
            term += f"if t.shape != s{operand}:\n    t = unbroadcast(t, s{operand})\n"
        term += (
            add_to(parent, new=True)
            .replace("cotangents", "results")
            .replace("add_to_results", "add_to_cotangent")
        )
        other = name not in ("out", operand)
        text += f"if {mover} is not None:\n{indent(term)}" if other else term
    return text
