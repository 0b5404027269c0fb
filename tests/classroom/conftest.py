"""What the tests of grading share: the small exercise, and a sandbox that works here."""

from pathlib import Path

import pytest

from classroom import exercise, sandbox

SMALL = Path(__file__).with_name("small.md")


@pytest.fixture(scope="session")
def small() -> exercise.Exercise:
    return exercise.load(SMALL)


@pytest.fixture(params=["bubblewrap", "landlock"], scope="session")
def confined(request) -> str:
    """Each kind of sandbox that works here."""
    why = sandbox.probe(request.param)
    if why:
        pytest.skip(f"{request.param}: {why}")
    return request.param
