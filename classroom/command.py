"""The command `classroom`: check, release, grade, feedback, export."""

import argparse
import contextlib
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from classroom import batch, collect, exercise, export, pages, release, results, sandbox
from classroom.files import write
from classroom.grading import Limits

OK, FOUND_PROBLEMS, CANNOT, STOPPED = 0, 1, 2, 130
CLUSTER_WAIT = 15  # seconds until a scheduler has to answer
INTRODUCTION = "Check, hand out and grade notebooks of exercises, safely: learners' code runs in a sandbox."
EPILOGUE = """\
NAME is an exercise of the book (attention) or the path of any notebook with nbgrader's marks (.md or .ipynb).

a first round:
  classroom check attention                            are its tests right? (minutes)
  classroom release attention -o attention.ipynb       what learners get
  classroom grade attention submissions/ -o results/   what they earned (seconds)
  classroom feedback results/                          again, once results/manual.csv is filled in
  classroom export results/ --to moodle --roster worksheet.csv

exit codes: 0 all is well, 1 a check found problems, 2 it cannot be done (one line says why), 130 stopped.
`classroom COMMAND --help` says more about each.
"""
GRADE = """\
SUBMISSIONS is one notebook, a folder of NAME.ipynb, or a folder with a folder for each learner, as nbgrader,
Canvas and Moodle give them. In RESULTS you find:

  report.html          distribution, most failed tests, what a human should look at
  grades.csv           scores in nbgrader's columns
  manual.csv           texts that you mark: fill in points and comment, then `classroom feedback RESULTS`
  feedback/NAME.html   for each learner; shows no hidden test
  gradescope/NAME.json Gradescope's results.json for each learner
  results/NAME.json    all that is known, one file for each learner

Stopped at any moment, the same command with --resume goes on: what is graded is kept, and what has changed
since is graded again.
"""


class Impossible(Exception):
    """What was asked cannot be done; the message is one line."""


ONE_LINE = (
    Impossible,
    exercise.ExerciseError,
    results.ResultsError,
    collect.NothingHandedIn,
    sandbox.NoSandbox,
    batch.WorkersDied,
    OSError,
)


def parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    main_parser = argparse.ArgumentParser(
        "classroom", description=INTRODUCTION, epilog=EPILOGUE, formatter_class=raw
    )
    commands = main_parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, does: str, epilog: str = "") -> argparse.ArgumentParser:
        made = commands.add_parser(
            name, help=does, description=f"{does[0].upper()}{does[1:]}.", epilog=epilog, formatter_class=raw
        )
        made.add_argument(
            "--json", action="store_true", help="print what was found as JSON, and nothing else"
        )
        return made

    check = command(
        "check", "are the tests of an exercise right? answers, blank copy, planted mistakes, seeds, nbgrader"
    )
    check.add_argument("names", nargs="*", metavar="NAME", help="exercises (default: all of the book)")
    check.add_argument("--seeds", type=int, default=10, help="runs of the answers (%(default)s)")
    check.add_argument(
        "--no-nbgrader", action="store_true", help="do not compare with nbgrader, which is slow"
    )
    _add_running(check)

    hand_out = command(
        "release",
        "write the learner's notebook: stubs, visible tests, a first cell that installs the library",
    )
    hand_out.add_argument("name", metavar="NAME")
    hand_out.add_argument("-o", "--output", type=Path, help="where to (default: NAME.ipynb)")
    hand_out.add_argument(
        "--with-answers", action="store_true", help="the author's notebook, for nbgrader's folder source/"
    )
    hand_out.add_argument("--force", action="store_true", help="write over a file that is there")

    grade = command("grade", "grade a folder of submissions", GRADE)
    grade.add_argument("name", metavar="NAME")
    grade.add_argument("submissions", type=Path, metavar="SUBMISSIONS")
    grade.add_argument(
        "-o", "--output", type=Path, required=True, metavar="RESULTS", help="the folder to write"
    )
    grade.add_argument("--resume", action="store_true", help="go on in a folder that holds results")
    grade.add_argument("--cluster", metavar="ADDRESS", help="a Dask scheduler, such as tcp://10.0.0.1:8786")
    grade.add_argument("--seed", type=int, default=0, help="of the tests' random inputs (%(default)s)")
    _add_running(grade)

    again = command(
        "feedback", "write grades, feedback and report anew, with the points that you filled into manual.csv"
    )
    again.add_argument("results", type=Path, metavar="RESULTS")

    out = command("export", "write the grades for another program")
    out.add_argument("results", type=Path, metavar="RESULTS")
    out.add_argument("--to", choices=["nbgrader", "gradescope", "canvas", "moodle"], required=True)
    out.add_argument(
        "--roster", type=Path, help="the table that Canvas or Moodle gives out, which is filled in"
    )
    out.add_argument("-o", "--output", type=Path, help="where to (default: in RESULTS)")
    return main_parser


def _add_running(command: argparse.ArgumentParser) -> None:
    defaults, group = Limits(), command.add_argument_group("how learners' code is run")
    group.add_argument(
        "--workers", type=int, default=_cores(), help="sandboxes at once (%(default)s, one a core)"
    )
    group.add_argument("--sandbox", choices=sandbox.MODES[:2], help="(the strongest that works here)")
    group.add_argument(
        "--no-sandbox", action="store_true", help="run it with your own rights: for code you trust alone"
    )
    group.add_argument(
        "--cell-seconds", type=float, default=defaults.cell, help="time for one cell (%(default)g)"
    )
    group.add_argument(
        "--notebook-seconds",
        type=float,
        default=defaults.notebook,
        help="time for one notebook (%(default)g)",
    )
    group.add_argument(
        "--memory", type=int, default=defaults.memory, help="megabytes, beyond PyTorch's own (%(default)s)"
    )


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _limits(options) -> Limits:
    if min(options.workers, options.memory, options.cell_seconds, options.notebook_seconds) <= 0:
        raise Impossible("--workers, --memory and times must be above 0.")
    return Limits(cell=options.cell_seconds, notebook=options.notebook_seconds, memory=options.memory)


def _mode(options) -> str:
    """How to confine, said out loud."""
    mode = sandbox.choose("none" if options.no_sandbox else options.sandbox)
    _tell(options, f"Sandbox: {sandbox.PROMISES[mode]}.")
    return mode


def _tell(options, line: str) -> None:
    if not options.json:
        print(line, flush=True)


def _bar(options, total: int, what: str):
    from tqdm import tqdm

    return tqdm(total=total, desc=what, unit="", disable=options.json or not sys.stderr.isatty(), leave=False)


# ---- the commands


def run_check(options) -> int:
    from classroom import checking

    names = options.names or sorted(path.stem for path in exercise.folder().glob("*.md"))
    limits, mode = _limits(options), _mode(options)
    reports = []
    for name in names:
        path = exercise.find(name)
        with _bar(options, 1, path.stem) as bar:

            def progress(done: int, total: int, bar=bar) -> None:
                bar.total, bar.n = total, done
                bar.refresh()

            report = checking.check(
                exercise.load(path),
                path,
                mode,
                limits,
                seeds=options.seeds,
                workers=options.workers,
                progress=progress,
                nbgrader=not options.no_nbgrader,
            )
        reports.append(report)
        for line in report.lines():
            _tell(options, line)
    if options.json:
        print(json.dumps([report.as_json() for report in reports], indent=1))
    return OK if all(report.ok for report in reports) else FOUND_PROBLEMS


def run_release(options) -> int:
    _, nbformat = exercise.libraries()
    path = exercise.find(options.name)
    notebook, source = exercise.read(path)
    out = options.output or Path(f"{path.stem}.ipynb")
    out = out / f"{path.stem}.ipynb" if out.is_dir() else out
    if out.exists() and not options.force:
        raise Impossible(f"{out} is there already: name another file with -o, or say --force.")
    made = release.for_nbgrader(notebook) if options.with_answers else release.for_learners(notebook, source)
    out.parent.mkdir(parents=True, exist_ok=True)
    write(out, nbformat.writes(made) + "\n")
    tests, points = len(source.of("tests")), source.max_score
    _tell(
        options, f"{out}: {tests} tests, {points:g} points{', WITH ANSWERS' if options.with_answers else ''}."
    )
    if options.json:
        print(
            json.dumps(
                {"path": str(out), "tests": tests, "max_score": points, "answers": options.with_answers}
            )
        )
    return OK


def run_grade(options) -> int:
    source = exercise.load(exercise.find(options.name))
    limits = _limits(options)
    handed = collect.collect(options.submissions, source.name)
    folder = results.Folder(options.output)
    folder.open(options.resume)
    start = time.monotonic()
    with contextlib.ExitStack() as stack:
        executor, n_workers, mode = _workers(options, stack)
        bar = stack.enter_context(_bar(options, len(handed), source.name))
        n_done = batch.grade_all(
            source,
            handed,
            folder,
            executor,
            n_workers,
            mode=mode,
            limits=limits,
            seed=options.seed,
            progress=lambda graded: bar.update(),
        )
        bar.update(len(handed) - n_done)
    graded = folder.summarise(source)
    found = pages.summary(graded)
    if options.json:
        print(
            json.dumps(
                {**found, "graded_now": n_done, "sandbox": mode, "results": str(options.output)}, indent=1
            )
        )
        return OK
    kept = f", {len(handed) - n_done} kept from before" if n_done < len(handed) else ""
    print(
        f"{n_done} graded in {time.monotonic() - start:.0f} s{kept}. "
        f"Mean {found['mean']:g} of {found['max_score']:g} points."
    )
    if found["to_mark"]:
        print(f"{found['to_mark']} texts are yours to mark: {options.output / 'manual.csv'}")
    flagged = sum(bool(one.result.flags) for one in graded)
    words = f", which flags {flagged} of the submissions" if flagged else ""
    print(f"Look at {options.output / 'report.html'}{words}.")
    return OK


def _workers(options, stack: contextlib.ExitStack):
    """An executor, how many it runs at once, and how its sandboxes confine."""
    if options.cluster is None:
        mode = _mode(options)
        executor = ThreadPoolExecutor(options.workers)
        stack.callback(executor.shutdown, wait=False, cancel_futures=True)
        return executor, options.workers, mode
    try:
        from distributed import Client
    except ImportError:
        raise Impossible("--cluster needs Dask: pip install distributed.") from None
    try:
        client = stack.enter_context(Client(options.cluster, timeout=CLUSTER_WAIT))
    except (OSError, ValueError) as error:
        raise Impossible(
            f"No Dask scheduler answers at {options.cluster}: {' '.join(str(error).split())[:120]}"
        ) from None
    wanted = "none" if options.no_sandbox else options.sandbox
    modes = client.run(sandbox.choose, wanted)
    if not modes:
        raise Impossible(f"The scheduler at {options.cluster} has no workers: start some with `dask worker`.")
    mode = max(modes.values(), key=sandbox.MODES.index)  # the weakest that all of them can do
    _tell(options, f"Sandbox on {len(modes)} workers: {sandbox.PROMISES[mode]}.")
    return client.get_executor(retries=batch.TRIES), sum(client.ncores().values()), mode


def run_feedback(options) -> int:
    folder = results.Folder(options.results)
    graded = folder.summarise()
    found = pages.summary(graded)
    if options.json:
        print(json.dumps(found, indent=1))
    left = (
        f"; {found['to_mark']} texts still to mark in {options.results / 'manual.csv'}"
        if found["to_mark"]
        else ""
    )
    _tell(
        options,
        f"{len(graded)} pages in {options.results / 'feedback'}, "
        f"mean {found['mean']:g} of {found['max_score']:g}{left}.",
    )
    return OK


def run_export(options) -> int:
    path, unknown = export.export(results.Folder(options.results), options.to, options.roster, options.output)
    if options.json:
        print(json.dumps({"path": str(path), "unknown": unknown}))
    _tell(options, f"{path} is ready for {options.to.capitalize()}.")
    if unknown:
        print(f"Not in the roster, and so left out: {', '.join(map(repr, unknown))}.", file=sys.stderr)
    return OK


RUN = {
    "check": run_check,
    "release": run_release,
    "grade": run_grade,
    "feedback": run_feedback,
    "export": run_export,
}


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    try:
        return RUN[options.command](options)
    except ONE_LINE as error:
        print(f"classroom: {_words(error)}", file=sys.stderr)
        return CANNOT
    except KeyboardInterrupt:
        sandbox.stop()
        print("\nStopped. What is graded is kept: the same command with --resume goes on.", file=sys.stderr)
        sys.stderr.flush()
        os._exit(STOPPED)  # at once: threads that wait for a sandbox would hold the program


def _words(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'a file'}: {error.strerror}. What was written before is whole."
    return " ".join(str(error).split())


def entry() -> None:
    """The console script."""
    sys.exit(main())


if __name__ == "__main__":
    entry()
