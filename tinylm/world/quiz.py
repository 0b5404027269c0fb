"""A quiz about a world, for whoever says how surprising a sentence is and how a prompt goes on.

It asks for grammar by minimal pairs, two sentences of which the grammar makes only one; for facts, where
people live and cities are; and for two facts put together. Explained in chapters/pretraining.md.
"""

from collections.abc import Callable, Iterable

from tinylm.world import words
from tinylm.world.genres import scenes
from tinylm.world.truth import Draws
from tinylm.world.world import World
from tinylm.world.writer import Sample

NOUNS = [
    noun for noun in scenes.NOUNS if words.plural(noun) != noun
]  # one sheep, two sheep: no number to see
QUESTIONS = {  # by relation; text asks them too
    "home": "Where does {} live?",
    "land": "In which country is {}?",
    "nation": "In which country does {} live?",
}


def texts(world: World, n_chars: int, seed: int) -> list[Sample]:
    """What prepares for the quiz: of `n_chars` characters of text the scenes, and those questions with their
    answers that are about its relations. Errors as for `World.text`."""
    samples = world.text(n_chars, {"questions": 12, "two hops": 1.5, "scenes": 2.5}, seed)
    return [sample for sample in samples if {fact.relation for fact in sample.facts} <= QUESTIONS.keys()]


def minimal_pairs(n: int, across: bool = False, seed: int = 0) -> list[tuple[str, str]]:
    """`n` pairs of sentences, one grammatical, the other the same but for the number of its verb.

    In no text of a world does such a noun go with such a verb, so no pair can be answered by recall. across:
    a noun of the other number stands between the two, as in 'The owls near the tower sing.' The same
    arguments give the same pairs. Follows Linzen et al. 2016. Raises ValueError where n is below 1.
    """
    if n < 1:
        raise ValueError(f"n={n} must be at least 1")
    draws, pairs = Draws(f"pairs {seed}"), []
    for _ in range(n):
        noun, place, one = draws.one_of(NOUNS), draws.one_of(words.PLACES), draws.random() < 0.5
        verb = draws.one_of(scenes.HELD_OUT[noun])
        subject = noun if one else words.plural(noun)
        if across:
            start, end = f"The {subject} near the {words.plural(place) if one else place}", "."
        else:
            start, end = f"The {draws.one_of(words.ADJECTIVES)} {subject}", f" {draws.one_of(words.ADVERBS)}."
        right, wrong = (words.third_person(verb), verb) if one else (verb, words.third_person(verb))
        pairs.append((f"{start} {right}{end}", f"{start} {wrong}{end}"))
    return pairs


def likelier(surprise: Callable[[str], float], pairs: Iterable[tuple[str, str]]) -> list[bool]:
    """For each pair of sentences, whether the first is the less surprising."""
    return [bool(surprise(right) < surprise(wrong)) for right, wrong in pairs]


def examine(
    world: World,
    surprise: Callable[[str], float],
    go_on: Callable[[list[str]], list[str]],
    n_pairs: int = 100,
) -> dict[str, list[bool]]:
    """What someone gets right about `world`, by kind of question.

    surprise: how surprising a sentence is, in any unit. go_on: for each of some prompts what follows it, at
    least up to the full stop. "simple" and "across": for each of `n_pairs` minimal pairs, whether the
    grammatical sentence is the likelier. "home" and "nation": for every person, strangers too and in the
    order of `world.truth`, whether the city and the country where they live is named; "land": for every
    city, whether its country is. Raises ValueError where n_pairs is below 1.
    """
    right = {
        kind: likelier(surprise, minimal_pairs(n_pairs, kind == "across")) for kind in ("simple", "across")
    }
    for relation, question in QUESTIONS.items():
        truth = world.truth[relation]
        answers = go_on([f"Question: {question.format(name)}\nAnswer:" for name in truth])
        right[relation] = [
            answer.partition(".")[0] == f" In {what}"
            for answer, what in zip(answers, truth.values(), strict=True)
        ]
    return right
