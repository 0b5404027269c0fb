"""tinylm.corpora: a good file is read as it is, a bad one is refused with a way out."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinylm import corpora

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
