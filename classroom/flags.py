"""What a human should look at: names that the exercise forbids, and code that reaches beyond an exercise.

A flag costs no marks. It says where to look.
"""

import ast

from classroom import exercise

MODULES = {
    "os", "subprocess", "socket", "ctypes", "inspect", "gc", "builtins", "importlib", "multiprocessing",
    "signal", "threading", "urllib", "requests", "http", "pickle", "shutil", "pathlib", "glob", "mmap",
    "resource", "classroom",
}  # fmt: skip
CALLS = {"eval", "exec", "open", "compile", "__import__", "globals", "breakpoint", "input"}
ATTRIBUTES = {
    "__globals__",
    "__code__",
    "__subclasses__",
    "_getframe",
    "f_back",
    "f_locals",
    "settrace",
    "input_transformers",
}


def of(source, found) -> list[str]:
    """The flags of a submission, each once, in the order of its cells."""
    notes = []
    for name, text in [
        *found.answers.items(),
        *((f"extra cell {i + 1}", e.source) for i, e in enumerate(found.extras)),
    ]:
        cell = next((cell for cell in source.cells if cell.id == name), None)
        if cell is None or cell.role == "answer":
            given = set(uses(cell.source if cell else ""))
            for use in uses(text):
                if use not in given:
                    notes.append(f"{name} uses {use}")
            if cell:
                notes += [
                    f"{name} uses {use}, which the task forbids" for use in forbidden(text, cell.forbidden)
                ]
    return list(dict.fromkeys(notes))


def uses(text: str) -> list[str]:
    """Modules, functions and attributes in a source that an exercise hardly needs."""
    found = []
    for node in _nodes(text):
        if isinstance(node, ast.Import):
            found += [f"import {alias.name}" for alias in node.names if alias.name.split(".")[0] in MODULES]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MODULES:
            found.append(f"import {node.module}")
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
            found.append(f"{node.func.id}()")
        elif isinstance(node, ast.Attribute) and node.attr in ATTRIBUTES:
            found.append(node.attr)
        elif _patches(node):
            found.append(f"{_patches(node)} = …")
    return found


def _patches(node) -> str:
    """The module's name that an assignment changes, such as torch.equal, or nothing."""
    targets = node.targets if isinstance(node, ast.Assign) else []
    for target in targets:
        root = target
        while isinstance(root, ast.Attribute):
            root = root.value
        if (
            isinstance(target, ast.Attribute)
            and isinstance(root, ast.Name)
            and root.id in ("torch", "F", "np", "math", "nn")
        ):
            return _dotted(target)
    return ""


def forbidden(text: str, names: list[str]) -> list[str]:
    """Those of `names` that the code uses, as a name or as an attribute."""
    used = set()
    for node in _nodes(text):
        if isinstance(node, ast.Attribute):
            used |= {node.attr, _dotted(node)}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            used.add(node.id)
        elif isinstance(node, ast.ImportFrom):
            used |= {alias.name for alias in node.names}
    return [name for name in names if name in used]


def _nodes(text: str) -> list:
    return list(ast.walk(exercise.tree(text)))


def _dotted(node) -> str:
    """A chain of attributes as it is written, such as torch.nn.functional; its last ten parts."""
    parts = []
    while isinstance(node, ast.Attribute) and len(parts) < 10:
        parts.append(node.attr)
        node = node.value
    parts.append(node.id if isinstance(node, ast.Name) else "…")
    return ".".join(reversed(parts))
