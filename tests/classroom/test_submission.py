"""classroom.submission: of a file the learner's cells are taken, and no file does more than be refused."""

import contextlib
import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classroom import exercise, grading, submission
from classroom.submission import Unreadable


def cell(source: str, kind: str = "code", grade_id: str | None = None) -> dict:
    return {
        "cell_type": kind,
        "source": source,
        "metadata": {"nbgrader": {"grade_id": grade_id}} if grade_id else {},
    }


def handed_out(small) -> list[dict]:
    """The cells as a learner gets them."""
    return [
        cell(exercise.visible(c), "markdown" if c.role in ("text", "essay") else "code", c.id)
        for c in small.cells
    ]


def rebuilt(small, cells, **more) -> submission.Submission:
    return submission.rebuild(json.dumps({"cells": cells, **more}).encode(), small)


def steps(small, found) -> list[str]:
    return [
        step.get("name") or step["id"] for step in grading.plan(small, found)[0] if step["kind"] != "trusted"
    ]


def test_a_notebook_as_handed_out_has_the_answers_and_nothing_to_say(small):
    found = rebuilt(small, handed_out(small))
    assert list(found.answers) == ["softmax", "rotate", "affine", "why"]
    assert found.extras == []
    assert found.remarks == []


def test_cells_of_ones_own_run_where_they_stand(small):
    cells = handed_out(small)
    at = [c["metadata"].get("nbgrader", {}).get("grade_id") for c in cells].index("rotate")
    cells[at:at] = [cell("before = 1")]
    found = rebuilt(small, [cell("first = 1"), *cells, cell("last = 1")])
    order = steps(small, found)
    assert order[0].startswith("extra cell")
    assert order[-1].startswith("extra cell")
    assert order[order.index("rotate") - 1].startswith("extra cell")
    assert [extra.source for extra in found.extras] == ["first = 1", "before = 1", "last = 1"]


def test_without_marks_answers_are_known_by_the_names_they_define(small):
    mine = [cell("def rotate(items, n): return []"), cell("def softmax(x): return x"), cell("helper = 1")]
    found = rebuilt(small, mine)
    assert found.answers == {"rotate": mine[0]["source"], "softmax": mine[1]["source"]}
    assert [extra.source for extra in found.extras] == ["helper = 1"]
    assert {"the cell softmax had lost its mark", "the cell affine is missing"} <= set(found.remarks)


def test_tests_and_given_cells_without_marks_are_no_cells_of_the_learners(small):
    bare = [
        cell(c["source"] + "  \n", c["cell_type"])
        for c in handed_out(small)
        if "NotImplemented" not in c["source"]
    ]
    assert rebuilt(small, bare).extras == []


def test_text_after_the_question_is_the_essay(small):
    cells = [c for c in handed_out(small) if c["metadata"].get("nbgrader", {}).get("grade_id") != "why"]
    at = [c["source"] for c in cells].index("Why is the largest score subtracted?")
    cells[at + 1 : at + 1] = [cell("Because.", "markdown")]
    assert rebuilt(small, cells).answers["why"] == "Because."


def test_of_two_answers_the_later_has_the_last_word(small):
    found = rebuilt(small, [cell("x = 1", grade_id="softmax"), cell("x = 2", grade_id="softmax")])
    order = [step["source"] for step in grading.plan(small, found)[0] if step["source"] in ("x = 1", "x = 2")]
    assert order == ["x = 1", "x = 2"]


def test_source_may_be_a_list_of_lines(small):
    found = rebuilt(small, [cell(["a = 1\n", 5, None, "b = 2"], grade_id="softmax")])
    assert found.answers["softmax"] == "a = 1\nb = 2"


def test_text_can_always_be_written(small):
    found = rebuilt(small, [cell("# \ud800", grade_id="softmax"), cell("\udfff", "markdown", grade_id="why")])
    for text in found.answers.values():
        text.encode()


def test_a_plain_file_alone_is_read(tmp_path):
    plain, link, pipe = tmp_path / "a", tmp_path / "b", tmp_path / "c"
    plain.write_bytes(b"data")
    link.symlink_to(plain)
    os.mkfifo(pipe)
    assert submission.read(plain) == b"data"
    for path, why in (
        (link, "a symbolic link"),
        (pipe, "no plain file"),
        (tmp_path, "a directory"),
        (tmp_path / "d", "opened"),
    ):
        with pytest.raises(Unreadable, match=why):
            submission.read(path)


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    path = tmp_path / "large"
    with open(path, "wb") as file:
        file.truncate(submission.LARGEST + 1)
    with pytest.raises(Unreadable, match="128 MB large, 128 MB are allowed"):
        submission.read(path)


@pytest.mark.parametrize("part", [b"{},", b"[],", b'"",', b"0,"])
def test_a_small_file_cannot_fill_the_memory(small, part, monkeypatch):
    monkeypatch.setattr(submission.json, "loads", lambda data: pytest.fail("it was parsed"))
    with pytest.raises(Unreadable, match="more parts than a notebook has"):
        submission.rebuild(b"[" + part * 17_000_000 + b"0]", small)


def test_brackets_and_commas_inside_of_text_are_no_parts(small):
    text = '{[,\\"' * 5_000_000
    assert (
        rebuilt(small, [*handed_out(small), {"cell_type": "code", "outputs": [{"text": text}]}]).remarks == []
    )


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["code", "softmax", "x = 1"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["cells", "source", "metadata", "nbgrader", "grade_id", "cell_type", "worksheets"]
            )
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)
ids = st.sampled_from(["softmax", "softmax-test", "why", "rotate", "nothing", ""]) | JSON
sources = (
    st.text(max_size=40)
    | st.sampled_from(["def softmax(x): pass", "import torch", "x ="])
    | st.lists(st.text(), max_size=3)
    | JSON
)
cells = st.fixed_dictionaries(
    {},
    optional={
        "cell_type": st.sampled_from(["code", "markdown", "raw"]) | JSON,
        "source": sources,
        "metadata": st.fixed_dictionaries(
            {}, optional={"nbgrader": st.fixed_dictionaries({}, optional={"grade_id": ids}) | JSON}
        )
        | JSON,
    },
)


@settings(deadline=None, max_examples=100)
@given(st.fixed_dictionaries({"cells": st.lists(cells | JSON, max_size=8)}) | JSON)
def test_any_JSON_is_a_submission_or_is_refused(small, notebook):
    try:
        found = submission.rebuild(json.dumps(notebook).encode(), small)
    except Unreadable as error:
        found, message = None, str(error)
    if found is None:
        assert len(message.splitlines()) == 1
        return
    grading.plan(small, found)
    assert set(found.answers) <= {"softmax", "rotate", "affine", "why"}
    assert all(len(remark.splitlines()) == 1 for remark in found.remarks)


@settings(deadline=None, max_examples=300)
@given(st.binary())
def test_any_bytes_are_a_submission_or_are_refused(small, data):
    with contextlib.suppress(Unreadable):
        submission.rebuild(data, small)


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_a_true_notebook_with_a_part_cut_or_changed_is_a_submission_or_is_refused(small, data):
    text = json.dumps({"cells": handed_out(small)}).encode()
    first, last = sorted(data.draw(st.integers(0, len(text))) for _ in range(2))
    with contextlib.suppress(Unreadable):
        submission.rebuild(text[:first] + data.draw(st.binary(max_size=5)) + text[last:], small)
