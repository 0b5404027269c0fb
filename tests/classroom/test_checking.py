"""The check of an exercise finds what is wrong with its tests, and nothing where they are right."""

import json
import subprocess

import nbformat
import pytest
import tiny
import yaml

from classroom import checking, exercise, grading, peer, sandbox
from classroom.exercise import ExerciseError

FAST = dict(seeds=2, workers=2, nbgrader=False)


@pytest.fixture(scope="module")
def mode() -> str:
    return sandbox.choose()


@pytest.fixture
def few(monkeypatch) -> None:
    """Few mistakes are planted, where a test is about something else."""
    planted = checking.planted
    monkeypatch.setattr(checking, "planted", lambda cell: planted(cell)[:2])


def check(folder, mode, *changes: tuple[str, str], **options) -> checking.Report:
    """The report on the tiny exercise with a few replacements in its source."""
    path = tiny.write_source(folder)
    text = path.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)
    return checking.check(exercise.load(path), path, mode, **{**FAST, **options})


def declare(folder, mistakes, reason="it makes no difference") -> None:
    entries = yaml.safe_load(checking.declaration(mistakes))
    (folder / "tiny.equivalent.yml").write_text(yaml.safe_dump([{**e, "reason": reason} for e in entries]))


def test_a_good_exercise_has_no_problem_and_nbgrader_gives_the_same_scores(tmp_path, mode, monkeypatch):
    pytest.importorskip("nbgrader")
    monkeypatch.setattr(checking, "SAMPLE", 1)
    steps = []
    report = check(tmp_path, mode, nbgrader=True, progress=lambda done, total: steps.append((done, total)))
    assert report.problems == []
    assert report.ok
    assert report.n_caught == report.n_mistakes > 15
    assert report.n_compared == 3
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)
    assert steps[-1][0] == steps[-1][1], "the last step completes the bar"
    assert "all is well" in report.lines()[0]


def test_a_mistake_that_the_tests_miss_is_reported(tmp_path, mode):
    weak = [
        ("double(3) == 6", "double(0) == 0"),
        ("double(-7) == -14", "True"),
        ("double(number) == 2 * number", "True"),
    ]
    report = check(tmp_path, mode, *weak)
    assert not report.ok
    assert "no test catches this mistake: doubled, line 4: 2 * x -> 3 * x" in report.problems
    assert report.n_caught == report.n_mistakes - len(report.survivors)
    assert (
        f"{report.n_caught} of {report.n_mistakes} planted mistakes are caught, 95% are wanted"
        in report.problems
    )
    assert "what: 2 * x -> 3 * x" in "\n".join(report.lines()), "to be copied into the file of declarations"
    found = json.loads(json.dumps(report.as_json()))
    assert found["survivors"][0]["cell"] == "doubled"
    assert found["ok"] is False


def test_a_change_that_is_declared_to_make_no_difference_is_no_problem(tmp_path, mode):
    sort = ("len(text.split())", "len(sorted(text.split()))")
    before = check(tmp_path, mode, sort)
    assert [mistake.what for mistake in before.survivors] == ["sorted(text.split()) -> text.split()"]
    declare(tmp_path, before.survivors)
    after = check(tmp_path, mode, sort)
    assert after.problems == []
    assert after.equivalent == before.survivors
    assert "1 declared equivalent" in after.lines()[0]


def test_a_declaration_that_no_longer_holds_is_reported(tmp_path, mode, few):
    path = tiny.write_source(tmp_path)
    mistakes = checking.planted(exercise.load(path).cell("doubled"))
    declare(tmp_path, mistakes[:1])
    [problem] = check(tmp_path, mode).problems
    assert problem.startswith("declared equivalent, but it is caught or no longer there: doubled")


def test_a_declaration_survives_an_edit_above_it_and_another_style_of_quotes(tmp_path, mode):
    path = tiny.write_source(tmp_path)
    [one, *_] = checking.planted(exercise.load(path).cell("doubled"))
    path.write_text(
        path.read_text().replace('    """Twice x."""\n', '    """Twice x.\n\n    Any x.\n    """\n')
    )
    [other, *_] = checking.planted(exercise.load(path).cell("doubled"))
    assert one.line != other.line
    assert (
        one.key
        == other.key
        == checking._key("doubled", one.text, one.what.replace("return 2 * x", "return (2*x)"))
    )


@pytest.mark.parametrize(
    "text", ["- cell: doubled", "cell: doubled", "- [", "- {cell: a, line: b, what: c, reason: ''}"]
)
def test_a_file_of_declarations_that_is_wrong_is_one_line(tmp_path, text):
    (tmp_path / "tiny.equivalent.yml").write_text(text)
    with pytest.raises(ExerciseError, match=r"equivalent\.yml") as caught:
        checking.equivalents(tmp_path / "tiny.md")
    assert "\n" not in str(caught.value)


def test_a_test_that_fails_now_and_then_is_reported_with_its_seed(tmp_path, mode, few):
    lucky = "assert double(3) == 6 and random.random() > 0.3"  # 0.84 with seed 0, 0.13 with seed 1
    report = check(tmp_path, mode, ("assert double(3) == 6", lucky), seeds=3)
    [problem] = [line for line in report.problems if "flaky" in line]
    assert problem.startswith("doubled-test is flaky: the author's answers fail with 1 seed of 3 (1)")


def test_answers_that_fail_their_own_tests_are_one_line(tmp_path, mode):
    report = check(tmp_path, mode, ("return 2 * x", "return 3 * x"))
    [problem] = report.problems
    assert problem.startswith("tiny: its own answers do not earn full marks in doubled-test")
    assert "\n" not in problem
    assert report.n_mistakes == 0


def test_points_for_a_blank_copy_are_reported(tmp_path, mode, few):
    problems = check(tmp_path, mode, ("assert count_words", "assert True or count_words")).problems
    assert "words-are-counted-test: a blank copy earns 3 of 3 points" in problems


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("grade_id: doubled-test", "grade_id: Test_2", "Test_2: an id is made of small words"),
        ('"""Twice as much, for every number."""', "", "doubled-test: the tests do not begin with"),
        ("### BEGIN HIDDEN TESTS\nassert double", "assert double", "doubled-test: no test is hidden"),
        ('assert double(3) == 6, "three and three are six"\n', "", "doubled-test: no test is visible"),
        ("*Easy, five minutes.* Double", "Double", "doubled: the task does not say how hard and long it is"),
        ("*Medium, five minutes.* Why", "Why", "units-are-explained: the task does not say how hard"),
        ("Marking scheme: one", "One", "units-are-explained: no marking scheme"),
        ("def double(x)", "def twice(x)", "doubled: no test needs this answer"),
    ],
)  # fmt: skip
def test_these_rules_of_style_are_checked(tmp_path, old, new, said):
    text = tiny.SOURCE
    assert old in text
    text = text.replace(old, new)
    if "BEGIN HIDDEN" in old:
        text = text.replace("### END HIDDEN TESTS", "", 1)
    path = tmp_path / "tiny.md"
    path.write_text(text)
    assert [line for line in checking.style(exercise.load(path)) if line.startswith(said)], said
    assert checking.style(tiny.load(tmp_path)) == []


def test_a_test_runs_with_the_cells_that_it_needs_and_no_others(tmp_path):
    source = tiny.load(tmp_path)
    [imports, see_it] = source.of("given")
    assert checking.needed(source, source.cell("doubled-test")) == [imports, source.cell("doubled")]
    assert checking.needed(source, source.cell("words-are-counted-test")) == [
        source.cell("words-are-counted")
    ]
    source.cell("words-are-counted").source = "n = double\ndef count_words(text):\n    return n(1)"
    assert source.cell("doubled") in checking.needed(source, source.cell("words-are-counted-test"))
    assert see_it not in checking.needed(source, source.cell("words-are-counted-test"))


def test_a_mistake_that_never_ends_is_cut(tmp_path, mode):
    source = tiny.load(tmp_path)
    contract = grading.contract_of(grading.Key(source), mode, grading.DEFAULTS)
    with checking.Pool(1, 1, lambda done, total: None) as pool:
        report = checking.Report("tiny")
        one = checking.Check(source, None, mode, grading.DEFAULTS, contract, pool, report)
        trials = one.trials(source.cell("doubled"))
    endless = checking.Mistake("doubled", 4, "", "", "def double(x):\n    while True:\n        pass")
    assert checking.fate(endless, trials, mode) == "cut"
    right = checking.Mistake("doubled", 4, "", "", "def double(x):\n    return x + x")
    assert checking.fate(right, trials, mode) == "survived"
    crash = checking.Mistake("doubled", 4, "", "", "import os\ndef double(x):\n    os.abort()")
    assert checking.fate(crash, trials, mode) == "cut"


def test_without_nbgrader_the_report_says_so(tmp_path, mode, monkeypatch, few):
    monkeypatch.setattr(peer, "is_installed", lambda: False)
    report = check(tmp_path, mode, nbgrader=True)
    assert report.ok
    assert "not installed" in "\n".join(report.lines())


def test_another_score_of_nbgraders_is_reported(tmp_path, mode, monkeypatch):
    source = tiny.load(tmp_path)
    notebook = exercise.read_notebook(tmp_path / "tiny.md")

    def grade(folder, notebook, answers, seconds, seeded):
        scores = {"doubled-test": 0.5, "words-are-counted-test": 0.0, "units-are-explained": 0.0}
        return {
            who: (nbformat.writes(tiny.notebook(tmp_path, given)).encode(), scores)
            for who, given in answers.items()
        }

    monkeypatch.setattr(peer, "grade", grade)
    contract = grading.contract_of(grading.Key(source), mode, grading.DEFAULTS)
    with checking.Pool(2, 1, lambda done, total: None) as pool:
        report = checking.Report("tiny")
        checking.Check(source, notebook, mode, grading.DEFAULTS, contract, pool, report).peer([])
    assert report.problems == [
        "doubled-test: nbgrader gives 0.5 where we give 2, for the author's answers",
        "words-are-counted-test: nbgrader gives 0 where we give 3, for the author's answers",
        "units-are-explained: nbgrader gives 0 where we give a mark by hand, for the author's answers",
        "doubled-test: nbgrader gives 0.5 where we give 0, for a blank copy",
    ]


def test_what_nbgrader_cannot_do_is_one_line(tmp_path, monkeypatch):
    said = "INFO | Converting\nERROR | Traceback\nValueError: the mark\nis wrong"
    failed = subprocess.CompletedProcess([], 1, "", said)
    monkeypatch.setattr(subprocess, "run", lambda *arguments, **options: failed)
    notebook = nbformat.v4.new_notebook()
    with pytest.raises(peer.PeerError, match=r"^nbgrader: ValueError: the mark$"):
        peer.grade(tmp_path / "course", notebook, {"ada": {}}, 5, [])
