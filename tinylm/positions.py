"""How a vector says where it stands: four ways to tell positions, and how far each of them carries.

Explained in chapters/embeddings.md.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tinylm.pretraining import learning_rate, next_token_loss, set_rates
from tinylm.transformer import Config, Transformer

STD = 0.02  # of the numbers that a table starts with, as in `tinylm.transformer.Transformer`


def sinusoids(n_positions: int, d_model: int, theta: float = 10_000.0) -> Tensor:
    """A vector for each position from 0 on, of sines and cosines of ever slower clocks: (n_positions, C).

    Channels 2i and 2i + 1 are the sine and the cosine of position · theta^(-2i/C). Raises ValueError for an
    odd d_model. Vaswani et al. 2017, section 3.5. Explained in chapters/embeddings.md.
    """
    if d_model % 2:
        raise ValueError(f"d_model={d_model} is odd: sines and cosines come in pairs")
    frequency = theta ** (-torch.arange(0, d_model, 2) / d_model)  # (C/2,)
    angle = torch.arange(n_positions)[:, None] * frequency
    return torch.stack((angle.sin(), angle.cos()), -1).flatten(1)


class PositionedEmbedding(nn.Embedding):
    """A token's row plus its position's: ids (B, T) to (B, T, C). positions: (longest, C).

    Vaswani et al. 2017, section 3.5. Explained in chapters/embeddings.md.
    """

    def __init__(self, n_tokens: int, positions: Tensor, learned: bool):
        super().__init__(n_tokens, positions.shape[1])
        nn.init.normal_(self.weight, std=STD)
        self.positions = nn.Parameter(positions, requires_grad=learned)

    def forward(self, ids: Tensor) -> Tensor:
        if ids.shape[1] > len(self.positions):
            raise ValueError(f"{ids.shape[1]} tokens: there are only {len(self.positions)} positions")
        return super().forward(ids) + self.positions[: ids.shape[1]]


class Positioned(Transformer):
    """A transformer that knows positions in one of four ways, to compare them. Not for writing with a cache.

    kind: "none", "learned" (a table), "sinusoid" (a fixed table), or "rotary", which is `Transformer` itself.
    longest: how many rows the tables have. Raises ValueError for another kind. Explained in
    chapters/embeddings.md.
    """

    def __init__(self, config: Config, kind: str, longest: int):
        super().__init__(config)
        self.kind = kind
        if kind == "learned":
            table = STD * torch.randn(longest, config.d_model)
        elif kind == "sinusoid":
            table = STD * 2**0.5 * sinusoids(longest, config.d_model)  # as large as the tokens' rows
        elif kind in ("none", "rotary"):
            return
        else:
            raise ValueError(f"kind={kind!r} is not one of none, learned, sinusoid, rotary")
        self.embedding = PositionedEmbedding(config.vocab_size, table, learned=kind == "learned")
        if config.tied:
            self.readout.weight = self.embedding.weight

    def rotation(
        self, n_positions: int, start: int = 0, padding: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """As in `Transformer`; but where the kind is not rotary, nothing is turned."""
        cos, sin = super().rotation(n_positions, start, padding)
        return (cos, sin) if self.kind == "rotary" else (torch.ones_like(cos), torch.zeros_like(sin))


N_SYMBOLS, BACK = 16, 3  # of the copying task: how many tokens there are, and how far back the answer stands


def copier(kind: str, seed: int, length: int = 32, longest: int = 128, n_steps: int = 150) -> Positioned:
    """A model of one layer, trained to say which token stood three back, on texts of random tokens.

    kind: of positions, as in `Positioned`. length: of its texts. longest: of those it may be tested on.
    Explained in chapters/embeddings.md.
    """
    torch.manual_seed(seed)
    config = Config(N_SYMBOLS, length, n_layers=1, d_model=32, n_heads=2, qk_norm=True, tied=False)
    model, generator = Positioned(config, kind, longest), torch.Generator().manual_seed(seed)
    stepper = torch.optim.AdamW(model.parameters(), lr=0.01)
    for step in range(n_steps):
        ids = torch.randint(N_SYMBOLS, (32, length), generator=generator)
        next_token_loss(model(ids)[:, BACK:], ids[:, :-BACK]).backward()
        set_rates([stepper], [0.01], learning_rate(step, n_steps, warm_up=10))
        stepper.step()
        stepper.zero_grad()
    return model


def window(length: int, width: int | None) -> Tensor | None:
    """The mask (length, length) by which no position looks further back than `width - 1`; None for none."""
    return None if width is None else torch.ones(length, length, dtype=torch.bool).tril().triu(1 - width)


@torch.inference_mode()
def copied(model: Transformer, length: int, width: int | None = None, n: int = 300) -> list[float]:
    """The share of right copies at each position from the fourth on, over n new texts of this length.

    width: of the `window`. Explained in chapters/embeddings.md.
    """
    ids = torch.randint(N_SYMBOLS, (n, length), generator=torch.Generator().manual_seed(99))
    guesses = model(ids, window(length, width))[:, BACK:].argmax(-1)
    return (guesses == ids[:, :-BACK]).float().mean(0).tolist()


@torch.inference_mode()
def loss_by_position(model: Transformer, rows: Tensor, width: int | None = None) -> Tensor:
    """The mean loss in nats at each position of rows (N, T + 1) of text: (T,).

    width: of the `window`. Explained in chapters/embeddings.md.
    """
    mask = window(rows.shape[1] - 1, width)
    logits = torch.cat([model(part[:, :-1], mask).transpose(1, 2) for part in rows.split(8)])
    return F.cross_entropy(logits, rows[:, 1:], reduction="none").mean(0)
