"""What a trained model depends on, as one short word: its recipe.

A recipe is the training function with its arguments, what a person may have edited around it in a notebook,
and every module of this library that it can reach. A change anywhere there makes another word, so the model
is trained anew; a new module that only another chapter uses changes nothing.
"""

import ast
import functools
import hashlib
import inspect
import types
from collections.abc import Callable, Iterable
from pathlib import Path

import torch

LIBRARY = Path(__file__).parent
NAME = LIBRARY.name


def fingerprint(train: Callable, arguments: dict) -> str:
    """16 hex digits over all that decides what `train(**arguments)` makes.

    arguments: values that `repr` tells apart. Raises OSError or TypeError where `train` has no source.
    """
    sources, modules = _written(train)
    library = [_source(module) for module in sorted(_reachable(modules))]
    parts = [torch.__version__, repr(sorted(arguments.items())), *sources, *library]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _written(train: Callable) -> tuple[list[str], set[str]]:
    """The source of `train`, of functions and classes beside it that it uses and the plain values that they
    read by name; and the library's modules from which they take something."""
    sources: list[str] = []
    modules, seen, waiting = set(), set(), [train]
    while waiting:
        function = waiting.pop()
        if function in seen:
            continue
        seen.add(function)
        sources.append(inspect.getsource(function))
        known = _read_by_name(function)
        sources += _plain(known)
        for value in known.values():
            modules |= _homes(value)
            if getattr(value, "__module__", None) == function.__module__ and not _is_ours(value.__module__):
                waiting += _functions(value)
                sources += _plain(vars(value)) if inspect.isclass(value) else []
        modules |= _imported_inside(function)
    return sources, modules


def _functions(value) -> list[Callable]:
    """A function by itself; of a class those that a person wrote (what `dataclass` adds has no source).

    Without what decorators put around them, which has no source either, or somebody else's.
    """
    parts = vars(value).values() if inspect.isclass(value) else [value]
    parts = [part.fget if isinstance(part, property) else part for part in parts]
    whole = [part for part in map(inspect.unwrap, parts) if inspect.isfunction(part)]
    return [part for part in whole if part.__code__.co_filename != "<string>"]


def _plain(values: dict) -> list[str]:
    """The numbers, strings and truth values among these, by name; not `__module__` and its like."""
    plain = {name: value for name, value in values.items() if isinstance(value, bool | int | float | str)}
    return [f"{name}={value!r}" for name, value in plain.items() if not name.startswith("__")]


def _codes(function: Callable) -> list[types.CodeType]:
    """The code of a function and of the functions inside it."""
    codes = [function.__code__]
    for code in codes:
        codes += [inner for inner in code.co_consts if inspect.iscode(inner)]
    return codes


def _read_by_name(function: Callable) -> dict[str, object]:
    """What a function finds outside itself, in the order of the names."""
    within = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    known = function.__globals__ | {name: cell.cell_contents for name, cell in within}
    names = {name for code in _codes(function) for name in (*code.co_names, *code.co_freevars)}
    return {name: known[name] for name in sorted(names & known.keys())}


def _imported_inside(function: Callable) -> set[str]:
    """Modules of the library that a function may import or reach as `tinylm.name`; some may be none."""
    names = {name for code in _codes(function) for name in code.co_names}
    return set(filter(_is_ours, names)) | ({f"{NAME}.{name}" for name in names} if NAME in names else set())


def _is_ours(module: str) -> bool:
    return module.startswith(f"{NAME}.")


def _homes(value) -> set[str]:
    """The modules of the library a module, function, class or object is from; of a list, its members'."""
    if isinstance(value, types.ModuleType):
        names = {value.__name__}
    elif isinstance(value, list | tuple | dict):
        return set().union(*map(_homes, value.values() if isinstance(value, dict) else value))
    else:
        names = {getattr(value, "__module__", None) or "", type(value).__module__}
    return {name for name in names if _is_ours(name)}


def _reachable(modules: Iterable[str]) -> set[str]:
    """These modules of the library and all that they import, at once or later."""
    found, waiting = set(), list(modules)
    while waiting:
        module = waiting.pop()
        if module not in found and _file(module):
            found.add(module)
            waiting += _imports(module)
    return found


def _imports(module: str) -> set[str]:
    """The names of the library that a module imports, but not as a program, and the packages it is in."""
    return {name for name in (module.rpartition(".")[0], *_imported(_source(module))) if _is_ours(name)}


@functools.cache  # a chapter asks for many models, and all of them for nearly the same modules
def _imported(source: str) -> frozenset[str]:
    """All names that a source imports, leaving out what it does as a program."""
    tree = ast.parse(source)
    tree.body = [node for node in tree.body if not _is_the_program(node)]
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(names)


def _is_the_program(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).startswith("__name__ == ")


def _file(module: str) -> Path | None:
    """Where the source of a module of the library is; None for a name that is no module."""
    path = LIBRARY.joinpath(*module.split(".")[1:])
    return next((p for p in (path.with_suffix(".py"), path / "__init__.py") if p.is_file()), None)


def _source(module: str) -> str:
    return _file(module).read_text(encoding="utf-8")
