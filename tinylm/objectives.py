"""What to ask of a text: the next token, hidden tokens, the rest of a text, or what was cut out of it.

The blocks are the same for all. What differs is who may look at whom, and at which positions a prediction is
asked for. Every function here turns ids (B, T) into a `Lesson`; `lesson_loss` is the loss for any of them.
Explained in chapters/objectives.md.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from tinylm.pretraining import next_token_loss
from tinylm.transformer import Transformer

UNASKED = -100  # a target at which nothing is asked: what `next_token_loss` leaves out by itself


class Lesson(NamedTuple):
    """Inputs and targets (B, T), and who may look at whom: True where allowed, (B or 1, 1, T, T).

    A target is the id that the model should name at that position, or `UNASKED`.
    """

    inputs: Tensor
    targets: Tensor
    visible: Tensor


def causal(ids: Tensor, shift: int = 1) -> Lesson:
    """Name the token `shift` places on, looking back only: ids (B, T) to a lesson of T - shift positions.

    A shift of 1 is the objective of GPT (Radford et al. 2018, equation 1). Raises ValueError where the text
    is not longer than the shift.
    """
    length = ids.shape[1] - shift
    if shift < 0 or length < 1:
        raise ValueError(
            f"shift={shift} must be at least 0 and less than the {ids.shape[1]} tokens of a text"
        )
    return Lesson(ids[:, :length], ids[:, shift:], looking_back(length, ids.device))


def masked(
    ids: Tensor,
    mask_id: int,
    share: float = 0.15,
    generator: torch.Generator | None = None,
    blunt: bool = False,
) -> Lesson:
    """Name hidden tokens, looking everywhere: the objective of BERT (Devlin et al. 2019, section 3.1).

    Of each text a `share` of the places is drawn, at least one. Of these 80 % become `mask_id`, 10 % a random
    token below `mask_id`, and 10 % stay as they are, so that a model cannot trust what it sees; with `blunt`
    all become `mask_id`. Raises ValueError for a share outside (0, 1].
    """
    _check_share(share)
    n_hidden = max(1, round(share * ids.shape[1]))
    order = torch.rand(ids.shape, generator=generator).argsort(1).to(ids.device)
    asked = order < n_hidden  # the places of the smallest numbers, n_hidden in every row
    fate = torch.rand(ids.shape, generator=generator).to(ids.device)
    others = torch.randint(mask_id, ids.shape, generator=generator).to(ids.device)
    hidden = torch.where(fate < 0.8, mask_id, torch.where(fate < 0.9, others, ids))
    inputs = torch.where(asked, mask_id if blunt else hidden, ids)
    return Lesson(inputs, torch.where(asked, ids, UNASKED), looking_everywhere(ids.shape[1], ids.device))


def prefix(ids: Tensor, generator: torch.Generator | None = None) -> Lesson:
    """Read a beginning of random length looking everywhere in it, then name token after token of the rest.

    ids: (B, T) with T > 2. The prefix language model of Raffel et al. 2020, section 3.2.1.
    """
    batch, length = ids.shape
    if length < 3:
        raise ValueError(f"a text of {length} tokens has no beginning and rest: give at least 3")
    given = torch.randint(1, length - 1, (batch,), generator=generator).to(ids.device)  # tokens to read
    places = torch.arange(length - 1, device=ids.device)
    in_prefix = places < given[:, None]  # (B, T - 1)
    visible = looking_back(length - 1, ids.device) | (
        in_prefix[:, None, :, None] & in_prefix[:, None, None, :]
    )
    targets = torch.where(places >= given[:, None] - 1, ids[:, 1:], UNASKED)
    return Lesson(ids[:, :-1], targets, visible)


def spans(
    ids: Tensor, sentinels: list[int], share: float = 0.15, generator: torch.Generator | None = None
) -> Lesson:
    """Cut spans out, mark each gap by a sentinel, then name what was in each gap, gap after gap.

    The objective of T5 (Raffel et al. 2020, figure 2), laid out in one row: the text with gaps, where all
    look at all, then "sentinel, its tokens, sentinel, its tokens ..., last sentinel". ids: (B, T). Each row
    loses as many tokens, in as many gaps as there are sentinels but one, so rows stay equally long. Raises
    ValueError for a share outside (0, 1] or a text too short for the gaps.
    """
    _check_share(share)
    n_gaps, length = len(sentinels) - 1, ids.shape[1]
    n_cut = max(n_gaps, round(share * length))
    if n_gaps < 1 or length < n_cut + n_gaps:
        raise ValueError(
            f"{length} tokens are too few to cut out {n_cut} in {n_gaps} gaps (one fewer than sentinels)"
        )
    rows = [_cut(row, sentinels, n_cut, generator) for row in ids.tolist()]
    whole = torch.tensor([reading + answer for reading, answer in rows], device=ids.device)  # (B, T')
    n_read = len(rows[0][0])
    places = torch.arange(whole.shape[1] - 1, device=ids.device)
    in_reading = places < n_read
    visible = looking_back(len(places), ids.device) | (in_reading[:, None] & in_reading)
    targets = torch.where(places >= n_read, whole[:, 1:], UNASKED)  # the first sentinel is given
    return Lesson(whole[:, :-1], targets, visible)


def _cut(row: list[int], sentinels: list[int], n_cut: int, generator) -> tuple[list[int], list[int]]:
    """A text with gaps, and what was in them."""
    n_gaps = len(sentinels) - 1
    sizes = _composition(n_cut, n_gaps, generator)
    kept = _composition(len(row) - n_cut + 1, n_gaps + 1, generator)  # the last may be empty: one too many
    reading, answer, place = [], [], 0
    for size, before, sentinel in zip(sizes, kept, sentinels, strict=False):
        reading += [*row[place : place + before], sentinel]
        answer += [sentinel, *row[place + before : place + before + size]]
        place += before + size
    return reading + row[place:], [*answer, sentinels[-1]]


def _composition(total: int, n_parts: int, generator) -> list[int]:
    """`n_parts` numbers of at least 1 that add up to `total`, every choice equally likely."""
    cuts = (torch.randperm(total - 1, generator=generator)[: n_parts - 1] + 1).sort().values.tolist()
    return [end - start for start, end in zip([0, *cuts], [*cuts, total], strict=True)]


def looking_back(length: int, device=None) -> Tensor:
    """Who may look at whom in a causal model: every position at itself and its past, (1, 1, T, T)."""
    return torch.ones(1, 1, length, length, dtype=torch.bool, device=device).tril()


def looking_everywhere(length: int, device=None) -> Tensor:
    """Who may look at whom in an encoder: everyone at everyone, (1, 1, T, T)."""
    return torch.ones(1, 1, length, length, dtype=torch.bool, device=device)


def lesson_loss(model: Transformer, lesson: Lesson) -> Tensor:
    """Mean cross-entropy in nats over the positions at which something is asked.

    model: of a `Config` with causal=False, since the lesson says who looks at whom. Raises ValueError for
    another.
    """
    if model.config.causal:
        raise ValueError(
            "the model looks back only whatever the lesson says: make it with Config(causal=False)"
        )
    return next_token_loss(model(lesson.inputs, lesson.visible), lesson.targets)


@torch.inference_mode()
def fill(model: Transformer, ids: Tensor, places: Tensor, mask_id: int) -> Tensor:
    """What a masked model expects at one hidden place of each text, from both sides.

    ids: (B, T); places: (B,), the place to hide in each row. Returns log-probabilities (B, V).
    """
    rows = torch.arange(len(ids), device=ids.device)
    hidden = ids.clone()
    hidden[rows, places] = mask_id
    return model(hidden, looking_everywhere(ids.shape[1], ids.device))[rows, places].log_softmax(-1)


@torch.inference_mode()
def fill_by_trying(
    model: Transformer, ids: Tensor, places: Tensor, n_tokens: int, batch_size: int = 512
) -> Tensor:
    """The same from a causal model, by Bayes' rule: put in each of the first `n_tokens` tokens, and compare
    how likely the whole text then is. Log-probabilities (B, n_tokens), for n_tokens passes a text.
    """
    found = []
    for row, place in zip(ids, places.tolist(), strict=True):
        tried = row.repeat(n_tokens, 1)  # (V, T)
        tried[:, place] = torch.arange(n_tokens, device=ids.device)
        likely = torch.cat([log_likelihood(model, part, place) for part in tried.split(batch_size)])
        found.append(likely.log_softmax(0))
    return torch.stack(found)


@torch.inference_mode()
def log_likelihood(model: Transformer, ids: Tensor, start: int = 0) -> Tensor:
    """How likely a causal model finds the tokens of ids (B, T) from `start` on: log-probabilities (B,).

    The first token of a text has nothing before it, and counts as certain.
    """
    logits = model(ids[:, :-1], looking_back(ids.shape[1] - 1, ids.device))
    every = logits.log_softmax(-1).gather(-1, ids[:, 1:, None]).squeeze(-1)  # (B, T - 1)
    return every[:, max(0, start - 1) :].sum(1)


def _check_share(share: float) -> None:
    if not 0 < share <= 1 or math.isnan(share):
        raise ValueError(f"share={share} must lie above 0 and at most at 1")
