"""Texts side by side in rows of one length, so that a window never begins in the middle of one.

Best-fit packing (Ding et al. 2024): a text goes into the fullest row that it fits into. A model that meets a
question without the text it is about learns to guess.
"""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

N_OPEN = 40  # rows that wait for a text that fits: more would fill them better, and take longer to search


def packed(texts: Iterable[Sequence[int]], length: int, end: int) -> Tensor:
    """Rows of `length` token ids, one after the other: (rows * length,). Before every text and
    after it stands the token `end`; what stays free is filled with more of them. Only a text longer than a
    row is cut, and goes on in the next. Raises ValueError where a row has no room for a token.
    """
    if length < 2:
        raise ValueError(f"length={length} has no room for a text: give 2 or more")
    rows: list[list[int]] = []
    waiting: list[list[int]] = []

    def close(row: list[int]) -> None:
        waiting.remove(row)
        rows.append(row + [end] * (length - len(row)))

    for text in texts:
        for start in range(0, len(text), length - 1):
            piece = text[start : start + length - 1]
            room = length - len(piece) - 1
            row = max((row for row in waiting if len(row) <= room), key=len, default=None)
            if row is None:
                waiting.append(row := [])
            row += [end, *piece]
            if length - len(row) < 2:
                close(row)
            elif len(waiting) > N_OPEN:
                close(max(waiting, key=len))
    for row in list(waiting):
        close(row)
    return torch.tensor([token for row in rows for token in row], dtype=torch.int64)
