"""Numbers that the book's prose may speak of: recorded where they are measured, shown where they are told.

`measured` records the number of a claim (a row of chapters/claims.yml), `noted` any other. In a notebook both
show one line; while the book is built, its `{claim}` and `{number}` roles pick the values up. Neither needs
anything but Python, so a chapter runs anywhere.
"""

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass

MIME = "application/vnd.tinylm.number+json"


@dataclass(frozen=True)
class Number:
    """A recorded value: the mean of `values`, and how they spread."""

    name: str
    kind: str  # "claim" or "number"
    values: tuple[float, ...]
    unit: str = ""

    @property
    def value(self) -> float:
        return statistics.fmean(self.values)

    @property
    def spread(self) -> float | None:
        """Standard deviation over the runs; None for a single one."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None

    def __str__(self) -> str:
        text = f"{self.name}: {self.value:.4g}{' ' + self.unit if self.unit else ''}"
        return text if self.spread is None else f"{text} (sd {self.spread:.2g} over {len(self.values)} runs)"

    def _repr_mimebundle_(self, include=None, exclude=None):
        record = {"name": self.name, "kind": self.kind, "values": list(self.values), "unit": self.unit}
        bundle = {"text/plain": str(self), MIME: record}
        # the metadata by which the book's builder finds the record; elsewhere it says nothing
        return bundle, {"scrapbook": {"name": f"{self.kind}:{self.name}", "mime_prefix": ""}}


def measured(claim: str, value: float | Iterable[float], unit: str = "") -> Number:
    """Record what was measured for `claim`, an id in chapters/claims.yml: one number, or one for each run.

    Make it the last line of its cell. Raises ValueError for no value, or one that is not finite.
    """
    return _number("claim", claim, value, unit)


def noted(name: str, value: float | Iterable[float], unit: str = "") -> Number:
    """Record a number that this chapter's prose tells, under a `name` of its own. As `measured` otherwise."""
    return _number("number", name, value, unit)


def _number(kind: str, name: str, value, unit: str) -> Number:
    try:
        values = tuple(float(v) for v in value)
    except TypeError:  # one number; a tensor of one has __iter__ too, and refuses to use it
        values = (float(value),)
    if not values:
        raise ValueError(f"{name}: no value was measured")
    if not all(math.isfinite(v) for v in values):
        raise ValueError(f"{name}: {values} holds a value that is not a finite number")
    return Number(name, kind, values, unit)
