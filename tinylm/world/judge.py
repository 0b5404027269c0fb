"""Judges of text: is it grammatical, is what it states true, and in what style is it written?

Every judgement is exact for what the world's grammar can write. `tolerant=True` forgives what a reader would
forgive too: a missing full stop, a small letter at the start, a space too many.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tinylm.world.grammar import Reading, kind_of, pieces
from tinylm.world.spelling import Anyone, gender
from tinylm.world.truth import RELATIONS, TWO_HOPS, Fact

STYLES = ("formal", "casual")
NOT_A_CLAIM, TRUE, FALSE, UNKNOWN = "not a claim", "true", "false", "unknown"


@dataclass
class Judged:
    """A piece of a text and what was found: whether the grammar makes it, which facts it states, and whether
    they hold: "true", "false", "unknown" (of someone who is not in the world) or "not a claim"."""

    text: str
    grammatical: bool
    facts: tuple[Fact, ...] = ()
    verdict: str = NOT_A_CLAIM


def grammatical(world, sentence: str, tolerant: bool = False) -> bool:
    """Whether the world's grammar makes this sentence."""
    return any(world.accepts(version) for version in versions(sentence, tolerant))


def versions(sentence: str, tolerant: bool) -> list[str]:
    """The sentence, and with `tolerant` what its writer may have meant: spaces, first letter, end mended."""
    if not tolerant:
        return [sentence]
    mended = re.sub(r"\s+([.,!?:])", r"\1", " ".join(sentence.split()))
    mended = mended[:1].upper() + mended[1:]
    ends = (
        [mended]
        if mended.endswith((".", "!", "?", ":", ","))
        else [f"{mended}{end}" for end in (".", "", "?", "!", ":", ",")]
    )
    return [sentence, *ends]


def verdict(world, statement: str, tolerant: bool = False) -> str:
    """Whether one statement is "true", "false", "unknown" or "not a claim".

    Raises ValueError where the grammar does not make this sentence.
    """
    found = read(world, statement, tolerant)
    if not all(judged.grammatical for judged in found) or not found:
        raise ValueError(f"statement={statement!r}: the world's grammar does not make this sentence")
    return worst([judged.verdict for judged in found])


def worst(verdicts: Sequence[str]) -> str:
    """The gravest of several verdicts: one false statement makes a text false."""
    return next((v for v in (FALSE, UNKNOWN, TRUE) if v in verdicts), NOT_A_CLAIM)


def read(world, text: str, tolerant: bool = False) -> list[Judged]:
    """Judge a text piece by piece, each in the light of those before: whom 'she' means, what was asked."""
    spans = [text[start:end] for start, end in pieces(text)]
    readings = [
        next((found for v in versions(piece, tolerant) if (found := world.reader.readings(v))), [])
        for piece in spans
    ]
    context = Context(world, readings)
    return [context.judge(piece, found) for piece, found in zip(spans, readings, strict=True)]


def style(world, text: str, tolerant: bool = False) -> str:
    """Whether a text is "formal", "casual", "mixed" (some of both) or "neutral" (nothing of either).

    Only what one style has counts. tolerant: sentences that the grammar does not make count too where they
    begin with words that only one style begins a letter, or ends it, with.
    """
    found = set()
    for start, end in pieces(text):
        piece = text[start:end]
        readings = [
            reading for version in versions(piece, tolerant) for reading in world.reader.readings(version)
        ]
        if readings:
            found |= one_style(reading.key for reading in readings)
        elif tolerant:
            found |= told_by_beginning(world, piece)
    return "mixed" if len(found) > 1 else next(iter(found), "neutral")


def one_style(keys: Iterable[str]) -> set[str]:
    """The style that tables of these keys have, where all that have any have the same."""
    found = {key.rpartition(" ")[2] for key in keys} & set(STYLES)
    return found if len(found) == 1 else set()


def told_by_beginning(world, piece: str) -> set[str]:
    """The style whose openings or closings begin like this, if it is only one."""
    plain = " ".join(piece.split()).lower()
    keys: dict[str, set[str]] = {}  # of the tables with a form that begins with these words
    for key, table in world.tables.items():
        for form in table.forms if one_style([key]) else ():
            words = form.pattern.partition("%s")[0].strip(" .,!?").lower()
            if words and re.match(rf"{re.escape(words)}\b", plain):
                keys.setdefault(words, set()).add(key)
    return one_style(keys[max(keys, key=len)]) if keys else set()


class Context:
    """What a reader remembers of a text so far."""

    def __init__(self, world, readings: Sequence[Sequence[Reading]]):
        self.world = world
        self.last: dict[str, str | None] = {"she": None, "he": None}
        self.given: dict[str, str] = {}  # whom each given name means
        self.topic: str | None = None
        self.question: Reading | None = None
        self.asked: dict = {}  # what stands in the slots of that question
        self.told: dict[tuple[str, str], set[str]] = {}
        named = (r.values["speaker"] for found in readings for r in found if "speaker" in r.values)
        self.speaker = next((values[0] for values in named if len(values) == 1), None)

    def judge(self, piece: str, readings: Sequence[Reading]) -> Judged:
        """Judge the next piece. Of several readings the one that fits what stands before counts."""
        if not readings:
            self.question = None
            return Judged(piece, False)
        reading = max(readings, key=self._fit)
        known = self._resolve(reading)
        table = self.world.tables[reading.key]
        facts, verdicts = [], []
        for relation in table.states:
            denied, relation = relation.startswith("not-"), relation.removeprefix("not-")
            who, what = self.world.signature(relation)
            if who in known:
                subject = known[who]
            else:
                subject = self.asked.get(who) if reading.key.endswith("!") and self.question else None
                if subject is None:
                    subject = self.speaker if table.subject == "speaker" else self.topic
            fact = Fact(relation, subject, known.get(what), denied)
            facts.append(fact)
            verdicts.append(self._verdict(fact, table.retold))
        if reading.key.endswith("?"):
            self.question, self.asked = reading, known
        return Judged(piece, True, tuple(facts), worst(verdicts))

    def _fit(self, reading: Reading) -> int:
        table = self.world.tables[reading.key]
        answers = self.question is not None and reading.key == self.question.key[:-1] + "!"
        return 4 * answers + 2 * bool(table.states and not reading.key.endswith("!")) + self._known(reading)

    def _known(self, reading: Reading) -> bool:
        return all(self._who(values) is not None for name, values in reading.values.items())

    def _who(self, values: tuple):
        """What a slot means here: of several people of one given name the one this text has named."""
        if isinstance(values[0], Anyone):
            return self.last[values[0]]
        if len(values) == 1:
            return values[0]
        given = values[0].partition(" ")[0] if isinstance(values[0], str) else None
        return self.given.get(given) if self.given.get(given) in values else None

    def _resolve(self, reading: Reading) -> dict:
        known = {}
        for name, values in reading.values.items():
            value = known[name] = self._who(values)
            if value is not None and kind_of(name) == "person":
                self.last[gender(value)] = self.topic = value
                self.given[value.partition(" ")[0]] = value
                if name == "speaker":
                    self.speaker = value
        return known

    def _verdict(self, fact: Fact, retold: bool) -> str:
        if fact.relation in self.world.checks:
            holds = self.world.checks[fact.relation](self.world, fact)
        elif fact.relation in RELATIONS or fact.relation in TWO_HOPS:
            truth = self.world.truth[fact.relation]
            if fact.subject is None or fact.object is None or not self.world.exists(fact.subject):
                return UNKNOWN
            holds = truth.get(fact.subject) == fact.object
        else:
            objects = self.told.setdefault((fact.relation, fact.subject), set())
            if not retold:
                objects.add(fact.object)
                return NOT_A_CLAIM
            if not objects:
                return UNKNOWN
            holds = fact.object in objects
        return TRUE if holds != fact.denied else FALSE
