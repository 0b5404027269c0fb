"""Messages between processes that do not trust each other: a header of two lengths, JSON, a block of bytes.

Reading one cannot do more than fail: its size is bounded, and JSON makes nothing but plain values.
"""

import json
import os
import select
import struct
import time

MAX_JSON, MAX_BYTES = 8 << 20, 64 << 20
_HEADER = struct.Struct("<IQ")


class Gone(BaseException):
    """The other process ended, ran out of time, or broke the protocol.

    Not an Exception: a test's own `except Exception` must not take it for an error of the learner's code.
    """


class TooLarge(ValueError):
    """A value that is not sent because of its size."""


class Blobs:
    """The raw bytes of a message, taken from the front."""

    def __init__(self, data: bytes):
        self.data, self.used = data, 0

    def take(self, n_bytes: int) -> bytes:
        if type(n_bytes) is not int or not 0 <= n_bytes <= len(self.data) - self.used:
            raise ValueError("the bytes of a value are not there")
        self.used += n_bytes
        return self.data[self.used - n_bytes : self.used]


def send(fd: int, message, blobs=()) -> None:
    """Write one message. Raises TooLarge before anything is written, Gone where nobody reads."""
    text, data = json.dumps(message).encode(), b"".join(blobs)
    if len(text) > MAX_JSON or len(data) > MAX_BYTES:
        raise TooLarge(f"more than {MAX_JSON >> 20} MB of structure or {MAX_BYTES >> 20} MB of numbers")
    rest = memoryview(_HEADER.pack(len(text), len(data)) + text + data)
    try:
        while rest:
            rest = rest[os.write(fd, rest) :]
    except OSError:
        raise Gone("the process ended") from None


def receive(fd: int, deadline: float | None = None) -> tuple:
    """Read one message: what JSON said, and its Blobs. `deadline` is of time.monotonic. Raises Gone."""
    n_text, n_data = _HEADER.unpack(_read(fd, _HEADER.size, deadline))
    if n_text > MAX_JSON or n_data > MAX_BYTES:
        raise Gone("an answer larger than allowed")
    try:
        message = json.loads(_read(fd, n_text, deadline))
    except (ValueError, RecursionError):
        raise Gone("an answer that is no message") from None
    return message, Blobs(_read(fd, n_data, deadline))


def _read(fd: int, n_bytes: int, deadline: float | None) -> bytes:
    data = bytearray()
    while len(data) < n_bytes:
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        if not select.select([fd], [], [], left)[0]:
            raise Gone("out of time")
        try:
            part = os.read(fd, min(n_bytes - len(data), 1 << 20))
        except OSError:
            part = b""
        if not part:
            raise Gone("the process ended")
        data += part
    return bytes(data)
