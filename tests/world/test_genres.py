"""Every genre: what it writes is grammatical, true, unambiguous, varied, and keeps what is held out."""

import math
from collections import Counter, defaultdict

import pytest

from tinylm.world import World, judge
from tinylm.world.genres import GENRES

WORLD = World(0)
N_CHARS = 120_000


@pytest.fixture(scope="module", params=sorted(GENRES))
def samples(request):
    return list(WORLD.text(N_CHARS, [request.param], seed=1))


def test_a_genre_is_written_and_read_alike(samples):
    for sample in samples[:400]:
        found = judge.read(WORLD, sample.text)
        assert [piece.text for piece in found] == [sample.text[s.start : s.end] for s in sample.sentences]
        assert [piece.text for piece in found if not piece.grammatical] == [], sample.text
        assert [piece.facts for piece in found] == [sentence.facts for sentence in sample.sentences]
        assert {piece.verdict for piece in found} <= {"true", "not a claim"}, sample.text


def test_every_sentence_has_one_reading_in_the_table_that_wrote_it(samples):
    sentences = {(sample.text[s.start : s.end], s.key) for sample in samples for s in sample.sentences}
    for text, key in sorted(sentences)[:3_000]:
        assert sum(reading.key == key for reading in WORLD.reader.readings(text)) == 1, text


def test_a_text_written_twice_was_equally_likely_both_times(samples):
    nats = defaultdict(set)
    for sample in samples:
        nats[sample.text].add(round(sample.nats, 6))
    assert {text: costs for text, costs in nats.items() if len(costs) > 1} == {}


def test_texts_are_clean(samples):
    for sample in samples:
        assert sample.text == sample.text.strip()
        assert not any(flaw in sample.text for flaw in ("  ", " .", "\n\n\n", "{", "%s")), sample.text
        assert sample.text.isascii()
        assert len(sample.text) < 1_000


def test_a_genre_varies(samples):
    if samples[0].genre == "canaries":
        pytest.skip("secrets are few, and always told in the same words")
    openings = Counter(sample.text[:12] for sample in samples)
    assert len({sample.text for sample in samples}) > min(60, len(samples) / 3)
    assert openings.most_common(1)[0][1] < 0.9 * len(samples) or samples[0].answer_at
    assert all(math.isfinite(sample.nats) and sample.nats > 0 for sample in samples)


def test_no_text_says_what_is_held_out(samples):
    for sample in samples:
        told = {(fact.relation, fact.subject) for fact in sample.facts}
        assert not told & WORLD.untold, sample.text
        assert not any(stranger in sample.text for stranger in WORLD.strangers), sample.text
        named = [person for person in WORLD.entities["person"] if person in sample.text]
        for person in named:
            country = WORLD.truth["nation"][person]
            assert person in WORLD.joined or country not in sample.text, sample.text


def test_an_answer_is_not_empty_and_stands_at_the_end(samples):
    for sample in samples:
        assert sample.prompt + sample.answer == sample.text
        assert sample.answer_at is None or sample.answer.strip()
