"""The base model: it has read all genres of the little world and the Python documentation.

`tinylm.checkpoints.pretrained("base")` trains it once and keeps it; later chapters start from it. Its first
lessons are drills: random tokens, and the same tokens again. All that can be learned from them is to look
back. A model that can do that learns from text what it would not have learned in the time there is.
"""

import itertools
import os
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from tqdm.auto import tqdm

from tinylm import corpora, pretraining, tokens
from tinylm.packing import packed
from tinylm.tokens import Tokenizer
from tinylm.transformer import Config, Transformer
from tinylm.world import World
from tinylm.world.genres import SHARES

SCALE = "TINYLM_SCALE"  # the dial, in the environment: how many times as large a model is to be
END = "<|end|>"  # stands after every text
LONGEST_DRILL = 11  # longer ones are learned later: much else stands between a token and its twin


# Of the texts. So small a model learns little of what it seldom meets: most is what later chapters ask for.
MIX = dict.fromkeys(SHARES, 0.2) | {
    "questions": 6,
    "two hops": 1,
    "unanswerable": 0.4,
    "biographies": 3,
    "atlas": 1.2,
    "reading": 2,
    "conversations": 0.7,
    "summaries": 2.5,
    "reviews": 4.5,
    "translations": 6,
}


@dataclass(frozen=True)
class Recipe:
    """All that makes a base model what it is."""

    size: int = 100  # of the world: how many people text may mention
    n_chars: int = 9_000_000  # of the world's texts
    shares: dict[str, float] = field(default_factory=MIX.copy)  # of the genres among them
    docs_share: float = 0.02  # of the characters: the Python documentation's
    vocab_size: int = 2048
    d_model: int = 128
    n_layers: int = 3
    n_heads: int = 4
    context: int = 128
    batch_size: int = 16
    drill_steps: int = 200
    drill_share: float = 0.1  # of the texts: drills that go on among them, lest they are forgotten
    n_steps: int = 1200
    matrix_rate: float = 0.015
    other_rate: float = 0.008

    def scaled(self, times: int) -> "Recipe":
        """So many times as wide, trained for so many times the steps, on so many times the text.

        AdamW's rate falls as the width grows, Muon's stays, as in the chapter *scaling*.
        """
        return replace(
            self,
            d_model=times * self.d_model,
            n_heads=times * self.n_heads,
            n_steps=times * self.n_steps,
            n_chars=times * self.n_chars,
            other_rate=self.other_rate / times,
        )


RECIPES = {
    # where a chapter asks several models the same: about half a minute each, and plain texts of few people
    "small": Recipe(
        size=30,
        n_chars=1_800_000,
        shares={"biographies": 3, "atlas": 1.5, "questions": 4, "scenes": 2, "stories": 1},
        docs_share=0,
        vocab_size=768,
        d_model=64,
        n_layers=2,
        context=64,
        drill_steps=0,
        n_steps=600,
        matrix_rate=0.02,
        other_rate=0.01,
    ),
    "base": Recipe(),  # about a million parameters; the page *base* says how many minutes it takes
}


def recipe(name: str = "base") -> Recipe:
    """The recipe of that name, as large as `TINYLM_SCALE` in the environment says: 1 (not set) to 8 times.

    Raises ValueError for a name that is none of `RECIPES`, and for a scale that is no such number.
    """
    if name not in RECIPES:
        raise ValueError(f"name={name!r}: there is no such base model; choose from {', '.join(RECIPES)}")
    times = os.environ.get(SCALE) or "1"
    if times not in list("12345678"):
        raise ValueError(f"{SCALE}={times!r} is not a whole number from 1 to 8: how many times as large")
    return RECIPES[name].scaled(int(times))


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
    (end,) = tokenizer.encode(END)
    n_drilled = recipe.drill_steps * recipe.batch_size * recipe.context
    library = counted(texts(world, recipe), recipe.n_chars, progress and f"{progress}, its texts")
    read = among(encoded(library, tokenizer), drills(tokenizer, seed + 1), recipe.drill_share)
    lessons = {
        "drills": (at_least(n_drilled, drills(tokenizer, seed)), recipe.drill_steps),
        "texts": (read, recipe.n_steps),
    }
    history = {}
    for name, (rows, n_steps) in lessons.items():
        losses = pretraining.train(
            model,
            packed(rows, recipe.context, end),
            n_steps,
            recipe.batch_size,
            **rates,
            warm_up=30,
            seed=seed,
            rows=True,
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
    for i, sample in enumerate(world.text(recipe.n_chars, recipe.shares, seed=1)):
        yield sample.text
        if i % 20 == 0:
            yield from (page for page, _ in zip(pages, range(2), strict=False))
    yield from pages


def counted(documents: Iterable[str], n_chars: int, progress: str | None) -> Iterator[str]:
    """The documents, with a progress bar; None for none."""
    hide = {"disable": True} if progress is None else {}  # else TQDM_DISABLE says
    with tqdm(total=n_chars, desc=progress, unit="char", unit_scale=True, leave=False, **hide) as bar:
        for document in documents:
            yield document
            bar.update(len(document))


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


def encoded(documents: Iterable[str], tokenizer: Tokenizer, batch: int = 4_096) -> Iterator[list[int]]:
    """The token ids of each document; a batch of them at a time, since that is faster."""
    rest = iter(documents)
    while part := list(itertools.islice(rest, batch)):
        yield from (encoding.ids for encoding in tokenizer.backend.encode_batch(part))


def drills(tokenizer: Tokenizer, seed: int) -> Iterator[list[int]]:
    """The ids of lines of 4 to 11 random tokens, each written twice, without end."""
    rng = random.Random(seed)
    (line_end,), (end,) = tokenizer.encode("\n"), tokenizer.encode(END)
    others = [i for i in range(tokenizer.vocab_size) if i not in (line_end, end)]
    while True:
        part = rng.sample(others, rng.randint(4, LONGEST_DRILL))
        yield [*part, line_end, *part]


def at_least(n_tokens: int, rows: Iterator[list[int]]) -> Iterator[list[int]]:
    """As many rows as it takes to have so many tokens, with some to spare."""
    written = 0
    while written < 1.2 * n_tokens + 1_000:
        yield (row := next(rows))
        written += len(row)


def among(texts: Iterable[list[int]], others: Iterator[list[int]], share: float) -> Iterator[list[int]]:
    """The texts, and between them so many of the others that these have `share` times the texts' tokens."""
    owed = 0.0
    for text in texts:
        yield text
        owed += share * len(text)
        while owed > 0:
            yield (other := next(others))
            owed -= len(other)
