"""Pages that need no network: feedback for a learner, a report for the instructor."""

from collections import Counter
from functools import cache
from math import ceil
from statistics import mean, median

import jinja2

from classroom import exercise, similarity
from classroom.exercise import Exercise
from classroom.files import file_name

BARS = 10


@cache
def _templates() -> jinja2.Environment:
    # everything a learner wrote is hostile: autoescape makes it text
    loader = jinja2.PackageLoader("classroom", "templates")
    made = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    made.filters["file_name"] = file_name
    return made


def feedback(graded) -> str:
    """What a learner earned, test by test, and what the failures said; no hidden test is shown."""
    return _templates().get_template("feedback.html").render(student=graded.student, result=graded.result)


def report(graded: list, source: Exercise | None = None) -> str:
    """Distribution, most failed tests, what a human should look at, and every learner's score."""
    return (
        _templates()
        .get_template("report.html")
        .render(**summary(graded), graded=graded, alike=alike(graded, source))
    )


def summary(graded: list) -> dict:
    """The class in numbers, as the report shows them and `--json` prints them."""
    results = [one.result for one in graded]
    scores, most = [result.score for result in results], max(result.max_score for result in results)
    return {
        "exercise": results[0].exercise,
        "n": len(results),
        "max_score": most,
        "mean": round(mean(scores), 2),
        "median": round(median(scores), 2),
        "to_mark": sum(len(result.to_mark) for result in results),
        "bars": histogram(scores, most),
        "failed": failed_tests(results),
    }


def histogram(scores: list[float], most: float) -> list[dict]:
    """How many scores lie in each of at most ten parts of the scale; full marks are in the last."""
    width = max(1, ceil(most / BARS))
    n_bars = max(1, ceil(most / width))
    counts = Counter(min(n_bars - 1, int(score / width)) for score in scores)
    tallest = max(counts.values())
    return [
        {
            "low": width * i,
            "high": min(most, width * (i + 1)),
            "n": counts[i],
            "share": round(100 * counts[i] / tallest, 1),
        }
        for i in range(n_bars)
    ]


def failed_tests(results: list) -> list[dict]:
    """Each test with how many lost marks in it, the most failed first, and its commonest message."""
    lost, words, points = Counter(), {}, {}
    for result in results:
        for score in result.scores:
            points[score.id] = score.max_points
            if score.points is not None and score.points < score.max_points:
                lost[score.id] += 1
                words.setdefault(score.id, Counter())[
                    (score.detail or score.message).split("\n")[0][:160]
                ] += 1
    return [
        {
            "id": name,
            "n": n,
            "share": round(100 * n / len(results), 1),
            "message": words[name].most_common(1)[0][0],
            "points": points[name],
        }
        for name, n in lost.most_common()
    ]


def alike(graded: list, source: Exercise | None) -> list[dict]:
    """Near-identical answers, task by task."""
    cells = {cell.id: cell for cell in source.of("answer", "essay")} if source else {}
    tasks = dict.fromkeys(name for one in graded for name in one.result.answers)
    found = []
    for task in tasks:
        answers = {one.student: one.result.answers[task] for one in graded if one.result.answers.get(task)}
        given = [exercise.visible(cells[task]), exercise.solution(cells[task])] if task in cells else []
        for one, other, share in similarity.pairs(answers, given)[:50]:
            found.append({"task": task, "one": one, "other": other, "share": round(100 * share)})
    return found
