"""Writes one text, and keeps the books: which facts a sentence states, how surprising every choice was."""

import math
from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from tinylm.world.grammar import Table, kind_of
from tinylm.world.truth import Fact, Truth, Zipf


class Sentence(NamedTuple):
    """A piece of a text, from `start` to `end`, the table it was written from, and the facts it states."""

    start: int
    end: int
    key: str
    facts: tuple[Fact, ...]


@dataclass
class Sample:
    """One text of the world.

    nats: minus the logarithm of its probability, given the world and the genre: no model can do better on
    average. None where a dial (noise, repetition) spoils the sum. answer_at, answer_end: where the answer
    stands, in genres that ask something. notes: what a genre wants to have known about the text (the label of
    a review, say).
    """

    genre: str
    text: str
    sentences: list[Sentence]
    nats: float | None
    answer_at: int | None = None
    answer_end: int | None = None
    notes: dict = field(default_factory=dict)

    @property
    def prompt(self) -> str:
        """The text up to where the answer begins; the whole text where there is no answer."""
        return self.text[: self.answer_at]

    @property
    def answer(self) -> str:
        return "" if self.answer_at is None else self.text[self.answer_at : self.answer_end]

    @cached_property
    def facts(self) -> list[Fact]:
        return [fact for sentence in self.sentences for fact in sentence.facts]


class Writer:
    """What a genre writes with. Every choice goes through it, so that its probability is counted.

    unseen: write what training text never says (see `tinylm.world.World.text`).
    """

    def __init__(
        self, world: Truth, random, bias: float = 0.0, contradiction: float = 0.0, unseen: bool = False
    ):
        self.world, self.random, self.unseen = world, random, unseen
        self.bias, self.contradiction = bias, contradiction
        self.tables: dict[str, Table] = world.tables
        self.spell = world.spellings.texts
        self.start()

    def start(self) -> None:
        """Begin a new text."""
        self.parts: list[str] = []
        self.sentences: list[Sentence] = []
        self.length, self.nats, self.gap = 0, 0.0, ""
        self.answer_at, self.notes = None, {}
        self.mentioned: dict[str, str] = {}  # the people of this text, with their given names
        self.last = {"she": None, "he": None}  # whom a pronoun would mean
        self.topic = self.speaker = None

    def sample(self, genre: str, answer_end: int) -> Sample:
        """The text as it stands."""
        end = None if self.answer_at is None else answer_end
        return Sample(genre, "".join(self.parts), self.sentences, self.nats, self.answer_at, end, self.notes)

    # choices

    def one_of(self, options: Sequence):
        """One of the options, each as likely as any other; the text must show which it was."""
        n = len(options)
        self.nats += math.log(n)
        return options[int(self.random() * n)]

    def chance(self, probability: float) -> bool:
        """Whether something happens; the text must show it."""
        happens = self.random() < probability
        self.nats -= math.log(probability if happens else 1 - probability)
        return happens

    def number(self, low: int, high: int) -> int:
        """A whole number from low to high."""
        return low + self.one_of(range(high - low + 1))

    def several(self, options: Sequence, n: int) -> list:
        """n different options, in an order that the text must show."""
        rest, chosen = list(options), []
        for _ in range(n):
            chosen.append(rest.pop(self.one_of(range(len(rest)))))
        return chosen

    def weighted(self, zipf: Zipf, but: Sequence = ()):
        """One of the items, by their weights, that is not among `but`."""
        left = zipf.sums[-1] - sum(zipf.weight.get(item, 0.0) for item in set(but))
        if left < zipf.weights[-1] / 2:
            raise ValueError("the world has no one else to write about: make it of a larger size")
        while (chosen := zipf.items[bisect(zipf.sums, self.random() * zipf.sums[-1])]) in but:
            pass
        self.nats -= math.log(zipf.weight[chosen] / left)
        return chosen

    def entity(self, kind: str, but: Sequence[str] = ()) -> str:
        """An entity, the first of its kind most often (Zipf's law). kind: a key of `World.zipf`."""
        return self.weighted(self.world.zipf[kind], but)

    def person(self, but: Sequence[str] = ()) -> str:
        """Someone whom text may mention, the first of the world most often."""
        return self.entity("person", but)

    # writing

    def say(self, key: str, **bound: str) -> dict:
        """Write a sentence in one of the forms of table `key`, and return what stands in its slots.

        Slots not given are drawn: words of one kind all differ. People are called by their full names first,
        then by their given names or pronouns where no one else can be meant.
        """
        table = self.tables[key]
        form = table.forms[int(self.random() * len(table.forms))]
        self.nats += table.nats
        contradicted = self._contradict(table, bound) if self.contradiction and table.states else {}
        texts = []
        for slot in form.slots:
            value = bound.get(slot.name)
            if value is None:
                value = bound[slot.name] = self._draw(slot.kind, bound)
            if slot.kind == "person" and slot.how in ("", "'s", "him"):
                texts.append(self._mention(value, slot.how))
            else:
                texts.append(self.spell[slot.kind, slot.how][value])
                if slot.kind == "person":
                    self._heard(value)
            if slot.name == "speaker":
                self.speaker = value
        text = form.pattern % tuple(texts)
        if form.begins_with_slot:
            text = text[0].upper() + text[1:]
        facts = self.facts_of(table, bound) if table.states else ()
        self._write(text, key, facts)
        return bound | contradicted

    def state(self, key: str, subject: str, **bound: str) -> dict:
        """Write what is true of `subject` in all relations that table `key` states."""
        for relation in self.tables[key].states:
            who, what = self.world.signature(relation)
            bound |= {who: subject, what: self.world.truth[relation.removeprefix("not-")][subject]}
        return self.say(key, **bound)

    def line(self, n: int = 1) -> None:
        """Go to a new line; n=2 leaves an empty one between."""
        self.gap = "\n" * n

    def ask(self) -> None:
        """What is written from here on answers what stands before; the space before it belongs to it."""
        self.answer_at = self.length

    def facts_of(self, table: Table, bound: dict) -> tuple[Fact, ...]:
        """What a sentence states whose slots are filled like this."""
        facts = []
        for relation in table.states:
            denied = relation.startswith("not-")
            relation = relation[4:] if denied else relation
            subject, what = self.world.signature(relation)
            who = bound.get(subject)
            if who is None:  # not for 0, of which there are facts too
                who = self.speaker if table.subject == "speaker" else self.topic
            facts.append(Fact(relation, who, bound[what], denied))
        return tuple(facts)

    def _write(self, text: str, key: str, facts: tuple[Fact, ...]) -> None:
        start = self.length + len(self.gap)
        self.parts += (self.gap, text)
        self.length = start + len(text)
        self.sentences.append(Sentence(start, self.length, key, facts))
        self.gap = " "

    def _draw(self, kind: str, bound: dict):
        options = self.world.kinds[kind]
        known = self.spell[kind, ""]
        used = {value for name, value in bound.items() if kind_of(name) == kind and value in known}
        while (value := options[int(self.random() * len(options))]) in used:
            pass
        self.nats += math.log(len(options) - len(used))
        return value

    def _mention(self, person: str, how: str) -> str:
        given = person.partition(" ")[0]
        if self.mentioned.get(person):
            pronoun = self.world.pronoun[person]
            namesake = sum(name == given for name in self.mentioned.values()) > 1
            options = [person if namesake else given]
            if self.last[pronoun] == person:
                options.append(PRONOUNS[pronoun, how])
            call = options[int(self.random() * len(options))]
            self.nats += math.log(len(options))
            if len(options) == 2 and call == options[1]:
                self.topic = person
                return call
        else:
            call = person
        self._heard(person)
        return call + how if how == "'s" else call

    def name_anew(self) -> None:
        """From here on everyone is called by name again before there is a 'he' or a 'she'."""
        self.last = dict.fromkeys(self.last)

    def _heard(self, person: str) -> None:
        self.mentioned[person] = person.partition(" ")[0]
        self.last[self.world.pronoun[person]] = self.topic = person

    def _contradict(self, table: Table, bound: dict) -> dict:
        """With the probability of the dial, put something false in the place of objects; what stood there."""
        before = {}
        for relation in table.states:
            if relation in self.world.truth and self.chance(self.contradiction):
                objects = self.world.signature(relation)[1]
                kind = kind_of(objects)
                taken = [value for name, value in bound.items() if kind_of(name) == kind]
                before[objects] = bound[objects]
                bound[objects] = self.one_of(
                    [value for value in self.world.kinds[kind] if value not in taken]
                )
        return before


PRONOUNS = {
    ("she", ""): "she",
    ("she", "'s"): "her",
    ("she", "him"): "her",
    ("he", ""): "he",
    ("he", "'s"): "his",
    ("he", "him"): "him",
}
