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
SHARES = {  # of the samples, where no others are asked for
    "biographies": 3,
    "atlas": 2,
    "questions": 4,
    "two hops": 1.5,
    "unanswerable": 0.7,
    "reading": 3,
    "letters": 1,
    "conversations": 2,
    "news": 1,
    "stories": 1,
    "summaries": 2,
    "scenes": 1.5,
    "pronouns": 0.3,
    "lists": 0.7,
    "reviews": 2,
    "translations": 4,
    "velan": 0.5,
    "how-to": 0.4,
    "instructions": 1,
    "preferences": 0.5,
    "clinic": 0.5,
    "bank": 0.5,
    "school": 0.5,
    "support": 0.5,
    "programs": 0.7,
    "documentation": 0.5,
    "arithmetic": 0.7,
    "puzzles": 0.5,
}
