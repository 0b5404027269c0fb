"""A little world whose truth is known, and text about it: what a model says can be judged exactly.

`World(seed)` makes it, `World.text` writes about it, `tinylm.world.judge` judges what others wrote.
"""

from tinylm.world.grammar import pieces
from tinylm.world.truth import Fact
from tinylm.world.world import World
from tinylm.world.writer import Sample, Sentence

__all__ = ["Fact", "Sample", "Sentence", "World", "pieces"]
