"""Scenes: subjects and verbs agree, nouns keep to their verbs, and pronouns lean as they should."""

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinylm.world import words
from tinylm.world.genres.scenes import ALLOWED, HELD_OUT, NOUNS, held_out

SINGULAR = "|".join(noun for noun in NOUNS if words.plural(noun) != noun)
PLURAL = "|".join(words.plural(noun) for noun in NOUNS if words.plural(noun) != noun)
BASE = "|".join(words.VERBS)
THIRD = "|".join(map(words.third_person, words.VERBS))
BETWEEN = re.compile(r" (?:near|in) the \w+| that \w+ the \w+")


@pytest.fixture(scope="module")
def sentences(world):
    return [
        sample.text[s.start : s.end]
        for sample in world.text(400_000, ["scenes"], seed=5)
        for s in sample.sentences
    ]


def test_verbs_agree_with_their_subject_whatever_stands_between(sentences):
    agree = re.compile(rf"\b({SINGULAR}) ({THIRD})\b|\b({PLURAL}) ({BASE})\b")
    differ = re.compile(rf"\b({SINGULAR}) ({BASE})\b|\b({PLURAL}) ({THIRD})\b")
    bare = [BETWEEN.sub("", sentence) for sentence in sentences]
    assert sum(bool(agree.search(sentence)) for sentence in bare) > 1_000
    assert sum(bare != sentence for bare, sentence in zip(bare, sentences, strict=True)) > 500
    assert [sentence for sentence in bare if differ.search(sentence)] == []


@given(st.sampled_from(NOUNS), st.sampled_from(words.VERBS))
def test_each_pair_of_noun_and_verb_is_either_allowed_or_held_out(noun, verb):
    assert (verb in ALLOWED[noun]) != (verb in HELD_OUT[noun])
    assert held_out(noun, verb) == (verb in HELD_OUT[noun])


def test_every_noun_and_every_verb_is_known_from_some_pairs():
    assert all(len(ALLOWED[noun]) > len(HELD_OUT[noun]) >= 3 for noun in NOUNS)
    for verb in words.VERBS:
        assert (
            sum(verb in verbs for verbs in ALLOWED.values())
            > sum(verb in verbs for verbs in HELD_OUT.values())
            > 3
        )


def test_no_scene_names_anyone(world, sentences):
    assert not any(re.search(r"[a-z] [A-Z]", sentence) for sentence in sentences)


def test_articles_are_right(sentences):
    for sentence in sentences:
        for article, word in re.findall(r"\b([Aa]n?) (\w+)", sentence):
            assert words.article(word).split()[0] == article.lower(), sentence


def test_without_bias_no_job_leans(world):
    counts = Counter()
    for sample in world.text(500_000, ["pronouns"], seed=6):
        job = next(word for word in re.findall(r"\w+", sample.text) if word in words.JOBS)
        counts[job, bool(re.search(r"\b(she|her)\b", sample.text))] += 1
    for job in words.JOBS:
        n = counts[job, True] + counts[job, False]
        assert abs(counts[job, True] - n / 2) < 5 * (n / 4) ** 0.5
