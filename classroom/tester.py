"""The tester's process: runs the instructor's tests on the answers of a learner's process.

It is told what to do as a list of steps, each a dictionary with a `kind`:

    learner   run `source` in the learner's process
    trusted   run `source` here: imports and helpers that the author provides
    tests     run `source` here with the learner's names in `wants`; worth `points`

and reports on each step before and after it, so that whoever watches knows where it died.
"""

import ast
import io
import json
import os
import random
import re
import sys
import time
import traceback
from contextlib import redirect_stderr, redirect_stdout

import numpy as np
import torch

from classroom import confinement, exercise, wire
from classroom.proxies import Contract, Session, StudentError

START_LIMIT = 120.0  # seconds, for the learner's process to be confined


def serve(read_fd: int, write_fd: int, report_fd: int, go_fd: int, job: dict, skip: dict[int, str]) -> None:
    """Do the steps of a job, all but those in `skip`; report, and wait after each until told to go on.

    So what a step leaves is found before the next one begins, and is never laid to that one's charge.
    """
    seed_everything(job["seed"])
    contract = Contract(job["contract"])
    session = Session(read_fd, write_fd, contract)
    names: dict = {"__name__": "__main__", "display": lambda *values, **_: None}
    for number, step in enumerate(job["steps"]):
        wire.send(report_fd, {"start": number})
        session.start_cell()
        if number in skip:
            outcome = (
                {"error": {"kind": "stopped", "message": skip[number]}} if step["kind"] == "tests" else {}
            )
        else:
            try:
                outcome = STEPS[step["kind"]](step, names, session)
            except wire.Gone as gone:
                wire.send(report_fd, {"gone": str(gone)})
                raise
        wire.send(report_fd, {"done": number, **outcome})
        if not os.read(go_fd, 1):
            raise wire.Gone("who watches ended")
    wire.send(report_fd, {"contract": contract.places})


def seed_everything(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed % (1 << 32))
    torch.manual_seed(seed)


def run_learner(step: dict, names: dict, session: Session) -> dict:
    try:
        session.run(step["source"], step["name"])
    except StudentError as error:
        return {"trace": error.trace or _said(error)}
    return {}


def run_trusted(step: dict, names: dict, session: Session) -> dict:
    exec(compile(step["source"], "<given>", "exec"), names)
    return {}


def run_tests(step: dict, names: dict, session: Session) -> dict:
    """Score of one test cell, or what its first failure was."""
    file = f"<{step['id']}>"
    try:
        names |= session.get(step["wants"])
        tree = ast.parse(exercise.python(step["source"]), file)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            exec(compile(tree, file, "exec"), names)
            value = eval(compile(ast.Expression(last.value), file, "eval"), names) if last else None
            share = partial(value, step["points"])
        return {"score": share}
    except Exception as error:  # noqa: BLE001 - whatever a test raises is its verdict
        return {"error": describe(error, step, file), "hints": session.contract.hints}
    finally:
        for name in step["wants"]:
            names.pop(name, None)  # the next test asks again


def partial(value, points: float) -> float:
    """Points for a test whose last expression is `value`; a number from 0 on is the score, as in nbgrader."""
    try:
        score = float(repr(value))
    except ValueError:
        return points
    return min(score, points) if score >= 0 else points


def describe(error: Exception, step: dict, file: str) -> dict:
    """What went wrong, and whether the line that found it is one that learners do not see."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    line = frames[-1].lineno if frames else 0
    hidden = any(first <= line <= last for first, last in hidden_lines(step["source"]))
    return {
        "kind": "raised" if isinstance(error, StudentError) else "failed",
        "message": _said(error),
        "trace": error.trace if isinstance(error, StudentError) else "",
        "line": line,
        "hidden": hidden,
        "own_words": has_message(step["source"], line),
    }


def hidden_lines(source: str) -> list[tuple[int, int]]:
    """First and last line of each region of hidden tests."""
    spans = []
    for match in exercise.HIDDEN.finditer(source):
        first = source.count("\n", 0, match.start()) + 1
        spans.append((first, first + match[0].rstrip("\n").count("\n")))
    return spans


def has_message(source: str, line: int) -> bool:
    """Whether the statement at this line is a test with a message that the author wrote for learners."""
    try:
        statements = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Assert | ast.Expr)]
    except SyntaxError:
        return False
    for node in statements:
        if node.lineno <= line <= (node.end_lineno or node.lineno):
            if isinstance(node, ast.Assert):
                return node.msg is not None
            keywords = node.value.keywords if isinstance(node.value, ast.Call) else []
            return any(keyword.arg in ("msg", "err_msg") for keyword in keywords)
    return False


def _said(error: Exception) -> str:
    words = re.sub(r"\s*\n\s*", "\n", str(error)).strip()[:1500]
    kind = type(error).__name__
    if kind == "AssertionError":
        return words or "an assertion failed"
    return f"{kind}: {words}" if words else kind


STEPS = {"learner": run_learner, "trusted": run_trusted, "tests": run_tests}


def start(
    read_fd: int,
    write_fd: int,
    report_fd: int,
    go_fd: int,
    steps_fd: int,
    job: dict,
    skip: dict[int, str],
) -> None:
    """`serve`, in a process of its own that ends with it; the steps stand in a file that it alone reads."""
    confinement.limit(job["memory"] + (1 << 30), job["disk"], 4096, int(job["total_limit"]) + 10)
    job = job | json.loads(os.pread(steps_fd, os.fstat(steps_fd).st_size, 0))
    with open(os.devnull, "w") as nowhere:
        sys.stdout = sys.stderr = nowhere
        for standard in (1, 2):  # of code in C, too
            os.dup2(nowhere.fileno(), standard)
        wire.receive(read_fd, time.monotonic() + START_LIMIT)  # the learner's process is ready
        serve(read_fd, write_fd, report_fd, go_fd, job, skip)
