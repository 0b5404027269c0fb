"""Train the base model with several seeds, examine each, and write what was found: tinylm/examination.json.

Each seed is a world, a model and questions of its own. What was measured of the same recipe and the same
texts is kept, so an interrupted run goes on where it was.
"""

import argparse
import hashlib
import json
import os
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent.parent))

from tinylm import base, examination
from tinylm.world import World

REPORT = examination.REPORT


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="*", default=range(5), help="(default: 0 1 2 3 4)")
    parser.add_argument("--questions", type=int, default=200, help="in each genre (default: %(default)s)")
    parser.add_argument("--times", type=float, nargs="*", default=[0.5, 2.0], metavar="X",
                        help="seed 0 also with X times the steps (default: 0.5 2)")  # fmt: skip
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="for PyTorch (default: all)")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    recipe = base.RECIPES["base"]
    subject = {"recipe": asdict(recipe), "texts": fingerprint(recipe), "questions": options.questions}
    report = json.loads(REPORT.read_text()) if REPORT.exists() else {}
    if any(report.get(name) != value for name, value in subject.items()):
        report = subject | {"runs": []}
    plan = [(seed, recipe.n_steps) for seed in options.seeds]
    plan += [(0, round(times * recipe.n_steps)) for times in options.times]
    for seed, n_steps in plan:
        if any((run["seed"], run["steps"]) == (seed, n_steps) for run in report["runs"]):
            continue
        n_chars = max(recipe.n_chars, recipe.n_chars * n_steps // recipe.n_steps)
        run = measured(replace(recipe, n_steps=n_steps, n_chars=n_chars), seed, options.questions)
        report["runs"].append(run)
        aside = REPORT.with_suffix(".aside")
        aside.write_text(json.dumps(report, indent=1) + "\n")
        aside.replace(REPORT)
        print(f"seed {seed}, {n_steps} steps: {run['seconds']:.0f} s, loss {run['loss']:.3f} "
              f"(least possible {run['floor']:.3f})", flush=True)  # fmt: skip
    return 0


def measured(recipe: base.Recipe, seed: int, n: int) -> dict:
    """Train one model; what it took, and what the model can do."""
    start = time.perf_counter()
    model, tokenizer, _ = base.train(recipe, seed)
    seconds = time.perf_counter() - start
    world = World(seed, recipe.size)
    samples = [
        s
        for s in world.text(60_000, recipe.shares, seed=2)
        if len(tokenizer.encode(s.text)) < recipe.context - 2
    ]
    loss, floor = examination.loss_and_floor(model, tokenizer, samples)
    read = examination.met(world.text(recipe.n_chars, recipe.shares, seed=1))
    return {
        **{"seed": seed, "steps": recipe.n_steps, "seconds": seconds, "parameters": model.n_parameters},
        **{"threads": torch.get_num_threads(), "loss": loss, "floor": floor},
        "own words": {
            str(t): examination.own_words(world, model, tokenizer, n, temperature=t) for t in (1.0, 0.7)
        },
        "scores": examination.examine(world, model, tokenizer, read, n),
    }


def fingerprint(recipe: base.Recipe) -> str:
    """Tells whether the texts are still those that were measured with."""
    texts = "".join(sample.text for sample in World(0, recipe.size).text(100_000, recipe.shares))
    return hashlib.sha256(texts.encode()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
