"""Safe grading under nbgrader's gradebook, formgrader, feedback and export. Two lines in nbgrader_config.py:

    from classroom import nbgrader_plugin
    nbgrader_plugin.use(c)

`nbgrader autograde` then puts a submission back on the skeleton of `source/`, runs it in the sandbox, and
writes scores into the gradebook; `nbgrader generate_feedback` shows no hidden test. All else is nbgrader's.
"""

from pathlib import Path

import nbformat
from nbconvert.exporters import NotebookExporter
from nbgrader.converters import Autograde, GenerateFeedback
from nbgrader.preprocessors import Execute, NbGraderPreprocessor

from classroom import exercise, grading, release, sandbox, submission
from classroom.grading import DEFAULTS, Limits

_settings: dict = {"mode": None, "limits": DEFAULTS, "seed": 0}


def use(config, sandbox_mode: str | None = None, limits: Limits = DEFAULTS, seed: int = 0) -> None:
    """Let nbgrader grade safely. `sandbox_mode` is the strongest that works here where it is not said."""
    _settings.update(mode=sandbox_mode, limits=limits, seed=seed)
    config.Autograde.exporter_class = Rebuild
    steps = Autograde.autograde_preprocessors.default_args[0]
    config.Autograde.autograde_preprocessors = [SandboxExecute if step is Execute else step for step in steps]
    steps = GenerateFeedback.preprocessors.default_args[0]
    config.GenerateFeedback.preprocessors = [HideTests, *steps]


def source_of(resources, coursedir) -> Path:
    """The author's notebook of what is being graded. Raises ExerciseError where the course has none."""
    about = resources["nbgrader"]
    folder = Path(coursedir.format_path(coursedir.source_directory, ".", about["assignment"]))
    for suffix in (".ipynb", ".md"):
        if (path := folder / f"{about['notebook']}{suffix}").is_file():
            return path
    raise exercise.ExerciseError(
        f"{folder} has no notebook {about['notebook']}: nbgrader's source is needed to grade."
    )


class Rebuild(NotebookExporter):
    """Reads a submission with care: out comes the author's notebook with the learner's cells put in."""

    def from_filename(self, filename, resources=None, **kwargs):
        converter = self.parent
        if not converter._sanitizing:  # the second pass reads what the first has written
            return super().from_filename(filename, resources, **kwargs)
        path = source_of(resources, converter.coursedir)
        try:
            found = submission.rebuild(submission.read(Path(filename)), exercise.load(path))
        except submission.Unreadable as error:
            found = submission.Submission(remarks=[str(error)])
        for remark in found.remarks:
            converter.log.warning("%s: %s", filename, remark)
        resources["metadata"] = {"name": Path(filename).stem, "path": str(Path(filename).parent)}
        return self.from_notebook_node(put_in(path, found), resources, **kwargs)


def put_in(path: Path, found: submission.Submission):
    """The author's notebook with a learner's answers, and the learner's other code beside them."""
    notebook, source = exercise.read(path)
    notebook, cells = release.for_nbgrader(notebook), []

    def add_extras(index: int) -> None:
        cells.extend(
            nbformat.v4.new_code_cell(extra.source) for extra in found.extras if extra.after == index
        )

    add_extras(-1)
    for index, (raw, cell) in enumerate(zip(notebook.cells, source.cells, strict=True)):
        if cell.role in ("answer", "essay"):
            raw.source = found.answers.get(cell.id, exercise.visible(cell))
        cells.append(raw)
        add_extras(index)
    for remark in found.remarks:
        cells.append(nbformat.v4.new_markdown_cell(f"*Remark of the grader:* {remark}"))
    notebook.cells = cells
    return notebook


class SandboxExecute(NbGraderPreprocessor):
    """In place of nbgrader's Execute: cells get the outputs that nbgrader reads scores from."""

    def preprocess(self, nb, resources):
        source = exercise.load(source_of(resources, self.parent.parent.coursedir))
        mode = _settings["mode"] or sandbox.choose()
        data = nbformat.writes(nb).encode()
        result = grading.grade_bytes(source, data, mode, _settings["limits"], _settings["seed"])
        for note in [*result.remarks, *result.flags]:
            self.log.warning("%s, %s: %s", resources["nbgrader"]["student"], source.name, note)
        scores = {score.id: score for score in result.scores}
        for cell in nb.cells:
            if cell.cell_type == "code":
                name = cell.metadata.get("nbgrader", {}).get("grade_id")
                cell.outputs, cell.execution_count = outputs(scores.get(name), result.errors.get(name)), None
        return nb, resources


def outputs(score, trace: str | None) -> list:
    """What a cell shows: nothing where all is well, a number for part of the points, an error otherwise."""
    new = nbformat.v4.new_output
    if score is not None and score.points is not None and score.points < score.max_points:
        if score.points > 0:
            return [new("execute_result", {"text/plain": f"{score.points:g}"}, execution_count=1)]
        text = [score.message, *score.trace.splitlines()]
        return [new("error", ename="Failed", evalue=score.message.split("\n")[0], traceback=text)]
    return [new("error", ename="Error", evalue="", traceback=trace.splitlines())] if trace else []


class HideTests(NbGraderPreprocessor):
    """Takes hidden tests, solutions and marking schemes out of what learners get back."""

    def preprocess_cell(self, cell, resources, index):
        mark = cell.metadata.get("nbgrader", {})
        if mark.get("grade") and not mark.get("solution"):
            cell.source = exercise.HIDDEN.sub("", cell.source)
        cell.source = exercise.SCHEME.sub("", cell.source)
        return cell, resources
