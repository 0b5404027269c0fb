"""tinylm.tokens: whatever goes in comes out again."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinylm import tokens

TEXT = "the cat sat on the mat; the dog sat on the log. déjà vu, naïve, 東京\n" * 30
TOKENIZER = tokens.train(TEXT, vocab_size=280, specials=["<end>", "<|a b|>"])
BYTEWISE = tokens.train(TEXT)


@settings(deadline=None, max_examples=200)
@given(st.text())
def test_every_text_comes_back_unchanged(text):
    assert TOKENIZER.decode(TOKENIZER.encode(text)) == text


@settings(deadline=None, max_examples=100)
@given(st.lists(st.sampled_from(["<end>", "<|a b|>", " ", "the", "é", "<", "end>", "\n", "東"])).map("".join))
def test_texts_with_special_tokens_come_back_unchanged(text):
    ids = TOKENIZER.encode(text)
    assert TOKENIZER.decode(ids) == text
    assert sum(i >= 278 for i in ids) == text.count("<end>") + text.count("<|a b|>")


@settings(deadline=None, max_examples=100)
@given(st.text())
def test_a_vocabulary_of_the_bytes_has_no_merges(text):
    assert BYTEWISE.vocab_size == 256
    assert len(BYTEWISE.encode(text)) == len(text.encode())


def test_the_bytes_come_first_then_merges_then_specials():
    vocabulary = TOKENIZER.backend.get_vocab()
    assert TOKENIZER.vocab_size == 280
    assert sorted(vocabulary.values()) == list(range(280))
    assert all(len(token) == 1 for token, i in vocabulary.items() if i < 256)
    assert (vocabulary["<end>"], vocabulary["<|a b|>"]) == (278, 279)
    assert TOKENIZER.decode([256]) in TEXT  # the first merge: the commonest pair


def test_merges_shorten_and_are_made_of_what_was_seen():
    assert len(TOKENIZER.encode(TEXT)) < len(BYTEWISE.encode(TEXT)) / 2
    assert TOKENIZER.tokens(" the log") == [" the", " ", "log"]


def test_pieces_joined_are_the_text():
    assert "".join(TOKENIZER.tokens("the <end> of the log")) == "the <end> of the log"


def test_half_a_character_decodes_to_the_replacement_character():
    assert BYTEWISE.decode(BYTEWISE.encode("é")[:1]) == "\ufffd"


def test_a_text_with_few_pairs_gives_fewer_merges():
    assert tokens.train("abcd", vocab_size=400).vocab_size == 256


def test_the_same_texts_give_the_same_vocabulary():
    again = tokens.train(iter([TEXT]), vocab_size=280, specials=["<end>", "<|a b|>"])
    assert again.backend.to_str() == TOKENIZER.backend.to_str()


def test_a_saved_tokenizer_loads_equal(tmp_path):
    TOKENIZER.save(tmp_path / "tokenizer.json")
    loaded = tokens.load(tmp_path / "tokenizer.json")
    assert loaded.backend.to_str() == TOKENIZER.backend.to_str()
    assert loaded.encode("the end<end>é") == TOKENIZER.encode("the end<end>é")


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff\xfe", b"[1, 2]", b'{"version": "1.0"}'])
def test_a_damaged_file_is_refused_by_name(tmp_path, damage):
    (tmp_path / "tokenizer.json").write_bytes(damage)
    with pytest.raises(ValueError, match=r"tokenizer\.json is not a tokenizer\.json"):
        tokens.load(tmp_path / "tokenizer.json")


def test_half_a_file_is_refused(tmp_path):
    TOKENIZER.save(tmp_path / "tokenizer.json")
    text = (tmp_path / "tokenizer.json").read_text(encoding="utf-8")
    (tmp_path / "tokenizer.json").write_text(text[: len(text) // 2], encoding="utf-8")
    with pytest.raises(ValueError, match="is not a tokenizer"):
        tokens.load(tmp_path / "tokenizer.json")


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        tokens.load(tmp_path / "nowhere.json")


@pytest.mark.parametrize(("vocab_size", "specials"), [(255, []), (0, []), (257, ["<a>", "<b>"])])
def test_a_vocabulary_without_room_for_the_bytes_is_refused(vocab_size, specials):
    with pytest.raises(
        ValueError, match=f"vocab_size={vocab_size} is too small.*at least {256 + len(specials)}"
    ):
        tokens.train(TEXT, vocab_size, specials)


@pytest.mark.parametrize("special", ["«end»", "fin°", "é"])
def test_a_special_token_that_could_not_be_decoded_is_refused(special):
    with pytest.raises(ValueError, match="ASCII"):
        tokens.train(TEXT, 300, [special])


def test_the_file_is_plain_json_that_other_libraries_read(tmp_path):
    TOKENIZER.save(tmp_path / "tokenizer.json")
    content = json.loads((tmp_path / "tokenizer.json").read_text(encoding="utf-8"))
    assert content["model"]["type"] == "BPE"
    assert [added["content"] for added in content["added_tokens"]] == ["<end>", "<|a b|>"]
