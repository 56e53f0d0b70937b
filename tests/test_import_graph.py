"""Dependencies point one way: a package may import those before it in the list, and itself."""

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "src" / "wengert"

# The layout of the design, from the bottom up. A package imports only what stands before it.
ORDER = (
    "core",
    "tree",  # containers, for users
    "rules",
    "numpy",
    "transforms",
    "scipy",  # what runs a user's function (integrals, minimization) stands on the transforms
    "operations",  # public operations beyond NumPy's and SciPy's
    "tensors",  # Tensor's operations as functions
    "random",
    "compiler",
    "show",
    "extend",  # from here on with autograd's names
    "builtins",
    "tracer",
    "differential_operators",
    "wengert",  # the public names, `import wengert as wg`
    "testing",
    # autograd's names of modules
    "test_util",
    "misc",
    "nn",
    "optim",
    "data",
    "train",
    "models",  # trained networks of others
    "cli",
)
# These stand on the public interface, and see nothing below it.
ON_THE_PUBLIC_API = ("nn", "optim", "data", "train", "models", "cli")
PUBLIC = (
    "wengert",
    "tree",
    "tensors",
    "numpy",
    "scipy",
    "random",
    "operations",
    "testing",
    *ON_THE_PUBLIC_API,
)
MODULES = sorted(PACKAGE.rglob("*.py"))


def package_of(path: Path) -> str:
    """The package (or the top-level module) that a file belongs to."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    if parts in (("__init__",), ("__main__",)):
        return "cli" if parts == ("__main__",) else "wengert"
    return parts[0]


def imported_modules(path: Path) -> Iterator[tuple[int, str]]:
    """Every absolute module name that a file imports anywhere, with the line."""
    here = ["wengert", *path.relative_to(PACKAGE).with_suffix("").parts]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # In a package's __init__ the last part of `here` is "__init__", so level 1 is itself.
            start = here[: -node.level] if node.level else []
            module = ".".join([*start, *([node.module] if node.module else [])])
            # `from wengert import core` imports a package, `from wengert import grad` a name.
            for alias in node.names:
                deeper = PACKAGE.parent.joinpath(*module.split("."), alias.name)
                is_module = deeper.is_dir() or deeper.with_suffix(".py").exists()
                yield node.lineno, f"{module}.{alias.name}" if is_module else module


def imported_packages(path: Path) -> Iterator[tuple[int, str]]:
    for line, module in imported_modules(path):
        parts = module.split(".")
        if parts[0] == "wengert":
            yield line, parts[1] if len(parts) > 1 else "wengert"


def test_every_package_has_a_place_in_the_order() -> None:
    assert {package_of(path) for path in MODULES} <= set(ORDER)


def test_arrows_point_up_the_list_only() -> None:
    wrong = []
    for path in MODULES:
        own = package_of(path)
        allowed = set(ORDER[: ORDER.index(own) + 1])
        if own in ON_THE_PUBLIC_API:
            allowed &= set(PUBLIC)
        wrong += [
            f"{path}:{line}: {own} may not import {name}"
            for line, name in imported_packages(path)
            if name in ORDER and name not in allowed
        ]
    assert not wrong, "\n".join(wrong)


def test_core_imports_no_sibling() -> None:
    for path in MODULES:
        if package_of(path) == "core":
            assert {name for _, name in imported_packages(path)} <= {"core"}, path


def test_llvmlite_is_imported_by_the_code_generator_only() -> None:
    for path in MODULES:
        if not path.is_relative_to(PACKAGE / "compiler" / "codegen"):
            roots = {module.split(".")[0] for _, module in imported_modules(path)}
            assert "llvmlite" not in roots, path
