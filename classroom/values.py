"""Values as JSON and raw bytes, never pickles: what crosses between learner's process and tester's.

Only plain values cross, of exactly the types below. A subclass of one of them is an object, and of an object
crosses its number alone. So the receiving side can build nothing but values.
"""

import math
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import torch

from classroom.wire import MAX_BYTES, Blobs, TooLarge

MAX_DEPTH, MAX_INT = 40, 1 << 512
DTYPES = {str(getattr(torch, name)): getattr(torch, name) for name in (
    "float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool",
    "complex64", "complex128")}  # fmt: skip
_SEQUENCES = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset, "deque": deque}
_MAPPINGS = {"dict": dict, "Counter": Counter, "OrderedDict": OrderedDict}


def encode(value, blobs: list[bytes], refer: Callable, depth: int = 0):
    """A value as JSON, its bytes appended to `blobs`; `refer(value)` gives what stands for an object."""
    if depth > MAX_DEPTH:
        raise TooLarge("nested too deeply, or it contains itself")
    kind = type(value)

    def inner(item):
        return encode(item, blobs, refer, depth + 1)

    if value is None or kind in (bool, str):
        return value
    if kind is int:
        if abs(value) >= MAX_INT:
            raise TooLarge("an integer of more than 512 bits")
        return value
    if kind is float:
        return value if math.isfinite(value) else {"float": repr(value)}
    if kind.__name__ in _SEQUENCES and kind is _SEQUENCES[kind.__name__]:
        return {kind.__name__: [inner(item) for item in value]}
    if kind is defaultdict:
        return {"dict": [[inner(key), inner(item)] for key, item in value.items()]}
    if kind.__name__ in _MAPPINGS and kind is _MAPPINGS[kind.__name__]:
        return {kind.__name__: [[inner(key), inner(item)] for key, item in value.items()]}
    if kind in (bytes, bytearray):
        return {kind.__name__: _put(bytes(value), blobs)}
    if kind is complex:
        return {"complex": [inner(value.real), inner(value.imag)]}
    if kind is Fraction:
        return {"Fraction": [inner(value.numerator), inner(value.denominator)]}
    if kind in (range, slice):
        return {kind.__name__: [inner(part) for part in (value.start, value.stop, value.step)]}
    if value is Ellipsis:
        return {"Ellipsis": 0}
    if kind is torch.Size:
        return {"Size": list(value)}
    if kind is torch.dtype and str(value) in DTYPES:
        return {"dtype": str(value)}
    if kind is torch.device:
        return {"device": str(value)}
    if (
        kind in (torch.Tensor, torch.nn.Parameter)
        and str(value.dtype) in DTYPES
        and value.layout is torch.strided
    ):
        return _encode_tensor(value, blobs, refer, inner)
    if kind is np.ndarray and value.dtype.kind in "biufc":
        flat = np.ascontiguousarray(value)
        return {"ndarray": [flat.dtype.str, list(value.shape), _put(flat.tobytes(), blobs)]}
    if isinstance(value, np.generic) and kind.__module__ == "numpy" and value.dtype.kind in "biufc":
        return {"scalar": [value.dtype.str, _put(value.tobytes(), blobs)]}
    return {"object": refer(value)}


def _put(data: bytes, blobs: list[bytes]) -> int:
    if len(data) + sum(map(len, blobs)) > MAX_BYTES:
        raise TooLarge(f"more than {MAX_BYTES >> 20} MB")
    blobs.append(data)
    return len(data)


def _encode_tensor(value, blobs, refer, inner):
    if value.numel() * value.element_size() > MAX_BYTES:
        raise TooLarge(f"a tensor of more than {MAX_BYTES >> 20} MB")
    plain = torch.empty(value.shape, dtype=value.dtype).copy_(value.detach())  # in order, without steps
    data = plain.reshape(-1).view(torch.uint8).numpy().tobytes() if plain.numel() else b""
    tensor = {"tensor": [str(value.dtype), list(value.shape), _put(data, blobs)]}
    if value.requires_grad and value.is_leaf:
        return {"leaf": [tensor, inner(value.grad), refer(value), type(value) is torch.nn.Parameter]}
    if value.requires_grad:
        return {"branch": [tensor, refer(value)]}
    return tensor


def decode(coded, blobs: Blobs, deref: Callable, tensor: Callable):
    """The value of what `encode` made. Raises ValueError or TypeError for anything else.

    `deref(what)` gives the object that `refer` spoke of; `tensor(value, kind, what)` finishes a tensor that
    requires a gradient, of kind "leaf" or "branch".
    """

    def inner(item):
        return decode(item, blobs, deref, tensor)

    if coded is None or type(coded) in (bool, int, str, float):
        return coded
    if type(coded) is not dict or len(coded) != 1:
        raise ValueError("no coded value")
    ((tag, body),) = coded.items()
    if tag in _SEQUENCES:
        return _SEQUENCES[tag]([inner(item) for item in body])
    if tag in _MAPPINGS:
        result = _MAPPINGS[tag]()
        dict.update(result, ((inner(key), inner(item)) for key, item in body))
        return result
    if tag == "float" and body in ("nan", "inf", "-inf"):
        return float(body)
    if tag in ("bytes", "bytearray"):
        return {"bytes": bytes, "bytearray": bytearray}[tag](blobs.take(body))
    if tag == "complex":
        return complex(*(_of((int, float), inner(part)) for part in body))
    if tag == "Fraction":
        return Fraction(*(_of((int,), part) for part in body))  # a text such as 1e999999999 would take hours
    if tag == "range":
        return range(*(_of((int,), part) for part in body))
    if tag == "slice":
        return slice(*map(inner, body))
    if tag == "Ellipsis":
        return Ellipsis
    if tag == "Size":
        return torch.Size(_sizes(body))
    if tag == "dtype":
        return DTYPES[body]
    if tag == "device":
        return torch.device(body)
    if tag == "tensor":
        return _decode_tensor(*body, blobs)
    if tag == "leaf":
        coded_tensor, grad, what, is_parameter = body
        value, grad = inner(coded_tensor), inner(grad)
        value = torch.nn.Parameter(value) if is_parameter else value.requires_grad_()
        if grad is not None:
            value.grad = grad
        return tensor(value, "leaf", what)
    if tag == "branch":
        return tensor(inner(body[0]), "branch", body[1])
    if tag == "ndarray":
        dtype, shape, n_bytes = body
        return _numbers(blobs.take(n_bytes), dtype).reshape(_sizes(shape))
    if tag == "scalar":
        return _numbers(blobs.take(body[1]), body[0])[0]
    if tag == "object":
        return deref(body)
    raise ValueError(f"unknown kind of value {tag!r}")


def _decode_tensor(dtype: str, shape: list[int], n_bytes: int, blobs: Blobs) -> torch.Tensor:
    shape, dtype = _sizes(shape), DTYPES[dtype]
    if math.prod(shape) * dtype.itemsize != n_bytes:
        raise ValueError("a tensor's bytes do not fit its shape")
    data = bytearray(blobs.take(n_bytes))
    if not data:
        return torch.empty(shape, dtype=dtype)
    if dtype is torch.bool:  # only 0 and 1 are bools, whatever the bytes are
        return torch.frombuffer(data, dtype=torch.uint8).bool().reshape(shape)
    return torch.frombuffer(data, dtype=dtype).reshape(shape)


def _numbers(data: bytes, dtype: str) -> np.ndarray:
    found = np.dtype(dtype) if type(dtype) is str and len(dtype) < 8 else None
    if found is None or found.kind not in "biufc":
        raise ValueError("no numeric type")
    if found.kind == "b":
        return np.frombuffer(data, np.uint8) != 0
    return np.frombuffer(bytearray(data), found)


def _of(kinds: tuple, value):
    if type(value) not in kinds:
        raise TypeError("a part of the wrong kind")
    return value


def _sizes(shape) -> list[int]:
    if (
        type(shape) is not list
        or len(shape) > 16
        or not all(type(n) is int and 0 <= n < 1 << 31 for n in shape)
    ):
        raise ValueError("no shape")
    return shape
