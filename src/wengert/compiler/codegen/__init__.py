"""Text in LLVM's language for the steps of a plan, and machine code from it.

Only this package imports llvmlite, and only `target` does.
"""
