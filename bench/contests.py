"""The contests of the bench in training: time to a loss, speed, memory of a step.

Each is a generator that gives its result so far whenever a part of it is whole, so that stopping loses
little. Results are plain dicts and lists, as JSON holds them; `_ext/speed_tables.py` makes tables of them.
"""

import multiprocessing
import signal
import statistics
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

import machine
import numpy as np
import peers
import torch
from contestants import BATCH, CONTEXT, SIZES, Contestant, Settings, config_of, n_parameters
from torch import Tensor
from tqdm.auto import tqdm
from turns import Entry, compare, endlessly, take_turns

from tinylm import pretraining

NANOGPT = Contestant("nanoGPT", plan=peers.README_RUN)
LLAMA = Contestant("Llama")
FOREVER = 1_000_000  # steps: more than any contestant's time allows


# ---- time to a validation loss


def schedules(settings: Settings) -> list[tuple[Contestant, int]]:
    """Who trains for how many steps; each schedule is a run of its own, which ends at its lowest rate."""
    planned = [(NANOGPT, 2000), (LLAMA, 900), (LLAMA, 1400)]
    ours = Contestant("tinylm", settings.precisions[-1], compiled=None)
    planned += [(ours, n_steps) for n_steps in settings.recipe["schedules"]]
    shortened = [(who, max(2, n_steps // settings.shorten)) for who, n_steps in planned]
    return list(dict.fromkeys(shortened))  # shortened, two may have become one


def time_to_loss(settings: Settings, ids: Tensor, validation_ids: Tensor) -> Iterator[dict]:
    """Train everyone on every schedule; time the training alone, then look at the loss that it led to."""
    runs = schedules(settings)
    rows = [{"name": who.name, "steps": n_steps, "losses": [], "seconds": []} for who, n_steps in runs]
    for seed in range(settings.seeds):
        models, entries = [], {}
        for who, n_steps in runs:
            shape = settings.recipe["model"] if who.model == "tinylm" else {}
            models.append(who.build(config_of("0.8M", **shape), settings, seed))
            work = who.work(models[-1], ids, n_steps, settings.recipe, seed)
            entries[f"{who.name}, {n_steps} steps"] = Entry(work, n_steps)
        label = f"time to a loss, seed {seed + 1} of {settings.seeds}"
        laps = take_turns(entries, label, settings.turn, synchronize=settings.synchronize)
        for row, model, lap in zip(rows, models, laps.values(), strict=True):
            row["parameters"] = n_parameters(model)
            row["seconds"].append(lap.total)
            row["losses"].append(pretraining.evaluate(model, validation_ids))
        yield judge(rows, settings.target)


def judge(rows: list[dict], target: float | None) -> dict:
    """Who reached the target, and how many times as long as our quickest way it took.

    A contestant's time is that of the quickest of its schedules whose mean loss is at or below the target: by
    default, the mean loss at which nanoGPT ends. A ratio is the median over pairs of runs with the same seed.
    """
    judged = [row | summary(row) for row in rows]
    given = target is not None
    if not given:
        target = next(row["loss"] for row in judged if row["name"] == NANOGPT.name)
    quickest = {}
    for row in sorted(judged, key=lambda row: -row["median"]):
        if row["loss"] <= target:
            quickest[row["name"]] = row
    ours = next((row for name, row in quickest.items() if name.startswith("tinylm")), None)
    for row in judged:
        row["quickest"] = row is quickest.get(row["name"])
        pairs = zip(row["seconds"], ours["seconds"], strict=True) if ours else []
        row["ratio"] = statistics.median(a / b for a, b in pairs) if ours and row["quickest"] else None
    return {"target": target, "target_given": given, "contestants": judged}


def summary(row: dict) -> dict:
    losses = row["losses"]
    return {
        "loss": statistics.fmean(losses),
        "loss_sd": statistics.stdev(losses) if len(losses) > 1 else None,
        "median": statistics.median(row["seconds"]),
    }


# ---- training speed


def trainers(settings: Settings) -> list[Contestant]:
    """Each model in each precision that the device has a unit for; ours with Muon, and with AdamW alone."""
    crowd = []
    for precision in settings.precisions:
        crowd += [Contestant("tinylm", precision), Contestant("tinylm", precision, muon=False)]
        crowd += [Contestant("Llama", precision), Contestant("GPT-2", precision)]
    if settings.compile:
        crowd.append(Contestant("tinylm", settings.precisions[-1], compiled=True))
    return sorted(crowd, key=lambda who: who.model, reverse=True)


def shape_of(who: Contestant, size: str, settings: Settings):
    """The sizes of a contest of speed; ours with what the recipe says beyond sizes."""
    beyond = {field: value for field, value in settings.recipe["model"].items() if field not in SIZES[size]}
    return config_of(size, **beyond if who.model == "tinylm" else {})


def for_speed(settings: Settings) -> dict:
    """Our recipe with everyone's batch, and rates so low that no run of whatever length can go astray."""
    low = {"batch_size": BATCH, "matrix_rate": 1e-4, "other_rate": 1e-4}
    return settings.recipe | {"training": settings.recipe["training"] | low}


def training_speed(settings: Settings, ids: Tensor) -> Iterator[dict]:
    """Tokens per second of forward, backward and step, and how much of the device's best that uses."""
    result = {}
    for size in settings.sizes:
        crowd = {who.name: who for who in trainers(settings)}
        models = {name: who.build(shape_of(who, size, settings), settings) for name, who in crowd.items()}
        entries = {
            name: Entry(who.work(models[name], ids, FOREVER, for_speed(settings)))
            for name, who in crowd.items()
        }
        label = f"training speed, {size} parameters"
        everyone = entries | product_entries(settings)
        laps = take_turns(everyone, label, settings.turn, settings.seconds, settings.synchronize)
        peaks = peak_products(laps, settings)
        rows = compare({n: laps[n] for n in crowd}, dict.fromkeys(crowd, BATCH * CONTEXT), LLAMA.name)
        for name, row in rows.items():
            used = row["median"] * machine.flops_per_token(models[name])
            row["parameters"] = n_parameters(models[name])
            row["utilisation"] = used / peaks[crowd[name].precision]
            row["utilisation_of_best"] = used / max(peaks.values())
        result[size] = {"peaks": peaks, "reference": LLAMA.name, "contestants": rows}
        yield result


def product_entries(settings: Settings) -> dict[str, Entry]:
    """Matrix products, which take turns with the contestants, so that all meet the same neighbours."""
    return {
        f"{precision} product {shape}": Entry(
            endlessly(
                machine.product(shape, getattr(torch, precision), settings.device), settings.synchronize
            )
        )
        for precision in settings.precisions
        for shape in machine.SHAPES[settings.device]
    }


def peak_products(laps: dict, settings: Settings) -> dict[str, float]:
    """Operations per second of each precision at the shape that it is best at."""
    return {
        precision: max(
            statistics.median(laps[f"{precision} product {shape}"].rates) * 2 * shape[0] * shape[1] * shape[2]
            for shape in machine.SHAPES[settings.device]
        )
        for precision in settings.precisions
    }


# ---- memory


def step_memory(settings: Settings, ids: Tensor) -> Iterator[dict]:
    """The most memory that training steps take, each contestant in a process of its own."""
    result = {}
    todo = [(size, who) for size in settings.sizes for who in trainers(settings)]
    data, n_threads = ids.cpu().numpy(), torch.get_num_threads()
    fresh = multiprocessing.get_context("spawn")
    deaf = (signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process; this one answers for all
    for size, who in tqdm(todo, desc="memory of a step", leave=False):
        with ProcessPoolExecutor(1, mp_context=fresh, initializer=signal.signal, initargs=deaf) as process:
            taken = process.submit(measure_step, who, size, settings, data, n_threads)
            result.setdefault(size, {})[who.name] = taken.result()
        yield result


def measure_step(who: Contestant, size: str, settings: Settings, data: np.ndarray, n_threads: int) -> int:
    """Bytes beyond those held before there was a model: for weights, gradients, optimiser and activations."""
    torch.set_num_threads(n_threads)
    before = machine.peak_memory()
    ids = torch.from_numpy(data).to(settings.device)
    model = who.build(shape_of(who, size, settings), settings)
    who.work(model, ids, 3, for_speed(settings))(lambda: None)
    return torch.cuda.max_memory_allocated() if settings.device == "cuda" else machine.peak_memory() - before
