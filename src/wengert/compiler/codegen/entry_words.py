"""The words of an entry: how guards, results and outputs are written for the native dispatcher."""

from __future__ import annotations

__all__ = ["ENTRY", "GUARDS", "OUTPUTS", "OVERLAP_WORDS", "RESULT_WORDS"]

# The words of an entry, by position.
ENTRY = {
    name: k
    for k, name in enumerate((
        "arguments", "keywords", "names", "guards", "guards_end", "registers", "table", "scratch",
        "overlaps", "overlaps_end", "results", "results_end", "pool", "arena", "checks",
        "checks_end", "outputs", "outputs_end", "stack", "release", "run", "array_type",
    ))
}  # fmt: skip

# The guards, and the words that follow the number of each. ``src`` and ``dst`` are registers:
# object pointers, the first of which are the arguments.
GUARDS = {
    "array": ("src", "slot", "type", "dtype", "type_num", "ndim", "flags"),  # and the lengths
    "number": ("src", "slot", "type"),  # NumPy's scalars and Python's floats
    "integer": ("src", "slot", "type", "scratch"),
    "same": ("src", "object"),
    "tuple": ("src", "dst", "type", "length"),
    "list": ("src", "dst", "type", "length"),
    "dict": ("src", "dst", "type", "length", "str"),  # and the keys, in order
    "cell": ("dst", "cell"),
    "global": ("dst", "dict", "name"),
    "held": ("dst", "object"),
    # What must stay as it is, wherever it is held.
    "memory": ("count",),  # pairs of addresses and what is there
    "names": ("dict", "count"),  # pairs of a name and its object, 0 if it is not there
    "items": ("dict", "length"),  # pairs of keys and their objects, in order
    "own": ("object", "dict"),  # the dict of its attributes
    "elements": ("list", "length"),  # and the objects
    "members": ("set", "length", "places"),  # and what is in each place of its table
    "content": ("array", "dtype", "ndim", "flags", "nbytes", "saved"),  # and the lengths
}
OUTPUTS = {
    "result": ("number",),
    "object": ("object",),
    "argument": ("src",),
    "tuple": ("length",),
    "list": ("length",),
    "dict": ("length",),  # and the keys
    "call": ("length", "function"),  # of the list of this many
}
# Of what must not share memory: the slot, the bytes, and whether it is donated.
OVERLAP_WORDS = 3
# A result: an array, or a scalar, whose slot points to scratch memory until it is made. Into one
# that is a copy, ``copied`` bytes are written from the slot ``source`` at the end.
RESULT_WORDS = ("is_scalar", "slot", "dtype", "ndim", "dims", "scratch", "copied", "source")
