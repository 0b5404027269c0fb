"""classroom.wire: a message arrives as it was sent; bytes that are none end the conversation, no more."""

import contextlib
import os
import struct
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classroom import wire

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@pytest.fixture
def pipe():
    read, write = os.pipe()
    yield read, write
    for fd in (read, write):
        with contextlib.suppress(OSError):
            os.close(fd)


def heard(data: bytes):
    """What is received when these bytes arrive and then nothing more."""
    read, write = os.pipe()
    try:
        os.write(write, data)
        os.close(write)
        return wire.receive(read)
    finally:
        os.close(read)


def sent(message, blobs=()) -> bytes:
    read, write = os.pipe()
    try:
        wire.send(write, message, blobs)
        return os.read(read, 1 << 16)
    finally:
        os.close(read)
        os.close(write)


@settings(deadline=None)
@given(JSON, st.lists(st.binary(max_size=50), max_size=3))
def test_a_message_arrives_as_it_was_sent(message, blobs):
    found, data = heard(sent(message, blobs))
    assert found == message
    assert [data.take(len(blob)) for blob in blobs] == blobs


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=200))
def test_random_bytes_end_the_conversation(data):
    with pytest.raises(wire.Gone):
        heard(data)


@settings(deadline=None, max_examples=300)
@given(JSON, st.binary(max_size=50), st.data())
def test_a_message_with_a_byte_changed_is_a_message_or_the_end(message, blob, data):
    whole = bytearray(sent(message, [blob]))
    whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(wire.Gone):
        heard(bytes(whole))


@pytest.mark.parametrize(
    "lengths", [(wire.MAX_JSON + 1, 0), (2, wire.MAX_BYTES + 1), (0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF)]
)
def test_a_message_that_announces_too_much_is_not_waited_for(pipe, lengths):
    os.write(pipe[1], struct.pack("<IQ", *lengths))
    with pytest.raises(wire.Gone, match="larger than allowed"):
        wire.receive(pipe[0])


def test_silence_ends_at_the_deadline(pipe):
    os.write(pipe[1], b"abc")  # a part of a header
    with pytest.raises(wire.Gone, match="out of time"):
        wire.receive(pipe[0], time.monotonic())


@pytest.mark.parametrize("text", [b"[" * 60_000, b"9" * 10_000, b"\xff\xfe", b"{", b""])
def test_text_that_is_no_JSON_ends_the_conversation(text):
    with pytest.raises(wire.Gone):
        heard(struct.pack("<IQ", len(text), 0) + text)


def test_too_much_is_refused_before_anything_is_written(pipe):
    for message, blobs in (("x" * wire.MAX_JSON, ()), (1, [bytes(wire.MAX_BYTES + 1)])):
        with pytest.raises(wire.TooLarge):
            wire.send(pipe[1], message, blobs)
    wire.send(pipe[1], "after")
    assert wire.receive(pipe[0])[0] == "after"


def test_nobody_to_read_is_the_end(pipe):
    os.close(pipe[0])
    with pytest.raises(wire.Gone):
        wire.send(pipe[1], 1)


@pytest.mark.parametrize("n_bytes", [-1, 4, 1.0, True, None, "2"])
def test_only_bytes_that_are_there_can_be_taken(n_bytes):
    with pytest.raises(ValueError, match="not there"):
        wire.Blobs(b"abc").take(n_bytes)


def test_the_end_is_no_error_that_a_test_could_swallow():
    assert not issubclass(wire.Gone, Exception)
