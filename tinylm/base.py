"""The base model: it has read all genres of the little world and the Python documentation.

`tinylm.checkpoints.pretrained("base")` trains it once and keeps it; later chapters start from it. Its first
lessons are drills: random tokens, and the same tokens again. All that can be learned from them is to look
back. A model that can do that learns from text what it would not have learned in the time there is.
"""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from tinylm import corpora, pretraining, tokens
from tinylm.tokens import Tokenizer
from tinylm.transformer import Config, Transformer
from tinylm.world import World

END = "<|end|>"  # stands after every text
LONGEST_DRILL = 11  # longer ones are learned later: much else stands between a token and its twin


@dataclass(frozen=True)
class Recipe:
    """All that makes a base model what it is."""

    size: int = 200  # of the world: how many people text may mention
    n_chars: int = 16_000_000  # of the world's texts
    docs_share: float = 0.05  # of the characters: the Python documentation's
    vocab_size: int = 2048
    d_model: int = 128
    n_layers: int = 3
    n_heads: int = 4
    context: int = 128
    batch_size: int = 16
    drill_steps: int = 200
    drill_share: float = 0.1  # of the texts: drills that go on among them, lest they are forgotten
    n_steps: int = 1500
    matrix_rate: float = 0.01
    other_rate: float = 0.006


RECIPES = {
    "base": Recipe(),  # about a million parameters, three minutes on two cores
    # ten and eighty million parameters, for a GPU: more people to know, and longer texts in view
    "base-medium": Recipe(
        size=2_000,
        n_chars=200_000_000,
        docs_share=0.002,
        vocab_size=4096,
        d_model=384,
        n_layers=6,
        n_heads=6,
        context=256,
        batch_size=64,
        n_steps=12_000,
    ),
    "base-large": Recipe(
        size=10_000,
        n_chars=1_000_000_000,
        docs_share=0.0005,
        vocab_size=8192,
        d_model=768,
        n_layers=12,
        n_heads=12,
        context=512,
        batch_size=128,
        n_steps=15_000,
        matrix_rate=0.006,
        other_rate=0.003,
    ),
}


def train(
    recipe: Recipe, seed: int = 0, folder: str | Path | None = None, progress: str | None = "base model"
) -> tuple[Transformer, Tokenizer, dict]:
    """Train a base model on the world of `seed`: the model, its tokenizer, and the loss at every step.

    folder: keep the run's state there, and go on from it. Ctrl-C raises KeyboardInterrupt.
    """
    world = World(seed, recipe.size)
    tokenizer = learned_tokenizer(world, recipe)
    torch.manual_seed(seed)
    model = Transformer(
        Config(
            tokenizer.vocab_size,
            d_model=recipe.d_model,
            n_layers=recipe.n_layers,
            n_heads=recipe.n_heads,
            context=recipe.context,
            qk_norm=True,
            tied=True,  # so that what was looked up can be said without learning how for every token
        )
    )
    share_a_direction(model)
    rates = {"matrix_rate": recipe.matrix_rate, "other_rate": recipe.other_rate}
    read = encoded(texts(world, recipe), tokenizer)
    drilled = drills(tokenizer, 8_192 * recipe.context, seed)
    read = torch.cat((read, drilled[: int(len(read) * recipe.drill_share)]))
    lessons = {
        "drills": (drilled, recipe.drill_steps),
        "texts": (read, recipe.n_steps),
    }
    history = {}
    for name, (ids, n_steps) in lessons.items():
        losses = pretraining.train(
            model,
            ids,
            n_steps,
            recipe.batch_size,
            **rates,
            warm_up=30,
            seed=seed,
            folder=folder and Path(folder) / name,
            save_every=200,
            progress=progress and f"{progress}, {name}",
        ).training
        if len(losses) < n_steps:  # training ends where Ctrl-C is pressed; a base model is whole or none
            raise KeyboardInterrupt
        history[name] = losses
    return model.eval(), tokenizer, {"loss": history}


@torch.no_grad()
def share_a_direction(model: Transformer) -> None:
    """Add one random vector to all embeddings, so that queries and keys have a part that no token changes: a
    head can then find the token before by its position alone."""
    weight = model.embedding.weight
    weight += weight.std() * torch.randn(weight.shape[1])


def learned_tokenizer(world: World, recipe: Recipe) -> Tokenizer:
    """A vocabulary from a sample of the world's texts and the documentation."""
    sample = [text for text, _ in zip(texts(world, recipe), range(10_000), strict=False)]
    return tokens.train(sample, recipe.vocab_size, specials=[END])


def texts(world: World, recipe: Recipe) -> Iterator[str]:
    """What the model reads: the world's texts in all genres, and between them pages of documentation."""
    pages = documentation(recipe.docs_share * recipe.n_chars)
    for i, sample in enumerate(world.text(recipe.n_chars, seed=1)):
        yield sample.text
        if i % 20 == 0:
            yield from (page for page, _ in zip(pages, range(2), strict=False))
    yield from pages


def documentation(n_chars: float, page: int = 400) -> Iterator[str]:
    """Paragraphs of the Python documentation, put together to pages of about `page` characters; those of the
    first nine tenths, as often as it takes to make `n_chars`."""
    text, _ = corpora.split(corpora.python_docs())
    written = 0
    while written < n_chars:
        held = ""
        for paragraph in text.split("\n\n"):
            held = f"{held}\n\n{paragraph}" if held else paragraph
            if len(held) >= page:
                yield held
                written += len(held)
                held = ""
                if written >= n_chars:
                    return


def encoded(documents: Iterable[str], tokenizer: Tokenizer, batch: int = 4_096) -> Tensor:
    """The token ids (N,) of documents, each followed by the end mark."""
    ids, waiting = [], []

    def flush() -> None:
        batch_ids = [e.ids for e in tokenizer.backend.encode_batch(waiting)]
        ids.append(torch.tensor([i for row in batch_ids for i in row], dtype=torch.int64))
        waiting.clear()

    for document in documents:
        waiting.append(document + END)
        if len(waiting) == batch:
            flush()
    flush()
    return torch.cat(ids)


def drills(tokenizer: Tokenizer, n_tokens: int, seed: int) -> Tensor:
    """At least `n_tokens` ids: lines of 4 to 11 random tokens, each written twice, and the end mark: (N,)."""
    rng, ids = random.Random(seed), []
    (line_end,), (end,) = tokenizer.encode("\n"), tokenizer.encode(END)
    others = [i for i in range(tokenizer.vocab_size) if i not in (line_end, end)]
    while len(ids) < n_tokens:
        part = rng.sample(others, rng.randint(4, LONGEST_DRILL))
        ids += [*part, line_end, *part, end]
    return torch.tensor(ids)
