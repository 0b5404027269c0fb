"""tinylm.scaling: laws are found again in runs that follow them, and intervals hold what they promise."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tinylm import scaling
from tinylm.scaling import Law

SIZES, LENGTHS = [6_000, 11_000, 20_000, 40_000], [30_000, 60_000, 120_000, 250_000]
GRID = [(n, d) for n in SIZES for d in LENGTHS]
SIX = (
    [1e4, 2e4, 4e4, 1e4, 2e4, 4e4, 8e4],
    [1e5, 2e5, 4e5, 4e5, 1e5, 2e5, 8e5],
    [3.0, 2.5, 2.0, 2.7, 2.8, 2.2, 1.5],
)


def runs(law, noise=0.0, seed=0):
    """Sizes, lengths and losses on the grid, with noise in the logarithm of the loss."""
    n, d = (torch.tensor(part, dtype=torch.float64) for part in zip(*GRID, strict=True))
    stray = noise * torch.randn(len(n), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return n, d, law.loss(n, d) * stray.exp()


laws = st.builds(
    lambda floor, too_small, alpha, too_little, beta: Law(
        floor, too_small * 15_000**alpha, alpha, too_little * 80_000**beta, beta
    ),
    *(st.floats(low, high) for low, high in ((0.5, 2), (0.2, 1.5), (0.3, 1), (0.2, 1.5), (0.3, 1))),
)


@settings(max_examples=10, deadline=None)
@given(laws)
def test_a_law_is_found_again_in_runs_without_noise(law):
    found = scaling.fit(*runs(law), floor=law.floor)
    assert (found.alpha, found.beta) == (
        pytest.approx(law.alpha, rel=0.01),
        pytest.approx(law.beta, rel=0.01),
    )
    assert found.loss(2e5, 1e6) == pytest.approx(law.loss(2e5, 1e6), rel=0.001)


@settings(max_examples=10, deadline=None)
@given(laws)
def test_without_the_floor_the_losses_are_found_again_if_not_the_constants(law):
    found = scaling.fit(*runs(law))
    for n, d in GRID:
        assert found.loss(n, d) == pytest.approx(law.loss(n, d), rel=0.01)
    assert found.loss(8e4, 5e5) == pytest.approx(law.loss(8e4, 5e5), rel=0.03)


def test_the_fit_is_as_good_as_a_slow_search():
    law = Law(1.0, 40.0, 0.4, 300.0, 0.55)
    n, d, losses = runs(law, noise=0.02, seed=4)
    found = scaling.fit(n, d, losses, floor=1.0, delta=10)
    ours = (found.loss(n, d) / losses).log().square().sum()
    draw = torch.Generator().manual_seed(0)
    for _ in range(300):  # anything near it is worse
        near = [
            value * math.exp(0.02 * torch.randn((), generator=draw))
            for value in (found.a, found.alpha, found.b, found.beta)
        ]
        other = Law(1.0, *near)
        assert (other.loss(n, d) / losses).log().square().sum() >= ours - 1e-9


def test_one_odd_run_does_not_decide():
    law, truth = Law(1.0, 40.0, 0.4, 300.0, 0.55), []
    for odd in range(0, len(GRID), 4):
        n, d, losses = runs(law, noise=0.003)
        losses[odd] *= 1.3
        fits = [scaling.fit(n, d, losses, floor=1.0, delta=delta) for delta in (0.005, 10)]
        truth.append([(found.loss(n, d) / law.loss(n, d)).log().abs().max().item() for found in fits])
    robust, squares = torch.tensor(truth).mean(0)
    assert robust < 0.5 * squares


def test_intervals_cover_as_often_as_they_say():
    law, covered, n_worlds = Law(1.0, 40.0, 0.4, 300.0, 0.55), 0, 25
    draw = torch.Generator().manual_seed(9)
    for seed in range(n_worlds):
        found = scaling.bootstrap(*runs(law, 0.02, seed), floor=1.0, delta=10, n_samples=40, seed=seed)
        low, high = scaling.predict(*found, 130_000, 500_000, share=0.8)
        covered += (
            low <= law.loss(130_000, 500_000) * math.exp(0.02 * torch.randn((), generator=draw)) <= high
        )
    assert 0.6 <= covered / n_worlds <= 0.97


def test_the_same_seed_gives_the_same_interval():
    law = Law(1.0, 40.0, 0.4, 300.0, 0.55)
    intervals = [
        scaling.predict(*scaling.bootstrap(*runs(law, 0.02), n_samples=20), 1e5, 5e5) for _ in range(2)
    ]
    assert intervals[0] == intervals[1]


@settings(max_examples=50, deadline=None)
@given(laws, st.floats(0, 6))
def test_the_optimum_is_the_lowest_point_of_its_budget(law, decades):
    flops = 1e9 * 10**decades
    n, d = law.optimum(flops)
    assert 6 * n * d == pytest.approx(flops)
    best = law.loss(n, d)
    for factor in (0.5, 0.9, 1.1, 2.0):
        assert law.loss(n * factor, d / factor) >= best


def test_twice_the_budget_is_shared_evenly_where_the_exponents_are_equal():
    (n1, d1), (n2, d2) = (Law(1.0, 50.0, 0.5, 80.0, 0.5).optimum(flops) for flops in (1e12, 4e12))
    assert (n2 / n1, d2 / d1) == (pytest.approx(2), pytest.approx(2))


def test_the_middle_share_is_an_interval():
    assert scaling.interval(list(range(101)), 0.9) == (pytest.approx(5), pytest.approx(95))
    with pytest.raises(ValueError, match="between 0 and 1"):
        scaling.interval([1.0, 2.0], 90)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({0: SIX[0][:3]}, "as many of each"),
        ({0: SIX[0][:5], 1: SIX[1][:5], 2: SIX[2][:5]}, "at least 7"),
        ({2: [-1.0, *SIX[2][1:]]}, "losses must be positive"),
        ({1: [math.inf, *SIX[1][1:]]}, "n_tokens must be positive"),
        ({0: [1e4] * 7}, "n_parameters: give runs of three"),
    ],
)
def test_runs_that_no_law_can_be_fitted_to_are_refused(change, message):
    arguments = [change.get(i, part) for i, part in enumerate(SIX)]
    with pytest.raises(ValueError, match=message):
        scaling.fit(*arguments)


def test_a_floor_above_a_loss_is_refused():
    with pytest.raises(ValueError, match="below the lowest loss"):
        scaling.fit(*SIX, floor=1.6)


@pytest.mark.parametrize("flops", [0, -1.0, math.nan])
def test_a_budget_must_be_positive(flops):
    with pytest.raises(ValueError, match="positive"):
        Law(1.0, 1.0, 0.5, 1.0, 0.5).optimum(flops)
