"""A task that shows what tokens do to numbers: sums of two numbers below a hundred, spelled in several ways.

Explained in chapters/tokens.md.
"""

import itertools
import random
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.optim.lr_scheduler import LinearLR

from tinylm.base import share_a_direction
from tinylm.objectives import UNASKED
from tinylm.pretraining import next_token_loss
from tinylm.tokens import Tokenizer
from tinylm.transformer import Config, Transformer


def shuffled_pairs(seed: int) -> list[tuple[int, int]]:
    """All pairs of numbers below a hundred in random order, each beside its mirror image: cut anywhere, what
    is held out is not there the other way round (but for one pair)."""
    draw, pairs = random.Random(seed), list(itertools.product(range(100), repeat=2))
    place = {frozenset(pair): draw.random() for pair in pairs}
    return sorted(pairs, key=lambda pair: place[frozenset(pair)])


def written(a: int, b: int, backwards: bool = False) -> tuple[str, str]:
    """'07+85=' and '092' with a line end; backwards, the answer's ones come first: '290'."""
    answer = f"{a + b:03}"
    return f"{a:02}+{b:02}=", (answer[::-1] if backwards else answer) + "\n"


def spelled(
    tokenizer: Tokenizer, pairs: Sequence[tuple[int, int]], backwards: bool = False
) -> tuple[Tensor, Tensor]:
    """Inputs and targets (N, T) for next-token training; only the answer counts, all else is UNASKED."""
    inputs, targets = [], []
    for a, b in pairs:
        asked, told = (tokenizer.encode(text) for text in written(a, b, backwards))
        inputs.append(torch.tensor(asked + told[:-1]))
        targets.append(torch.tensor([UNASKED] * (len(asked) - 1) + told))
    return pad_sequence(inputs, True), pad_sequence(targets, True, UNASKED)


def right(guesses: Tensor, targets: Tensor) -> Tensor:
    """Which sums (N,) have every token of the answer right, of guesses (N, T) against targets (N, T)."""
    return ((guesses == targets) | (targets == UNASKED)).all(1)


def learner(vocab_size: int, seed: int) -> Transformer:
    """An untrained model of one layer, 64 wide, made to learn short rows in few steps: its rotations turn
    fast, all embeddings share one random direction, as the base model's do, and its matrices begin five times
    larger than usual, since in so narrow a model the feed-forward layer else begins near zero.
    """
    torch.manual_seed(seed)
    model = Transformer(Config(vocab_size, context=9, n_layers=1, qk_norm=True, rope_theta=100.0))
    share_a_direction(model)
    with torch.no_grad():
        for matrix in model.blocks.parameters():
            if matrix.dim() == 2:
                matrix *= 5
    return model


def train(
    model: Transformer,
    inputs: Tensor,
    targets: Tensor,
    n_steps: int,
    rate: float = 0.005,
    batch_size: int = 64,
) -> None:
    """Train in place on random sums of these (N, T) with AdamW, the learning rate falling to zero."""
    adamw = torch.optim.AdamW(model.parameters(), rate, betas=(0.9, 0.99), weight_decay=0.0, fused=True)
    fall = LinearLR(adamw, 1.0, 0.0, n_steps)
    for rows in torch.randint(len(inputs), (n_steps, batch_size)):
        next_token_loss(model(inputs[rows]), targets[rows]).backward()
        adamw.step()
        fall.step()
        model.zero_grad()
