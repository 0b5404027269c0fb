"""How-tos, instructions and preferences: what follows an instruction, and what someone prefers, is exact."""

from collections import Counter, defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinylm.world import World
from tinylm.world.genres import instructions
from tinylm.world.genres.instructions import (
    CHOICES,
    COURSES,
    GOALS,
    RECIPES,
    RIVALS,
    SINGLE,
    STYLES,
    TASKS,
    TASTES,
    follows,
    group_of,
    is_taste,
    preferred,
    tastes,
)
from tinylm.world.truth import Fact

WORLD = World(0)


def texts(genre: str, n_chars: int = 200_000, unseen: bool = False) -> list:
    return list(WORLD.text(n_chars, [genre], seed=8, unseen=unseen))


def part(sample, key: str) -> str:
    """What stands behind a label."""
    sentences = sample.sentences
    at = next(i for i, sentence in enumerate(sentences) if sentence.key == key)
    return sample.text[sentences[at + 1].start : sentences[at + 1].end]


def test_good_answers_follow_their_instructions_and_bad_ones_do_not():
    found = Counter()
    for unseen in (False, True):
        for sample in texts("instructions", unseen=unseen):
            for key in {"answer:", "good answer:", "bad answer:"} & {s.key for s in sample.sentences}:
                good = key != "bad answer:"
                assert follows(sample.notes, part(sample, key)) == good, sample.text
                found[sample.notes["task"], good] += 1
            assert follows(sample.notes, sample.answer) == sample.notes["good"]
    assert set(found) == {(name, good) for name in TASKS for good in (False, True)}


@pytest.mark.parametrize(
    ("notes", "good", "bad"),
    [
        (
            {"task": "list", "listed": "animals", "n": 2},
            ["A fox and an owl.", " An owl and a fox."],
            [
                "A fox.",
                "A fox and a fox.",
                "A fox and a lamp.",
                "Red and blue.",
                "A fox, an owl and a bear.",
                "",
            ],
        ),
        (
            {"task": "write again", "word": "fox", "n": 3},
            ["Fox, fox, fox."],
            ["Fox, fox.", "Fox, fox, dog.", ""],
        ),
        ({"task": "one word", "word": "beans"}, ["Beans.", "beans"], ["Foxes eat beans.", "Rice.", ""]),
        ({"task": "city", "cities": ["Ilton"]}, ["One city in Drania is Ilton.", "Ilton"], ["Halton.", ""]),
        ({"task": "plural", "word": "geese"}, ["Geese."], ["Gooses.", "Goose.", ""]),
        (
            {"task": "sort", "words": ("bear", "fox")},
            ["Bear, fox."],
            ["Fox, bear.", "Bear.", "Bear, fox, owl."],
        ),
        ({"task": "capitals", "word": "FOX"}, ["FOX.", " FOX"], ["Fox.", "fox", ""]),
        (
            {"task": "repeat", "sentence": "The fox runs."},
            ["The fox runs."],
            ["The fox sings.", "the fox runs."],
        ),
        ({"task": "count", "n": 4}, ["Four words."], ["Five words.", "The fox runs.", ""]),
        (
            {"task": "about", "n": 3, "word": "fox"},
            ["The fox runs."],
            ["The owl runs.", "The old fox runs.", "The foxes run.", ""],
        ),
        ({"task": "opposite", "word": "old"}, ["Old."], ["Young.", ""]),
        ({"task": "begin", "letter": "c"}, ["A cat.", "a crow"], ["A carrot.", "A dog.", ""]),
        ({"task": "without", "letter": "o"}, ["A cat.", "A bear"], ["A fox.", "A lamp.", ""]),
    ],
    ids=lambda value: value["task"] if isinstance(value, dict) else None,
)
def test_an_answer_in_other_words_is_judged_by_what_was_asked(notes, good, bad):
    assert [follows(notes, answer) for answer in good] == [True] * len(good)
    assert [follows(notes, answer) for answer in bad] == [False] * len(bad)


@given(st.sampled_from(sorted(TASKS)), st.text(max_size=40))
def test_the_checker_takes_any_answer(name, answer):
    sample = next(s for s in INSTRUCTIONS if s.notes["task"] == name)
    assert follows(sample.notes, answer) in (True, False)


INSTRUCTIONS = texts("instructions", 60_000)


def test_words_held_out_are_asked_for_in_no_training_text():
    for unseen in (False, True):
        for sample in texts("instructions", 60_000, unseen):
            for task, kind in (("capitals", "loud"), ("begin", "letter"), ("without", "without")):
                if sample.notes["task"] == task:
                    asked = sample.notes["word"].lower() if task == "capitals" else sample.notes["letter"]
                    assert asked in SINGLE[kind][unseen], sample.text


def test_steps_stand_in_their_order_and_none_that_is_needed_is_missing():
    found = set()
    for sample in texts("how-to"):
        steps = [
            s.key.removesuffix(" in order").split() for s in sample.sentences if s.key.startswith("how ")
        ]
        steps = [(name, int(i)) for _, name, i in (step for step in steps if len(step) == 3) if i.isdigit()]
        name = steps[0][0]
        assert {other for other, _ in steps} == {name}
        course = tuple(i for _, i in steps)
        assert course in COURSES[name], sample.text
        assert list(course) == sorted(course)
        found.add(name)
        numbers = [sample.text[s.start : s.end] for s in sample.sentences if s.key == "step:"]
        assert numbers in ([], [f"Step {n}:" for n in range(1, len(steps) + 1)])
    assert found == set(RECIPES)


def test_what_is_done_to_what_is_held_out():
    for unseen in (False, True):
        for sample in texts("how-to", 60_000, unseen):
            name = next(
                s.key.split()[2] for s in sample.sentences if s.key.startswith(("how title", "how intro"))
            )
            title = sample.text.partition("\n")[0]
            assert any(word in title or f"{word}s" in title for word in GOALS[unseen][name]), title
            assert not any(f" {word}" in title for word in GOALS[not unseen][name]), title


def test_animals_are_offered_what_they_eat():
    offers = [f for sample in texts("how-to") for f in sample.facts if f.relation == "diet"]
    assert len(offers) > 50
    assert all(WORLD.truth["diet"][fact.subject] == fact.object for fact in offers)


def test_everyone_prefers_by_the_most_important_taste_in_which_answers_differ():
    chosen = Counter()
    for sample in texts("preferences"):
        first, second = sample.notes["styles"]
        name = next(
            n for n in tastes(WORLD, sample.notes["person"]) if getattr(first, n) != getattr(second, n)
        )
        taste = tastes(WORLD, sample.notes["person"])[name]
        wanted = bool(TASTES[name].index(taste))
        assert sample.notes["choice"] == ("A" if getattr(first, name) == wanted else "B")
        assert sample.answer.strip()[0] == sample.notes["choice"]
        assert sample.notes["reason"] == taste
        assert "because" not in sample.answer or sample.answer.endswith(f"likes {taste}.")
        chosen[sample.notes["choice"]] += 1
    assert 0.45 < chosen["A"] / chosen.total() < 0.55


def test_answers_are_written_in_the_styles_that_they_are_said_to_have():
    for sample in texts("preferences", 60_000):
        lines = [line.partition(": ")[2] for line in sample.text.split("\n") if line.startswith("Answer ")]
        for line, style in zip(lines, sample.notes["styles"], strict=True):
            assert style.long == (". " in line)
            assert style.numbered == any(c.isdigit() for c in line)
            assert style.casual == line.startswith(("Oh,", "Well,", "Hey,"))
            assert style.flowery == any(
                word in line for word in ("dreams", "dream of", "song", "shadow", "a king", "moon")
            )


PEOPLE = st.sampled_from(WORLD.entities["person"] + WORLD.strangers)
STYLE = st.sampled_from(STYLES)


@given(PEOPLE, STYLE, STYLE, STYLE)
def test_preferences_have_no_order_of_asking_and_no_circles(person, a, b, c):
    def beats(x, y):
        return x != y and preferred(WORLD, person, x, y)[0] == x

    assert a == b or beats(a, b) != beats(b, a)
    if beats(a, b) and beats(b, c):
        assert beats(a, c)


@given(PEOPLE)
def test_tastes_are_the_same_in_every_world_of_a_seed_and_the_judge_knows_them(person):
    assert list(tastes(WORLD, person).items()) == list(tastes(World(0), person).items())
    for name, pair in TASTES.items():
        liked = [taste for taste in pair if is_taste(WORLD, Fact("taste", person, taste))]
        assert liked == [tastes(WORLD, person)[name]]


def test_tastes_differ_from_one_to_another():
    everyone = [tastes(WORLD, person) for person in WORLD.entities["person"]]
    for name in TASTES:
        share = sum(likes[name] == TASTES[name][0] for likes in everyone) / len(everyone)
        assert 0.35 < share < 0.65
        assert 0.1 < sum(next(iter(likes)) == name for likes in everyone) / len(everyone) < 0.4
    other = [tastes(World(1), person) for person in WORLD.entities["person"]]
    assert sum(a == b for a, b in zip(everyone, other, strict=True)) < len(everyone) / 4


def test_two_styles_alike_cannot_be_preferred():
    with pytest.raises(ValueError, match="do not differ"):
        preferred(WORLD, WORLD.entities["person"][0], STYLES[0], STYLES[0])


def test_choices_held_out_for_someone_are_never_shown():
    shown = defaultdict(set)
    for unseen in (False, True):
        for sample in texts("preferences", 60_000, unseen):
            pair = tuple(sorted(sample.notes["styles"]))
            assert pair in CHOICES[group_of(sample.notes["person"]), unseen]
            shown[unseen].add((sample.notes["person"], pair))
        assert len(CHOICES[0, unseen]) == len(RIVALS) * (0.2 if unseen else 0.8)
    assert not shown[False] & shown[True]


def test_the_dial_of_noise_turns_choices_around(monkeypatch):
    monkeypatch.setattr(instructions, "NOISE", 1.0)
    for sample in texts("preferences", 20_000):
        best, _ = preferred(WORLD, sample.notes["person"], *sample.notes["styles"])
        assert "AB"[sample.notes["styles"].index(best)] != sample.notes["choice"]
