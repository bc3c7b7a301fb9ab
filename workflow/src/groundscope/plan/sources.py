"""Which source files decide a command's result: the ``code=`` input of every rule."""

import ast
from functools import cache
from pathlib import Path

_ROOT = Path(__file__).parents[2]
# None can change a number: error wording and the shell around the commands.
_INERT = frozenset(
    {
        "groundscope.errors",
        "groundscope.status",
        "groundscope.commands._cli",
        "groundscope.commands._job",
        "groundscope.commands._signals",
    }
)


def source_closure(*modules: str) -> list[Path]:
    """Files of `modules` and of everything in this package that they import, directly or not.

    Parameters
    ----------
    *modules
        Dotted names, such as ``groundscope.commands.compare_cka``.

    Returns
    -------
    list of Path
        Absolute paths, sorted. Empty ``__init__`` files and inert modules are left out.
    """
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting += _imports(module)
    return sorted(_file(module) for module in found)


def _file(module: str) -> Path:
    return _ROOT.joinpath(*module.split(".")).with_suffix(".py")


@cache
def _imports(module: str) -> tuple[str, ...]:
    tree = ast.parse(_file(module).read_text(encoding="utf-8"))
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            # `from package import module` and `from module import name` look the same
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
            names.add(node.module)
    own = {name for name in names if name.startswith("groundscope.")}
    return tuple(sorted(name for name in own - _INERT if _file(name).is_file()))
