"""Reviews: the feeling follows from what is said, and from no single word."""

import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tinylm.world import World
from tinylm.world.genres.reviews import AREAS, BLAME, PRAISE, QUALITIES, held_out, keyword_label

WORLD = World(0)
SAMPLES = list(WORLD.text(300_000, ["reviews"], seed=5))
DENIAL = re.compile(r"\b(not|never|anything but|far from|[Nn]obody could|would not)\b")


def claims(samples):
    """Sentences that say one thing, with the review they stand in."""
    for sample in samples:
        for sentence in sample.sentences:
            if sentence.key.startswith("review claim"):
                yield sample.text[sentence.start : sentence.end], sentence.key


def opinions(sample):
    """The keys of what was said before each feeling of a text, and what that feeling is."""
    keys = []
    for sentence in sample.sentences:
        key = sentence.key
        if key.startswith("feeling ") and keys:
            yield keys, key.removeprefix("feeling ")
            keys = []
        elif key.removesuffix(" denied").endswith(("good", "bad")):
            keys.append(key)


def feeling_of(key: str) -> str:
    """What a sentence comes to: of two clauses the second counts (see the names of the tables)."""
    return "positive" if key.removesuffix(" denied").endswith("good") else "negative"


def test_a_denied_praise_is_negative_and_a_denied_blame_positive():
    for text, key in claims(SAMPLES):
        quality = next(word for word in re.findall(r"\w+", text) if word in {*PRAISE, *BLAME})
        good = (quality in PRAISE) != bool(DENIAL.search(text))
        assert key.startswith("review claim good" if good else "review claim bad"), text


def test_what_stands_after_but_or_in_the_main_clause_decides():
    for sample in SAMPLES:
        for sentence in sample.sentences:
            text = sample.text[sentence.start : sentence.end]
            if match := re.fullmatch(
                r"Although .*?, (.*)|.*?, but (.*)|.*?, and yet (.*)|(.*), although .*", text
            ):
                clause = next(group for group in match.groups() if group)
                quality = next(word for word in re.findall(r"\w+", clause) if word in {*PRAISE, *BLAME})
                good = (quality in PRAISE) != bool(DENIAL.search(clause))
                assert feeling_of(sentence.key) == ("positive" if good else "negative"), text


def test_the_last_sentence_decides_unless_plain_claims_differ():
    for sample in SAMPLES:
        for keys, said in opinions(sample):
            feelings = [feeling_of(key) for key in keys]
            overturned = keys[-1].startswith("review still")
            expected = feelings[-1] if overturned or len(set(feelings)) == 1 else "mixed"
            assert said == expected, sample.text
        assert sample.answer.strip() == f"{said}." == f"{sample.notes['label']}.", sample.text


def test_some_texts_have_one_feeling_and_some_several():
    numbers = [len(list(opinions(sample))) for sample in SAMPLES]
    assert {1, 2, 3} == set(numbers)
    assert 0.1 < numbers.count(1) / len(numbers) < 0.3


def test_notes_tell_denials_and_differing_opinions():
    for sample in SAMPLES:
        *_, (keys, _) = opinions(sample)
        assert sample.notes["negated"] == any("denied" in key for key in keys)
        if not sample.notes["mixed"]:
            assert sample.notes["label"] != "mixed"


def test_counting_words_of_praise_and_blame_is_not_enough():
    denied = [sample for sample in SAMPLES if sample.notes["negated"]]
    for samples, most in ((SAMPLES, 0.65), (denied, 0.45)):
        right = sum(keyword_label(sample.prompt) == sample.notes["label"] for sample in samples)
        assert right < most * len(samples)


def test_counting_words_does_work_where_nothing_is_denied_or_differs():
    plain = [s for s in SAMPLES if not s.notes["negated"] and not s.notes["mixed"]]
    right = sum(keyword_label(sample.prompt) == sample.notes["label"] for sample in plain)
    assert right == len(plain) > 50


def test_no_thing_is_given_a_quality_that_is_held_out_for_it():
    for unseen in (False, True):
        samples = WORLD.text(60_000, ["reviews"], seed=6, unseen=unseen)
        found = [claim for claim, _ in claims(samples)]
        assert len(found) > 100
        for text in found:
            named = re.findall(r"\w+", text)
            aspect = next(word for word in named if any(word in area.aspects for area in AREAS.values()))
            quality = next(word for word in named if word in {*PRAISE, *BLAME})
            assert held_out(aspect, quality) == unseen, text


@given(st.sampled_from(sorted(QUALITIES)))
def test_everything_has_one_held_out_praise_and_one_blame(key):
    aspect, praising, unseen = key
    assert len(QUALITIES[key]) == (1 if unseen else 4)
    assert not set(QUALITIES[key]) & set(QUALITIES[aspect, praising, not unseen])


def test_a_review_speaks_of_nothing_twice():
    for sample in SAMPLES:
        sentences = [sample.text[s.start : s.end] for s in sample.sentences]
        assert all(a != b for a, b in pairwise(sentences)), sample.text
