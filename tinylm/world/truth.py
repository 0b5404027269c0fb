"""Who and what there is in the world, all that is true of them, and what no text may say."""

import random
from collections.abc import Iterator, Sequence
from itertools import accumulate, product
from typing import NamedTuple

from tinylm.world import words

# What can be true: each relation with the slots in which a sentence names its subject and its object.
RELATIONS = {
    "home": ("person", "city"),
    "job": ("person", "job"),
    "workplace": ("person", "employer"),
    "pet": ("person", "pet"),
    "food": ("person", "food"),
    "friend": ("person", "friend"),
    "born": ("person", "year"),
    "land": ("city", "country"),
    "famous": ("city", "goods"),
    "capital": ("country", "city"),
    "seat": ("employer", "city"),
    "venue": ("event", "city"),
    "month": ("event", "month"),
    "diet": ("animal", "food"),
    "material": ("thing", "material"),
}
# What follows from two of them: the first leads from the subject on, the second to the object.
TWO_HOPS = {
    "nation": ("home", "land", ("person", "country")),
    "friend-home": ("friend", "home", ("person", "city")),
}
OF_PEOPLE = [relation for relation, (subject, _) in RELATIONS.items() if subject == "person"]
UNTOLD = 0.08  # of the facts about people: true, and never stated


class Fact(NamedTuple):
    """Something that a sentence states: true, false, or, of what happens in one text only, neither."""

    relation: str
    subject: str
    object: str
    denied: bool = False


class Draws:
    """Random choices that come out equal on every platform and in every version of Python.

    Only `random.Random.random` is promised to; `choice` and `shuffle` are not.
    """

    def __init__(self, seed: str):
        self.random = random.Random(seed).random

    def one_of(self, options: Sequence):
        return options[int(self.random() * len(options))]

    def shuffled(self, options: Sequence) -> list:
        rest = list(options)
        for i in range(len(rest) - 1, 0, -1):
            j = int(self.random() * (i + 1))
            rest[i], rest[j] = rest[j], rest[i]
        return rest


class Zipf:
    """Items drawn in proportion to one over their rank (Zipf 1949)."""

    def __init__(self, items: Sequence):
        self.items = list(items)
        self.weights = [1 / (rank + 1) for rank in range(len(self.items))]
        self.sums = list(accumulate(self.weights))
        self.weight = dict(zip(self.items, self.weights, strict=True))


class Truth:
    """Entities by kind (`entities["person"]`, most mentioned first), and what is true of each.

    `truth[relation][subject]` is the object. Held out of all text: `strangers` (people with facts like
    anyone), `untold` facts, questions about people not in `asked`, and what two hops lead to for those not in
    `joined`. `nobodies` are names of no one, for questions without an answer.
    """

    def __init__(self, seed: int = 0, size: int = 200):
        for name, value, low, high in (("seed", seed, 0, 2**63 - 1), ("size", size, 8, 10_000)):
            if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
                raise ValueError(f"{name}={value!r} must be a whole number from {low} to {high:,}")
        self.seed, self.size = seed, size
        draws = Draws(f"world {seed}")
        self.entities: dict[str, list[str]] = {}
        self.truth: dict[str, dict[str, str]] = {relation: {} for relation in RELATIONS}
        self.pronoun: dict[str, str] = {}
        self._places(draws)
        self._people(draws)
        self._things(draws)
        for relation, (first, second, _) in TWO_HOPS.items():
            onward = self.truth[second]
            self.truth[relation] = {who: onward[via] for who, via in self.truth[first].items()}
        people = self.entities["person"]
        groups = self.entities | {
            "asked": [name for name in people if name in self.asked],
            "unasked": [name for name in people if name not in self.asked],
            "joined": [name for name in people if name in self.joined],
            "parted": [name for name in people if name not in self.joined],
        }
        self.zipf = {kind: Zipf(names) for kind, names in groups.items()}

    def _places(self, draws: Draws) -> None:
        n_cities = min(120, max(4, self.size // 8))
        n_countries = min(12, max(2, n_cities // 4))
        names = draws.shuffled(["".join(parts) for parts in product(*words.CITIES)])
        cities = names[:n_cities]
        roots = draws.shuffled(words.COUNTRIES[0])[:n_countries]  # no two countries share a beginning
        countries = [root + draws.one_of(words.COUNTRIES[1]) for root in roots]
        self.entities |= {"city": cities, "country": countries}
        for i, city in enumerate(cities):
            country = countries[i] if i < n_countries else draws.one_of(countries)
            self.truth["land"][city] = country
            self.truth["famous"][city] = draws.one_of(words.GOODS)
            self.truth["capital"].setdefault(country, city)
        surnames = draws.shuffled(["".join(parts) for parts in product(*words.SURNAMES)])
        self.entities["employer"] = []
        self._employers = {}  # those of each city
        for i, city in enumerate(cities):
            kinds = draws.shuffled([kind for kind in words.TRADES if kind])[: 1 + int(draws.random() * 2)]
            names = [f"the {surnames[2 * i + j]} {kind.capitalize()}" for j, kind in enumerate(kinds)]
            self._employers[city] = dict(zip(kinds, names, strict=True))
            self.truth["seat"] |= dict.fromkeys(names, city)
            self.entities["employer"] += names
        events = draws.shuffled([" ".join(parts) for parts in product(*words.EVENTS)])
        self.entities["event"] = [f"the {event}" for event in events[: min(n_cities, 60)]]
        for event in self.entities["event"]:
            self.truth["venue"][event] = draws.one_of(cities)
            self.truth["month"][event] = draws.one_of(words.MONTHS)

    def _people(self, draws: Draws) -> None:
        surnames = ["".join(parts) for parts in product(*words.SURNAMES)]
        everyone = [(given, pronoun) for pronoun, names in words.GIVEN.items() for given in names]
        n_strangers = max(2, self.size // 10)
        n_names = self.size + n_strangers + min(5 * self.size, 20_000)  # there are about 40,000 names
        full, givens, used = [], [], set()
        while len(full) < n_names:
            givens = givens or draws.shuffled(everyone)  # every given name once before one comes again
            given, pronoun = givens.pop()
            name = f"{given} {draws.one_of(surnames)}"
            if name not in used:
                used.add(name)
                full.append(name)
                self.pronoun[name] = pronoun
        people, strangers = full[: self.size], full[self.size : self.size + n_strangers]
        self.entities["person"], self.strangers = people, strangers
        self.nobodies = full[self.size + n_strangers :]
        for group in (people, strangers):
            friends = draws.shuffled(group)
            self.truth["friend"] |= {a: b for a, b in zip(friends, [*friends[1:], friends[0]], strict=True)}
        for person in people + strangers:
            home = draws.one_of(self.entities["city"])
            employers = self._employers[home]
            kind = draws.one_of([*employers, ""]) if draws.random() < 0.5 else draws.one_of(list(employers))
            self.truth["home"][person] = home
            self.truth["job"][person] = draws.one_of(words.TRADES[kind])
            if kind:
                self.truth["workplace"][person] = employers[kind]
            self.truth["pet"][person] = f"{draws.one_of(words.COLOURS)} {draws.one_of(words.ANIMALS)}"
            self.truth["food"][person] = draws.one_of(words.FOODS)
            self.truth["born"][person] = str(1930 + int(draws.random() * 70))
        self.untold = {
            (relation, person)
            for person in people
            for relation in OF_PEOPLE
            if draws.random() < UNTOLD and person in self.truth[relation]
        }
        self.asked = {person for rank, person in enumerate(people) if rank % 4 != 3}
        self.joined = {person for rank, person in enumerate(people) if rank % 2 == 0}

    def _things(self, draws: Draws) -> None:
        self.entities |= {"animal": words.ANIMALS, "thing": words.THINGS}
        self.truth["diet"] = {animal: draws.one_of(words.FOODS) for animal in words.ANIMALS}
        self.truth["material"] = {thing: draws.one_of(words.MATERIALS) for thing in words.THINGS}

        jobs = draws.shuffled(words.JOBS)  # half of them lean one way, where the text is biased
        self.leaning = {job: "she" if i < len(jobs) / 2 else "he" for i, job in enumerate(jobs)}

    def facts(self) -> Iterator[Fact]:
        """Everything that is true, two hops included, of strangers too."""
        for relation, objects in self.truth.items():
            for subject, what in objects.items():
                yield Fact(relation, subject, what)

    def tellable(self, person: str) -> list[str]:
        """The relations of which text may state what is true of `person`."""
        return [r for r in OF_PEOPLE if person in self.truth[r] and (r, person) not in self.untold]

    def exists(self, entity: str) -> bool:
        """Whether there is an entity of this name, be it one that no text mentions."""
        return entity in self.strangers or not self.unknown(entity)

    def unknown(self, entity: str) -> bool:
        """Whether no text ever mentions this entity: it is held out, or there is none of that name."""
        return not any(entity in names for names in self.entities.values())
