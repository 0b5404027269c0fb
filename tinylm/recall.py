"""Recall at a distance, as a task: a phone book to read, then every name asked for.

What associative recall measures, and why it separates models: Arora et al. 2024.
Explained in chapters/attention.md.
"""

import torch
from torch import Tensor

N_NAMES, N_DIGITS = 24, 10
LENGTH = 2 * N_NAMES  # tokens in one text: an entry and a question for each name
VOCAB_SIZE = N_NAMES * N_DIGITS + N_NAMES  # "name has digit", then "name?"


def phone_books(n: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """`n` texts of 24 entries in random order and 24 questions in another; no digit can be guessed.

    Returns the token ids (n, 48), the right digit for each question (n, 24), and the distance in tokens from
    each question back to its entry (n, 24).
    """
    names, asked = (torch.rand(n, N_NAMES, generator=generator).argsort(1) for _ in range(2))
    digits = torch.randint(N_DIGITS, (n, N_NAMES), generator=generator)  # of each name
    entries = names * N_DIGITS + digits.gather(1, names)
    questions = N_NAMES * N_DIGITS + asked
    position = names.argsort(1)  # where each name stands
    distance = N_NAMES + torch.arange(N_NAMES) - position.gather(1, asked)
    return torch.cat((entries, questions), 1), digits.gather(1, asked), distance


def recall_by_distance(guesses: Tensor, digits: Tensor, distance: Tensor) -> Tensor:
    """The share of right guesses (n, 24) at each distance from 1 to 47: (47,)."""
    right = (guesses == digits).float()
    return torch.stack([right[distance == d].mean() for d in range(1, LENGTH)])
