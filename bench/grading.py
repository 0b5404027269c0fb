"""How fast grading is: `.venv/bin/python bench/grading.py`, best alone on the machine, in some minutes.

The same submissions of one exercise, graded by nbgrader's own `autograde` and by `classroom`, in processor
seconds of the machine; then one sandbox against two, and what a warm one holds.
Writes chapters/grading.json, which the page for instructors tells.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import machine
import nbformat
import psutil

from classroom import batch, collect, exercise, grading, release, results, sandbox

OUT = Path(__file__).resolve().parents[1] / "chapters" / "grading.json"
TURNS = 2  # of one worker and two, by turns


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--exercise", default="attention")
    parser.add_argument("--n", type=int, default=200, help="submissions for classroom (%(default)s)")
    parser.add_argument("--n-nbgrader", type=int, default=20, help="for nbgrader, it is slow (%(default)s)")
    parser.add_argument("--output", type=Path, default=OUT)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(options, Path(folder))
    for name, value in found.items():
        print(f"{name:<28}{value}")
    options.output.write_text(json.dumps(found, indent=1) + "\n")


def measure(options, folder: Path) -> dict:
    path = exercise.find(options.exercise)
    source, mode = exercise.load(path), sandbox.choose()
    submissions = a_class(folder, path, source, options.n)
    theirs = nbgrader_seconds(folder, path, source, submissions, options.n_nbgrader)
    ours = classroom_seconds(folder, path, submissions, 1)
    rates = scaling(folder, source, submissions, mode)
    per_minute = {n: 60 * statistics.median(rates[n]) for n in rates}
    return {
        "exercise": options.exercise,
        "sandbox": mode,
        "processor": machine.processor(),
        "cores": os.cpu_count(),
        "n_submissions": options.n,
        "n_nbgrader": options.n_nbgrader,
        "nbgrader_cpu_seconds": round(theirs / options.n_nbgrader, 3),
        "classroom_cpu_seconds": round(ours / options.n, 4),
        "ratio": round(theirs / options.n_nbgrader / (ours / options.n), 1),
        "per_minute_one_worker": round(per_minute[1]),
        "per_minute_two_workers": round(per_minute[2]),
        "minutes_for_ten_thousand": round(10_000 / per_minute[2], 1),
        "share_of_linear": round(statistics.median(map(lambda one, two: two / one / 2, *rates.values())), 3),
        "warm_worker_mb": round(warm_worker_mb(source, submissions, mode)),
    }


def a_class(folder: Path, path: Path, source, n: int) -> Path:
    """Released notebooks filled in by a class: most tasks are right, some wrong, some not done."""
    draw, out = random.Random(0), folder / "submissions"
    out.mkdir()
    author, answers = exercise.read_notebook(path), grading.author_answers(source).answers
    for number in range(n):
        notebook = release.for_learners(author, source)
        for cell in notebook.cells:
            name = cell.metadata.get("nbgrader", {}).get("grade_id")
            if name in answers and draw.random() < 0.85:
                wrong = draw.random() < 0.15
                cell.source = answers[name].replace("-1", "0") if wrong else answers[name]
        nbformat.write(notebook, out / f"learner{number:03d}.ipynb")
    return out


def nbgrader_seconds(folder: Path, path: Path, source, submissions: Path, n: int) -> float:
    """Processor seconds of `nbgrader autograde` over the first `n` submissions."""
    course = folder / "course"
    (course / "source" / "work").mkdir(parents=True)
    whole = release.for_nbgrader(exercise.read_notebook(path))
    nbformat.write(whole, course / "source" / "work" / f"{source.name}.ipynb")
    (course / "nbgrader_config.py").write_text("c = get_config()\n")
    for notebook in sorted(submissions.iterdir())[:n]:
        place = course / "submitted" / notebook.stem / "work"
        place.mkdir(parents=True)
        shutil.copy(notebook, place / f"{source.name}.ipynb")
    command = [sys.executable, "-m", "nbgrader"]
    cpu_seconds([*command, "generate_assignment", "work"], course)
    return cpu_seconds([*command, "autograde", "work"], course)


def classroom_seconds(folder: Path, path: Path, submissions: Path, n_workers: int) -> float:
    """Processor seconds of `classroom grade`, with all that starting and reporting costs."""
    command = [sys.executable, "-m", "classroom.command", "grade", str(path), str(submissions)]
    return cpu_seconds([*command, "-o", str(folder / "by-command"), "--workers", str(n_workers)], folder)


def cpu_seconds(command: list[str], folder: Path) -> float:
    """Seconds that the machine's processors were busy while a command ran.

    Of the whole machine, since what a sandbox's processes used is not told to the process that started it.
    """
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # nbgrader calls programs by name
    environment = os.environ | {"PATH": path, "OMP_NUM_THREADS": "1"}
    start = busy_seconds()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command[:6])} failed:\n{done.stderr[-1000:]}")
    return busy_seconds() - start


def busy_seconds() -> float:
    """Processor seconds since the machine started, but for those that were idle or waiting for a disk."""
    times = psutil.cpu_times()
    return sum(times) - times.idle - times.iowait - times.guest - times.guest_nice


def scaling(folder: Path, source, submissions: Path, mode: str) -> dict[int, list[float]]:
    """Submissions a second with one warm sandbox and with two, by turns."""
    handed, rates = collect.collect(submissions, source.name), {1: [], 2: []}
    pools = {n_workers: ThreadPoolExecutor(n_workers) for n_workers in rates}
    for turn in range(-1, TURNS):  # one more, to warm up
        for n_workers, pool in pools.items():
            out = results.Folder(folder / f"{turn}-{n_workers}")
            out.open(resume=False)
            start = time.monotonic()
            batch.grade_all(source, handed, out, pool, n_workers, mode=mode)
            if turn >= 0:
                rates[n_workers].append(len(handed) / (time.monotonic() - start))
    return rates


def warm_worker_mb(source, submissions: Path, mode: str) -> float:
    """Memory of a sandbox's processes after a submission; what they share is counted once."""
    with sandbox.borrowed(mode) as box:
        steps, _ = grading.plan(source, grading.author_answers(source))
        box.run(grading.job(source, steps, None, grading.DEFAULTS, 0))
        time.sleep(1)  # until the submission's own processes have ended
        root = psutil.Process(box.process.pid)
        pss = [process.memory_full_info().pss for process in [root, *root.children(recursive=True)]]
    sandbox.close_all()
    return sum(pss) / (1 << 20)


if __name__ == "__main__":
    main()
