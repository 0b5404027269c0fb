"""How what fills a slot is written, and what a written word may stand for."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product

from tinylm.world import words
from tinylm.world.grammar import Slot, Table

GIVEN = {given: pronoun for pronoun, names in words.GIVEN.items() for given in names}
SURNAMES = {"".join(parts) for parts in product(*words.SURNAMES)}
NAME = re.compile(r"([A-Z][a-z]+)(?: ([A-Z][a-z]+))?\b")
MENTIONS = {  # how someone may stand in a sentence: for she and he, the pronoun
    "": {"she": "she", "he": "he"},
    "'s": {"she": "her", "he": "his"},
    "him": {"she": "her", "he": "him"},
}
ONLY_PRONOUN = {
    "she": {"she": "she", "he": "he"},
    "her": {"she": "her", "he": "his"},
    "herself": {"she": "herself", "he": "himself"},
}


class Anyone(str):
    """Whoever of a gender, 'she' or 'he': what a pronoun may mean until the text around it is known."""


class Written(dict):
    """Texts of values that no list holds, such as numbers."""

    def __missing__(self, value) -> str:
        return str(value)


class Spellings:
    """Of every kind of word that the tables ask for. `texts[kind, how][value]` is how it is written there.

    kinds: the words of each kind. patterns: kinds too many to list, each a regular expression and a function
    that gives the value of what it matched, or None where that is no such value after all.
    """

    def __init__(
        self,
        tables: Mapping[str, Table],
        kinds: Mapping[str, Sequence],
        patterns: Mapping[str, tuple[str, Callable]],
        people: Sequence[str],
    ):
        self.patterns = {kind: (re.compile(regex), meant) for kind, (regex, meant) in patterns.items()}
        self.texts: dict[tuple[str, str], Mapping] = {}
        self.values: dict[tuple[str, str], dict[str, tuple]] = {}
        self.lengths: dict[tuple[str, str], list[int]] = {}
        self.namesakes: dict[str, tuple[str, ...]] = {}
        for name in people:
            given = name.partition(" ")[0]
            self.namesakes[given] = (*self.namesakes.get(given, ()), name)
        forms = [form for table in tables.values() for form in table.forms]
        slots = {Slot("", slot.kind, slot.how) for form in forms for slot in form.slots}
        for _, kind, how in slots | {Slot("", kind, "") for kind in kinds}:
            if kind == "person":
                self.texts[kind, how] = self._people(how, people)
            elif kind in self.patterns:
                self.texts[kind, how] = Written()
            elif kind not in kinds or how not in words.CHANGES:
                raise ValueError(f"no words for the slot {{{kind}:{how}}}")
            else:
                change = words.CHANGES[how]
                self._list(kind, how, {value: change(value) for value in kinds[kind]})

    def _list(self, kind: str, how: str, texts: dict) -> None:
        self.texts[kind, how], values = texts, {}
        for value, text in texts.items():
            values[text] = (*values.get(text, ()), value)
        self.values[kind, how] = values
        self.lengths[kind, how] = sorted({len(text) for text in values}, reverse=True)

    @staticmethod
    def _people(how: str, people: Sequence[str]) -> dict[str, str]:
        given = {name: name.partition(" ")[0] for name in people}
        if how in ONLY_PRONOUN:
            return {name: ONLY_PRONOUN[how][GIVEN[given[name]]] for name in people}
        return given if how == "given" else {name: name for name in people}

    def at(self, kind: str, how: str, text: str, at: int) -> Iterator[tuple[int, tuple]]:
        """Every way in which `text` goes on at `at` with such a word: where it ends, what it may mean."""
        if kind == "person":
            yield from self._person_at(how, text, at)
        elif kind in self.patterns:
            regex, meant = self.patterns[kind]
            if (match := regex.match(text, at)) and (value := meant(match[0])) is not None:
                yield match.end(), (value,)
        else:
            values = self.values[kind, how]
            for length in self.lengths[kind, how]:
                end = at + length
                if end <= len(text) and (found := values.get(text[at:end])) and _ends_word(text, end):
                    yield end, found

    def _person_at(self, how: str, text: str, at: int) -> Iterator[tuple[int, tuple]]:
        ending = "'s" if how == "'s" else ""
        for pronoun in ("she", "he"):
            for word in {forms[pronoun] for forms in (MENTIONS.get(how), ONLY_PRONOUN.get(how)) if forms}:
                end = at + len(word)
                if text.startswith(word, at) and _ends_word(text, end):
                    yield end, (Anyone(pronoun),)
        match = NAME.match(text, at)
        if how in ONLY_PRONOUN or not match or match[1] not in GIVEN:
            return
        ends = []
        if match[2] in SURNAMES and how != "given":
            ends.append((match.end(), (match[0],)))
        if how != "full" and match[1] in self.namesakes:
            ends.append((match.end(1), self.namesakes[match[1]]))
        for end, meant in ends:
            if text.startswith(ending, end) and _ends_word(text, end + len(ending)):
                yield end + len(ending), meant

    @staticmethod
    def common(some: tuple, others: tuple) -> tuple:
        """What two mentions may both mean: a pronoun means anyone of that gender."""
        if isinstance(some[:1] and some[0], Anyone) and not isinstance(others[:1] and others[0], Anyone):
            some, others = others, some
        if isinstance(others[:1] and others[0], Anyone):
            return tuple(value for value in some if value == others[0] or gender(value) == others[0])
        return tuple(value for value in some if value in others)


def gender(name: str) -> str | None:
    """The pronoun that goes with a name, "she" or "he"; None for a word that is no one's name."""
    return GIVEN.get(name.partition(" ")[0])


def _ends_word(text: str, end: int) -> bool:
    return end >= len(text) or not (text[end].isalnum() and text[end - 1].isalnum())
