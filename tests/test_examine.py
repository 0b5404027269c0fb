"""tools/examine.py: what is on the page of the base model was measured of the base model there is."""

import json
from dataclasses import asdict, replace

import examine
import pytest
import torch

from tinylm import base, examination
from tinylm.base import Recipe

TINY = Recipe(
    size=12,
    n_chars=40_000,
    vocab_size=400,
    d_model=16,
    n_layers=1,
    n_heads=2,
    context=64,
    batch_size=2,
    drill_steps=2,
    n_steps=4,
)


def test_the_report_is_of_the_present_recipe_and_texts():
    report, recipe = examination.report(), base.RECIPES["base"]
    again = "the recipe or the world changed since: run `make examine` again"
    assert report["recipe"] == asdict(recipe), again
    assert report["texts"] == examine.fingerprint(recipe), again


def test_the_report_has_five_seeds_and_several_lengths_of_training():
    report = examination.report()
    runs = {(run["seed"], run["steps"]) for run in report["runs"]}
    n_steps = report["recipe"]["n_steps"]
    assert {(seed, n_steps) for seed in range(5)} <= runs
    assert len({steps for seed, steps in runs if seed == 0}) > 1


def test_what_was_measured_is_kept_and_another_recipe_begins_anew(tmp_path, monkeypatch, capsys):
    path = tmp_path / "report.json"
    monkeypatch.setattr(examine, "REPORT", path)
    options = f"--seeds 0 --questions 1 --times 0.5 --threads {torch.get_num_threads()}"
    monkeypatch.setattr("sys.argv", ["examine", *options.split()])
    monkeypatch.setitem(base.RECIPES, "base", TINY)
    assert examine.main() == 0
    first = json.loads(path.read_text())
    assert [(run["seed"], run["steps"]) for run in first["runs"]] == [(0, 4), (0, 2)]
    assert all(0 < run["floor"] < run["loss"] for run in first["runs"])
    assert all(0 <= score["score"] <= 1 for run in first["runs"] for score in run["scores"].values())

    measured = examine.measured
    monkeypatch.setattr(examine, "measured", lambda *_: pytest.fail("it was measured before"))
    examine.main()
    assert json.loads(path.read_text()) == first

    monkeypatch.setattr(examine, "measured", measured)
    monkeypatch.setitem(base.RECIPES, "base", replace(TINY, n_steps=3))
    examine.main()
    assert [run["steps"] for run in json.loads(path.read_text())["runs"]] == [3, 2]
