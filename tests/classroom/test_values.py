"""classroom.values: what crosses arrives unchanged, and nothing else can be built by what arrives."""

import contextlib
import json
import math
from collections import Counter, OrderedDict, defaultdict, deque

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_st

from classroom import values, wire
from classroom.proxies import Contract, Session

DTYPES = sorted(values.DTYPES)


def refer(value):
    raise AssertionError(f"{value!r} should cross by value")


def there_and_back(value):
    blobs: list[bytes] = []
    coded = json.loads(json.dumps(values.encode(value, blobs, refer)))
    data = wire.Blobs(b"".join(blobs))
    back = values.decode(coded, data, refer, lambda tensor, kind, what: tensor)
    assert data.used == len(data.data)
    return back


def same(a, b) -> bool:
    """Equal in type and to the last bit; NaN equals NaN."""
    if type(a) is not type(b):
        return False
    if isinstance(a, float | complex):
        return repr(a) == repr(b)
    if isinstance(a, torch.Tensor):
        bits = [torch.empty(t.shape, dtype=t.dtype).copy_(t).untyped_storage().tolist() for t in (a, b)]
        return a.shape == b.shape and a.dtype == b.dtype and bits[0] == bits[1]
    if isinstance(a, np.ndarray | np.generic):
        return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()
    if isinstance(a, list | tuple | deque):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return len(a) == len(b) and all(map(same, a, b)) and all(map(same, a.values(), b.values()))
    return a == b


@st.composite
def tensors(draw):
    """Of each type and of many shapes, also empty, without axes, and with steps between their numbers."""
    dtype = values.DTYPES[draw(st.sampled_from(DTYPES))]
    shape = draw(st.lists(st.integers(0, 4), max_size=4))
    n_bytes = math.prod(shape) * dtype.itemsize
    data = draw(st.binary(min_size=n_bytes, max_size=n_bytes))
    if dtype is torch.bool:
        data = bytes(byte & 1 for byte in data)
    tensor = (
        torch.frombuffer(bytearray(data), dtype=dtype).reshape(shape)
        if data
        else torch.empty(shape, dtype=dtype)
    )
    if shape and draw(st.booleans()):
        return tensor.transpose(0, -1)
    return tensor[..., ::2] if shape and draw(st.booleans()) else tensor


numbers = st.one_of(
    numpy_st.boolean_dtypes(),
    numpy_st.integer_dtypes(),
    numpy_st.unsigned_integer_dtypes(),
    numpy_st.floating_dtypes(endianness="="),
    numpy_st.complex_number_dtypes(endianness="="),
)
arrays = numpy_st.arrays(numbers, numpy_st.array_shapes(min_dims=0, min_side=0, max_dims=3, max_side=4))
hashable = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 500), 1 << 500)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.fractions(),
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.frozensets(inner, max_size=3),
    max_leaves=8,
)
plain = st.one_of(
    hashable,
    st.floats(),
    st.complex_numbers(),
    st.binary().map(bytearray),
    st.just(...),
    tensors(),
    arrays,
    st.builds(range, st.integers(-9, 9), st.integers(-9, 9), st.integers(1, 5)),
    st.builds(slice, st.none() | st.integers(), st.none() | st.integers()),
    st.lists(st.integers(0, 9), max_size=6).map(torch.Size),
    st.sampled_from([values.DTYPES[name] for name in DTYPES]),
    st.just(torch.device("cpu")),
)
nested = st.recursive(
    plain,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.lists(inner, max_size=4).map(deque)
        | st.dictionaries(hashable, inner, max_size=4)
        | st.dictionaries(hashable, inner, max_size=4).map(OrderedDict)
        | st.sets(hashable, max_size=4)
        | st.dictionaries(hashable, st.integers(-9, 9), max_size=4).map(Counter)
    ),
    max_leaves=12,
)


@settings(deadline=None, max_examples=300)
@given(nested)
def test_every_plain_value_crosses_unchanged(value):
    assert same(there_and_back(value), value)


@settings(deadline=None, max_examples=100)
@given(tensors())
def test_tensors_of_every_type_and_shape_cross_unchanged(tensor):
    assert same(there_and_back(tensor), tensor.contiguous())


@settings(deadline=None, max_examples=100)
@given(arrays)
def test_arrays_and_their_numbers_cross_unchanged(array):
    assert same(there_and_back(array.T), array.T)
    for number in array.reshape(-1)[:2]:
        assert same(there_and_back(number), number)


def test_the_order_of_bytes_is_kept():
    array = np.arange(3, dtype=">f8")
    assert same(there_and_back(array), array)


def test_a_leaf_keeps_its_gradient_and_stays_a_parameter():
    weight = torch.nn.Parameter(torch.ones(2))
    weight.grad = torch.tensor([3.0, 4.0])
    blobs: list[bytes] = []
    coded = values.encode(weight, blobs, lambda value: 7)
    kinds = []

    def finish(value, kind, what):
        kinds.append((kind, what))
        return value

    back = values.decode(coded, wire.Blobs(b"".join(blobs)), refer, finish)
    assert kinds == [("leaf", 7)]
    assert type(back) is torch.nn.Parameter
    assert torch.equal(back.grad, weight.grad)


class Text(str):
    __slots__ = ()


class Odd(torch.Tensor):
    pass


@pytest.mark.parametrize(
    "value",
    [
        Text("a"),
        torch.zeros(1).as_subclass(Odd),
        np.array([1, None]),
        object,
        len,
        type("X", (dict,), {})(),
        torch.zeros(2).to_sparse(),
        iter([]),
        np.ma.array([1]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_of_anything_else_crosses_its_number_alone(value):
    assert values.encode(value, [], lambda value: 3) == {"object": 3}


def test_a_dictionary_with_a_default_crosses_as_a_plain_one():
    assert same(there_and_back(defaultdict(list, {1: [2]})), {1: [2]})


def test_what_is_too_large_is_refused_before_it_is_copied():
    endless: list = []
    endless.append(endless)
    for value in (1 << 600, bytes(values.MAX_BYTES + 1), torch.zeros(1).expand(1 << 40), endless):
        with pytest.raises(wire.TooLarge):
            values.encode(value, [], refer)
    with pytest.raises(wire.TooLarge):
        values.encode([bytes(values.MAX_BYTES // 2 + 1)] * 2, [], refer)


def test_a_bool_is_never_anything_but_true_or_false():
    """A byte of 2 would be true, and equal neither to True nor to False."""
    for coded in ({"tensor": ["torch.bool", [2], 2]}, {"ndarray": ["|b1", [2], 2]}):
        found = values.decode(coded, wire.Blobs(bytes([2, 255])), refer, lambda value, *_: value)
        assert (found == True).all()  # noqa: E712


TAGS = [
    "list",
    "tuple",
    "set",
    "frozenset",
    "deque",
    "dict",
    "Counter",
    "OrderedDict",
    "float",
    "bytes",
    "bytearray",
    "complex",
    "Fraction",
    "range",
    "slice",
    "Ellipsis",
    "Size",
    "dtype",
    "device",
    "tensor",
    "leaf",
    "branch",
    "ndarray",
    "scalar",
    "object",
    "nonsense",
]
numbers_of_all_sizes = st.integers(-3, 20) | st.sampled_from([1 << 31, 1 << 63, 10**30, -1, True])
words = st.sampled_from(
    ["nan", "torch.float32", "torch.bool", "<f8", "|b1", "|O", "cpu", "cuda", "1e9999999999", "x", ""]
)
garbage = st.recursive(
    st.none() | st.booleans() | numbers_of_all_sizes | st.floats() | words | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.sampled_from(TAGS) | st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=15,
)
answers = st.dictionaries(st.sampled_from(TAGS), garbage, min_size=1, max_size=1)


@settings(deadline=None, max_examples=800)
@given(answers | garbage, st.binary(max_size=40))
def test_whatever_arrives_is_a_value_or_the_end_of_the_conversation(coded, data):
    session = Session(-1, -1, Contract({}))
    with contextlib.suppress(wire.Gone):
        session.decode(coded, wire.Blobs(data), lambda what: session.decode and len(what))


@settings(deadline=None, max_examples=300)
@given(value=nested, data=st.data())
def test_a_value_with_a_part_exchanged_is_still_a_value_or_the_end(value, data):
    blobs: list[bytes] = []
    text = json.dumps(values.encode(value, blobs, refer))
    at = data.draw(st.integers(0, len(text)))
    text = (
        text[:at]
        + data.draw(st.sampled_from(["9", "-", "[", "]", '"', "1e999", "null", ""]))
        + text[at + 1 :]
    )
    try:
        coded = json.loads(text)
    except ValueError:
        return
    with contextlib.suppress(wire.Gone):
        Session(-1, -1, Contract({})).decode(coded, wire.Blobs(b"".join(blobs)[1:]), len)
