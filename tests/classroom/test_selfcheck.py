"""The learner's notebook says in words which tests pass, and hides nothing from whoever grades."""

import nbformat
import pytest
import tiny
from nbclient import NotebookClient

from classroom import selfcheck


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("learner")

    def run(answers: dict[str, str]):
        notebook = tiny.notebook(folder, answers)
        NotebookClient(
            notebook, allow_errors=True, timeout=60, resources={"metadata": {"path": str(folder)}}
        ).execute()
        return notebook

    return run


def shown(cell) -> str:
    return " ".join(str(output.get("data", output.get("text", ""))) for output in cell.outputs)


def by_id(notebook, grade_id: str):
    return next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == grade_id)


def test_a_released_notebook_tells_what_passes_and_what_does_not(run):
    notebook = run(
        {"doubled": tiny.FULL["doubled"], "words-are-counted": "def count_words(text):\n    return 7"}
    )
    assert "✓ doubled-test: passed, 2 points" in shown(by_id(notebook, "doubled-test"))
    assert "✗ words-are-counted-test: three words" in shown(by_id(notebook, "words-are-counted-test"))
    assert "1 of 2 tests pass: 2 of 5 points" in shown(notebook.cells[-1])
    assert "Still open: words-are-counted-test" in shown(notebook.cells[-1])


def test_an_untouched_notebook_says_what_to_do_and_errors_stay_errors(run):
    notebook = run({})
    cell = by_id(notebook, "doubled-test")
    assert "replace the line that raises NotImplementedError" in shown(cell)
    assert [output.ename for output in cell.outputs if output.output_type == "error"] == [
        "NotImplementedError"
    ]


def test_a_notebook_saved_with_windows_line_ends_is_recognised():
    assert selfcheck.mark("x = 1  \r\ny = 2\r\n") == selfcheck.mark("x = 1\ny = 2")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (AssertionError("the mask comes first"), "the mask comes first"),
        (AssertionError(), "the test failed."),
        (NameError("name 'f' is not defined"), "run the cells above first"),
        (ZeroDivisionError("division by zero"), "raised ZeroDivisionError: division by zero"),
    ],
)
def test_errors_are_explained(error, words):
    assert words in selfcheck.explain(error)


def test_a_released_notebook_is_valid(tmp_path):
    nbformat.validate(tiny.notebook(tmp_path, tiny.FULL))
