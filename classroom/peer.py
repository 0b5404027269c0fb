"""Notebooks graded by nbgrader itself: its converters, its kernels and its gradebook, in their own folder.

Kernels are not confined: this is for the author's own code. `grade` starts `main` in a process of its own,
since nbgrader changes the working directory.
"""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat

from classroom import sandbox

NAME, LEARNERS, SCORES = "exercise", "learners.json", "scores.json"
SEEDS = {"random": ".seed(0)", "numpy": ".random.seed(0)", "torch": ".manual_seed(0)"}


class PeerError(RuntimeError):
    """nbgrader could not do it; the message is its last word, in one line."""


def is_installed() -> bool:
    return importlib.util.find_spec("nbgrader") is not None


def grade(
    folder: Path, notebook, answers: dict[str, dict[str, str]], cell_seconds: float, seeded: list[str]
) -> dict[str, tuple[bytes, dict[str, float | None]]]:
    """What each learner handed in, and its scores by grade_id, None where a person has to mark.

    `notebook` is the author's, `answers` those of each learner by grade_id. A first cell in each file seeds
    the modules `seeded`, so that scores are the same each time. `folder` is not there yet. Raises PeerError.
    """
    (folder / "source" / NAME).mkdir(parents=True)
    nbformat.write(notebook, folder / "source" / NAME / f"{NAME}.ipynb")
    seeds = "\n".join(f'__import__("{name}"){call};' for name, call in SEEDS.items() if name in seeded)
    (folder / LEARNERS).write_text(
        json.dumps({"answers": answers, "seeds": seeds, "timeout": int(cell_seconds) + 1})
    )
    root = str(Path(__file__).resolve().parents[1])
    environment = {
        **sandbox.environment(str(folder)),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",  # it calls alembic
        "PYTHONPATH": os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])]),
    }
    seconds = 120 + len(answers) * (60 + 10 * cell_seconds)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "classroom.peer", str(folder)],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        raise PeerError(f"nbgrader took more than {seconds:.0f} s") from None
    if done.returncode:
        said = [line for line in (done.stdout + done.stderr).splitlines() if "rror" in line]
        raise PeerError(f"nbgrader: {' '.join((said or ['it failed'])[-1].split())[:300]}")
    scores = json.loads((folder / SCORES).read_text())
    return {who: (_submitted(folder, who).read_bytes(), scores[who]) for who in answers}


def _submitted(folder: Path, learner: str) -> Path:
    return folder / "submitted" / learner / NAME / f"{NAME}.ipynb"


def main(folder: Path) -> None:
    """Hand out, hand in and grade, in this process."""
    from nbgrader.api import Gradebook
    from nbgrader.converters import Autograde, GenerateAssignment
    from nbgrader.coursedir import CourseDirectory
    from traitlets.config import Config

    told = json.loads((folder / LEARNERS).read_text())
    config = Config()
    config.CourseDirectory.root = str(folder)
    config.CourseDirectory.assignment_id = NAME
    config.Execute.timeout = told["timeout"]
    course = CourseDirectory(config=config)
    GenerateAssignment(coursedir=course, config=config).start()
    scores = {}
    for learner, answers in told["answers"].items():
        notebook = nbformat.read(folder / "release" / NAME / f"{NAME}.ipynb", as_version=4)
        for cell in notebook.cells:
            cell.source = answers.get(cell.metadata.get("nbgrader", {}).get("grade_id"), cell.source)
        notebook.cells.insert(0, nbformat.v4.new_code_cell(told["seeds"]))
        path = _submitted(folder, learner)
        path.parent.mkdir(parents=True)
        nbformat.write(notebook, path)
        course.student_id = learner
        Autograde(coursedir=course, config=config).start()
        with Gradebook(course.db_url) as book:
            grades = book.find_submission_notebook(NAME, NAME, learner).grades
            scores[learner] = {grade.name: grade.auto_score for grade in grades}
    (folder / SCORES).write_text(json.dumps(scores))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
