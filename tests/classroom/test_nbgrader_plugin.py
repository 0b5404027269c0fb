"""nbgrader's own commands, with gradebooks in SQLite and in a real PostgreSQL, give the sandbox's scores."""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import tiny
from nbgrader.api import Gradebook

CONFIG = """\
c = get_config()
from classroom import nbgrader_plugin
nbgrader_plugin.use(c)
c.CourseDirectory.course_id = "owls"  # nbgrader's tables need one in PostgreSQL
c.CourseDirectory.db_url = {url!r}
"""
NO_SERVER = "PostgreSQL's server programs are not installed; `apt install postgresql` brings them"
SECRETS = ["double(-7)", "  an", "2 * x"]  # of hidden tests and solutions


class Course:
    """nbgrader's folder of a course with three submissions, one of them broken."""

    def __init__(self, folder: Path, url: str):
        self.folder, self.url = folder, url
        folder.mkdir()
        (folder / "nbgrader_config.py").write_text(CONFIG.format(url=url))
        path = tiny.write_source(folder)
        self.run("classroom.command", "release", str(path), "--with-answers", "-o", "source/week/tiny.ipynb")
        path.unlink()
        self.run("nbgrader", "generate_assignment", "week")
        for student, answers in ("anna", tiny.FULL), ("ben", tiny.HALF), ("cleo", {}):
            tiny.hand_in(folder / "submitted" / student / "week" / "tiny.ipynb", folder, answers)
        (folder / "tiny.md").unlink()
        broken = folder / "submitted" / "dora" / "week" / "tiny.ipynb"
        broken.parent.mkdir(parents=True)
        broken.write_text("{")

    def run(self, module: str, *arguments: str) -> str:
        command = [sys.executable, "-m", module, *arguments]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def grade(self) -> str:
        return self.run("nbgrader", "autograde", "week")

    def scores(self) -> dict[str, float]:
        with Gradebook(self.url) as gradebook:
            return {s.student.id: s.score for s in gradebook.assignment_submissions("week")}


@pytest.fixture(scope="module", autouse=True)
def path():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")  # nbgrader calls alembic
        yield


DESERVED = {"anna": 5.0, "ben": 2.0, "cleo": 0.0, "dora": 0.0}


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Course:
    folder = tmp_path_factory.mktemp("nbgrader") / "course"
    made = Course(folder, f"sqlite:///{folder}/gradebook.db")
    made.said = made.grade()
    return made


def test_nbgraders_autograde_gives_the_sandbox_scores(course):
    assert course.scores() == DESERVED


def test_a_broken_notebook_is_explained_in_a_line(course):
    lines = [line for line in course.said.splitlines() if "dora" in line and "WARNING" in line]
    assert any("not JSON" in line for line in lines)


def test_a_text_waits_for_a_person_and_a_blank_one_does_not(course):
    with Gradebook(course.url) as gradebook:
        waiting = {
            student: gradebook.find_submission("week", student).needs_manual_grade for student in DESERVED
        }
    assert waiting == {"anna": True, "ben": True, "cleo": False, "dora": False}


def test_nbgraders_feedback_shows_no_hidden_test_and_no_solution(course):
    course.run("nbgrader", "generate_feedback", "week")
    pages = {path.parts[-3]: path.read_text() for path in course.folder.glob("feedback/*/week/tiny.html")}
    assert pages.keys() == DESERVED.keys()
    for page in pages.values():
        assert not [secret for secret in SECRETS if secret in page.replace("&#39;", "'")]
    assert "three words" in pages["cleo"]
    assert "lines and blanks at the ends" in pages["ben"]


def test_nbgraders_export_writes_the_table(course):
    course.run("nbgrader", "export")
    rows = (course.folder / "grades.csv").read_text().splitlines()
    assert [row.split(",")[3] for row in rows[1:]] == list(DESERVED)


# ---- PostgreSQL


@pytest.fixture
def postgres():
    """The URL of a database of a server that lives as long as the test, reached over a socket file alone."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    found = shutil.which("initdb") or (programs and str(programs[-1] / "initdb"))
    if not found:
        if os.environ.get("CI") == "true":
            pytest.fail(NO_SERVER, pytrace=False)
        pytest.skip(NO_SERVER)
    programs = Path(found).resolve().parent
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp") as folder:  # short: it names a socket
        user = {}
        if os.geteuid() == 0:  # the server refuses to run as root
            account = pwd.getpwnam("postgres")
            os.chown(folder, account.pw_uid, account.pw_gid)
            user = {"user": "postgres", "group": account.pw_gid, "extra_groups": []}

        def run(name: str, *arguments: str) -> None:
            done = subprocess.run(
                [programs / name, *arguments], cwd=folder, capture_output=True, text=True, check=False, **user
            )
            assert done.returncode == 0, done.stdout + done.stderr

        run("initdb", "-D", f"{folder}/data", "-U", "course", "-A", "trust", "--no-sync")
        options = f"-k {folder} -c listen_addresses='' -c fsync=off"
        run("pg_ctl", "-D", f"{folder}/data", "-l", f"{folder}/log", "-w", "-o", options, "start")
        try:
            run("createdb", "-h", folder, "-U", "course", "grades")
            yield f"postgresql+psycopg://course@/grades?host={folder}"
        finally:
            run("pg_ctl", "-D", f"{folder}/data", "-m", "immediate", "stop")


def test_the_gradebook_may_be_in_postgresql(tmp_path, postgres):
    course = Course(tmp_path / "course", postgres)
    course.grade()
    assert course.scores() == DESERVED
