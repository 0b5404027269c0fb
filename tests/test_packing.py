"""tinylm.packing: every text whole, in some row, and hardly a place wasted."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinylm.packing import packed

END = 0
TEXTS = st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=30), max_size=60)


def rows_of(ids, length):
    return ids.view(-1, length).tolist()


def texts_of(row):
    """The texts of a row: what stands between its end marks."""
    texts, text = [], []
    for token in [*row, END]:
        if token != END:
            text.append(token)
        elif text:
            texts.append(tuple(text))
            text = []
    return texts


@given(TEXTS, st.integers(31, 50))
def test_every_text_that_fits_stands_whole_in_one_row_and_once(texts, length):
    found = [text for row in rows_of(packed(texts, length, END), length) for text in texts_of(row)]
    assert Counter(found) == Counter(map(tuple, texts))


@given(TEXTS, st.integers(2, 12))
def test_a_longer_text_is_cut_and_nothing_of_it_is_lost(texts, length):
    rows = rows_of(packed(texts, length, END), length)
    assert all(row[0] == END for row in rows), "a window must begin where a text does"
    found = Counter(token for row in rows for token in row if token != END)
    assert found == Counter(token for text in texts for token in text)


def test_rows_of_many_short_texts_are_nearly_full():
    rng = random.Random(0)
    texts = [[1] * rng.randint(10, 60) for _ in range(3_000)]
    ids = packed(texts, 128, END)
    assert len(ids) < 1.03 * sum(len(text) + 1 for text in texts)


def test_a_row_without_room_is_refused():
    with pytest.raises(ValueError, match="length=1 has no room"):
        packed([[1]], 1, END)
