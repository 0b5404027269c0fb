"""Measure how fast tinylm trains and generates, side by side with what a reader would pick instead.

All contestants of a contest take turns in one run, so that their ratios mean something on a machine that is
busy with other things too. Works without a network.
"""

import argparse
import datetime
import importlib.util
import json
import os
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TRACKED, ASIDE = Path("chapters/bench.json"), Path("_build/bench.json")

# How ours is trained: its shape beyond vocabulary and context, the lengths of its runs (each ends at a rate
# of zero), and what `tinylm.pretraining.train` is called with.
RECIPE = {
    "model": {"n_layers": 2, "d_model": 128, "n_heads": 4, "qk_norm": True, "tied": False},
    "schedules": [150, 190, 230, 280],
    "training": {"batch_size": 16, "matrix_rate": 0.02, "other_rate": 0.015, "warm_up": 5},
}
QUICK = {"seeds": 1, "shorten": 80, "seconds": 0.5, "turn": 0.1, "n_new": 30, "sizes": ("0.8M",)}


class Parser(argparse.ArgumentParser):
    def error(self, message: str):
        self.exit(2, f"bench: {message} (--help lists what there is)\n")


def read_options(arguments: list[str] | None) -> argparse.Namespace:
    sys.path.append(str(ROOT / "_ext"))
    from speed_tables import CONTESTS

    parser = Parser(prog="bench", description=__doc__.split("\n")[0])
    several = {"type": at_least_one, "metavar": "N"}
    parser.add_argument("--quick", action="store_true", help="see within two minutes that everything runs")
    parser.add_argument(
        "--only",
        action="append",
        choices=CONTESTS,
        metavar="NAME",
        help=f"one of {', '.join(CONTESTS)}; may be said more than once",
    )
    parser.add_argument("--seeds", **several, help="runs of each training to a loss (default 5; 1 if quick)")
    parser.add_argument(
        "--threads", **several, default=1, help="cores that each contestant may use (default 1)"
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument(
        "--text", type=Path, metavar="FILE", help="to train on (default: Python's documentation)"
    )
    parser.add_argument("--target", type=float, metavar="LOSS", help="in nats (default: where nanoGPT ends)")
    parser.add_argument("--compile", action="store_true", help="also time our training with torch.compile")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help=f"the result as JSON (default: {TRACKED} for a whole run, else {ASIDE})",
    )
    return parser.parse_args(arguments)


def at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 1 on")
    return int(text)


def main(arguments: list[str] | None = None) -> int:
    options = read_options(arguments)
    for library in "OMP", "MKL", "OPENBLAS":  # read when torch and NumPy are imported
        os.environ[f"{library}_NUM_THREADS"] = str(options.threads)
    check(options)
    import machine
    import speed_tables
    import torch

    torch.set_num_threads(options.threads)
    text, name = read_text(options.text)
    settings = settings_of(options)
    results, problem = run(options.only or speed_tables.CONTESTS, settings, text)
    if not results:
        print(problem, file=sys.stderr)
        return 1
    report = {
        "date": datetime.date.today().isoformat(),
        "machine": machine.describe(options.device),
        "versions": machine.versions(),
        "settings": {
            "text": name,
            "n_characters": len(text),
            "quick": options.quick,
            "recipe": settings.recipe,
        },
        "results": results,
    }
    is_whole = not (problem or options.quick or options.only)
    output = options.output or ROOT / (TRACKED if is_whole else ASIDE)
    write(report, output)
    print(speed_tables.as_text(report))
    print(f"\nWritten to {os.path.relpath(output)}.")
    if problem:
        print(problem, file=sys.stderr)
    return int(bool(problem))


def check(options: argparse.Namespace) -> None:
    """End with one line, before anything is measured, where something is missing."""
    if importlib.util.find_spec("transformers") is None:
        sys.exit("The bench compares with Transformers: run `.venv/bin/python -m pip install transformers`.")
    path = options.output
    if path and (path.is_dir() or not os.access(path.parent, os.W_OK)):
        sys.exit(f"Cannot write {path}: give the name of a file in a folder that is there and writable.")
    if options.device == "cuda":
        import torch

        if not torch.cuda.is_available():
            sys.exit("PyTorch sees no GPU: leave out --device, or install a build of PyTorch with CUDA.")
    elif options.compile and not any(map(shutil.which, ("g++", "clang++"))):
        sys.exit("torch.compile needs a C++ compiler: install g++ or clang++, or leave out --compile.")


def settings_of(options: argparse.Namespace):
    from contestants import Settings

    chosen = {
        "recipe": RECIPE,
        "device": options.device,
        "target": options.target,
        "compile": options.compile,
    }
    chosen |= QUICK if options.quick else {}
    chosen |= {"seeds": options.seeds} if options.seeds else {}
    return Settings(**chosen)


def read_text(path: Path | None) -> tuple[str, str]:
    """The text to train on, and what to call it."""
    from tinylm import corpora

    if path is None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        return corpora.python_docs(), f"the documentation that Python {version} brings along"
    try:
        return corpora.read_text(path), path.name
    except (OSError, ValueError) as error:
        sys.exit(str(error))


def run(contests, settings, text: str) -> tuple[dict, str]:
    """The results of these contests, and what went wrong, in a line; nothing where nothing did."""
    import torch
    from contestants import CONTEXT
    from contests import step_memory, time_to_loss, training_speed
    from writers import generation_speed

    from tinylm import corpora

    parts = corpora.split(text)
    ids, validation_ids = (torch.tensor(list(part.encode()), device=settings.device) for part in parts)
    if len(validation_ids) <= CONTEXT:
        return {}, f"The last tenth of the text has only {len(validation_ids)} bytes: give a longer text."
    begin = {
        "loss": lambda: time_to_loss(settings, ids, validation_ids),
        "training": lambda: training_speed(settings, ids),
        "generation": lambda: generation_speed(settings),
        "memory": lambda: step_memory(settings, ids),
    }
    results, problems = {}, []
    try:
        for name in contests:
            try:
                for so_far in begin[name]():
                    results[name] = so_far
            except (ValueError, FloatingPointError) as error:
                problems.append(f"The contest {name} ended early: {error}.")
    except KeyboardInterrupt:
        problems.append("Stopped: what was measured until then is kept." if results else "Stopped.")
    return results, " ".join(problems)


def write(report: dict, path: Path) -> None:
    """Write `report` whole or not at all: aside first, then in its place."""
    path.parent.mkdir(exist_ok=True)
    aside = path.with_name(f".{path.name}.new")
    try:
        aside.write_text(
            json.dumps(report, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8"
        )
        aside.replace(path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        sys.exit(f"Cannot write {path} ({error.strerror}): make room, or choose another with --output.")


if __name__ == "__main__":
    sys.exit(main())
