"""The writer: it keeps the books right. What it says a text costs is what the text costs."""

import math
from collections import Counter, defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinylm.world import World
from tinylm.world.genres import GENRES
from tinylm.world.truth import Draws, Zipf
from tinylm.world.writer import Writer

SMALL = World(0, 8)
RANDOM = Draws("tests").random


class Turn:
    """A random number not drawn yet: it takes every course in turn."""

    def __init__(self, branch):
        self.branch = branch

    def __mul__(self, n: int) -> int:
        return self.branch(n)

    def __lt__(self, probability: float) -> bool:
        return bool(self.branch(2)) if 0 < probability < 1 else probability == 1


class Everything(Writer):
    """Writes all that a genre can write, one course of choices after the other."""

    def branch(self, n: int) -> int:
        if self.at == len(self.course):
            self.course.append([0, n])
        self.at += 1
        return self.course[self.at - 1][0]

    def weighted(self, zipf, but=()):
        left = [i for i, item in enumerate(zipf.items) if item not in but]
        i = left[self.branch(len(left))]
        middle = (zipf.sums[i] - zipf.weights[i] / 2) / zipf.sums[-1]
        return self.drawing(middle, lambda: super(Everything, self).weighted(zipf, but))

    def _draw(self, kind, bound):
        options = self.world.kinds[kind]
        left = [i for i, option in enumerate(options) if option not in bound.values()]
        middle = (left[self.branch(len(left))] + 0.5) / len(options)
        return self.drawing(middle, lambda: super(Everything, self)._draw(kind, bound))

    def drawing(self, number, draw):
        self.random, before = (lambda: number), self.random
        try:
            return draw()
        finally:
            self.random = before

    def texts(self, genre: str):
        self.course, more = [], True
        self.random = lambda: Turn(self.branch)
        while more:
            self.start()
            self.at = 0
            GENRES[genre](self)
            yield "".join(self.parts), self.nats
            while self.course and self.course[-1][0] + 1 == self.course[-1][1]:
                self.course.pop()
            if more := bool(self.course):
                self.course[-1][0] += 1


def writer(world=SMALL, **settings) -> Writer:
    return Writer(world, Draws("writer").random, **settings)


@pytest.mark.parametrize("genre", ["canaries", "questions", "two hops", "unanswerable"])
@pytest.mark.parametrize("unseen", [False, True])
def test_the_probabilities_of_all_texts_of_a_genre_sum_to_one_and_none_arises_twice(genre, unseen):
    texts = list(Everything(SMALL, None, unseen=unseen).texts(genre))
    assert len({text for text, _ in texts}) == len(texts) > 15
    assert sum(math.exp(-nats) for _, nats in texts) == pytest.approx(1)


@pytest.mark.parametrize("dials", [{"bias": 0.5}, {"bias": 1}])
def test_the_probabilities_of_all_sentences_with_pronouns_sum_to_one(dials):
    costs = [nats for _, nats in Everything(SMALL, None, **dials).texts("pronouns")]
    assert sum(math.exp(-nats) for nats in costs) == pytest.approx(1)


def test_the_probabilities_of_all_questions_with_contradictions_sum_to_one():
    texts = list(Everything(SMALL, None, contradiction=0.3).texts("two hops"))
    assert len({text for text, _ in texts}) == len(texts)
    assert sum(math.exp(-nats) for _, nats in texts) == pytest.approx(1)


@pytest.mark.parametrize("genre", ["questions", "two hops", "canaries", "unanswerable"])
def test_texts_come_as_often_as_their_nats_say(genre):
    counts, nats = Counter(), {}
    for sample in SMALL.text(1_500_000, [genre], seed=3):
        counts[sample.text] += 1
        nats[sample.text] = sample.nats
    expected = {text: counts.total() * math.exp(-cost) for text, cost in nats.items()}
    often = [text for text, times in expected.items() if times > 10]
    chi2 = sum((counts[text] - expected[text]) ** 2 / expected[text] for text in often)
    assert len(often) > 10
    assert abs(chi2 - len(often)) < 6 * math.sqrt(2 * len(often))


def test_choices_cost_the_logarithm_of_their_number():
    w = writer()
    w.one_of("abcd")
    assert w.nats == pytest.approx(math.log(4))
    w.several("abcde", 2)
    assert w.nats == pytest.approx(math.log(4 * 5 * 4))
    w.start()
    assert w.number(3, 3) == 3
    assert w.nats == 0


@given(st.floats(0, 1))
def test_a_chance_costs_what_happened(probability):
    w = writer()
    happened = w.chance(probability)
    assert math.exp(-w.nats) == pytest.approx(probability if happened else 1 - probability)


@given(st.sets(st.integers(0, 9), max_size=9))
def test_a_weighted_choice_is_never_one_of_those_left_out_and_costs_its_share_of_the_rest(but):
    zipf, w = Zipf(range(10)), writer()
    chosen = w.weighted(zipf, list(but))
    assert chosen not in but
    rest = sum(1 / (i + 1) for i in range(10) if i not in but)
    assert math.exp(-w.nats) == pytest.approx(1 / (chosen + 1) / rest)


def test_where_no_one_is_left_the_error_says_so():
    with pytest.raises(ValueError, match="larger size"):
        writer().person(but=SMALL.entities["person"])


def test_several_are_all_different():
    assert all(len(set(writer().several(range(6), n))) == n for n in range(7))


def test_someone_is_called_by_the_full_name_first_and_then_as_only_they_can_be_meant(world):
    calls = defaultdict(Counter)
    girls = [person for person in world.entities["person"] if world.pronoun[person] == "she"][:2]
    for n in range(200):
        w = Writer(world, Draws(f"calls {n}").random)
        for place, person in enumerate([girls[0], girls[0], girls[1], girls[0]]):
            w.say("is at", person=person, place="lake")
            found = [call for call in (person, person.partition(" ")[0], "She", "her") if call in w.parts[-1]]
            calls[place][found[0]] += 1
    given_name = girls[0].partition(" ")[0]
    assert set(calls[0]) == {girls[0]}
    assert set(calls[1]) == {given_name, "She", "her"}
    assert set(calls[2]) == {girls[1]}
    assert set(calls[3]) == {given_name}  # a pronoun would mean the other


def test_namesakes_are_called_by_their_full_names():
    w = writer(World(0, 2_000))
    names = defaultdict(list)
    for person in w.world.entities["person"]:
        names[person.partition(" ")[0]].append(person)
    first, second = next(people for people in names.values() if len(people) > 1)[:2]
    for person in (first, second, first, second, first):
        w.say("home?", person=person)
        assert person in w.parts[-1]


def test_the_answer_begins_where_it_was_asked_for(world):
    for sample in world.text(50_000, ["questions", "lists", "summaries"]):
        assert sample.prompt.endswith(":")
        assert sample.answer.startswith(" ")
        assert sample.prompt + sample.answer == sample.text


def test_sentences_lie_where_they_say(samples):
    for sample in samples[:1_000]:
        assert sample.sentences[0].start == 0
        assert sample.sentences[-1].end == len(sample.text)
        for one, following in zip(sample.sentences, sample.sentences[1:], strict=False):
            assert sample.text[one.end : following.start] in (" ", "\n", "\n\n")
