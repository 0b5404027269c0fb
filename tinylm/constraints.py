"""Constrained decoding: only tokens after which the text can still become what a pattern allows.

A pattern says which strings of bytes are allowed. Its derivative by a byte says what may follow that byte
(Brzozowski 1964), so derivatives are the states of an automaton, and nothing has to be compiled.
Explained in chapters/decoding.md.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache, reduce

import torch
from torch import Tensor

from tinylm.tokens import Tokenizer, byte_letters

# ---- patterns


@dataclass(frozen=True)
class One:
    """One of some bytes; of none: nothing is allowed, not even the end."""

    of: frozenset[int]


@dataclass(frozen=True)
class Then:
    """One pattern, then another; of none: the text must end here."""

    parts: tuple = ()


@dataclass(frozen=True)
class Either:
    """Any one of several patterns."""

    options: frozenset


@dataclass(frozen=True)
class Many:
    """A pattern any number of times, also none."""

    part: "Pattern"


Pattern = One | Then | Either | Many
NOTHING, EMPTY = One(frozenset()), Then()


def text(exactly: str) -> Pattern:
    """This string and no other."""
    return then(*(One(frozenset([byte])) for byte in exactly.encode()))


def one_of(characters: str) -> Pattern:
    """One of these characters, which must be ASCII."""
    return One(frozenset(characters.encode("ascii")))


def then(*parts: Pattern) -> Pattern:
    """These, one after the other."""
    flat = [p for part in parts for p in (part.parts if isinstance(part, Then) else (part,))]
    if NOTHING in flat:
        return NOTHING
    return flat[0] if len(flat) == 1 else Then(tuple(flat))


def either(*options: Pattern) -> Pattern:
    """Any one of these."""
    flat = {o for option in options for o in (option.options if isinstance(option, Either) else (option,))}
    flat.discard(NOTHING)
    return flat.pop() if len(flat) == 1 else Either(frozenset(flat)) if flat else NOTHING


def many(part: Pattern, least: int = 0) -> Pattern:
    """This, at least so many times."""
    return then(*[part] * least, Many(part))


def record(**fields: Pattern) -> Pattern:
    """A JSON object with these fields in this order, each a JSON value."""
    parts = [then(text(f'"{name}": '), value) for name, value in fields.items()]
    inside = reduce(lambda left, right: then(left, text(", "), right), parts)
    return then(text("{"), inside, text("}"))


def string(inside: Pattern) -> Pattern:
    """A JSON string; what is inside must need no escapes."""
    return then(text('"'), inside, text('"'))


@lru_cache(100_000)
def may_end(pattern: Pattern) -> bool:
    """Whether a text that has come so far is whole."""
    match pattern:
        case One():
            return False
        case Then(parts):
            return all(map(may_end, parts))
        case Either(options):
            return any(map(may_end, options))
    return True


@lru_cache(100_000)
def after(pattern: Pattern, byte: int) -> Pattern:
    """What may follow this byte (the derivative of the pattern); NOTHING where the byte is not allowed.

    Whatever is not NOTHING can be completed: so a text that is allowed so far never gets stuck.
    """
    match pattern:
        case One(of):
            return EMPTY if byte in of else NOTHING
        case Then(()):
            return NOTHING
        case Then((first, *rest)):
            then_on = then(after(first, byte), *rest)
            return either(then_on, after(then(*rest), byte)) if may_end(first) else then_on
        case Either(options):
            return either(*(after(option, byte) for option in options))
        case Many(part):
            return then(after(part, byte), pattern)


def matches(pattern: Pattern, whole: str) -> bool:
    """Whether a pattern allows this string."""
    return may_end(reduce(after, whole.encode(), pattern))


# ---- and tokens


class Constraint:
    """Keeps what is written within a pattern: give it to `tinylm.decoding.stream` as `steer`.

    A token is allowed where a text that is allowed so far can go on with all of its bytes; `end` (a special
    token) where it may end, and after the end nothing else. What follows each token is worked out once for
    each state of the automaton, and kept (Willard and Louf 2023). Raises ValueError where the tokenizer has
    no such token.
    """

    def __init__(self, pattern: Pattern, tokenizer: Tokenizer, end: str):
        self.start, self.end = pattern, tokenizer.backend.token_to_id(end)
        if self.end is None:
            raise ValueError(f"end={end!r}: the tokenizer has no such token")
        self.pieces = token_bytes(tokenizer)
        self.allowed: dict[Pattern, Tensor] = {}  # of each state met so far: (V,), True for allowed tokens

    def __call__(self, logits: Tensor, written: Tensor) -> Tensor:
        """logits (B, V) after `written` (B, n), to logits (B, V): minus infinity for forbidden tokens."""
        states = [self.state(row) for row in written.tolist()]
        allowed = torch.stack([self.row(state) for state in states]).to(logits.device)
        return logits.masked_fill(~allowed, -torch.inf)

    def state(self, written: Iterable[int]) -> Pattern | None:
        """What may follow these tokens; None after the end."""
        state = self.start
        for token in written:
            if token == self.end or state is None:
                return None
            state = reduce(after, self.pieces[token], state)
        return state

    def row(self, state: Pattern | None) -> Tensor:
        """Which tokens may come next: (V,), worked out where this state is new."""
        if state not in self.allowed:
            goes_on = [state is not None and reduce(after, piece, state) != NOTHING for piece in self.pieces]
            allowed = [fits and piece != b"" for fits, piece in zip(goes_on, self.pieces, strict=True)]
            allowed[self.end] = state is None or may_end(state)
            self.allowed[state] = torch.tensor(allowed)
        return self.allowed[state]


def token_bytes(tokenizer: Tokenizer) -> list[bytes]:
    """The bytes of each token; none for special tokens, which are not text."""
    byte_of = {letter: byte for byte, letter in enumerate(byte_letters())}
    special = tokenizer.backend.get_added_tokens_decoder()
    words = ["" if i in special else tokenizer.backend.id_to_token(i) for i in range(tokenizer.vocab_size)]
    return [bytes(byte_of[letter] for letter in word) for word in words]
