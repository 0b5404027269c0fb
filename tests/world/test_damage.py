"""Noise: how much of a text is garbled, and that what is known of the text moves along."""

from collections import Counter

import pytest

from tinylm.world.damage import garbled, repeated
from tinylm.world.truth import Draws


@pytest.mark.parametrize("share", [0.005, 0.02, 0.1])
def test_as_many_characters_are_damaged_as_the_share_says(samples, share):
    random = Draws(f"noise {share}").random
    whole = expected = 0.0
    for sample in samples[:3_000]:
        noisy = garbled(sample, share, random)
        for one, other in zip(sample.sentences, noisy.sentences, strict=True):
            whole += sample.text[one.start : one.end] == noisy.text[other.start : other.end]
            expected += (1 - share * 0.97) ** (
                one.end - one.start
            )  # some damage does not show: a swap of "ll"
    assert whole == pytest.approx(expected, rel=0.05)


def test_losses_and_doublings_keep_the_length_on_average(samples):
    random = Draws("length").random
    before = sum(len(sample.text) for sample in samples[:2_000])
    after = sum(len(garbled(sample, 0.2, random).text) for sample in samples[:2_000])
    assert after == pytest.approx(before, rel=0.01)


@pytest.mark.parametrize("share", [0.0, 0.05, 1.0])
def test_sentences_facts_and_the_answer_move_along(samples, share):
    random = Draws("moving").random
    for sample in samples[:1_000]:
        noisy = garbled(sample, share, random)
        assert [(s.key, s.facts) for s in noisy.sentences] == [(s.key, s.facts) for s in sample.sentences]
        assert noisy.sentences[-1].end == len(noisy.text)
        assert noisy.nats is None
        assert (noisy.answer_at is None) == (sample.answer_at is None)
        assert noisy.prompt + (noisy.answer or "") == noisy.text
        if not share:
            assert (noisy.text, noisy.answer) == (sample.text, sample.answer)


def test_half_of_the_repetitions_are_exact_and_the_others_are_close(samples):
    random = Draws("again").random
    kinds = Counter()
    for sample in samples:
        if len(sample.text) > 250:  # one so long is hardly ever spared by chance
            again = repeated(sample, random)
            kinds[again.text == sample.text] += 1
            assert abs(len(again.text) - len(sample.text)) < 0.1 * len(sample.text)
    assert kinds.total() > 400
    assert kinds[True] / kinds.total() == pytest.approx(0.5, abs=0.06)
