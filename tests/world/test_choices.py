"""The surprisals of the choices sum up to that of the text: none is hidden, none can be made in two ways."""

import pytest

from tinylm.world import World
from tinylm.world.genres import GENRES
from tinylm.world.writer import Writer

SMALL = World(0, size=8)  # so that the same text comes up often
RECORDED = ("one_of", "chance", "weighted")


def recording(choose):
    """A choice of the writer that is also noted in `notes["choices"]`."""

    def recorded(self, *arguments):
        chosen = choose(self, *arguments)
        self.notes.setdefault("choices", []).append(chosen)
        return chosen

    return recorded


@pytest.fixture
def traced(monkeypatch):
    for name in RECORDED:
        monkeypatch.setattr(Writer, name, recording(getattr(Writer, name)))


@pytest.mark.parametrize("genre", sorted(GENRES))
def test_two_courses_of_choices_never_give_the_same_text(genre, traced):
    seen: dict[str, list] = {}
    for sample in SMALL.text(400_000, [genre], seed=2):
        choices = [repr(choice) for choice in sample.notes.get("choices", ())]
        assert seen.setdefault(sample.text, choices) == choices, sample.text
