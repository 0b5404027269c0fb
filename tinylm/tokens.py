"""Text to token ids and back: byte-level byte-pair encoding (BPE), on the Rust library `tokenizers`.

Every string has an encoding, because the 256 bytes are always in the vocabulary; merges only shorten it.
A vocabulary of exactly 256 has no merges: one token is one byte, and for plain English one character.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import tokenizers

N_BYTES = 256


class Tokenizer:
    """Byte-level BPE (Sennrich et al. 2016, on bytes as in Radford et al. 2019).

    Made by `train` or `load`. The file it saves, `tokenizer.json`, is read by Hugging Face's libraries too.
    """

    def __init__(self, backend: tokenizers.Tokenizer):
        self.backend = backend

    @property
    def vocab_size(self) -> int:
        return self.backend.get_vocab_size()

    def encode(self, text: str) -> list[int]:
        """The token ids of `text`; `decode` gives back exactly the same text."""
        return self.backend.encode(text).ids

    def decode(self, ids: Sequence[int]) -> str:
        """The text of `ids`. Bytes that are not valid UTF-8 (half a character, say) become U+FFFD."""
        return self.backend.decode(list(ids), skip_special_tokens=False)

    def tokens(self, text: str) -> list[str]:
        """`text` cut into the pieces that become one id each, for showing."""
        return [self.decode([i]) for i in self.encode(text)]

    def save(self, path: str | Path) -> None:
        """Write `tokenizer.json` to `path`."""
        self.backend.save(str(path))


def train(texts: str | Iterable[str], vocab_size: int = N_BYTES, specials: Sequence[str] = ()) -> Tokenizer:
    """Learn a vocabulary of `vocab_size` tokens from `texts`.

    The 256 bytes come first, then merges, most frequent pair first, then `specials` (whole ASCII strings that
    are never split). Fewer merges than asked for are made where the text has no pair left that occurs twice.

    Raises ValueError where `vocab_size` has no room for the bytes and the specials, or one is not ASCII.
    """
    if vocab_size < N_BYTES + len(specials):
        raise ValueError(
            f"vocab_size={vocab_size} is too small: {N_BYTES} bytes and {len(specials)} special tokens "
            f"need at least {N_BYTES + len(specials)}"
        )
    for special in specials:
        if not special.isascii():  # the decoder would take its letters for bytes
            raise ValueError(f"special token {special!r} has letters outside ASCII: choose another spelling")
    backend = by_bytes(tokenizers.models.BPE())
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=vocab_size - len(specials),
        min_frequency=2,
        initial_alphabet=sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    backend.train_from_iterator([texts] if isinstance(texts, str) else texts, trainer)
    backend.add_special_tokens(list(specials))
    return Tokenizer(backend)


def by_bytes(model: tokenizers.models.Model) -> tokenizers.Tokenizer:
    """A backend of bytes, cut into pieces as GPT-2 does, with this model."""
    backend = tokenizers.Tokenizer(model)
    backend.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = tokenizers.decoders.ByteLevel()
    return backend


def load(path: str | Path) -> Tokenizer:
    """Read what `Tokenizer.save` wrote. Raises FileNotFoundError, or ValueError for a damaged file."""
    content = Path(path).read_bytes()
    try:
        return Tokenizer(tokenizers.Tokenizer.from_buffer(content))
    except Exception as error:  # noqa: BLE001  the library raises bare Exception
        raise ValueError(f"{path} is not a tokenizer.json: {error}") from None


def byte_letters() -> list[str]:
    """The letter by which each of the 256 bytes is written in a vocabulary (Radford et al. 2019)."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = iter(range(256, 512))
    return [chr(byte) if byte in shown else chr(next(others)) for byte in range(256)]
