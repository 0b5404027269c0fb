"""The report: the class in numbers."""

import random

import pytest

from classroom import pages
from classroom.grading import Result, Score
from classroom.results import Graded


def class_of(points: list[float]) -> list[Graded]:
    return [
        Graded(
            f"learner{i}",
            Result(
                "x", [Score("easy", 1.0, 1.0), Score("hard", p, 9.0, "" if p == 9 else f"message {p > 3}")]
            ),
        )
        for i, p in enumerate(points)
    ]


def test_the_bars_count_everybody_once():
    points = [random.choice([0, 1, 4.5, 9]) for _ in range(50)]
    summary = pages.summary(class_of(points))
    assert sum(bar["n"] for bar in summary["bars"]) == 50
    assert summary["bars"][-1]["n"] == points.count(9), "full marks are in the last bar"
    assert summary["mean"] == pytest.approx(1 + sum(points) / 50, abs=0.01)


def test_the_most_failed_test_comes_first_with_its_commonest_message():
    graded = class_of([0, 1, 2, 9, 5])
    graded[0].result.scores[0].points = 0.0
    failed = pages.summary(graded)["failed"]
    assert [(test["id"], test["n"]) for test in failed] == [("hard", 4), ("easy", 1)]
    assert failed[0]["message"] == "message False"


def test_a_class_of_one_and_an_exercise_without_points_have_a_report():
    for graded in class_of([3]), [Graded("anna", Result("x", [Score("nothing", 0.0, 0.0)]))]:
        assert "1 submission," in pages.report(graded)


def test_a_page_asks_nobody_for_anything():
    graded = class_of([0, 9])
    for page in pages.report(graded), pages.feedback(graded[0]):
        assert "http" not in page.replace('http-equiv="Content-Security-Policy"', "")
        assert "default-src 'none'" in page
