"""From functions to functions: derivatives in both modes, batching, checkpointing, custom rules.

Owns what happens at the boundary of a transform (arguments in, results out). Knows no particular
operation; everything works on the records.
"""
