"""What a chapter on tokens does with vocabularies beyond using them: cut them short, compare them, keep their
special tokens from strangers, and learn them in two other ways. Explained in chapters/tokens.md.
"""

import json
from collections import Counter

import tokenizers

from tinylm.tokens import N_BYTES, Tokenizer, by_bytes

UNKNOWN = "[UNK]"


def merges(tokenizer: Tokenizer) -> list[tuple[int, int]]:
    """The pairs of token ids that a byte-pair vocabulary merges, in the order in which they were learned."""
    ids = tokenizer.backend.get_vocab()
    pairs = json.loads(tokenizer.backend.to_str())["model"]["merges"]
    return [(ids[left], ids[right]) for left, right in pairs]


def shortened(tokenizer: Tokenizer, vocab_size: int) -> Tokenizer:
    """The byte-pair tokenizer as it was when it had learned `vocab_size` tokens, without special tokens.

    Merges are learned one by one, so it equals one trained to that size on the same text. One that never had
    so many stays as it is. Raises ValueError for fewer tokens than there are bytes.
    """
    if vocab_size < N_BYTES:
        raise ValueError(f"vocab_size={vocab_size} is too small: the {N_BYTES} bytes are always there")
    content = json.loads(tokenizer.backend.to_str())
    model, content["added_tokens"] = content["model"], []
    model["merges"] = model["merges"][: vocab_size - N_BYTES]
    n_tokens = N_BYTES + len(model["merges"])
    model["vocab"] = {token: i for token, i in model["vocab"].items() if i < n_tokens}
    return Tokenizer(tokenizers.Tokenizer.from_str(json.dumps(content)))


def counted_words(text: str) -> list[list]:
    """The pieces of `text` across whose borders nothing is merged, as byte tokens, with their counts:
    [[token, token, ...], count] for each, in the order in which they first occur.
    """
    bytewise = Tokenizer(by_bytes(tokenizers.models.BPE(_bytes(), [])))
    cut = bytewise.backend.pre_tokenizer.pre_tokenize_str(text)
    counts = Counter(text[start:end] for _, (start, end) in cut)
    return [[bytewise.encode(piece), count] for piece, count in counts.items()]


def bytes_per_token(tokenizer: Tokenizer, text: str) -> float:
    """How many bytes of UTF-8 a token of `text` has, on average. Raises ValueError for an empty text."""
    if not text:
        raise ValueError("the text is empty: give one with at least a character")
    return len(text.encode()) / len(tokenizer.encode(text))


def for_strangers(tokenizer: Tokenizer) -> Tokenizer:
    """A copy that takes special tokens in a text for plain characters: for text that somebody else has typed.

    Its ids mean the same, and it decodes them all; it only never gives the id of a special token.
    """
    backend = tokenizers.Tokenizer.from_str(tokenizer.backend.to_str())
    backend.encode_special_tokens = True
    return Tokenizer(backend)


def longest_first(tokenizer: Tokenizer) -> Tokenizer:
    """The same tokens by another rule: the longest that fits is taken, from the left, as WordPiece does."""
    settings = {"unk_token": "!", "continuing_subword_prefix": "", "max_input_chars_per_word": 100_000}
    model = tokenizers.models.WordPiece(tokenizer.backend.get_vocab(), **settings)
    return Tokenizer(by_bytes(model))


def wordpiece(text: str, vocab_size: int) -> Tokenizer:
    """A WordPiece vocabulary (Schuster and Nakajima 2012) of bytes: pieces that go on with a word begin with
    ##, and the longest that fits is taken, from the left. A byte never seen inside a word makes the word
    unknown. The library learns it as it learns byte pairs, most frequent first. Raises ValueError where
    `vocab_size` has no room for all bytes, at a word's start and inside.
    """
    model = tokenizers.models.WordPiece(unk_token=UNKNOWN, max_input_chars_per_word=1_000)
    return _learned(model, tokenizers.trainers.WordPieceTrainer, text, vocab_size)


def unigram(text: str, vocab_size: int) -> Tokenizer:
    """A Unigram vocabulary (Kudo 2018) of bytes: begun with too many pieces, each with a probability; those
    missed least are dropped, and a word is cut in its likeliest way. Raises ValueError as `wordpiece` does.
    """
    trainer = tokenizers.trainers.UnigramTrainer
    return _learned(tokenizers.models.Unigram(), trainer, text, vocab_size, unk_token=UNKNOWN)


def _learned(model, trainer, text: str, vocab_size: int, **settings) -> Tokenizer:
    if vocab_size < 2 * N_BYTES + 1:
        raise ValueError(f"vocab_size={vocab_size} is too small: give at least {2 * N_BYTES + 1}")
    backend = by_bytes(model)
    settings |= {"vocab_size": vocab_size, "initial_alphabet": list(_bytes()), "special_tokens": [UNKNOWN]}
    backend.train_from_iterator([text], trainer(show_progress=False, **settings))
    return Tokenizer(backend)


def _bytes() -> dict[str, int]:
    """The signs that the library writes bytes with, and their numbers."""
    return {sign: i for i, sign in enumerate(sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet()))}
