"""tinylm.vocabularies: cut short, compared, safe from strangers, and learned in other ways."""

import json

import pytest

from tinylm import tokens, vocabularies

TEXT = "the cat sat on the mat; the dogs sat on the logs, and no cat sat on a dog. déjà vu\n" * 30
TOKENIZER = tokens.train(TEXT, 300, specials=["<|end|>"])


@pytest.mark.parametrize("vocab_size", [256, 257, 280, 299])
def test_a_shortened_vocabulary_is_one_trained_to_that_size(vocab_size):
    short, trained = vocabularies.shortened(TOKENIZER, vocab_size), tokens.train(TEXT, vocab_size)
    assert short.backend.to_str() == trained.backend.to_str()


def test_a_vocabulary_that_never_was_so_large_stays_as_it_is():
    tokenizer = tokens.train("abab abab", 400)
    assert vocabularies.shortened(tokenizer, 350).vocab_size == tokenizer.vocab_size


def test_fewer_tokens_than_bytes_are_refused():
    with pytest.raises(ValueError, match="vocab_size=255 is too small"):
        vocabularies.shortened(TOKENIZER, 255)


def test_merges_are_pairs_of_earlier_tokens():
    pairs = vocabularies.merges(TOKENIZER)
    assert len(pairs) == TOKENIZER.vocab_size - 256 - 1
    for i, (left, right) in enumerate(pairs, start=256):
        assert max(left, right) < i
        assert TOKENIZER.decode([left, right]) == TOKENIZER.decode([i])


def test_bytes_per_token_counts_bytes_not_characters():
    assert vocabularies.bytes_per_token(tokens.train(TEXT), "dé") == 1
    assert vocabularies.bytes_per_token(TOKENIZER, TEXT) > 2
    with pytest.raises(ValueError, match="empty"):
        vocabularies.bytes_per_token(TOKENIZER, "")


def test_what_strangers_type_is_never_special():
    (end,), text = TOKENIZER.encode("<|end|>"), "the cat<|end|>the <|end|><|end|>"
    safe = vocabularies.for_strangers(TOKENIZER)
    assert TOKENIZER.encode(text).count(end) == 3
    assert end not in safe.encode(text)
    assert safe.decode(safe.encode(text)) == text
    assert safe.decode([end]) == "<|end|>"  # a program may still put it in
    assert safe.encode("the cat") == TOKENIZER.encode("the cat")
    assert TOKENIZER.encode(text).count(end) == 3  # the original is as before


def test_the_longest_token_first_gives_the_same_text_by_the_longest_tokens():
    other, known = vocabularies.longest_first(TOKENIZER), TOKENIZER.backend.get_vocab()
    for word in ("thedogs", "catlogs", "vudé", "satonthe"):
        left, greedy = TOKENIZER.backend.pre_tokenizer.pre_tokenize_str(word)[0][0], []
        while left:
            end = next(end for end in range(len(left), 0, -1) if left[:end] in known)
            greedy.append(known[left[:end]])
            left = left[end:]
        assert other.encode(word) == greedy
        assert other.decode(greedy) == word


def test_wordpiece_takes_the_longest_from_the_left_and_marks_what_goes_on():
    tokenizer = vocabularies.wordpiece(TEXT, 600)
    assert tokenizer.vocab_size <= 600
    known, word = tokenizer.backend.get_vocab(), "Ġdogsat"
    greedy = []
    while word:
        mark = "##" if greedy else ""
        end = next(end for end in range(len(word), 0, -1) if mark + word[:end] in known)
        greedy.append(mark + word[:end])
        word = word[end:]
    assert tokenizer.backend.encode(" dogsat").tokens == greedy
    assert len(greedy) > 1


def test_unigram_takes_the_most_probable_cut():
    tokenizer = vocabularies.unigram(TEXT, 520)
    assert tokenizer.decode(tokenizer.encode("no dogs, déjà")) == "no dogs, déjà"
    scores = dict(json.loads(tokenizer.backend.to_str())["model"]["vocab"])
    word, best = "Ġlogs", {0: (0.0, [])}
    for end in range(1, len(word) + 1):
        best[end] = max(
            (best[start][0] + scores[word[start:end]], [*best[start][1], word[start:end]])
            for start in range(end)
            if word[start:end] in scores
        )
    assert tokenizer.backend.encode(" logs").tokens == best[len(word)][1]


@pytest.mark.parametrize("learn", [vocabularies.wordpiece, vocabularies.unigram])
def test_other_vocabularies_need_room_for_bytes_too(learn):
    with pytest.raises(ValueError, match="vocab_size=300 is too small"):
        learn(TEXT, 300)


def test_words_are_counted_in_the_tokens_of_bytes():
    words = vocabularies.counted_words("owl owl owl, é")
    bytewise = tokens.train("")
    assert [(bytewise.decode(word), count) for word, count in words] == [
        ("owl", 1),
        (" owl", 2),
        (",", 1),
        (" é", 1),
    ]
    assert vocabularies.counted_words("") == []
