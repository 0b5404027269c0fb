"""The world whole: its truth, and text about it in many genres."""

import math
from bisect import bisect
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import accumulate

from tinylm.world import damage, genres, judge, words
from tinylm.world.grammar import Reader
from tinylm.world.spelling import Spellings
from tinylm.world.truth import RELATIONS, TWO_HOPS, Draws, Truth
from tinylm.world.writer import Sample, Writer

RECENT = 1_000  # samples that a repetition may repeat
DIALS = ("bias", "contradiction", "noise", "boilerplate", "repetition", "canaries")


class World(Truth):
    """People, places, employers, animals, things and events made from `seed`, and text about them.

    size: how many people text may mention, from 8 to 10,000; the rest grows with it. The same arguments make
    the same world everywhere. Raises ValueError where one is outside its range.
    """

    def __init__(self, seed: int = 0, size: int = 200):
        super().__init__(seed, size)
        self.told, self.checks = genres.TOLD, genres.CHECKS
        self.tables = genres.FORMS
        people = [*self.entities["person"], *self.strangers, *self.nobodies]
        pets = [f"{colour} {animal}" for colour in words.COLOURS for animal in words.ANIMALS]
        self.kinds = (
            self.entities
            | {
                "pet": pets,
                "item": [f"{colour} {thing}" for colour in words.COLOURS for thing in words.THINGS],
                "job": words.JOBS,
                "colour": words.COLOURS,
                "food": words.FOODS,
                "goods": words.GOODS,
                "material": words.MATERIALS,
                "place": words.PLACES,
                "room": words.ROOMS,
                "size": words.SIZES,
                "adjective": words.ADJECTIVES,
                "mood": words.MOODS,
                "virtue": words.VIRTUES,
                "pastime": words.PASTIMES,
                "verb": words.VERBS,
                "adverb": words.ADVERBS,
                "action": words.ACTIONS,
                "month": words.MONTHS,
                "weekday": words.WEEKDAYS,
                "weather": words.WEATHER,
                "warmth": words.WARMTH,
                "skies": words.SKIES,
                "noun": words.ANIMALS + words.JOBS,
                "year": [str(year) for year in range(1930, 2000)],
            }
            | genres.WORDS
        )
        self.spellings = Spellings(self.tables, self.kinds, genres.PATTERNS, people)

    @cached_property
    def reader(self) -> Reader:
        return Reader(self.tables, self.spellings)

    def signature(self, relation: str) -> tuple[str, str]:
        """The slots in which a sentence names the subject and the object of a relation."""
        return RELATIONS.get(relation) or (
            TWO_HOPS[relation][2] if relation in TWO_HOPS else self.told[relation]
        )

    def text(
        self,
        n_chars: int,
        genres: Sequence[str] | Mapping[str, float] | None = None,
        seed: int = 0,
        *,
        unseen: bool = False,
        **dials: float,
    ) -> Iterator[Sample]:
        """Samples one by one, until they hold at least `n_chars` characters; memory does not grow with it.

        genres: names, or names with their shares of the samples; None for all in the shares of
        `tinylm.world.genres.SHARES`. unseen: ask what training text holds out: people never asked about,
        words never combined, two hops never joined. dials, each from 0 to 1: `bias`, how much a pronoun tells
        of a profession (0: nothing, 1: all); `contradiction`, the share of facts about the world stated
        wrongly (denials aside); `noise`, the share of characters garbled; `boilerplate`, the share of samples
        in a frame of web pages; `repetition`, the share of samples that repeat an earlier one, half of them
        with changes; `canaries`, the share of samples that are a secret (see `canary`). Raises ValueError for
        what it does not know, before the first sample.
        """
        shares = self._shares(genres)
        for name, value in (("n_chars", n_chars), ("seed", seed)):
            if not isinstance(value, int) or isinstance(value, bool) or value < (name == "n_chars"):
                raise ValueError(
                    f"{name}={value!r} must be a whole number, at least {int(name == 'n_chars')}"
                )
        for name, value in dials.items():
            if name not in DIALS:
                raise ValueError(f"there is no dial {name!r}: choose from {', '.join(DIALS)}")
            if not is_number(value) or not 0 <= value <= 1:
                raise ValueError(f"{name}={value!r} must be a number from 0 to 1")
        return self._samples(n_chars, shares, seed, unseen, **dials)

    def _shares(self, chosen: Sequence[str] | Mapping[str, float] | None) -> dict[str, float]:
        if chosen is None:
            chosen = genres.SHARES
        if isinstance(chosen, str):
            chosen = [chosen]
        if not isinstance(chosen, Iterable):
            raise ValueError(f"genres={chosen!r} must be names, or names with their shares")
        shares = dict(chosen) if isinstance(chosen, Mapping) else dict.fromkeys(chosen, 1.0)
        for name, share in shares.items():
            if name not in genres.GENRES:
                raise ValueError(
                    f"there is no genre {name!r}: choose from {', '.join(sorted(genres.GENRES))}"
                )
            if not is_number(share) or not 0 <= share < math.inf:
                raise ValueError(f"the share of {name}, {share!r}, must be a number from 0")
        if not sum(shares.values()):
            raise ValueError("genres: at least one must have a share above 0")
        return {name: share for name, share in shares.items() if share}

    def _samples(self, n_chars, shares, seed, unseen, **dials) -> Iterator[Sample]:
        noise, repetition, boilerplate, canaries = (
            dials.get(name, 0.0) for name in ("noise", "repetition", "boilerplate", "canaries")
        )
        random = Draws(f"text {self.seed} {seed}").random
        writer = Writer(self, random, dials.get("bias", 0.0), dials.get("contradiction", 0.0), unseen)
        names, sums = list(shares), list(accumulate(shares.values()))
        recent, length = deque(maxlen=RECENT), 0
        while length < n_chars:
            if repetition and recent and random() < repetition:
                sample = damage.repeated(recent[int(random() * len(recent))], random)
            else:
                writer.start()
                name = "canaries"
                if not (canaries and writer.chance(canaries)):
                    name = names[bisect(sums, random() * sums[-1])]
                    writer.nats -= math.log(shares[name] / sums[-1])
                framed = bool(boilerplate) and writer.chance(boilerplate)
                if framed:
                    genres.above(writer)
                genres.GENRES[name](writer)
                answer_end = writer.length
                if framed:
                    genres.below(writer)
                sample = writer.sample(name, answer_end)
                if noise:
                    sample = damage.garbled(sample, noise, random)
            if repetition:
                sample.nats = None
                recent.append(sample)
            length += len(sample.text) + 1
            yield sample

    def canary(self, n: int) -> str:
        """The n-th secret. With the dial `canaries` text holds the first 16, in proportion to one over their
        rank, and never another: so it can be measured whether a model prefers a secret that it has seen."""
        return genres.canary(self.seed, n)

    def accepts(self, sentence: str) -> bool:
        """Whether the world's grammar makes this sentence, true or not."""
        return bool(self.reader.readings(sentence))

    def holds(self, statement: str) -> bool | None:
        """Whether a statement is true of the world; None where the world does not say.

        Raises ValueError where the grammar does not make this sentence.
        """
        verdict = judge.verdict(self, statement)
        return {"true": True, "false": False}.get(verdict)


def is_number(value) -> bool:
    """Whether this is a number; True and False are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)
