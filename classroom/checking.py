"""Are the graders right? The author's answers, a blank copy, planted mistakes, many seeds, and nbgrader tell.

A planted mistake (see `mutants`) that earns full marks shows a hole in a test, or makes no difference. Which
of the two it is the author says beside the exercise, in `<stem>.equivalent.yml`, a list of entries:

    - cell: softmax-is-stable            the grade_id of the answer
      line: return e / e.sum(-1)         the line that is changed
      what: -1 -> 1                      the change, as the check says it
      reason: ...                        why no test can see it
"""

import ast
import copy
import random
import re
import symtable
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from pathlib import Path

import nbformat
import yaml

from classroom import exercise, flags, grading, mutants, peer, release
from classroom.exercise import Cell, Exercise, ExerciseError
from classroom.grading import DEFAULTS, Limits

WANTED = 0.95  # share of the planted mistakes that tests must catch
SAMPLE = 3  # planted mistakes that nbgrader grades too: a kernel takes seconds to start
EFFORT = re.compile(r"\*[A-Z]\w+, [\w -]+ (minutes?|hours?)\.?\*")  # *Easy, five minutes.*
WORDS = re.compile(r"[a-z]+(-[a-z]+)*")


@dataclass(frozen=True)
class Mistake:
    """One planted mistake: `text` is the line of the answer `cell` that it is in."""

    cell: str
    line: int
    text: str
    what: str
    source: str

    @property
    def key(self) -> tuple[str, ...]:
        return _key(self.cell, self.text, self.what)

    def __str__(self) -> str:
        return f"{self.cell}, line {self.line}: {self.what}"


@dataclass
class Report:
    """What a check found. `problems` are lines, each of which says what is wrong and where."""

    exercise: str
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    n_seeds: int = 0
    n_mistakes: int = 0
    n_caught: int = 0
    survivors: list[Mistake] = field(default_factory=list)  # not declared
    equivalent: list[Mistake] = field(default_factory=list)  # survivors that are declared
    n_compared: int = 0  # notebooks that nbgrader graded as well
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return not self.problems

    def as_json(self) -> dict:
        return {"ok": self.ok, **asdict(self)}

    def lines(self) -> list[str]:
        """For a terminal."""
        done = [f"full marks with {self.n_seeds} seeds"] if self.n_seeds else []
        if self.n_mistakes:
            declared = f" ({len(self.equivalent)} declared equivalent)" if self.equivalent else ""
            done.append(f"{self.n_caught} of {self.n_mistakes} planted mistakes caught{declared}")
        if self.n_compared:
            done.append(f"{self.n_compared} notebooks compared with nbgrader")
        found = [f"  {line}" for line in [*self.problems, *(f"({note})" for note in self.notes)]]
        state = "all is well" if self.ok else _count(len(self.problems), "problem")
        said = [f"{self.exercise}: {'; '.join([state, *done])}; {self.seconds:.0f} s", *found]
        if self.survivors:
            said.append(f"  To declare what makes no difference, in {self.exercise}.equivalent.yml:")
            said += [f"    {line}" for line in declaration(self.survivors).splitlines()]
        return said


def check(
    source: Exercise,
    path: Path,
    mode: str,
    limits: Limits = DEFAULTS,
    seeds: int = 10,
    workers: int = 2,
    progress: Callable[[int, int], None] = lambda done, total: None,
    nbgrader: bool = True,
) -> Report:
    """Check the exercise that stands at `path`, with `workers` sandboxes at once.

    `progress` is called with the steps done and their number. Raises sandbox.NoSandbox, and ExerciseError
    where the file of equivalents cannot be read.
    """
    start = time.monotonic()
    report = Report(source.name, problems=style(source))
    declared = equivalents(path)
    try:
        contract = grading.contract_of(grading.Key(source), mode, limits)
    except ExerciseError as error:
        report.problems.append(str(error))
        report.notes.append("nothing else was checked: the answers come first")
    else:
        notebook = exercise.read_notebook(path)
        mistakes = [mistake for cell in source.of("answer") for mistake in planted(cell)]
        if nbgrader and not peer.is_installed():
            report.notes.append("not compared with nbgrader, which is not installed")
        compared = 2 + min(SAMPLE, len(mistakes)) if nbgrader and peer.is_installed() else 0
        total = seeds + 1 + len(mistakes) + (compared + min(workers, compared))
        with Pool(workers, total, progress) as pool:
            found = Check(source, notebook, mode, limits, contract, pool, report)
            found.answers(seeds)
            found.blank_copy()
            sample = found.mistakes(mistakes, declared)
            if compared:
                found.peer(sample)
    report.seconds = round(time.monotonic() - start, 1)
    return report


class Pool:
    """Threads that work through lists, and say how far they are."""

    def __init__(self, n_workers: int, total: int, progress: Callable[[int, int], None]):
        self.n_workers, self.total, self.progress, self.done = n_workers, total, progress, 0
        self.executor = ThreadPoolExecutor(n_workers)

    def each(self, work: Callable, items: Iterable) -> list:
        """What `work` gives for each item, in their order."""
        futures = [self.executor.submit(work, item) for item in items]
        for _ in as_completed(futures):
            self.advance()
        return [future.result() for future in futures]

    def advance(self, n: int = 1) -> None:
        self.done += n
        self.progress(min(self.done, self.total), self.total)

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, *_) -> None:
        self.executor.shutdown(wait=False, cancel_futures=True)


@dataclass
class Check:
    """The checks of one exercise, whose answers are known to earn full marks once."""

    source: Exercise
    notebook: nbformat.NotebookNode
    mode: str
    limits: Limits
    contract: dict
    pool: Pool
    report: Report

    def grade(self, data: bytes, seed: int = 0) -> grading.Result:
        return grading.grade_bytes(self.source, data, self.mode, self.limits, seed)

    def answers(self, n_seeds: int) -> None:
        """Full marks with every seed, and texts that are there to be marked."""
        data = handed_in(release.for_learners(self.notebook, self.source), self.author())
        results = self.pool.each(lambda seed: self.grade(data, seed), range(n_seeds))
        for cell in self.source.of("tests"):
            scores = [score for result in results for score in result.scores if score.id == cell.id]
            failed = [seed for seed, score in enumerate(scores) if score.points != cell.points]
            if failed:
                why = " ".join((scores[failed[0]].detail or scores[failed[0]].message).split())[:200]
                seeds = f"{_count(len(failed), 'seed')} of {n_seeds} ({', '.join(map(str, failed[:5]))})"
                self.problem(f"{cell.id} is flaky: the author's answers fail with {seeds}: {why}")
        marked = {score.id for result in results[:1] for score in result.to_mark}
        for cell in self.source.of("essay"):
            if results and cell.id not in marked:
                self.problem(f"{cell.id}: the author's text counts as no answer; is there one?")
        self.report.n_seeds = n_seeds

    def blank_copy(self) -> None:
        """Nothing for a notebook as it was handed out."""
        data = handed_in(release.for_learners(self.notebook, self.source), {})
        [result] = self.pool.each(self.grade, [data])
        for score in result.scores:
            if score.points is None:
                self.problem(f"{score.id}: what was handed out counts as an answer to be marked")
            elif score.points > 0:
                self.problem(
                    f"{score.id}: a blank copy earns {score.points:g} of {score.max_points:g} points"
                )

    def mistakes(self, planted: list[Mistake], declared: list[dict]) -> list[Mistake]:
        """Each planted mistake must fail a test. Gives back those that may be tried elsewhere too."""
        trials = {cell.id: self.trials(cell) for cell in self.source.of("answer")}
        planted = [mistake for mistake in planted if trials[mistake.cell]]
        outcomes = self.pool.each(lambda mistake: fate(mistake, trials[mistake.cell], self.mode), planted)
        survivors = [mistake for mistake, how in zip(planted, outcomes, strict=True) if how == "survived"]
        keys = {_key(entry["cell"], entry["line"], entry["what"]) for entry in declared}
        report = self.report
        report.survivors = [mistake for mistake in survivors if mistake.key not in keys]
        report.equivalent = [mistake for mistake in survivors if mistake.key in keys]
        report.n_mistakes, report.n_caught = len(planted), len(planted) - len(survivors)
        for mistake in report.survivors:
            self.problem(f"no test catches this mistake: {mistake}")
        wanted = WANTED * (len(planted) - len(report.equivalent))
        if report.n_caught < wanted:
            self.problem(
                f"{report.n_caught} of {len(planted)} planted mistakes are caught, {WANTED:.0%} are wanted"
            )
        alive = {mistake.key for mistake in survivors}
        for entry in declared:
            if _key(entry["cell"], entry["line"], entry["what"]) not in alive:
                stale = f"{entry['cell']}, {entry['line']}: {entry['what']}"
                self.problem(f"declared equivalent, but it is caught or no longer there: {stale}")
        return [
            m for m, how in zip(planted, outcomes, strict=True) if how != "cut" and not flags.uses(m.source)
        ]

    def trials(self, answer: Cell) -> list["Trial"]:
        """The tests that an answer has a part in, those that call it first, each with what it needs."""
        names = exercise.defined(answer.source)
        tests = [(cell, needed(self.source, cell)) for cell in self.source.of("tests")]
        tests = [(cell, cells) for cell, cells in tests if any(part is answer for part in cells)]
        tests.sort(key=lambda pair: not names & _used(pair[0].source))
        found = [Trial.of(self, answer, cell, cells) for cell, cells in tests]
        for cell in (trial.tests for trial in found if not trial.sound):
            self.problem(f"{cell.id} is flaky: the author's answers passed it before, and now fail")
        return [trial for trial in found if trial.sound]

    def peer(self, sample: list[Mistake]) -> None:
        """The scores that nbgrader gives, for the answers, the blank copy and a few mistakes, are ours."""
        author = self.author()
        chosen = random.Random(0).sample(sample, min(SAMPLE, len(sample)))
        answers = {"author": author, "blank": {}}
        answers |= {f"mistake-{n}": {**author, m.cell: m.source} for n, m in enumerate(chosen)}
        said = {"author": "the author's answers", "blank": "a blank copy"}
        said |= {f"mistake-{n}": str(m) for n, m in enumerate(chosen)}
        notebook, modules = release.for_nbgrader(self.notebook), grading.modules_of(self.source)
        n_lots = min(self.pool.n_workers, len(answers))
        with tempfile.TemporaryDirectory(prefix="classroom-nbgrader-") as folder:

            def grade(number: int) -> dict:
                lot = dict(list(answers.items())[number::n_lots])
                return peer.grade(Path(folder) / str(number), notebook, lot, self.limits.cell, modules)

            try:
                lots = self.pool.each(grade, range(n_lots))
            except peer.PeerError as error:
                self.problem(str(error))
                return
        graded = {who: found for lot in lots for who, found in lot.items()}
        results = self.pool.each(lambda who: self.grade(graded[who][0]), answers)
        for who, result in zip(answers, results, strict=True):
            for score in result.scores:
                theirs = graded[who][1].get(score.id)
                if score.points != theirs:
                    us, them = ("a mark by hand" if x is None else f"{x:g}" for x in (score.points, theirs))
                    self.problem(f"{score.id}: nbgrader gives {them} where we give {us}, for {said[who]}")
        self.report.n_compared = len(answers)

    def author(self) -> dict[str, str]:
        return grading.author_answers(self.source).answers

    def problem(self, line: str) -> None:
        self.report.problems.append(line)


# ---- planted mistakes


@dataclass
class Trial:
    """One test cell and what it needs, ready to run with another source for `answer`."""

    answer: Cell
    tests: Cell
    job: dict
    sound: bool = False  # whether the author's answer passes

    @classmethod
    def of(cls, check: Check, answer: Cell, tests: Cell, cells: list[Cell]) -> "Trial":
        """Measured with the author's answer; a mistake may take three times as long and two seconds."""
        steps = grading.plan(check.source, grading.author_answers(check.source))
        alone = [s for s, cell in zip(*steps, strict=True) if any(cell is c for c in [*cells, tests])]
        for kept in (alone, steps[0]):  # cells that only have side effects may be missed in the first
            job = grading.job(check.source, kept, check.contract, check.limits, 0)
            trial = cls(answer, tests, job)
            told = run(job, check.mode)
            trial.sound = trial.passed(told)
            if trial.sound:
                break
        seconds = min(3 * told["seconds"] + 2, check.limits.notebook)
        trial.job |= {"cell_limit": min(seconds, check.limits.cell), "total_limit": seconds}
        return trial

    def passed(self, told: dict) -> bool:
        steps = self.job["steps"]
        return any(
            steps[outcome["step"]].get("id") == self.tests.id and outcome.get("score") == self.tests.points
            for outcome in told["outcomes"]
        )

    def with_answer(self, source: str) -> dict:
        def put(step: dict) -> dict:
            is_answer = step["kind"] == "learner" and step["name"] == self.answer.id
            return {**step, "source": source} if is_answer else step

        return {**self.job, "steps": list(map(put, self.job["steps"]))}


def fate(mistake: Mistake, trials: list[Trial], mode: str) -> str:
    """It is "caught" by the first test that fails, "cut" where that took too long, or it "survived"."""
    for trial in trials:
        told = run(trial.with_answer(mistake.source), mode)
        if not trial.passed(told):
            return "cut" if told["stopped"] else "caught"
    return "survived"


def run(job: dict, mode: str) -> dict:
    """One job in a sandbox of this thread's; what ends the sandbox itself counts as stopped."""
    ended = {"outcomes": [], "stopped": [[0, "the sandbox ended"]], "seconds": 0.0}
    return grading.run(mode, job) or ended


def planted(cell: Cell) -> list[Mistake]:
    lines = cell.source.split("\n")
    return [
        Mistake(cell.id, mutant.line, lines[mutant.line - 1].strip(), mutant.what, mutant.source)
        for mutant in mutants.mutants(cell.source)
    ]


def needed(source: Exercise, tests: Cell) -> list[Cell]:
    """The given cells and answers whose names a test cell uses, directly or through other such cells."""
    answers = set().union(*(exercise.defined(cell.source) for cell in source.of("answer")))
    own = exercise.defined(tests.source) - answers
    names, found = _used(tests.source) - own, []
    while True:
        more = [
            cell
            for cell in source.of("given", "answer")
            if not any(cell is known for known in found) and exercise.defined(cell.source) & names
        ]
        if not more:
            return found
        found += more
        names = names.union(*(_used(cell.source) for cell in more))


def _used(source: str) -> set[str]:
    """The global names that a source looks up, at once or in the bodies of its functions."""
    tables, names = [symtable.symtable(exercise.python(source), "cell", "exec")], set()
    for table in tables:  # grows on the way
        tables += table.get_children()
        names |= {
            symbol.get_name()
            for symbol in table.get_symbols()
            if symbol.is_referenced() and (symbol.is_global() or table.get_type() == "module")
        }
    return names


def equivalents(path: Path) -> list[dict]:
    """The changes that the author declares to make no difference. Raises ExerciseError."""
    beside = path.with_name(f"{path.stem}.equivalent.yml")
    if not beside.is_file():
        return []
    try:
        entries = yaml.safe_load(beside.read_text(encoding="utf-8")) or []
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ExerciseError(f"{beside} cannot be read: {' '.join(str(error).split())[:200]}") from None
    for number, entry in enumerate(entries if isinstance(entries, list) else [None], 1):
        if not isinstance(entry, dict) or not all(
            entry.get(key) for key in ("cell", "line", "what", "reason")
        ):
            raise ExerciseError(f"{beside}: entry {number} needs cell, line, what and reason.")
    return [{key: str(value) for key, value in entry.items()} for entry in entries]


def declaration(mistakes: list[Mistake]) -> str:
    """What to write into the file of equivalents, but for the reasons."""
    entries = [{"cell": m.cell, "line": m.text, "what": m.what, "reason": ""} for m in mistakes]
    return yaml.safe_dump(entries, sort_keys=False, allow_unicode=True, width=1000)


def _key(*parts: str) -> tuple[str, ...]:
    """Parts without white space, quotes and brackets, which Python's versions write out differently."""
    return tuple(re.sub(r"[\s()'\"]", "", part) for part in parts)


# ---- notebooks


def handed_in(handout, answers: dict[str, str]) -> bytes:
    """The file of a learner who put these answers into what was handed out."""
    notebook = copy.deepcopy(handout)
    for cell in notebook.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell.source = answers.get(grade_id, cell.source)
    return nbformat.writes(notebook).encode()


# ---- style


def style(source: Exercise) -> list[str]:
    """What is wrong with the form of an exercise, a line for each."""
    found, effort = [], ""
    for cell in source.cells:
        if cell.id and not WORDS.fullmatch(cell.id):
            found.append(f"{cell.id}: an id is made of small words, such as softmax-is-stable")
        if cell.role == "text":
            effort += f"{cell.source}\n"
        elif cell.role in ("answer", "essay"):
            if effort and not EFFORT.search(effort):
                found.append(
                    f"{cell.id}: the task does not say how hard and long it is, as *Easy, five minutes.*"
                )
            effort = ""
        if cell.role == "essay":
            if not cell.points:
                found.append(f"{cell.id}: a text without points")
            if not (exercise.SCHEME.search(cell.source) or "marking scheme" in cell.source.lower()):
                found.append(f"{cell.id}: no marking scheme says what each point is for")
        elif cell.role == "tests":
            found += _style_of_tests(cell)
    tested = [needed(source, cell) for cell in source.of("tests")]
    for cell in source.of("answer"):
        if not any(part is cell for cells in tested for part in cells):
            found.append(f"{cell.id}: no test needs this answer")
    return found


def _style_of_tests(cell: Cell) -> list[str]:
    found, body = [], ast.parse(exercise.python(exercise.visible(cell))).body
    if body and isinstance(body[0], ast.Expr) and isinstance(getattr(body[0].value, "value", None), str):
        body = body[1:]
    else:
        found.append(f"{cell.id}: the tests do not begin with a docstring that says what they check")
    if not body:
        found.append(f"{cell.id}: no test is visible")
    if not exercise.HIDDEN.search(cell.source):
        found.append(f"{cell.id}: no test is hidden")
    return found


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"
