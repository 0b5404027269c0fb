"""A model and its tokenizer as one file that a page can load: half precision, named by its content."""

import base64
import hashlib
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from tinylm.tokens import Tokenizer, byte_letters
from tinylm.transformer import Block, Config, Transformer

LARGEST = 8_000_000  # parameters: above, a page takes too long to load


class CannotPublish(ValueError):
    """A page cannot run this model or this tokenizer; the message is a sentence that says why."""


@dataclass(frozen=True)
class Publication:
    """What a page needs to run a model: its sizes, its weights in half precision, and its tokenizer."""

    config: dict
    tokenizer: dict  # bytes, merges, specials: as page/bpe.js takes them
    weights: bytes  # float16, little-endian, in the order of `parts`

    @cached_property
    def name(self) -> str:
        """Twelve letters that only the same model and tokenizer have."""
        about = json.dumps([self.config, self.tokenizer], sort_keys=True).encode()
        return hashlib.sha256(about + self.weights).hexdigest()[:12]

    def script(self) -> str:
        """A script that hands all of it to the page: a page on a disk may load that, and fetch nothing."""
        data = {
            "config": self.config,
            "tokenizer": self.tokenizer,
            "checksum": zlib.crc32(self.weights),
            "weights": base64.b64encode(self.weights).decode(),
        }
        return (
            f'(window.tinylmWeights ??= {{}})["{self.name}"] = {json.dumps(data, separators=(",", ":"))};\n'
        )


def publish(model: Transformer, tokenizer: Tokenizer) -> Publication:
    """The publication of a model. Raises CannotPublish where a page cannot run it."""
    if not isinstance(model, Transformer):
        raise CannotPublish(f"A page runs tinylm's Transformer alone, and this is a {type(model).__name__}.")
    if not model.config.causal:
        raise CannotPublish("This model is not causal: it cannot say what comes next.")
    if model.n_parameters > LARGEST:
        raise CannotPublish(
            f"This model has {model.n_parameters / 1e6:.0f} million parameters, more than the "
            f"{LARGEST // 10**6} million that a page loads in reasonable time."
        )
    spelled = spelling(tokenizer)
    if tokenizer.vocab_size > model.config.vocab_size:
        raise CannotPublish(
            f"The tokenizer has {tokenizer.vocab_size} tokens and the model knows {model.config.vocab_size}."
        )
    weights = []
    for name, part in parts(model):
        part = part.detach().to("cpu", torch.float16)
        if not part.isfinite().all():
            raise CannotPublish(
                f"The model's {name} holds numbers that are not finite (NaN or beyond half precision), so "
                "nothing can be computed with it. Was its learning rate too high?"
            )
        weights.append(part.contiguous().numpy().astype("<f2").tobytes())
    return Publication(model.config.to_dict(), spelled, b"".join(weights))


def parts(model: Transformer) -> Iterator[tuple[str, Tensor]]:
    """The weights of a model, by name, in the order in which they are published."""
    yield "embedding", model.embedding.weight
    for i, block in enumerate(model.blocks):
        for name, part in parts_of_block(block):
            yield f"{name} of layer {i}", part
    yield "last norm", model.norm.weight
    if not model.config.tied:
        yield "readout", model.readout.weight


def parts_of_block(block: Block) -> Iterator[tuple[str, Tensor]]:
    attention, feedforward = block.attention, block.feedforward
    yield "attention norm", block.attention_norm.weight
    yield "queries", attention.query.weight
    yield "keys", attention.key.weight
    yield "values", attention.value.weight
    if attention.config.qk_norm:
        yield "query norm", attention.query_norm.weight
        yield "key norm", attention.key_norm.weight
    yield "attention output", attention.output.weight
    yield "feed-forward norm", block.feedforward_norm.weight
    yield "gate", feedforward.gate.weight
    yield "up", feedforward.up.weight
    yield "down", feedforward.down.weight


def restore(publication: Publication) -> Transformer:
    """The model that a publication holds: what the page computes with, in PyTorch."""
    model = Transformer(Config(**publication.config))
    flat = torch.frombuffer(bytearray(publication.weights), dtype=torch.float16).float()
    places = [part for _, part in parts(model)]
    with torch.no_grad():
        for place, part in zip(places, flat.split([p.numel() for p in places]), strict=True):
            place.copy_(part.view_as(place))
    return model.eval()


def spelling(tokenizer: Tokenizer) -> dict:
    """A byte-level BPE as ids: of the 256 bytes, of each merge (left, right, new), of whole special strings.

    Raises CannotPublish for any other kind of tokenizer.
    """
    data = json.loads(tokenizer.backend.to_str())
    cutting, merging = data["pre_tokenizer"] or {}, data["model"]
    plain = (
        merging["type"] == "BPE"
        and cutting.get("type") == "ByteLevel"
        and not cutting["add_prefix_space"]
        and cutting["use_regex"]
        and not data["normalizer"]
        and not merging.get("ignore_merges")
        and not merging.get("dropout")
    )
    flags = ("lstrip", "rstrip", "single_word")
    if not plain or any(added[flag] for added in data["added_tokens"] for flag in flags):
        raise CannotPublish(
            "A page knows byte-level BPE that cuts words as GPT-2 does, and no other tokenizer."
        )
    vocabulary, alphabet = merging["vocab"], byte_letters()
    specials = {added["content"]: added["id"] for added in data["added_tokens"]}
    if not all(letter in vocabulary for letter in alphabet):
        raise CannotPublish("The tokenizer lacks some of the 256 bytes, so not every text has ids.")
    pairs = [merge.split(" ") if isinstance(merge, str) else merge for merge in merging["merges"]]
    made = {*alphabet, *(left + right for left, right in pairs), *specials}
    if not vocabulary.keys() <= made:
        raise CannotPublish("The tokenizer has tokens that no merge makes.")
    return {
        "bytes": [vocabulary[letter] for letter in alphabet],
        "merges": [vocabulary[token] for left, right in pairs for token in (left, right, left + right)],
        "specials": specials,
    }
