"""The learner's process: runs cells and answers with values. Untrusted from the first cell on.

Nothing here has to be safe from the learner, who may change all of it: whatever comes out of this process is
read as a value by `wire`, or as the number of an object that only lives here.
"""

import contextlib
import linecache
import operator
import os
import sys
import traceback

import torch

from classroom import exercise, values, wire

OPERATORS = [
    "getitem", "setitem", "delitem", "contains", "eq", "ne", "lt", "le", "gt", "ge", "add", "sub", "mul",
    "truediv", "floordiv", "mod", "pow", "matmul", "neg", "pos", "abs", "and_", "or_", "xor", "invert",
]  # fmt: skip
_OPERATIONS = {name: getattr(operator, name) for name in OPERATORS}
_OPERATIONS |= {
    "call": lambda function, *args, **kwargs: function(*args, **kwargs),
    "getattr": getattr,
    "setattr": setattr,
    "len": len,
    "bool": bool,
    "int": int,
    "float": float,
    "str": str,
    "repr": repr,
    "iter": iter,
    "next": next,
    "list": list,
    "enter": lambda manager: manager.__enter__(),
    "exit": lambda manager: manager.__exit__(None, None, None),
    "reversed": lambda value, other, name: _OPERATIONS[name](other, value),
}


class Shell:
    """What `get_ipython()` gives: magics do what a grader needs of them, which is mostly nothing."""

    def __init__(self, names: dict):
        self.names = names

    def run_line_magic(self, name: str, line: str, *_):
        if name in ("time", "timeit", "prun"):
            exec(compile(line, "<magic>", "exec"), self.names)

    def run_cell_magic(self, name: str, line: str, body: str):
        if name in ("time", "timeit", "prun", "capture"):
            exec(compile(body, "<magic>", "exec"), self.names)

    def system(self, command: str):
        print(f"(not run while grading: !{command})")

    def getoutput(self, command: str) -> list:
        self.system(command)
        return []

    getsystem = system

    def __getattr__(self, name: str):
        return lambda *args, **kwargs: None


class Student:
    """The names of the notebook, and the objects that the tester holds a number of."""

    def __init__(self):
        self.names = {"__name__": "__main__", "__builtins__": __builtins__}
        shell = Shell(self.names)
        self.names |= {
            "get_ipython": lambda: shell,
            "display": lambda *values, **_: print(*map(repr, values)),
        }
        self.objects, self.numbers = [], {}

    def refer(self, value) -> list:
        """The number of an object, kept alive here, and the names of its classes."""
        number = self.numbers.setdefault(id(value), len(self.objects))
        if number == len(self.objects):
            self.objects.append(value)
        return [number, [f"{kind.__module__}.{kind.__qualname__}" for kind in type(value).__mro__]]

    def decode(self, coded, blobs):
        def finish(value, kind, what):
            return value if kind == "leaf" else value.requires_grad_()

        return values.decode(coded, blobs, lambda number: self.objects[number], finish)

    def run(self, source: str, name: str) -> None:
        code = exercise.python(source)
        linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)  # for tracebacks
        exec(compile(code, name, "exec"), self.names)

    def answer(self, message, blobs) -> tuple:
        """What to send back: a message and its bytes."""
        what = message[0]
        out: list[bytes] = []
        if what == "run":
            self.run(message[1], message[2])
            return {"value": None}, out
        if what == "get":
            found = {name: self.names[name] for name in message[1] if name in self.names}
            return {"value": values.encode(found, out, self.refer)}, out
        if what == "backward":
            number, grad, leaves = message[1:]
            leaves = [self.objects[leaf] for leaf in leaves]
            for leaf in leaves:
                leaf.grad = None
            self.objects[number].backward(self.decode(grad, blobs), retain_graph=True)
            return {"value": values.encode([leaf.grad for leaf in leaves], out, self.refer)}, out
        sent = self.decode(message[1], blobs)
        before = self.picture(sent)
        args, kwargs = sent
        leaves = [self.refer(leaf)[0] for leaf in leaves_of(sent)]
        value = _OPERATIONS[what](*args, **kwargs)
        reply = {"value": values.encode(value, out, self.refer), "leaves": leaves}
        if what == "call" and self.picture(sent) != before:  # it changed what it was given
            reply["changed"] = values.encode(strip(sent), out, self.refer)
        return reply, out

    def picture(self, value) -> tuple:
        """All there is in a value, to tell whether it changed."""
        out: list[bytes] = []
        return values.encode(strip(value), out, self.refer), out


def leaves_of(value) -> list:
    """The tensors in a value that require a gradient, in the order in which they stand."""
    if isinstance(value, torch.Tensor):
        return [value] if value.requires_grad else []
    if isinstance(value, dict):
        value = list(value.values())
    return [leaf for item in value for leaf in leaves_of(item)] if isinstance(value, list | tuple) else []


def strip(value):
    """The same value with plain tensors."""
    if type(value) in (torch.Tensor, torch.nn.Parameter):
        return value.detach()
    if type(value) in (list, tuple):
        return type(value)(map(strip, value))
    return {key: strip(item) for key, item in value.items()} if type(value) is dict else value


def words_of(error: BaseException) -> str:
    """What an exception says, even where it cannot."""
    try:
        return str(error)[:500]
    except BaseException:  # noqa: BLE001 - code of the learner's
        return "(its message could not be made)"


def explain(error: BaseException) -> str:
    """The learner's part of a traceback."""
    frames = [
        f
        for f in traceback.extract_tb(error.__traceback__)
        if not f.filename.startswith(os.path.dirname(__file__))
    ]
    lines = traceback.format_list(frames[-6:]) + traceback.format_exception_only(error)
    return "".join(lines)[-3000:]


def serve(read_fd: int, write_fd: int) -> None:
    """Answer the tester until it is gone."""
    student, me = Student(), os.getpid()
    while True:
        try:
            message, blobs = wire.receive(read_fd)
        except wire.Gone:
            os._exit(0)
        try:
            reply, out = student.answer(message, blobs)
        except wire.TooLarge as error:
            reply, out = {"error": ["ValueError", f"the value cannot be sent: {error}", ""]}, []
        except BaseException as error:  # noqa: BLE001 - sys.exit and the like must not end this loop
            reply, out = {"error": [type(error).__name__, words_of(error), explain(error)]}, []
        if os.getpid() != me:  # a fork of the learner's that came back here: one process answers
            os._exit(0)
        with contextlib.suppress(Exception):  # it may be closed, or something else by now
            sys.stdout.flush()
        try:
            wire.send(write_fd, reply, out)
        except wire.TooLarge as error:
            wire.send(write_fd, {"error": ["ValueError", f"the value cannot be sent: {error}", ""]})
