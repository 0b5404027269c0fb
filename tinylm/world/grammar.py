"""Sentences as forms with slots: one table both writes a sentence and reads it back.

A form is written like '{person} (lives|has a home) in {city}[ now].': a slot in braces, alternatives in round
brackets, what may be missing in square ones. `{job:a}` asks for the word's form with its article; a digit at
the end of a slot's name (`{city2}`) tells two words of one kind apart. All that a form can become is spelled
out once, so each is as likely as any other, and the surprisal of a sentence is known exactly.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

SLOT = re.compile(r"\{(\w+)(?::([^}]*))?\}")
PIECE = re.compile(r"\w+|\W")  # what a literal is cut into, to be compared with a sentence
BOUNDARY = re.compile(r"""(?:(?<=[.!?:])|(?<=[.!?]"))[ \n]+|\n+""")  # where a text is cut into pieces


class Slot(NamedTuple):
    """A gap in a form: its name, what kind of word fills it, and in which form of that word."""

    name: str
    kind: str
    how: str


@dataclass(frozen=True)
class Form:
    """One way to say something. `pattern` has a %s for each slot."""

    pattern: str
    slots: tuple[Slot, ...]

    @property
    def begins_with_slot(self) -> bool:
        return self.pattern.startswith("%s")


@dataclass(frozen=True)
class Table:
    """All ways to say one thing. `states`: the relations whose facts such a sentence states ("not-home"
    denies one). `subject`: whom the facts are about where no slot says so, the "topic" or the "speaker".
    `retold`: whether it repeats what the text told before, as an answer or a summary does."""

    forms: tuple[Form, ...]
    states: tuple[str, ...] = ()
    subject: str = "topic"
    retold: bool = False
    nats: float = 0.0


def says(*forms: str) -> Table:
    """A table of forms that state no fact. Raises ValueError where two forms can become the same text, or
    brackets do not match."""
    return states("", *forms)


def states(relations: str, *forms: str, subject: str = "topic", retold: bool = False) -> Table:
    """A table whose sentences state facts of `relations`, named with spaces between (see `Table`)."""
    flat = [parsed(text) for form in forms for text in expand(form)]
    if not flat:
        raise ValueError("a table needs a form")
    if twice := [form.pattern for form, n in Counter(flat).items() if n > 1]:
        raise ValueError(f"there is more than one way to write {twice[0]!r}")
    return Table(tuple(flat), tuple(relations.split()), subject, retold, math.log(len(flat)))


def expand(form: str) -> list[str]:
    """Every text that a form's brackets allow, its slots still open."""
    texts, at = _sequence(form, 0, top=True)
    if at != len(form):
        raise ValueError(f"a bracket too many at {form[at:]!r} in {form!r}")
    return [re.sub(" +", " ", text) for text in texts]  # a gap between two words that may both be missing


def _sequence(form: str, at: int, top: bool = False) -> tuple[list[str], int]:
    texts = [""]
    while at < len(form) and form[at] not in (")]" if top else "|)]"):
        if form[at] in "([":
            inner, end = _alternatives(form, at + 1)
            if end >= len(form) or form[at] + form[end] not in ("()", "[]"):
                raise ValueError(f"the bracket at {form[at:]!r} is never closed in {form!r}")
            inner += [""] if form[at] == "[" else []
            at = end + 1
        else:
            inner, at = [form[at]], at + 1
        texts = [text + more for text in texts for more in inner]
    return texts, at


def _alternatives(form: str, at: int) -> tuple[list[str], int]:
    texts, at = _sequence(form, at)
    while at < len(form) and form[at] == "|":
        more, at = _sequence(form, at + 1)
        texts = texts + more
    return texts, at


def parsed(text: str) -> Form:
    """A text with slots as a Form. The kind of a slot is its name without digits, `KINDS` aside."""
    slots = tuple(Slot(name, kind_of(name), how or "") for name, how in SLOT.findall(text))
    return Form(SLOT.sub("%s", text.replace("%", "%%")), slots)


KINDS = {"friend": "person", "speaker": "person", "other": "person"}  # slots not named after their kind


def kind_of(name: str) -> str:
    bare = name.rstrip("0123456789")
    return KINDS.get(bare, bare)


class Reading(NamedTuple):
    """One way to read a sentence: the key of its table, and for each slot the words that it may stand for."""

    key: str
    values: Mapping[str, tuple]


class Reader:
    """Reads sentences back. spellings: for each (kind, how) the texts that may stand in such a slot, each
    with the values that it may mean; a kind of numbers has a regular expression and a function instead."""

    def __init__(self, tables: Mapping[str, Table], spellings):
        self.spellings, self.root = spellings, {}
        for key, table in tables.items():
            for form in table.forms:
                self._insert(key, form)

    def _insert(self, key: str, form: Form) -> None:
        node, literals = self.root, form.pattern.replace("%%", "\0").split("%s")
        for i, literal in enumerate(literals):
            for piece in PIECE.findall(literal.replace("\0", "%")):
                node = node.setdefault(piece, {})
            if i < len(form.slots):
                slot = form.slots[i]
                node = node.setdefault((slot.kind, slot.how), {})
        node.setdefault(None, []).append((key, form))

    def readings(self, sentence: str) -> list[Reading]:
        """Every way to read a sentence, as it stands: none where the grammar does not make it."""
        found, low = [], sentence[:1].lower() + sentence[1:]
        walks = [(form_of, False) for form_of in self._walk(self.root, sentence, 0, ())]
        if low != sentence:  # a slot at the start was written with a capital
            walks += [(form_of, True) for form_of in self._walk(self.root, low, 0, ())]
        for (key, form, values), lowered in walks:
            if (lowered and not form.begins_with_slot) or (form.begins_with_slot and sentence[0].islower()):
                continue
            bound: dict[str, tuple] = {}
            for slot, meant in zip(form.slots, values, strict=True):
                bound[slot.name] = self.spellings.common(bound.get(slot.name, meant), meant)
            if all(bound.values()) and self._apart(form, bound):
                found.append(Reading(key, bound))
        return found

    @staticmethod
    def _apart(form: Form, bound: Mapping[str, tuple]) -> bool:
        """Whether words of one kind in slots of different names differ, as the writer has them differ."""
        known = [
            (kind_of(name), values[0])
            for name, values in bound.items()
            if len(values) == 1 and not isinstance(values[0], int)
        ]
        return len(set(known)) == len(known)

    def _walk(self, node: dict, text: str, at: int, values: tuple) -> Iterator[tuple[str, Form, tuple]]:
        if at == len(text):
            for key, form in node.get(None, ()):
                yield key, form, values
            return
        piece = PIECE.match(text, at)
        if piece[0] in node:
            yield from self._walk(node[piece[0]], text, piece.end(), values)
        for edge, child in node.items():
            if isinstance(edge, tuple):
                for end, meant in self.spellings.at(*edge, text, at):
                    yield from self._walk(child, text, end, (*values, meant))


def pieces(text: str) -> list[tuple[int, int]]:
    """Where the pieces of a text start and end: sentences, and lines or labels such as 'Answer:'."""
    spans, start = [], 0
    for gap in BOUNDARY.finditer(text):
        if gap.start() > start:
            spans.append((start, gap.start()))
        start = gap.end()
    return spans + ([(start, len(text))] if start < len(text) else [])
