"""What the tests of the world share: one world, and many samples of its text."""

import pytest

from tinylm.world import World


@pytest.fixture(scope="session")
def world() -> World:
    return World(0)


@pytest.fixture(scope="session")
def samples(world) -> list:
    """Ten thousand samples of all genres together."""
    stream = world.text(10**9, seed=11)
    return [next(stream) for _ in range(10_000)]
