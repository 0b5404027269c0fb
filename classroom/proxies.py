"""The learner's names as the tests see them: every use is a message, every answer a value.

A function of the learner's is a `Proxy`: calling it sends the arguments to the learner's process and gives
back what came out. What is changed there in place is changed here too. Gradients flow through, as far as the
tensors that were passed and the learner's own parameters.

An object whose every answer is the learner's choice must not decide a test. So an operation may be done on
an object only where the author's own answer gave an object at the same place: `contract` lists these places,
found by running the author's answer first. Elsewhere an object in place of a value fails the test.
"""

import builtins

import torch

from classroom import values, wire
from classroom.student import OPERATORS, leaves_of
from classroom.wire import Gone


class StudentError(Exception):
    """An exception that the learner's code raised; `trace` is the learner's part of the traceback."""

    trace = ""

    def __str__(self) -> str:  # of a KeyError, too, which would quote its words once more
        return str(self.args[0]) if self.args else ""


class NoValue(TypeError):
    """The learner's code gave an object where the author's gives a value."""


class Contract:
    """At which places the author's answer gives objects, and where it never gives None.

    A place is written as in Python: `softmax()`, `Model().parameters()[]`. Without `places` all is allowed
    and written down, which is how a contract is made.
    """

    def __init__(self, places: dict[str, list[str]] | None = None):
        self.recording = places is None
        self.places = {} if places is None else places
        self.hints: list[str] = []  # of the test cell at hand

    def check(self, place: str, value) -> None:
        kind = "object" if isinstance(value, Proxy) else "none" if value is None else "value"
        if self.recording:
            self.places.setdefault(place, [])
            if kind not in self.places[place]:
                self.places[place].append(kind)
            return
        allowed = self.places.get(place, ["value", "none"])
        if kind == "object" and kind not in allowed:
            name = object.__getattribute__(value, "_classes")[0].split(".")[-1]
            raise NoValue(f"{place} gave an object of type {name}, where a plain value is wanted")
        if kind == "none" and kind not in allowed and place.endswith("()"):
            hint = f"{place} gave None: is a return missing?"
            if hint not in self.hints:
                self.hints.append(hint)


class Session:
    """The conversation with one learner's process. Whoever watches ends it where an answer takes too long."""

    def __init__(self, read_fd: int, write_fd: int, contract: Contract):
        self.read_fd, self.write_fd, self.contract = read_fd, write_fd, contract

    def start_cell(self) -> None:
        """Forget the hints of the cell before."""
        self.contract.hints = []

    def ask(self, message, blobs=()) -> tuple:
        """One question and its answer. Raises StudentError, Gone, or TooLarge for a question of ours."""
        wire.send(self.write_fd, message, blobs)
        reply, data = wire.receive(self.read_fd)
        if type(reply) is not dict:
            raise Gone("an answer that is no message")
        if "error" not in reply:
            return reply, data
        said = reply["error"]
        if type(said) is not list or len(said) != 3 or not all(type(part) is str for part in said):
            raise Gone("an answer that is no message")
        raise _as_exception(said[0][:100], said[1][:1000], said[2][:4000])

    def run(self, source: str, name: str) -> None:
        self.ask(["run", source, name])

    def get(self, names: list[str]) -> dict:
        """Those of these names that the learner's notebook has."""
        reply, data = self.ask(["get", names])
        found = self.decode(reply.get("value"), data, lambda what: Proxy(self, what, "?"))
        if type(found) is not dict:
            raise Gone("an answer of the wrong kind")
        for name, value in found.items():
            if isinstance(value, Proxy):
                object.__setattr__(value, "_place", str(name))
        return found

    def do(self, operation: str, place: str, *args, **kwargs):
        """Let the learner's process do this, and check that the answer is one that the contract allows."""
        blobs: list[bytes] = []
        try:
            coded = values.encode((args, kwargs), blobs, _number)
        except RecursionError:
            raise TypeError("what the test passes contains itself") from None
        sent = leaves_of([list(args), kwargs])
        reply, data = self.ask([operation, coded], blobs)
        made = _pair(sent, reply.get("leaves"))
        value = self.decode(reply.get("value"), data, lambda what: Proxy(self, what, place), made)
        if reply.get("changed") is not None:
            changed = self.decode(reply["changed"], data, lambda what: Proxy(self, what, place))
            _restore((args, kwargs), changed)
        self.contract.check(place, value)
        return value

    def decode(self, coded, data, deref, made=()):
        def finish(value, kind, what):
            if kind == "leaf" or not (value.is_floating_point() or value.is_complex()):
                return value
            return _Remote.apply(
                self, int(what[0]), value, [number for _, number in made], _anchor(), *[x for x, _ in made]
            )

        try:
            return values.decode(coded, data, deref, finish)
        except (
            ValueError,
            TypeError,
            KeyError,
            IndexError,
            AttributeError,
            ArithmeticError,
            RuntimeError,
            StudentError,
            MemoryError,
        ):
            raise Gone("an answer that is no value") from None


def _number(value) -> int:
    if isinstance(value, Proxy):
        return object.__getattribute__(value, "_number")
    if isinstance(value, torch.Tensor):  # its values are sent; over there it is a leaf of its own
        return 0
    raise TypeError(f"a test cannot pass a {type(value).__name__} to the learner's code: pass plain values")


def _pair(sent: list, numbers) -> list:
    if type(numbers) is not list or len(numbers) != len(sent) or not all(type(n) is int for n in numbers):
        return []
    return list(zip(sent, numbers, strict=True))


def _anchor() -> torch.Tensor:
    """Something that requires a gradient, so that the result does."""
    return torch.zeros((), requires_grad=True)


def _restore(mine, theirs) -> None:
    """Change my values in place to what the learner's code made of its copies, as far as kinds agree."""
    if isinstance(mine, torch.Tensor) and isinstance(theirs, torch.Tensor):
        if mine.shape == theirs.shape and mine.dtype == theirs.dtype:
            with torch.no_grad():
                mine.copy_(theirs)
        else:
            mine.data = theirs
    elif isinstance(mine, list | tuple) and isinstance(theirs, list | tuple) and len(mine) == len(theirs):
        for i, (old, new) in enumerate(zip(mine, theirs, strict=True)):
            if _has_inside(old) and type(old) is type(new):
                _restore(old, new)
            elif isinstance(mine, list):
                mine[i] = new
    elif isinstance(mine, list | bytearray) and isinstance(theirs, list | bytearray):
        mine[:] = theirs
    elif isinstance(mine, dict | set) and type(mine) is type(theirs):
        if isinstance(mine, dict) and list(mine) == list(theirs):
            for key in mine:
                if _has_inside(mine[key]) and type(mine[key]) is type(theirs[key]):
                    _restore(mine[key], theirs[key])
                else:
                    mine[key] = theirs[key]
        else:
            mine.clear()
            mine.update(theirs)
    elif hasattr(mine, "dtype") and hasattr(theirs, "dtype") and mine.shape == theirs.shape and mine.shape:
        mine[...] = theirs


def _has_inside(value) -> bool:
    if type(value) is Proxy:  # hasattr would ask the learner
        return False
    return isinstance(value, list | tuple | dict | set | bytearray | torch.Tensor) or hasattr(value, "dtype")


def _as_exception(name: str, words: str, trace: str) -> StudentError:
    """An exception that a test's `except ValueError` catches, if that is what the learner's code raised."""
    base = getattr(builtins, name, None)
    error = StudentError(words)
    if isinstance(base, type) and issubclass(base, Exception) and base is not Exception:
        try:
            error = _made(type(name, (StudentError, base), {}), words)
        except TypeError:  # an ExceptionGroup wants them from the start
            error = type(name, (StudentError,), {})(words)
    elif name.isidentifier():
        error = type(name, (StudentError,), {})(words)
    error.trace = trace
    return error


def _made(kind: type, words: str) -> StudentError:
    try:
        return kind(words)
    except TypeError:  # UnicodeDecodeError wants other arguments
        error = kind.__new__(kind)
        error.args = (words,)
        return error


class _Remote(torch.autograd.Function):
    """A result of the learner's code; its backward pass is done over there."""

    @staticmethod
    def forward(ctx, session, number, value, leaves, anchor, *sent):
        ctx.session, ctx.number, ctx.leaves, ctx.shapes = session, number, leaves, [x.shape for x in sent]
        return value

    @staticmethod
    def backward(ctx, grad):
        blobs: list[bytes] = []
        coded = values.encode(grad, blobs, _number)
        reply, data = ctx.session.ask(["backward", ctx.number, coded, ctx.leaves], blobs)
        grads = ctx.session.decode(reply.get("value"), data, _number)
        if type(grads) is not list or len(grads) != len(ctx.shapes):
            raise Gone("gradients of the wrong number")
        for found, shape in zip(grads, ctx.shapes, strict=True):
            if found is not None and (not isinstance(found, torch.Tensor) or found.shape != shape):
                raise Gone("a gradient of the wrong shape")
        return (None, None, None, None, None, *grads)


KNOWN_CLASSES = {"torch.nn.modules.module.Module": torch.nn.Module}


class Proxy:
    """An object of the learner's process."""

    __slots__ = ("_classes", "_number", "_place", "_session")

    def __init__(self, session: Session, what, place: str):
        number, classes = what
        if (
            type(number) is not int
            or type(classes) is not list
            or not classes
            or not all(type(c) is str for c in classes)
        ):
            raise ValueError("no object")
        for name, value in (
            ("_session", session),
            ("_number", number),
            ("_classes", classes),
            ("_place", place),
        ):
            object.__setattr__(self, name, value)

    @property
    def __class__(self):
        """So that `isinstance(model, torch.nn.Module)` is right in a test."""
        classes = object.__getattribute__(self, "_classes")
        return next((KNOWN_CLASSES[name] for name in classes if name in KNOWN_CLASSES), Proxy)

    def __call__(self, *args, **kwargs):
        return _do(self, "call", "()", self, *args, **kwargs)

    def __getattr__(self, name: str):
        if name.startswith("__") and name not in ("__name__", "__doc__"):
            raise AttributeError(name)
        return _do(self, "getattr", f".{name}", self, name)

    def __setattr__(self, name: str, value) -> None:
        _do(self, "setattr", f".{name} = ", self, name, value)

    def __iter__(self):
        iterator = _do(self, "iter", "[]iter", self)
        while True:
            try:
                yield _do(self, "next", "[]", iterator)
            except StudentError as error:
                if isinstance(error, StopIteration) or type(error).__name__ == "StopIteration":
                    return
                raise

    def __repr__(self) -> str:
        return f"<the learner's {object.__getattribute__(self, '_place')}>"

    __hash__ = None


def _do(proxy: Proxy, operation: str, suffix: str, *args, **kwargs):
    session, place = (object.__getattribute__(proxy, name) for name in ("_session", "_place"))
    place = f"{place}{suffix}"
    contract = session.contract
    if operation not in ("call", "getattr") and not contract.recording and place not in contract.places:
        raise NoValue(f"{place}: this test wants a value, not an object of yours")
    return session.do(operation, place, *args, **kwargs)


def _special(operation: str):
    def method(self, *args):
        return _do(self, operation, f" {operation} ", self, *args)

    return method


def _reflected(operation: str):
    def method(self, other):
        return _do(self, "reversed", f" r{operation} ", self, other, operation)

    return method


for _name in [*OPERATORS, "len", "bool", "int", "float", "str", "next", "enter"]:
    setattr(Proxy, f"__{_name.strip('_')}__", _special(_name))
for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and_", "or_", "xor"):
    setattr(Proxy, f"__r{_name.strip('_')}__", _reflected(_name))
Proxy.__exit__ = lambda self, *error: _do(self, "exit", " exit ", self)
