"""tinylm.corpora: what is read, cleaned, filtered, deduplicated, mixed, split and checked."""

import math
import random
import unicodedata

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tinylm import corpora
from tinylm.language_models import Uniform

PROSE = "A line of plain text, neither long nor short.\n" * 40


@pytest.fixture
def file(tmp_path):
    """Write bytes to a file; its path."""

    def write(content: bytes):
        path = tmp_path / "my text.txt"
        path.write_bytes(content)
        return path

    return write


def test_the_python_documentation_is_long_english_text():
    text = corpora.python_docs()
    assert len(text) > 300_000
    assert sum(character.isascii() for character in text) > 0.99 * len(text)
    assert text.count(" the ") > 1_000
    assert text == corpora.python_docs()


def test_a_text_file_is_read_as_it_is(file):
    text = PROSE + "déjà vu 東京\n"
    assert corpora.read_text(file(text.encode())) == text


def test_a_byte_order_mark_and_windows_line_ends_leave_no_trace(file):
    assert corpora.read_text(file(b"\xef\xbb\xbf" + PROSE.replace("\n", "\r\n").encode())) == PROSE


def test_a_path_may_start_at_home_and_be_a_string(file, monkeypatch):
    monkeypatch.setenv("HOME", str(file(PROSE.encode()).parent))
    assert corpora.read_text("~/my text.txt") == PROSE


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"my text\.txt is empty: give a file with at least 1,000 characters"),
        (b" \n\t\n" * 500, "is empty"),
        (b"PK\x03\x04\0\0" * 500, "is not text .* save it as plain UTF-8 text"),
        (PROSE.encode("utf-16"), "is not text .* save it as plain UTF-8 text"),
        (
            b"first line\n" + PROSE.replace("n", "é").encode("latin-1"),
            r"is not UTF-8 \(line 2\): save it with",
        ),
        (b"x" * 999, "has 999 characters: at least 1,000 are needed"),
        (b"\r\n" * 600 + b"x", "has 601 characters: at least 1,000 are needed"),
    ],
    ids=["no bytes", "only spaces", "binary", "UTF-16", "Latin-1", "too short", "too short without CR"],
)
def test_a_bad_file_is_refused_with_a_way_out(file, content, message):
    with pytest.raises(ValueError, match=message):
        corpora.read_text(file(content))


def test_a_thousand_characters_are_enough(file):
    assert corpora.read_text(file(b"x" * 1000)) == "x" * 1000


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no file .*nowhere\.txt"):
        corpora.read_text(tmp_path / "nowhere.txt")
    with pytest.raises(IsADirectoryError, match="is a folder: give the path of one text file"):
        corpora.read_text(tmp_path)


@settings(max_examples=300)
@given(st.text(alphabet="ab \n", min_size=20, max_size=400), st.floats(0.1, 0.9))
def test_a_split_loses_nothing_and_cuts_at_a_line_end(text, validation):
    training, held_out = corpora.split(text, validation)
    assert training + held_out == text
    assert training
    assert held_out
    assert len(held_out) <= math.ceil(len(text) * validation)
    if "\n" in held_out[:-1]:
        assert training.endswith("\n")


@pytest.mark.parametrize("text", ["x" * 5000, "x" * 5000 + "\n", "a\n" * 10 + "x" * 5000 + "\n"])
def test_one_long_line_is_split_inside(text):
    training, held_out = corpora.split(text, 0.1)
    assert len(held_out) == pytest.approx(len(text) * 0.1, abs=1)
    assert training + held_out == text


@pytest.mark.parametrize("validation", [0, 1, -0.1, 1.5, math.nan])
def test_a_share_outside_zero_and_one_is_refused(validation):
    with pytest.raises(ValueError, match=r"must lie between 0 and 1"):
        corpora.split(PROSE, validation)


@pytest.mark.parametrize("text", ["", "x", "\n"])
def test_a_text_too_short_to_split_is_refused(text):
    with pytest.raises(ValueError, match=r"is too short to hold back a share of 0\.1"):
        corpora.split(text)


def test_the_standard_library_is_a_lot_of_code():
    text = corpora.python_code()
    assert len(text) > 1_000_000
    assert text.count("\ndef ") > 1_000


def test_a_python_without_its_source_is_told_so(monkeypatch, tmp_path):
    monkeypatch.setattr(corpora.sysconfig, "get_path", lambda _: str(tmp_path))
    with pytest.raises(FileNotFoundError, match="no source of the standard library"):
        corpora.python_code()


# ---- clean

PAGE = "Home | News | Shop | Contact\nAnna lives  in a house.\u200b\n\n\n\nShe reads.\r\n12 comments"


def test_what_stands_around_a_text_is_removed():
    assert corpora.clean(PAGE) == "Anna lives in a house.\n\nShe reads."


def test_one_letter_is_written_in_one_way():
    assert corpora.clean("E\u0301lan") == corpora.clean("\u00c9lan") == "\u00c9lan"


def test_indentation_stays():
    assert corpora.clean("def f():\n    return  1") == "def f():\n    return 1"


def test_a_long_line_that_speaks_of_pages_stays():
    line = "He told us that he would click here and there until the whole evening was gone."
    assert corpora.clean(line) == line


@settings(max_examples=300)
@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_cleaning_twice_is_cleaning_once(text):
    once = corpora.clean(text)
    assert corpora.clean(once) == once
    assert unicodedata.is_normalized("NFC", once)
    assert not any(unicodedata.category(c) == "Cc" and c not in "\n\t" for c in once)


# ---- filter

STORY = "The owls near the tower sing at night. Nobody knows why they do it, and nobody minds."


def test_a_good_text_breaks_no_rule():
    assert corpora.quality(STORY) == []


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("Yes.", "words"),
        ("a b c d e f g h i.", "mean word length"),
        ("The number 12 345 678 is 90.", "share of words with a letter"),
        ("So#me of the words* are <written> by m@chines.", "symbols per word"),
        ("Buy it now.\n" * 5, "share of lines that repeat another"),
        ("Please buy green green green ladders.", "share of words that repeat the one before"),
        ("These lines\nhave no end\nlike a sentence", "share of lines that end like a sentence"),
    ],
)
def test_a_bad_text_is_told_its_reason(text, rule):
    (reason,) = corpora.quality(text)
    assert reason.startswith(f"{rule}: ")


@given(st.text(max_size=100))
def test_any_text_can_be_measured(text):
    found = corpora.measures(text)
    assert found.keys() == corpora.LIMITS.keys()
    assert all(math.isfinite(value) for value in found.values())


def test_what_is_unlike_the_trusted_text_is_found():
    trusted = [f"The {a} near the {b} sings at night." for a in ("owl", "cat", "dog") for b in "abcdefgh"]
    assert corpora.unlike([trusted[1], "xq zzv 9#! kwp"], trusted) == [False, True]


def test_the_surprise_at_a_document_is_its_mean_in_nats():
    documents = ["one", "", "zwölf", "a longer one"]
    assert corpora.surprises(Uniform(256), documents) == pytest.approx([math.log(256)] * 4)
    assert corpora.surprises(Uniform(256), []) == []


def test_a_trusted_text_too_small_and_a_share_outside_are_refused():
    with pytest.raises(ValueError, match="trusted holds 9 documents: at least 10"):
        corpora.unlike(["x"], ["a"] * 9)
    with pytest.raises(ValueError, match=r"share=1 must lie between 0 and 1"):
        corpora.unlike(["x"], ["a"] * 10, share=1)


# ---- deduplicate

WORDS = st.lists(st.sampled_from(["owl", "sings", "Tower", "night", "the", "near"]), max_size=8).map(" ".join)


def naive_shingles(text, size=5):
    text = corpora.normalised(text)
    return {text[i : i + size] for i in range(max(1, len(text) - size + 1))}


def naive_similarity(a, b):
    a, b = naive_shingles(a), naive_shingles(b)
    return len(a & b) / len(a | b)


@given(WORDS, WORDS)
def test_similarity_is_that_of_the_sets_of_characters(a, b):
    real = corpora.jaccard(corpora.shingles(a), corpora.shingles(b))
    assert real == pytest.approx(naive_similarity(a, b))
    assert 0 <= real <= 1


@settings(max_examples=50, deadline=None)
@given(st.lists(WORDS, max_size=12), st.sampled_from([0.5, 0.8, 1.0]))
def test_what_is_removed_is_a_copy_of_something_kept(documents, similarity):
    copy_of = corpora.deduplicate(documents, similarity)
    assert len(copy_of) == len(documents)
    for i, j in enumerate(copy_of):
        if j is not None:
            assert j < i
            assert copy_of[j] is None


@settings(max_examples=50, deadline=None)
@given(st.lists(WORDS, max_size=12))
def test_exact_copies_are_all_found_and_nothing_else(documents):
    first = {}
    expected = [first.setdefault(corpora.normalised(text), i) for i, text in enumerate(documents)]
    expected = [None if i == j else j for i, j in enumerate(expected)]
    assert corpora.deduplicate(documents) == expected


def made_up(n, seed=0):
    draw = random.Random(seed)
    return ["".join(draw.choices("abcdefgh ", k=100)) for _ in range(n)]


def changed(text, n, draw):
    letters = list(text)
    for i in draw.sample(range(len(letters)), n):
        letters[i] = "#"
    return "".join(letters)


def test_near_copies_are_found_as_all_pairs_find_them():
    draw, documents = random.Random(0), made_up(60)
    documents += [changed(text, i % 6, draw) for i, text in enumerate(documents)]
    sets, expected = [naive_shingles(text) for text in documents], []
    for i, here in enumerate(sets):
        kept = (j for j in range(i) if expected[j] is None)
        alike = (j for j in kept if len(sets[j] & here) / len(sets[j] | here) >= 0.6)
        expected.append(next(alike, None))
    assert corpora.deduplicate(documents, 0.6, n_bands=60, n_rows=2) == expected
    assert sum(j is not None for j in expected) > 30


def test_recall_is_what_theory_says():
    draw, documents = random.Random(1), made_up(400)
    pairs = [corpora.shingles(t) for text in documents for t in (text, changed(text, 5, draw))]
    s = np.array([corpora.jaccard(a, b) for a, b in zip(pairs[::2], pairs[1::2], strict=True)])
    keys = corpora.bands(corpora.minhash(pairs, 32), 8)
    found = np.mean([not set(a).isdisjoint(b) for a, b in zip(keys[::2], keys[1::2], strict=True)])
    theory = np.mean(1 - (1 - s**4) ** 8)
    assert 0.3 < theory < 0.95
    assert found == pytest.approx(theory, abs=0.08)  # three standard deviations


def test_minima_agree_as_often_as_the_sets_are_similar():
    values = np.random.default_rng(0).integers(0, 2**32, 400, dtype=np.uint64)
    a, b = values[:300], values[100:]
    one, two = corpora.minhash([a, b], 4000)
    assert np.mean(one == two) == pytest.approx(corpora.jaccard(a, b), abs=0.04)


def test_a_long_text_is_hashed_in_parts_with_the_same_result():
    values = np.unique(np.random.default_rng(0).integers(0, 2**32, 10_000, dtype=np.uint64))
    parts = [corpora.minhash([part], 10)[0] for part in np.array_split(values, 7)]
    assert (corpora.minhash([values], 10)[0] == np.minimum.reduce(parts)).all()


@pytest.mark.parametrize("similarity", [0, -1, 1.1, math.nan])
def test_a_similarity_outside_its_range_is_refused(similarity):
    with pytest.raises(ValueError, match="must be above 0 and at most 1"):
        corpora.deduplicate(["a"], similarity)


def test_bad_sizes_are_refused():
    with pytest.raises(ValueError, match="size=0 must be at least 1"):
        corpora.shingles("text", 0)
    with pytest.raises(ValueError, match="n_hashes=0 must be at least 1"):
        corpora.minhash([], 0)
    with pytest.raises(ValueError, match="n_bands=7 must divide the number of hashes, 100"):
        corpora.bands(corpora.minhash([], 100), 7)


# ---- mix


def test_a_higher_temperature_brings_the_small_source_up():
    sizes = {"large": 900, "small": 100}
    assert corpora.mixing_shares(sizes) == pytest.approx({"large": 0.9, "small": 0.1})
    assert corpora.mixing_shares(sizes, 2) == pytest.approx({"large": 0.75, "small": 0.25})
    assert corpora.mixing_shares(sizes, 1e9)["small"] == pytest.approx(0.5)


@settings(max_examples=50)
@given(st.lists(st.floats(0.1, 1), min_size=2, max_size=4), st.integers(0, 9))
def test_each_source_has_its_share_of_the_characters(shares, seed):
    sources = {str(i): [str(i) * n for n in range(1, 12)] for i in range(len(shares))}
    shares = dict(zip(sources, shares, strict=True))
    mixed = corpora.mix(sources, shares, 2_000, seed)
    length = sum(map(len, mixed))
    assert 2_000 <= length < 2_011
    for name, share in shares.items():
        taken = sum(text.count(name) for text in mixed if text[0] == name)
        assert taken == pytest.approx(length * share / sum(shares.values()), abs=30)


def test_a_source_is_used_up_before_it_comes_again():
    mixed = corpora.mix({"a": list("abcdefghij")}, {"a": 1}, 20)
    assert sorted(mixed[:10]) == sorted(mixed[10:]) == list("abcdefghij")
    assert mixed[:10] != mixed[10:]


@pytest.mark.parametrize(
    ("sources", "shares", "message"),
    [
        ({"a": ["x"]}, {"a": 0}, "at least one of them above"),
        ({"a": ["x"]}, {"a": 1, "b": -1}, "must be numbers from 0"),
        ({"a": ["x"]}, {"a": 1, "b": 1}, "b has a share of the mixture but no text"),
        ({"a": ["x"], "b": [""]}, {"a": 1, "b": 1}, "b has a share of the mixture but no text"),
    ],
)
def test_a_mixture_that_cannot_be_made_is_refused(sources, shares, message):
    with pytest.raises(ValueError, match=message):
        corpora.mix(sources, shares, 10)


def test_bad_mixing_shares_are_refused():
    with pytest.raises(ValueError, match="temperature=0 must be above 0"):
        corpora.mixing_shares({"a": 1}, 0)
    with pytest.raises(ValueError, match="sizes: a has 0"):
        corpora.mixing_shares({"a": 0})


# ---- split and check

NAMES = ["Anna", "Ben", "Cleo", "Anna Bell", "Dora"]


TEXTS = st.lists(st.lists(st.sampled_from(NAMES), max_size=2).map(" and ".join), min_size=10)


@settings(max_examples=100)
@given(TEXTS, st.integers(0, 9))
def test_who_is_held_out_is_in_no_training_text(texts, seed):
    texts = [f"{text} sang." for text in texts]
    try:
        training, held_out, chosen = corpora.split_by_entity(texts, NAMES, 0.4, seed)
    except ValueError:
        return  # everyone is named too often, or no one at all
    assert sorted(training + held_out) == sorted(texts)
    assert 0 < len(held_out) <= 0.4 * len(texts)
    for name in chosen:
        alone = [text.replace("Anna Bell", "x") if name == "Anna" else text for text in training]
        assert not any(name in text for text in alone)


def test_a_name_inside_a_word_is_no_name():
    training, held_out, _ = corpora.split_by_entity(["Ben sings.", "Benno sings.", "Who?"], ["Ben"], 0.5)
    assert (training, held_out) == (["Benno sings.", "Who?"], ["Ben sings."])


@pytest.mark.parametrize(
    ("entities", "validation", "message"),
    [
        ([], 0.1, "entities is empty"),
        (["Anna"], 0, "validation=0 must lie between 0 and 1"),
        (["Anna"], 0.5, "entities: none can be held out with a share of 0.5"),
    ],
)
def test_a_split_that_cannot_be_made_is_refused(entities, validation, message):
    with pytest.raises(ValueError, match=message):
        corpora.split_by_entity(["Anna sings.", "Anna sleeps."], entities, validation)


def test_overlap_is_the_share_of_runs_found():
    training = ["one two three four five", "six seven"]
    assert corpora.overlap(["Two, three FOUR!", "one two three six seven", "x y"], training, n=3) == [
        1,
        1 / 3,
        0,
    ]


@given(st.lists(WORDS, max_size=5), st.lists(WORDS, max_size=5), st.integers(1, 4))
def test_overlap_is_a_share_and_all_of_a_text_that_was_trained_on(tests, training, n):
    found = corpora.overlap(tests, training, n)
    assert all(0 <= share <= 1 for share in found)
    trained_on = corpora.overlap(tests, training + tests, n)
    assert trained_on == [float(len(corpora.ngrams(text, n)) > 0) for text in tests]


def test_runs_of_no_words_are_refused():
    with pytest.raises(ValueError, match="n=0 must be at least 1"):
        corpora.overlap(["a"], ["a"], 0)


def test_what_a_model_likes_better_than_the_others_is_memorised():
    def likelihoods(ids):  # each b after the first letter is surer than any other letter
        return torch.where(ids == ord("b"), 0.5, 0.25)

    def encode(text):
        return list(text.encode())

    gain, first = corpora.memorised(likelihoods, encode, "a", "bb", ["cd", "ef"])
    assert (gain, first) == (pytest.approx(2 * math.log(2)), True)
    assert corpora.memorised(lambda ids: likelihoods(ids)[1:], encode, "a", "bb", ["cd"])[0] == pytest.approx(
        gain
    )
    assert corpora.memorised(likelihoods, encode, "a", "cd", ["bb", "ef"])[1] is False
    with pytest.raises(ValueError, match="others is empty"):
        corpora.memorised(likelihoods, encode, "a", "b", [])
