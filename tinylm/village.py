"""A little world whose truth is known, and text about it: what a model says can be judged exactly.

A seed makes people, cities and countries with invented names, and sentences about them from a small grammar.
The same table of sentence forms writes text and judges it, so the judge knows every sentence there is.
`complete` and `surprise` ask a model what it says, and how probable it finds what others say.
"""

import random
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F

from tinylm import decoding
from tinylm.tokens import Tokenizer
from tinylm.transformer import Transformer

ONSETS = ["b", "br", "d", "dr", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "st", "t", "tr", "v", "z"]
VOWELS = ["a", "e", "i", "o", "u"]
CODAS = ["", "l", "m", "n", "r", "s"]

JOBS = [
    "actor",
    "baker",
    "doctor",
    "engineer",
    "farmer",
    "judge",
    "miner",
    "nurse",
    "pilot",
    "sailor",
    "teacher",
]
ANIMALS = ["cat", "dog", "duck", "goat", "horse", "owl", "rabbit", "snail"]
COLOURS = ["black", "brown", "grey", "orange", "white", "yellow"]
PLACES = ["bridge", "garden", "harbour", "market", "river", "school", "tower", "village"]
ADJECTIVES = ["old", "young", "quiet", "happy", "tired", "clever", "small", "tall"]
VERBS = ["dream", "laugh", "listen", "rest", "sing", "sleep", "travel", "wait", "work"]
ADVERBS = ["again", "alone", "at night", "every day", "in the rain", "slowly", "together", "well"]

# A slot in braces is filled from the list of its name; `_s` and `_p` mark singular and plural forms, `a_`
# puts the right article in front. The same slot name twice in one form means the same word twice.
FORMS = {
    "home": [
        "{person} lives in {city}.",
        "{person} has a home in {city}.",
        "The home of {person} is in {city}.",
    ],
    "job": ["{person} works as {a_job}.", "{person} is {a_job}.", "As {a_job}, {person} is busy all day."],
    "pet": ["{person} keeps {a_colour} {animal}.", "The {animal} of {person} is {colour}."],
    "country": [
        "{city} lies in {country}.",
        "{city} is a city in {country}.",
        "The city of {city} belongs to {country}.",
    ],
    "home question": ["Where does {person} live? In {city}."],
    "job question": ["What does {person} do? {person} is {a_job}."],
    "country question": ["In which country does {person} live? In {country}."],
    "scene": [
        "The {adjective} {noun_s} {verb_s} {adverb}.",
        "The {adjective} {noun_p} {verb_p} {adverb}.",
        "The {noun_s} near the {place_s} {verb_s}.",
        "The {noun_s} near the {place_p} {verb_s}.",
        "The {noun_p} near the {place_s} {verb_p}.",
        "The {noun_p} near the {place_p} {verb_p}.",
        "{person} walks to the {place_s} with {a_noun}.",
    ],
}
SHARES = {  # of the sentences
    "home": 0.2,
    "job": 0.1,
    "pet": 0.1,
    "country": 0.1,
    "home question": 0.1,
    "job question": 0.05,
    "country question": 0.1,
    "scene": 0.25,
}


def article(word: str) -> str:
    """`word` with a or an in front."""
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"


def plural(noun: str) -> str:
    return noun + "s"


def third_person(verb: str) -> str:
    """The form of `verb` that goes with a singular noun: sing, sings."""
    return verb + "s"


@dataclass(frozen=True)
class Person:
    """Someone of the world, and all that is true of them. `country` is the city's."""

    name: str
    city: str
    country: str
    job: str
    animal: str
    colour: str
    asked: bool  # whether text asks questions about them; the others are held out to be asked later


class World:
    """People, cities and countries made from `seed`, and text about them.

    People are mentioned with frequencies that follow Zipf's law: `people[0]` most, in proportion to 1/rank.
    Held out of all text: questions about every second person, and every fifth pairing of a noun with a verb.
    The same arguments make the same world everywhere. Raises ValueError where a size is below 1.
    """

    def __init__(self, seed: int = 0, n_people: int = 120, n_countries: int = 6, cities_per_country: int = 4):
        if min(n_people, n_countries, cities_per_country) < 1:
            raise ValueError(
                f"too small: {n_people=}, {n_countries=}, {cities_per_country=}; each at least 1"
            )
        rng = random.Random(f"world {seed}")
        names = self._names(rng)
        self.countries = []
        while len(self.countries) < n_countries:
            country = next(names).rstrip("aeiou") + "ia"
            if country not in self.countries:  # Bada and Bade would both be Badia
                self.countries.append(country)
        self.cities = {}  # each with its country
        for country in self.countries:
            self.cities.update((next(names) + "burg", country) for _ in range(cities_per_country))
        self.people = []
        for rank in range(n_people):
            city = rng.choice(list(self.cities))
            traits = (rng.choice(JOBS), rng.choice(ANIMALS), rng.choice(COLOURS))
            self.people.append(Person(next(names), city, self.cities[city], *traits, asked=rank % 2 == 0))
        self._weights = [1 / (rank + 1) for rank in range(n_people)]

    @staticmethod
    def _names(rng: random.Random) -> Iterator[str]:
        used = set()
        while True:
            first = rng.choice(ONSETS) + rng.choice(VOWELS)
            name = (first + rng.choice(ONSETS) + rng.choice(VOWELS) + rng.choice(CODAS)).capitalize()
            if name not in used:
                used.add(name)
                yield name

    def sentence(self, rng: random.Random) -> str:
        """One sentence, drawn with `rng`; every fact that it states is true."""
        kind = rng.choices(list(SHARES), list(SHARES.values()))[0]
        while True:
            person = rng.choices(self.people, self._weights)[0]
            if person.asked or not kind.endswith("question"):
                break
        city = rng.choice(list(self.cities)) if kind == "country" else person.city
        while held_out(noun := rng.choice(ANIMALS + JOBS), verb := rng.choice(VERBS)):
            pass
        place = rng.choice(PLACES)
        return rng.choice(FORMS[kind]).format(
            person=person.name,
            city=city,
            country=self.cities[city],
            a_job=article(person.job),
            a_colour=article(person.colour),
            colour=person.colour,
            animal=person.animal,
            adjective=rng.choice(ADJECTIVES),
            adverb=rng.choice(ADVERBS),
            a_noun=article(noun),
            **{"noun_s": noun, "noun_p": plural(noun), "verb_s": third_person(verb), "verb_p": verb},
            **{"place_s": place, "place_p": plural(place)},
        )

    def text(self, n_chars: int, seed: int = 0) -> str:
        """At least `n_chars` characters of sentences, one a line."""
        rng, lines, length = random.Random(f"text {seed}"), [], 0
        while length < n_chars:
            lines.append(self.sentence(rng))
            length += len(lines[-1]) + 1
        return "\n".join(lines) + "\n"

    def homes_stated(self, text: str) -> Counter[str]:
        """How many lines of `text` say where each person lives: name and city in one line, in any form."""
        city_of, counts = {person.name: person.city for person in self.people}, Counter()
        for line in text.splitlines():
            words = spelled(line)
            counts.update(word for word in words if city_of.get(word) in words)
        return counts

    @cached_property
    def _slots(self) -> dict[str, list[str]]:
        return {
            "person": [person.name for person in self.people],
            "city": list(self.cities),
            "country": self.countries,
            "a_job": [article(job) for job in JOBS],
            "a_colour": [article(colour) for colour in COLOURS],
            "colour": COLOURS,
            "animal": ANIMALS,
            "adjective": ADJECTIVES,
            "adverb": ADVERBS,
            "noun_s": ANIMALS + JOBS,
            "noun_p": [plural(noun) for noun in ANIMALS + JOBS],
            "a_noun": [article(noun) for noun in ANIMALS + JOBS],
            "verb_s": [third_person(verb) for verb in VERBS],
            "verb_p": VERBS,
            "place_s": PLACES,
            "place_p": [plural(place) for place in PLACES],
        }

    @cached_property
    def _grammar(self) -> re.Pattern:
        def pattern(number: int, form: str) -> str:
            seen = []

            def slot(match: re.Match) -> str:
                name = match[1]
                group = f"{name}_{number}"
                if name in seen:
                    return f"(?P={group})"
                seen.append(name)
                return f"(?P<{group}>{'|'.join(map(re.escape, self._slots[name]))})"

            return re.sub(r"\\\{(\w+)\\\}", slot, re.escape(form))

        forms = (form for forms in FORMS.values() for form in forms)
        return re.compile("|".join(pattern(number, form) for number, form in enumerate(forms)))

    def accepts(self, sentence: str) -> bool:
        """Whether the world's grammar makes this sentence, true or not: 'X is an baker.' it does not."""
        return self._grammar.fullmatch(sentence) is not None

    @cached_property
    def words(self) -> frozenset[str]:
        """Every word of the world, as it stands in text without its punctuation."""
        texts = [re.sub(r"\{\w+\}", " ", form) for forms in FORMS.values() for form in forms]
        for fillings in self._slots.values():
            texts += fillings
        return frozenset(word for text in texts for word in spelled(text))

    def minimal_pairs(self, n: int, seed: int = 0, across: bool = False) -> list[tuple[str, str]]:
        """`n` pairs of sentences, one grammatical, the other the same but for the verb's number.

        Noun and verb never stand together in the world's text, so no pair can be answered by recall. across:
        a noun of the other number stands between the two, as in 'The owls near the tower sing.'
        """
        rng, pairs = random.Random(f"pairs {seed}"), []
        while len(pairs) < n:
            noun, verb = rng.choice(ANIMALS + JOBS), rng.choice(VERBS)
            if not held_out(noun, verb):
                continue
            singular, place = rng.random() < 0.5, rng.choice(PLACES)
            subject = noun if singular else plural(noun)
            if across:
                start, end = f"The {subject} near the {plural(place) if singular else place}", "."
            else:
                start, end = f"The {rng.choice(ADJECTIVES)} {subject}", f" {rng.choice(ADVERBS)}."
            right, wrong = (third_person(verb), verb) if singular else (verb, third_person(verb))
            pairs.append((f"{start} {right}{end}", f"{start} {wrong}{end}"))
        return pairs


def held_out(noun: str, verb: str) -> bool:
    """Whether text never uses this noun with this verb: every fifth pairing."""
    return ((ANIMALS + JOBS).index(noun) + VERBS.index(verb)) % 5 == 0


def spelled(text: str) -> list[str]:
    """The words of a text, without punctuation."""
    return re.findall(r"[A-Za-z]+", text)


def complete(
    model: Transformer, tokenizer: Tokenizer, prompts: Iterable[str], n_tokens: int = 16
) -> list[str]:
    """What `model` finds most probable after each prompt, begun on a new line, up to the next full stop."""
    rows, answers = [tuple(tokenizer.encode("\n" + prompt)) for prompt in prompts], {}
    for length in {len(row) for row in rows}:  # prompts of one length make one batch
        same = [row for row in rows if len(row) == length]
        continued = decoding.generate(model, torch.tensor(same, device=model.device), n_tokens, temperature=0)
        for row, ids in zip(same, continued[:, length:].tolist(), strict=True):
            answers[row] = tokenizer.decode(ids).split(".")[0].strip()
    return [answers[row] for row in rows]


@torch.inference_mode()
def surprise(model: Transformer, tokenizer: Tokenizer, sentences: Iterable[str]) -> torch.Tensor:
    """Minus the logarithm of the probability of each sentence as a line of text, in nats: (N,)."""
    rows = [torch.tensor(tokenizer.encode(f"\n{sentence}\n")) for sentence in sentences]
    ids = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=-1).to(model.device)
    logits = model(ids[:, :-1].clamp(min=0)).float()  # padding stands at the end, where no token sees it
    return F.cross_entropy(logits.transpose(1, 2), ids[:, 1:], ignore_index=-1, reduction="none").sum(1)


def examine(
    world: World, model: Transformer, tokenizer: Tokenizer, n_pairs: int = 200
) -> dict[str, list[bool]]:
    """What `model` gets right about `world`, by kind of question.

    "simple" and "across": for each of `n_pairs` minimal pairs, whether the grammatical sentence is likelier.
    "home", "home question", "country question": for every person, whether a sentence on where they live, or
    the answer to a question, is completed with the truth. "city": for every city, whether its country is.
    """

    def completes(prompt: str, subjects: Collection[str], truths: Collection[str]) -> list[bool]:
        room = max(len(tokenizer.encode(f" {truth}.")) for truth in truths)
        answers = complete(model, tokenizer, [prompt.format(subject) for subject in subjects], room)
        return [answer == truth for answer, truth in zip(answers, truths, strict=True)]

    right = {}
    for kind, across in (("simple", False), ("across", True)):
        good, bad = zip(*world.minimal_pairs(n_pairs, across=across), strict=True)
        right[kind] = (surprise(model, tokenizer, good) < surprise(model, tokenizer, bad)).tolist()
    names, homes = [p.name for p in world.people], [p.city for p in world.people]
    right["home"] = completes("{} lives in", names, homes)
    right["home question"] = completes("Where does {} live? In", names, homes)
    countries = [p.country for p in world.people]
    right["country question"] = completes("In which country does {} live? In", names, countries)
    right["city"] = completes("{} lies in", world.cities, world.cities.values())
    return right
