"""What everything stands on: primitives, Tensors and their tape, Programs, containers, errors.

Owns the record of an operation and the machinery that applies, records, sweeps and
replays operations. Knows no particular operation (those are in `wengert.rules`) and
imports no other part of wengert.
"""
