"""classroom.proxies and classroom.student: a test cannot tell the learner's names from its own."""

import builtins
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from classroom import wire
from classroom.proxies import Contract, NoValue, Proxy, Session, StudentError

ROOT = Path(__file__).parents[2]
CODE = """
import torch
from torch import nn

def f(x, w):
    return torch.tanh(x @ w) * x.sum()

def pair(x):
    return x * 2, [x.sum(), {"cube": x ** 3}]

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.arange(6.0).view(2, 3))
        self.layers = nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2)])
        self.sizes = [1, 2]
    def forward(self, x):
        return x @ self.weight.T

def change(value):
    if isinstance(value, list):
        value.append("new")
        value.reverse()
    elif isinstance(value, dict):
        value["new"] = value.pop("old")
    elif isinstance(value, (set, bytearray)):
        value.clear()
    elif isinstance(value, torch.Tensor):
        value.add_(1)
    else:
        value[...] = 7

def change_inside(values):
    change(values["a"][0])
    change(values["b"])

def throw(name, words):
    import builtins
    raise getattr(builtins, name)(words)

def same(*values, **named):
    return values, named

def nothing(x):
    pass

class Thing:
    size = 3
    def __init__(self): self.kept = {}
    def __len__(self): return 5
    def __iter__(self): return iter([1, 2, 3])
    def __getitem__(self, at): return at * 2
    def __setitem__(self, at, value): self.kept[at] = value
    def __eq__(self, other): return True
    def __bool__(self): return True
    def __add__(self, other): return other + 1
    def __radd__(self, other): return other + 2
    def __enter__(self): return 8
    def __exit__(self, *error): self.kept["left"] = True

def count():
    yield from (1, 2)
"""


@pytest.fixture(scope="module")
def pipes():
    """A learner's process, with no confinement: this code is ours."""
    (to_learner, ask), (answer, from_learner) = os.pipe(), os.pipe()
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from classroom import student; student.serve(%d, %d)"
    )
    command = [sys.executable, "-c", program % (to_learner, from_learner)]
    with subprocess.Popen(command, pass_fds=(to_learner, from_learner)) as learner:
        os.close(to_learner)
        os.close(from_learner)
        yield answer, ask
        os.close(ask)
        assert learner.wait() == 0
    os.close(answer)


def session_of(pipes, places=None) -> Session:
    session = Session(*pipes, Contract(places))
    session.start_cell()
    session.run(CODE, "code")
    return session


@pytest.fixture
def session(pipes) -> Session:
    return session_of(pipes)


def theirs(session, *names):
    found = session.get(list(names))
    return [found[name] for name in names]


def mine() -> dict:
    names: dict = {}
    exec(CODE, names)
    return names


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 999), rows=st.integers(1, 4), width=st.integers(1, 4), inner=st.booleans())
def test_gradients_through_a_learners_function_are_those_of_ones_own(pipes, seed, rows, width, inner):
    (f,) = theirs(session_of(pipes), "f")
    grads = []
    for function in (f, mine()["f"]):
        torch.manual_seed(seed)
        x, w = torch.randn(rows, width, requires_grad=True), torch.randn(width, 2, requires_grad=True)
        first = x * 3 if inner else x  # what is passed need not be a leaf
        (function(first, w) ** 2).sum().backward()
        function(first.detach(), w).sum().backward()
        grads.append((x.grad, w.grad))
    assert_close(*grads)


def test_gradients_flow_through_each_part_of_what_is_returned(session):
    grads = []
    for function in (theirs(session, "pair")[0], mine()["pair"]):
        x = torch.tensor([1.0, -2.0], requires_grad=True)
        double, (total, named) = function(x)
        (double.prod() + total**2 + named["cube"].sum()).backward()
        grads.append(x.grad)
    assert_close(*grads)


def test_a_module_is_one_and_its_parameters_gather_gradients(session):
    (Model,) = theirs(session, "Model")
    model, own = Model(), mine()["Model"]()
    x = torch.randn(4, 3)
    for one in (model, own):
        one(x).sum().backward()
        one(2 * x).sum().backward()
    assert isinstance(model, torch.nn.Module)
    assert_close(model.weight.grad, own.weight.grad)
    assert [p.shape for p in model.parameters()] == [p.shape for p in own.parameters()]
    assert model.sizes == [1, 2]
    model.load_state_dict({name: torch.zeros_like(p) for name, p in own.state_dict().items()})
    assert not model.weight.any()


@pytest.mark.parametrize(
    "make",
    [
        lambda: [1, 2],
        lambda: {"old": 1, "other": [2]},
        lambda: {1, 2},
        lambda: bytearray(b"ab"),
        lambda: torch.zeros(2, 2),
        lambda: np.zeros(3),
        lambda: torch.zeros(3)[::2],
        lambda: [torch.zeros(2), [1]],
    ],
    ids=["list", "dict", "set", "bytearray", "tensor", "array", "view", "nested"],
)
def test_what_is_changed_in_place_there_is_changed_here(session, make):
    (change,) = theirs(session, "change")
    value, own = make(), make()
    change(value)
    mine()["change"](own)
    assert str(value) == str(own)


def test_a_change_reaches_the_very_objects_that_were_passed(session):
    (change_inside,) = theirs(session, "change_inside")
    inner, tensor = [1], torch.zeros(2)
    change_inside({"a": [inner], "b": tensor})
    assert inner == ["new", 1]
    assert tensor.tolist() == [1, 1]


def test_what_is_not_changed_stays_the_same_object(session):
    (same,) = theirs(session, "same")
    kept = {"a": [torch.ones(1), "text"]}
    before = kept["a"][0]
    assert str(same(kept, n=2)) == str(((kept,), {"n": 2}))
    assert kept["a"][0] is before


SIMPLE = [
    name
    for name, kind in vars(builtins).items()
    if isinstance(kind, type)
    and issubclass(kind, Exception)
    and not name.startswith(("Unicode", "ExceptionGroup", "EncodingWarning"))
    and kind.__name__ == name
]


@pytest.mark.parametrize("name", SIMPLE)
def test_an_exception_keeps_its_type_and_its_words(session, name):
    (throw,) = theirs(session, "throw")
    with pytest.raises(getattr(builtins, name)) as caught:
        throw(name, "these words")
    assert isinstance(caught.value, StudentError)
    assert "these words" in str(caught.value)
    assert "in throw" in caught.value.trace
    assert "student.py" not in caught.value.trace


def test_an_exit_of_the_learners_is_an_error_and_no_end(session):
    throw, same = theirs(session, "throw", "same")
    for name in ("SystemExit", "KeyboardInterrupt", "GeneratorExit"):
        with pytest.raises(StudentError, match="words"):
            throw(name, "words")
    assert same(1) == ((1,), {})


def test_an_object_does_in_a_test_what_it_does_there(session):
    (Thing,) = theirs(session, "Thing")
    thing = Thing()
    assert (len(thing), list(thing), thing[4], thing.size, thing + 1, 1 + thing, bool(thing)) == (
        5,
        [1, 2, 3],
        8,
        3,
        2,
        3,
        True,
    )
    thing["a"] = 5
    thing.size = 4
    with thing as found:
        assert found == 8
    assert thing.kept == {"a": 5, "left": True}
    assert thing.size == 4
    assert thing == 17
    with pytest.raises(AttributeError):
        thing.other  # noqa: B018
    with pytest.raises(TypeError):
        hash(thing)


def test_a_generator_can_be_walked(session):
    (count,) = theirs(session, "count")
    assert list(count()) == [1, 2]


def test_where_the_author_gave_a_value_an_object_is_refused(pipes, session):
    (same,) = theirs(session, "same")
    same(1)
    places = session.contract.places
    assert places == {"same()": ["value"]}
    strict = session_of(pipes, places)
    strict.run("class Odd(list): pass\ndef same(x): return Odd() if x == 1 else [Odd()]", "code")
    (same,) = theirs(strict, "same")
    with pytest.raises(NoValue, match=r"same\(\) gave an object of type Odd, where a plain value is wanted"):
        same(1)
    (inside,) = same(2)
    for use in (
        lambda: inside == [],
        lambda: bool(inside),
        lambda: len(inside),
        lambda: inside < 3,
        lambda: inside + 1,
        lambda: list(inside),
        lambda: inside[0],
        lambda: 1 in inside,
        lambda: float(inside),
    ):
        with pytest.raises(NoValue):
            use()


def test_where_the_author_never_gave_none_a_return_may_be_missing(pipes):
    session = session_of(pipes, {"nothing()": ["value"]})
    (nothing,) = theirs(session, "nothing")
    assert nothing(1) is None
    assert session.contract.hints == ["nothing() gave None: is a return missing?"]
    session.start_cell()
    assert session.contract.hints == []
    allowed = session_of(pipes, {"nothing()": ["value", "none"]})
    theirs(allowed, "nothing")[0](1)
    assert allowed.contract.hints == []


def test_a_test_may_pass_plain_values_and_the_learners_own_objects_alone(session):
    same, Model = theirs(session, "same", "Model")
    model = Model()
    assert isinstance(same(model)[0][0], Proxy)
    with pytest.raises(TypeError, match="a test cannot pass a function to the learner's code"):
        same(lambda: 1)
    endless: list = []
    endless.append(endless)
    with pytest.raises(wire.TooLarge):
        same(endless)


def test_a_name_that_is_not_there_is_left_out(session):
    assert list(session.get(["same", "no_such_name"])) == ["same"]


class Puppet:
    """A session whose other end says what it is told to say."""

    def __init__(self):
        (self.to_learner, ask), (answer, self.from_learner) = os.pipe(), os.pipe()
        self.session = Session(answer, ask, Contract({}))
        self.session.start_cell()

    def says(self, message, blobs=()):
        wire.send(self.from_learner, message, blobs)
        return self.session

    def close(self):
        for fd in (self.to_learner, self.from_learner, self.session.read_fd, self.session.write_fd):
            os.close(fd)


@pytest.fixture
def puppet():
    made = Puppet()
    yield made
    made.close()


@pytest.mark.parametrize(
    "message",
    [
        [],
        5,
        None,
        "error",
        [["error"]],
        {"error": 1},
        {"error": [1, 2, 3]},
        {"error": ["a", "b"]},
        {"error": ["a", "b", None]},
    ],
)
def test_an_answer_that_is_no_message_is_the_end(puppet, message):
    with pytest.raises(wire.Gone):
        puppet.says(message).do("call", "f()", 1)


@pytest.mark.parametrize("value", [5, [], None, {"list": []}, {"object": [1, ["a"]]}])
def test_names_come_as_a_dictionary_or_not_at_all(puppet, value):
    with pytest.raises(wire.Gone):
        puppet.says({"value": value}).get(["f"])


@pytest.mark.parametrize("what", [[1], [1, []], ["1", ["a"]], [1, [2]], [True, ["a"]], [1.5, ["a"]], 7, None])
def test_an_object_without_number_and_class_is_the_end(puppet, what):
    with pytest.raises(wire.Gone):
        puppet.says({"value": {"object": what}}).do("call", "f()")


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=20), st.text(max_size=20))
def test_an_exception_of_any_name_is_an_error_of_the_learners(name, words):
    puppet = Puppet()
    try:
        with pytest.raises(StudentError) as caught:
            puppet.says({"error": [name, words, ""]}).do("call", "f()")
        assert len(type(caught.value).__name__) <= 100
    finally:
        puppet.close()


def test_an_error_is_cut_where_it_is_long(puppet):
    with pytest.raises(StudentError) as caught:
        puppet.says({"error": [kind * 15_000 for kind in "Abc"]}).do("call", "f()")
    assert len(type(caught.value).__name__) == 100
    assert len(str(caught.value)) == 1000
    assert len(caught.value.trace) == 4000


@pytest.mark.parametrize(
    "grads",
    [
        5,
        {"list": []},
        {"list": [5]},
        {"list": [{"tensor": ["torch.float32", [1], 4]}]},
        {"list": [{"object": [1, ["a"]]}]},
    ],
)
def test_gradients_that_do_not_fit_are_the_end(puppet, grads):
    x = torch.zeros(3, requires_grad=True)
    branch = {"branch": [{"tensor": ["torch.float32", [3], 12]}, [0]]}
    value = puppet.says({"value": branch, "leaves": [4]}, [bytes(12)]).do("call", "f()", x)
    puppet.says({"value": grads}, [bytes(4)])
    with pytest.raises(wire.Gone):
        value.sum().backward()


def test_leaves_of_the_wrong_number_pass_no_gradient(puppet):
    x = torch.zeros(3, requires_grad=True)
    branch = {"branch": [{"tensor": ["torch.float32", [3], 12]}, [0]]}
    value = puppet.says({"value": branch, "leaves": [1, 2, 3]}, [bytes(12)]).do("call", "f()", x)
    puppet.says({"value": {"list": []}})
    value.sum().backward()
    assert x.grad is None
