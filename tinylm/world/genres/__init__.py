"""The genres: each a function that writes one text with a `Writer`, and the tables of forms that it uses.

A module here has FORMS and GENRES, and where it needs them WORDS (lists of words for its slots), PATTERNS
(kinds of words too many to list), TOLD (relations of what happens in one text only) and CHECKS (functions
that say whether such a fact holds).
"""

from tinylm.world.genres import (
    arithmetic,
    instructions,
    letters,
    lists,
    news,
    offices,
    people,
    programs,
    questions,
    reviews,
    sayings,
    scenes,
    translations,
    web,
)
from tinylm.world.genres.web import above, below, canary  # noqa: F401, for the world

MODULES = (
    sayings,
    lists,
    people,
    questions,
    letters,
    scenes,
    news,
    web,
    reviews,
    translations,
    offices,
    arithmetic,
    instructions,
    programs,
)


def _together(name: str) -> dict:
    """The tables of that name of all modules in one. Raises ValueError where two modules define the same."""
    merged = {}
    for module in MODULES:
        for key, value in getattr(module, name, {}).items():
            if key in merged:
                raise ValueError(f"{name}: {key!r} is defined twice, the second time in {module.__name__}")
            merged[key] = value
    return merged


FORMS, GENRES, WORDS, PATTERNS, TOLD, CHECKS = map(
    _together, ("FORMS", "GENRES", "WORDS", "PATTERNS", "TOLD", "CHECKS")
)
SHARES = {genre: 1.0 for genre in GENRES if genre != "canaries"}  # secrets come by their dial alone
