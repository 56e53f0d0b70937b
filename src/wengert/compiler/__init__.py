"""The compiler: `jit` records a function on shapes and turns the Program into native code.

It owns everything from the Program to the call of machine code, and changes no result beyond
rounding. The stages are described in docs/design/compiler.md. llvmlite is imported when something
is first compiled, by `compiler.codegen` alone.
"""

from .jit import Jitted, jit
from .runtime.threads import set_threads

__all__ = ["Jitted", "jit", "set_threads"]
