"""Tables of what `make bench` measured, from its JSON.

Plain Python: the bench prints them, and the Sphinx extension beside this file shows them.
"""

import json
from dataclasses import dataclass
from pathlib import Path

PARTS = "machine", "versions", "settings", "date", "results"
CONTESTS = "loss", "training", "generation", "memory"
NOTHING = "–"


@dataclass(frozen=True)
class Table:
    title: str
    note: str  # a sentence or two: what was measured, and against what
    heads: list[str]
    rows: list[list[str]]


def load(path: Path) -> dict:
    """What the bench wrote. Raises ValueError, one line that says what to do, where that is damaged."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path.name} cannot be read ({error}): run `make bench` again") from None
    lacking = [part for part in PARTS if part not in report]
    if lacking:
        raise ValueError(f"{path.name} lacks {', '.join(lacking)}: run `make bench` again")
    return report


def describe(report: dict) -> list[str]:
    """Sentences: on which machine, with which versions, on which text."""
    machine, settings = report["machine"], report["settings"]
    unit = "with" if machine["bfloat16_unit"] else "without"
    threads = f"{machine['threads']} thread{'s' if machine['threads'] > 1 else ''}"
    where = f"{machine['processor']} ({machine['cores']} cores, {machine['system']}), {threads}"
    if machine["gpu"]:
        where += f", on the GPU {machine['gpu']}"
    versions = ", ".join(f"{name} {number}" for name, number in report["versions"].items())
    text = f"{settings['text']}, {settings['n_characters']:,} characters"
    sentences = [
        f"Machine: {where}; {unit} a unit for bfloat16.",
        f"Versions: {versions}. Measured on {report['date']}.",
        f"Text: {text}.",
    ]
    if settings["quick"]:
        sentences.append("A quick run: it shows that everything works, and its figures mean little.")
    return sentences


def tables(report: dict) -> list[Table]:
    """All tables, in the order of the contests; those of contests that did not run are left out."""
    made, results = [], report["results"]
    if "loss" in results:
        made.append(of_loss(results["loss"]))
    for size, part in results.get("training", {}).items():
        made.append(of_training(size, part))
    for size, batches in results.get("generation", {}).items():
        made += [of_generation(size, batch_size, part) for batch_size, part in batches.items()]
    if "memory" in results:
        made.append(of_memory(results["memory"]))
    return made


def of_loss(part: dict) -> Table:
    n_seeds = len(part["contestants"][0]["losses"])
    target = "as asked for" if part["target_given"] else "at which nanoGPT's run ends"
    note = (
        f"The target is a loss of {part['target']:.3f} nats per token on the validation text, {target}. "
        "Seconds are those of training alone, the median over seeds; losses are means and standard "
        f"deviations (seeds: {n_seeds}). A contestant is timed by the quickest of its schedules whose mean "
        "loss reaches the target; the last column says how many times as long as our quickest that took."
    )
    heads = ["contestant", "parameters", "steps", "loss", "seconds", "times ours"]
    rows = [
        [
            row["name"],
            f"{row['parameters']:,}",
            str(row["steps"]),
            f"{row['loss']:.3f}" + ("" if row["loss_sd"] is None else f" ± {row['loss_sd']:.3f}"),
            f"{row['median']:.1f}",
            reached(row, part["target"]),
        ]
        for row in part["contestants"]
    ]
    return Table("Time to a validation loss", note, heads, rows)


def reached(row: dict, target: float) -> str:
    if row["ratio"] is not None:
        return times(row["ratio"])
    return NOTHING if row["loss"] <= target else "not reached"


def of_training(size: str, part: dict) -> Table:
    peaks = ", ".join(f"{precision} {flops / 1e9:,.0f}" for precision, flops in part["peaks"].items())
    note = (
        "Forward pass, backward pass and step, with batches of one size. Utilisation is the share that the "
        "model's products reach of the best matrix product measured in this run: of the best in the same "
        f"precision, and of the best in any. The best, in GFLOP/s: {peaks}."
    )
    heads = ["contestant", "parameters", "tokens/s", f"times {part['reference']}"]
    heads += ["utilisation", "of the best in any"]
    rows = [
        [
            name,
            f"{row['parameters']:,}",
            f"{row['median']:,.0f}",
            times(row["ratio"]),
            f"{row['utilisation']:.0%}",
            f"{row['utilisation_of_best']:.0%}",
        ]
        for name, row in part["contestants"].items()
    ]
    return Table(f"Training, {size} parameters", note, heads, rows)


def of_generation(size: str, batch_size: str, part: dict) -> Table:
    texts = "one text" if batch_size == "1" else f"{batch_size} texts at once"
    note = (
        f"Greedy, with a cache, {texts}. The last column is the share of new tokens equal to those of "
        f"{part['reference']}, counted up to the first that differs; the weights are random, so that the "
        "rounding of bfloat16 soon changes a choice."
    )
    heads = ["contestant", "tokens/s", f"times {part['reference']}", "same tokens"]
    rows = [
        [name, f"{row['median']:,.0f}", times(row["ratio"]), f"{row['agree']:.1%}"]
        for name, row in part["contestants"].items()
    ]
    return Table(f"Generation, {size} parameters, {texts}", note, heads, rows)


def of_memory(part: dict) -> Table:
    note = "What training takes beyond the program: weights, gradients, the optimiser's state, activations."
    names = list(dict.fromkeys(name for size in part.values() for name in size))
    rows = [
        [name, *(f"{part[size][name] / 2**20:,.0f}" if name in part[size] else NOTHING for size in part)]
        for name in names
    ]
    return Table(
        "Peak memory of training steps", note, ["contestant", *(f"{size}, MiB" for size in part)], rows
    )


def times(ratio: float) -> str:
    return f"{ratio:.2f}"


def as_text(report: dict) -> str:
    """Everything for a terminal."""
    lines = describe(report)
    for table in tables(report):
        widths = [max(map(len, column)) for column in zip(table.heads, *table.rows, strict=True)]
        lines += ["", table.title]
        for row in [table.heads, *table.rows]:
            first, *rest = zip(row, widths, strict=True)
            lines.append(
                "  " + first[0].ljust(first[1]) + "".join(f"  {cell:>{width}}" for cell, width in rest)
            )
    return "\n".join(lines)
