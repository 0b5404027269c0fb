"""One submission in, one result out: `grade_file` for a path, `grade_bytes` for what stands in the file.

Both are pure: the same exercise, file and seed give the same result, on any machine. They may be called from
any thread or process; each process keeps its sandboxes warm.
"""

import ast
import contextlib
import hashlib
import re
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from classroom import exercise, flags, sandbox, submission, wire
from classroom.exercise import Exercise

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|\r")
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
BLANK = "Nothing is written there yet: NotImplementedError is still raised."
SHOWN = 4000  # characters of what a learner's cells printed
TIMES = 3  # sandboxes that may fail over one submission


@dataclass(frozen=True)
class Limits:
    """What a learner's code may take. Times in seconds, sizes in megabytes."""

    cell: float = 20.0
    notebook: float = 120.0
    memory: int = 1024
    disk: int = 64
    processes: int = 24


DEFAULTS = Limits()


@dataclass
class Score:
    """What one graded cell earned, None where a person has to mark it."""

    id: str
    points: float | None
    max_points: float
    message: str = ""  # for the learner; empty where all is well
    detail: str = ""  # for the instructor: the failure itself, also of a hidden test
    trace: str = ""  # the learner's part of a traceback
    answer: str = ""  # of a text that a person marks
    about: str = ""  # what the test says that it checks


@dataclass
class Result:
    """All there is to say about one submission."""

    exercise: str
    scores: list[Score]
    remarks: list[str] = field(default_factory=list)  # for the instructor
    flags: list[str] = field(default_factory=list)  # for a human to look at
    output: str = ""
    errors: dict[str, str] = field(default_factory=dict)  # tracebacks of the learner's cells
    answers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    file_digest: str = ""
    exercise_digest: str = ""

    @property
    def score(self) -> float:
        return sum(score.points or 0.0 for score in self.scores)

    @property
    def max_score(self) -> float:
        return sum(score.max_points for score in self.scores)

    @property
    def to_mark(self) -> list[Score]:
        return [score for score in self.scores if score.points is None]

    def as_json(self) -> dict:
        return {**asdict(self), "score": self.score, "max_score": self.max_score}

    @classmethod
    def from_json(cls, data: dict) -> "Result":
        data = {key: value for key, value in data.items() if key not in ("score", "max_score")}
        return cls(**{**data, "scores": [Score(**score) for score in data["scores"]]})


def grade_file(
    source: Exercise, path: Path, mode: str = "bubblewrap", limits: Limits = DEFAULTS, seed: int = 0
) -> Result:
    """Grade the notebook at `path`. A file that is no notebook earns 0, and the result says why.

    Raises sandbox.NoSandbox where learners' code cannot be confined in this mode, and exercise.ExerciseError
    where the author's own answers do not earn full marks.
    """
    try:
        data = submission.read(Path(path))
    except submission.Unreadable as error:
        return unreadable(source, str(error))
    return grade_bytes(source, data, mode, limits, seed)


def grade_bytes(
    source: Exercise, data: bytes, mode: str = "bubblewrap", limits: Limits = DEFAULTS, seed: int = 0
) -> Result:
    """Grade a notebook given as the bytes of its file; see `grade_file`."""
    try:
        found = submission.rebuild(data, source)
    except submission.Unreadable as error:
        result = unreadable(source, str(error))
    else:
        contract = contract_of(Key(source), mode, limits)
        result = _grade(source, found, contract, mode, limits, seed)
    return replace(result, file_digest=digest_of(data))


def digest_of(data: bytes) -> str:
    """What a file is, as 16 hex digits."""
    return hashlib.sha256(data).hexdigest()[:16]


def author_answers(source: Exercise) -> submission.Submission:
    """The author's answers as if they had been handed in."""
    return submission.Submission({cell.id: exercise.solution(cell) for cell in source.of("answer", "essay")})


def _grade(
    source: Exercise, found: submission.Submission, contract, mode: str, limits: Limits, seed: int
) -> Result:
    steps, cells = plan(source, found)
    told = run(mode, job(source, steps, contract, limits, seed))
    if told is None:
        return unreadable(source, "the sandbox ended three times over this notebook; look at it by hand")
    result = Result(source.name, [], list(found.remarks), flags.of(source, found), told["output"][:SHOWN])
    result.seconds, result.answers = round(told["seconds"], 3), found.answers
    result.exercise_digest = source.digest()
    stopped = dict(told["stopped"])
    for number, (step, cell, outcome) in enumerate(_outcomes(steps, cells, told)):
        if number in stopped:
            result.remarks.append(f"{step.get('name') or step['id']}: {stopped[number]}")
        if step["kind"] == "tests":
            result.scores.append(replace(_score(cell, outcome, stopped), about=exercise.about(cell)))
        elif outcome.get("trace"):
            result.errors[step["name"]] = outcome["trace"]
        elif number in stopped:
            result.errors[step["name"]] = f"This cell was stopped: {stopped[number]}."
    for cell in source.of("essay"):
        result.scores.append(_essay(cell, found.answers.get(cell.id, "")))
    if told["n_output"] > SHOWN:
        result.remarks.append(f"it printed {told['n_output']:,} bytes, of which the first are kept")
    order = [cell.id for cell in source.cells]
    result.scores.sort(key=lambda score: order.index(score.id))
    return result


def _outcomes(steps: list[dict], cells: list, told: dict) -> list[tuple]:
    """Each step with its cell and what was told of it, which may be nothing."""
    outcomes = {outcome["step"]: outcome for outcome in told["outcomes"]}
    return [
        (step, cell, outcomes.get(number, {}))
        for number, (step, cell) in enumerate(zip(steps, cells, strict=True))
    ]


def run(mode: str, work: dict) -> dict | None:
    """What the sandbox tells of a job, in printable characters; None where it ended each time."""
    for _ in range(TIMES):
        with contextlib.suppress(wire.Gone), sandbox.borrowed(mode) as box:
            return _printable(box.run(work))
    return None


def _printable(told):
    """What was told without the characters that steer a terminal, hide text, or are half of one."""
    if isinstance(told, str):
        return CONTROLS.sub("\N{REPLACEMENT CHARACTER}", COLOURS.sub("", told))
    if isinstance(told, list):
        return [_printable(item) for item in told]
    return {key: _printable(item) for key, item in told.items()} if isinstance(told, dict) else told


def unreadable(source: Exercise, why: str) -> Result:
    """The result of a file that cannot be graded."""
    scores = [
        Score(cell.id, 0.0, cell.points, f"This file could not be graded: {why}.")
        for cell in source.cells
        if cell.graded
    ]
    return Result(source.name, scores, [why], exercise_digest=source.digest())


# ---- what the tester is to do


def job(source: Exercise, steps: list[dict], contract: dict | None, limits: Limits, seed: int) -> dict:
    return {
        "steps": steps,
        "contract": contract,
        "seed": seed,
        "cell_limit": limits.cell,
        "total_limit": limits.notebook,
        "memory": limits.memory << 20,
        "disk": limits.disk << 20,
        "n_processes": limits.processes,
        "imports": skeleton(Key(source)).modules,
    }


def plan(source: Exercise, found: submission.Submission) -> tuple[list[dict], list]:
    """The steps for the tester, and the cell of the exercise that each belongs to, None for an extra cell."""
    steps, cells = [], []

    def add_extras(index: int) -> None:
        for n, extra in enumerate(e for e in found.extras if e.after == index):
            name = f"extra cell {n + 1} after cell {index + 1}"
            steps.append({"kind": "learner", "name": name, "source": extra.source})
            cells.append(None)

    add_extras(-1)
    for index, (cell, own) in enumerate(zip(source.cells, skeleton(Key(source)).steps, strict=True)):
        for step in own:
            is_answer = cell.role == "answer" and step["kind"] == "learner"
            steps.append(step | {"source": found.answers.get(cell.id, "")} if is_answer else step)
            cells.append(cell)
        add_extras(index)
    return steps, cells


class Key:
    """An exercise that can be looked up: equal where its digest is."""

    def __init__(self, source: Exercise):
        self.source, self.digest = source, source.digest()

    def __hash__(self) -> int:
        return hash(self.digest)

    def __eq__(self, other) -> bool:
        return self.digest == other.digest


@dataclass(frozen=True)
class Skeleton:
    """What a plan takes from the exercise alone: for each cell its steps, and the modules that it imports."""

    steps: list[list[dict]]  # the learner's answers not yet put in
    modules: list[str]


@lru_cache(maxsize=64)  # of submissions this would be a third of all the work
def skeleton(key: Key) -> Skeleton:
    source = key.source
    learners, helpers = learners_names(source), _names_of_helpers(source)
    trusted = trusted_parts(source, learners)
    steps = []
    for index, cell in enumerate(source.cells):
        name, own = cell.id or f"given cell {index + 1}", []
        if cell.role in ("given", "answer"):
            own.append({"kind": "learner", "name": name, "source": cell.source})
            if trusted[index]:
                own.append({"kind": "trusted", "name": name, "source": trusted[index]})
        elif cell.role == "tests":
            wants = sorted((_names(cell.source)[0] | helpers) & learners)
            step = {"id": cell.id, "points": cell.points, "source": cell.source, "wants": wants}
            own.append({"kind": "tests", **step})
        steps.append(own)
    return Skeleton(steps, modules_of(source))


def learners_names(source: Exercise) -> set[str]:
    """The names that answers define, and those that given cells make of them."""
    names: set[str] = set()
    for cell in source.of("answer"):
        names |= exercise.defined(cell.source) - _imported(cell.source)
    for cell in source.of("given"):
        for node in ast.parse(exercise.python(cell.source)).body:
            if not isinstance(node, DEFINITIONS) and (parts := _names(ast.unparse(node)))[0] & names:
                names |= parts[1]
    return names


def trusted_parts(source: Exercise, learners: set[str]) -> dict[int, str]:
    """For each cell, by index, the author's statements that tests rely on, free of the learner's names.

    Of an answer these are its imports. Of a given cell, imports and definitions are always kept, since what
    stands in a function's body is looked up when it is called. Other statements are kept where a test or a
    helper uses what they define, directly or through another.
    """
    needed = _names_of_helpers(source)
    for cell in source.of("tests"):
        needed |= _names(cell.source)[0]
    parts = {}
    for index, cell in reversed(list(enumerate(source.cells))):
        nodes, kept = [], []
        if cell.role == "given":
            nodes = ast.parse(exercise.python(cell.source)).body
        elif cell.role == "answer":
            nodes = _imports(cell.source)
        for node in reversed(nodes):
            used, stored = _names(ast.unparse(node))
            wanted = stored & needed and not used & learners
            if isinstance(node, DEFINITIONS) or (wanted and not isinstance(node, ast.Expr)):
                kept.append(node)
                needed |= used
        parts[index] = "\n".join(map(ast.unparse, reversed(kept)))
    return parts


def _names_of_helpers(source: Exercise) -> set[str]:
    """Names that functions and classes of given cells use, which may be the learner's."""
    names: set[str] = set()
    for cell in source.of("given"):
        for node in ast.parse(exercise.python(cell.source)).body:
            if isinstance(node, DEFINITIONS):
                names |= _names(ast.unparse(node))[0]
    return names


def _names(source: str) -> tuple[set[str], set[str]]:
    """Names that are used, and names that are stored, anywhere in a source."""
    nodes = [node for node in ast.walk(ast.parse(exercise.python(source))) if isinstance(node, ast.Name)]
    stored = {node.id for node in nodes if isinstance(node.ctx, ast.Store)}
    return {node.id for node in nodes if isinstance(node.ctx, ast.Load)}, stored


def _imports(source: str) -> list:
    try:
        body = ast.parse(exercise.python(exercise.without_solution(source))).body
    except SyntaxError:
        return []
    return [node for node in body if isinstance(node, ast.Import | ast.ImportFrom)]


def _imported(source: str) -> set[str]:
    return {(a.asname or a.name).split(".")[0] for node in _imports(source) for a in node.names}


def modules_of(source: Exercise) -> list[str]:
    """The modules that the author's cells import."""
    modules = []
    for cell in source.of("given", "tests"):
        for node in ast.walk(ast.parse(exercise.python(cell.source))):
            if isinstance(node, ast.Import):
                modules += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return list(dict.fromkeys(modules))


# ---- the author's answers come first


@lru_cache(maxsize=64)
def contract_of(key: Key, mode: str, limits: Limits) -> dict:
    """Where the author's answers give objects; found by grading them, which must earn full marks."""
    source = key.source
    steps, cells = plan(source, author_answers(source))
    told = run(mode, job(source, steps, None, limits, 0))
    if told is None:
        raise sandbox.NoSandbox(
            f"The sandbox ({mode}) ended {TIMES} times over the author's answers of {source.name}."
        )
    for step, cell, outcome in _outcomes(steps, cells, told):
        if step["kind"] == "tests":
            score = _score(cell, outcome, dict(told["stopped"]))
            if score.points != cell.points:
                traces = [outcome["trace"] for outcome in told["outcomes"] if outcome.get("trace")]
                trouble = [trace.strip().splitlines()[-1] for trace in traces[:1]]
                why = "; ".join(dict.fromkeys([score.detail or score.message, *trouble]))
                raise exercise.ExerciseError(
                    f"{source.name}: its own answers do not earn full marks in {cell.id}: "
                    f"{' '.join(why.split())[:300]}"
                )
    return told["contract"]


# ---- scores


def _score(cell, outcome: dict, stopped: dict[int, str]) -> Score:
    """Points and messages of one test cell."""
    if "score" in outcome:
        return Score(cell.id, float(outcome["score"]), cell.points)
    error = outcome.get("error")
    if error is None:
        reason = list(stopped.values())[-1] if stopped else "out of time"
        return Score(cell.id, 0.0, cell.points, f"This test was not reached: {reason}.", reason)
    if error["kind"] == "stopped":
        return Score(
            cell.id,
            0.0,
            cell.points,
            f"Your code was stopped in this test: {error['message']}.",
            error["message"],
        )
    said = error["message"]
    if error["kind"] == "raised" and said.startswith("NotImplementedError"):
        message = said = BLANK
    elif error["kind"] == "raised":
        message = f"Your code raised {said}" + (", in a further test." if error["hidden"] else ".")
    elif error["hidden"] and not error["own_words"]:
        message = "A further test failed, on other inputs than those shown."
    else:
        message = said
    message = "\n".join([message, *(f"Hint: {hint}" for hint in outcome.get("hints", []))])
    where = f"line {error['line']}{', hidden' if error['hidden'] else ''}: "
    return Score(cell.id, 0.0, cell.points, message, where + said, error["trace"])


def _essay(cell, text: str) -> Score:
    """A text to be marked by a person; nothing, or what was handed out, is worth nothing."""
    if re.sub(r"\s+", " ", text).strip() in ("", re.sub(r"\s+", " ", exercise.visible(cell)).strip()):
        return Score(cell.id, 0.0, cell.points, "No answer was given.")
    return Score(cell.id, None, cell.points, "This answer is marked by a person.", answer=text[:20_000])
