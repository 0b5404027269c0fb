"""The commands of the Makefile, and what they say where something is wrong: one line that helps."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import execute
import pytest
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[1]
PARTS = [
    "Makefile",
    "_config.yml",
    "_ext",
    "_static",
    "tools",
    "tinylm",
    "classroom",
    "requirements.txt",
    "pyproject.toml",
]
HEADER = """---
jupytext:
  text_representation: {extension: .md, format_name: myst}
kernelspec: {display_name: Python 3, language: python, name: python3}
---
"""
ROW = """
{name}:
  from: [A]
  chapter: {chapter}
  kind: measured
  says: "a claim"
  test: "a test"
  status: measured
  unit: ""
  expect: [0, 1]
  why: "because"
  verdict: holds
  words: "It does."
"""


def cell(code: str) -> str:
    return f"\n```{{code-cell}} ipython3\n{code}\n```\n"


class TinyBook:
    """A book of small chapters, made from the real settings, extensions and tools."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir()
        for part in PARTS:
            if (ROOT / part).is_dir():
                shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / part, folder)
        self.write("index.md", "# A tiny book\n\nIts first page.\n")
        self.write("chapters/articles.yml", "A: An article\n")
        self.write("chapters/references.bib", "")
        self.write("chapters/claims.md", "# Claims\n\n```{claims-table}\n```\n")
        self.write("chapters/claims.yml", ROW.format(name="one-holds", chapter="one"))
        measure = 'from tinylm.claims import measured\nmeasured("one-holds", 0.5)'
        self.write("chapters/one.md", f"{HEADER}# One\n\nIt is {{claim}}`one-holds|.2f`.\n{cell(measure)}")
        self.write("chapters/two.md", f"{HEADER}# Two\n{cell('1 + 1')}")
        files = "".join(f"  - file: chapters/{name}\n" for name in ("one", "two", "claims"))
        self.write("_toc.yml", f"format: jb-book\nroot: index\nchapters:\n{files}")

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def append(self, name: str, text: str) -> None:
        self.write(name, (self.folder / name).read_text(encoding="utf-8") + text)

    def building(self, until: str, **how) -> subprocess.Popen:
        """A build that has begun, and has said the words `until`."""
        process = subprocess.Popen(
            [sys.executable, "-u", "tools/build.py"],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **how,
        )
        assert any(until in line for line in process.stdout)
        return process

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess:
        """Run a command in the book's folder; its two outputs come back as one."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
        )

    def tool(self, name: str, *arguments: str) -> subprocess.CompletedProcess:
        return self.run(sys.executable, f"tools/{name}.py", *arguments)


OF_A_CLOSED_KERNEL = r"Traceback(?:(?!Traceback)[\s\S])*?ZMQError: Socket operation on non-socket"


def says(result: subprocess.CompletedProcess, *patterns: str) -> None:
    """Check that a command failed, said this, and dumped no traceback.

    Not counted is what a Jupyter kernel now and then writes when it is ended and its sockets are closed.
    """
    assert result.returncode != 0, result.stdout
    assert "Traceback" not in re.sub(OF_A_CLOSED_KERNEL, "", result.stdout), result.stdout
    for pattern in patterns:
        assert re.search(pattern, result.stdout), f"{pattern!r} is not in:\n{result.stdout}"


@pytest.fixture
def tiny(tmp_path) -> TinyBook:
    return TinyBook(tmp_path / "a book")


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> TinyBook:
    """A book that was built once, in a path with a space."""
    book = TinyBook(tmp_path_factory.mktemp("built") / "a book")
    result = book.tool("build")
    assert result.returncode == 0, result.stdout
    return book


# ---- make


def test_make_alone_lists_every_target_in_a_line(tiny):
    result = tiny.run("make")
    assert result.returncode == 0
    for target in ("book", "test", "release", "serve", "lab", "bench", "lint", "lock", "clean", "clean-all"):
        assert re.search(rf"^  make {target} +\w", result.stdout, re.MULTILINE)


def test_an_unknown_variable_is_named_with_the_known_ones(tiny):
    known = "PYTHON PORT TORCH_INDEX OPTIONS"
    says(tiny.run("make", "book", "FOO=1"), f"Unknown variable FOO. Known are: {known}")
    assert not (tiny.folder / "_build").exists()


def test_an_unknown_target_is_named(tiny):
    says(tiny.run("make", "bok"), "There is no command 'bok'")


def test_a_missing_python_is_named(tiny):
    says(
        tiny.run("make", "book", "PYTHON=python-of-nowhere"),
        "There is no python-of-nowhere: install Python 3.11",
    )


@pytest.mark.parametrize("version", [(3, 9), (3, 14)])
def test_a_python_that_is_too_old_or_too_new_is_refused(tiny, version):
    code = (
        f"import runpy, sys; sys.version_info = {(*version, 0)}; sys.argv = ['install.py']; "
        "runpy.run_path('tools/install.py', run_name='__main__')"
    )
    result = tiny.run(sys.executable, "-c", code)
    says(result, rf"Python {version[0]}\.{version[1]} does not run the book, 3\.11 to 3\.13 do")
    assert not (tiny.folder / ".venv").exists()


def test_an_environment_that_cannot_be_written_is_named(tiny):
    tiny.write(".venv", "a file where the folder should be")
    says(tiny.tool("install"), r"\.venv")


INSTALL_WITHOUT_PIP = """
import sys
sys.path.insert(0, "tools")
import install
def pip(*arguments):
    sys.exit("pip runs")
install.pip = pip
install.main()
"""
PRETEND_INSTALLED = """
import sys
sys.path.insert(0, "tools")
import install
install.PYTHON.parent.mkdir(parents=True)
install.PYTHON.symlink_to(sys.executable)
install.STAMP.write_text(install.digest())
"""


def test_an_installation_is_repeated_only_where_something_changed(tiny):
    assert tiny.run(sys.executable, "-c", PRETEND_INSTALLED).returncode == 0
    assert tiny.run(sys.executable, "-c", INSTALL_WITHOUT_PIP).stdout == ""
    tiny.append("requirements.txt", "# changed\n")
    assert "pip runs" in tiny.run(sys.executable, "-c", INSTALL_WITHOUT_PIP).stdout


def test_an_interrupted_installation_is_repeated(tiny):
    tiny.run(sys.executable, "-c", PRETEND_INSTALLED)
    (tiny.folder / ".venv/.installed").unlink()  # it is written last
    assert "pip runs" in tiny.run(sys.executable, "-c", INSTALL_WITHOUT_PIP).stdout


def test_an_environment_left_half_made_is_made_anew_even_by_its_own_python(tiny):
    tiny.run(sys.executable, "-m", "venv", "--without-pip", ".venv")  # as where Ctrl-C came before pip was in
    own_python = tiny.folder / ".venv/bin/python"
    assert tiny.run(own_python, "-m", "pip", "--version").returncode != 0
    assert "pip runs" in tiny.run(own_python, "-c", INSTALL_WITHOUT_PIP).stdout
    assert tiny.run(own_python, "-m", "pip", "--version").returncode == 0


def test_an_environment_whose_python_is_gone_is_made_anew(tiny):
    tiny.run(sys.executable, "-c", PRETEND_INSTALLED)
    python = tiny.folder / ".venv/bin/python"
    python.unlink()
    python.symlink_to("/nowhere/python3")
    assert "pip runs" in tiny.run(sys.executable, "-c", INSTALL_WITHOUT_PIP).stdout
    assert python.exists()


# ---- serve


def test_serving_a_book_that_is_not_built_says_so(tiny):
    says(tiny.tool("serve"), "not built yet: run `make book`")


def test_a_port_that_is_taken_is_named(built):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        says(built.tool("serve", port), f"Port {port} is taken.*make serve PORT=")


@pytest.mark.parametrize("port", ["eighty", "70000"])
def test_a_port_that_is_none_is_named(built, port):
    says(built.tool("serve", port), f"PORT={port} is no port")


# ---- book


def test_a_book_in_a_path_with_a_space_is_built_and_not_built_twice(built):
    assert (
        '<span class="measured">0.50</span>' in (built.folder / "_build/html/chapters/one.html").read_text()
    )
    assert "Nothing changed" in built.tool("build").stdout


def test_a_record_is_for_the_prose_and_no_output_of_its_page_or_notebook(built):
    pages = built.folder / "_build/html/chapters"
    for name in ("one.html", "one.ipynb"):
        assert "one-holds: 0.5" not in (pages / name).read_text()
    assert "cell_output" not in (pages / "one.html").read_text()
    assert "cell_output" in (pages / "two.html").read_text()


def test_only_the_chapter_whose_code_changed_runs(built):
    built.append("chapters/two.md", cell("2 + 2") + "\nMore.\n")
    built.append("chapters/one.md", "\nMore words.\n")
    result = built.tool("execute")
    assert result.returncode == 0
    assert "two ran in" in result.stdout
    assert "one ran in" not in result.stdout


def test_a_damaged_database_of_results_is_noticed_and_made_anew(built):
    (database,) = built.folder.glob("_build/.jupyter_cache/*/global.db")
    database.write_bytes(database.read_bytes()[:3000])
    result = built.tool("execute")
    assert result.returncode == 0, result.stdout
    assert re.search("results were damaged.*run again", result.stdout)
    assert "one ran in" in result.stdout


@pytest.mark.parametrize(
    "damage", [Path.unlink, lambda path: path.write_text("{")], ids=["gone", "cut short"]
)
def test_a_damaged_result_runs_its_chapter_again(built, damage):
    assert built.tool("execute").returncode == 0
    notebook = next(
        path
        for path in built.folder.glob("_build/.jupyter_cache/*/executed/*/base.ipynb")
        if "one-holds" in path.read_text()
    )
    damage(notebook)
    result = built.tool("execute")
    assert result.returncode == 0, result.stdout
    assert "chapters/one: its kept results were damaged" in result.stdout
    assert "two ran in" not in result.stdout


def test_a_chapter_that_raises_is_shown_and_the_others_still_run(tiny):
    tiny.append("chapters/one.md", cell("numbers = [1]\nnumbers[7]"))
    (tiny.folder / "_build/html").mkdir(parents=True)
    (tiny.folder / "_build/html/index.html").write_text("the book built before")
    result = tiny.tool("build")
    says(
        result,
        "chapters/one failed",
        r"numbers\[7\]",
        "line 2 of this cell: IndexError",
        "two ran in",
        "still there",
    )
    assert (tiny.folder / "_build/html/index.html").read_text() == "the book built before"


def test_mistakes_with_claims_and_formulas_are_each_a_line_with_a_hint(tiny):
    measure = 'from tinylm.claims import measured\nmeasured("two-hold", 1)'
    tiny.append(
        "chapters/two.md", "\nIt is {claim}`one-hold`, {number}`nothing`, $\\frac{1}$.\n" + cell(measure)
    )
    tiny.append("chapters/claims.yml", ROW.format(name="two-holds", chapter="two"))
    tiny.append("chapters/claims.yml", ROW.format(name="three-holds", chapter="three"))
    result = tiny.tool("build")
    says(
        result,
        r"chapters/two\.md:\d+: .*one-hold.*did you mean one-holds\?",
        r"chapters/two\.md:\d+: .*nothing.* is not noted",
        r"chapters/two\.md:\d+: .*TeX has an error: Missing argument for \\frac: \\frac\{1\}",
        r"chapters/two\.md:\d+: .*two-hold .*no row.*did you mean two-holds\?",
        "two-holds has status: measured, but no cell of chapters/two measures it",
        r"three-holds chapters/three\.md does not exist",
    )
    assert not (tiny.folder / "_build/html").exists()


def test_a_claim_measured_twice_is_named(tiny):
    tiny.append("chapters/two.md", cell('from tinylm.claims import measured\nmeasured("one-holds", 1)'))
    says(
        tiny.tool("build"), "one-holds is measured twice", "one-holds is measured here, but its row says one"
    )


def test_a_value_outside_its_interval_is_shown_as_such(tiny):
    tiny.write("chapters/claims.yml", ROW.format(name="one-holds", chapter="one").replace("[0, 1]", "[2, 3]"))
    result = tiny.tool("build")
    assert result.returncode == 0, result.stdout
    assert "outside the expected interval" in (tiny.folder / "_build/html/chapters/claims.html").read_text()


def test_a_claims_file_that_is_no_yaml_is_named(tiny):
    tiny.append("chapters/claims.yml", "\none-holds: [\n")
    says(tiny.tool("build"), r"chapters/claims\.yml: ", "line")


def test_a_chapter_of_the_contents_that_is_missing_is_named(tiny):
    (tiny.folder / "chapters/two.md").unlink()
    says(tiny.tool("build"), r"_toc\.yml lists chapters/two, but there is no chapters/two\.md")


def test_a_folder_that_cannot_be_written_is_named(tiny):
    tiny.write("_build", "a file where the folder should be")
    says(tiny.tool("build"), "Cannot write to the folder _build")


UNTIL_TOLD = "import time\nfrom pathlib import Path\nwhile not Path('go-on').exists():\n    time.sleep(0.1)"


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_build_goes_on_where_it_stopped(tiny, stop, hears_ctrl_c):
    tiny.append("chapters/two.md", cell(UNTIL_TOLD))
    process = tiny.building("one ran in", **hears_ctrl_c)
    process.send_signal(stop)
    said = process.communicate(timeout=30)[0]
    assert "Traceback" not in said
    assert stop == signal.SIGKILL or "goes on from there" in said
    tiny.write("chapters/go-on", "")
    result = tiny.tool("build")
    assert result.returncode == 0, result.stdout
    assert "one ran in" not in result.stdout
    assert "two ran in" in result.stdout


def test_of_two_builds_at_once_one_waits_and_makes_nothing_again(tiny):
    tiny.append("chapters/two.md", cell(UNTIL_TOLD))
    both = [tiny.building(until) for until in ("one ran in", "Another build of this book is running")]
    tiny.write("chapters/go-on", "")
    first, second = (process.communicate()[0] for process in both)
    assert [process.returncode for process in both] == [0, 0], first + second
    assert "Making the pages" in first
    assert second.startswith("Nothing changed since the book was built")


ASKS = 'checkpoints.pretrained("base")'
WHEN = {"soon": f"{ASKS}\n{'.' * 99}", "late": f"{'.' * 99}\n{ASKS}", "never": "." * 99}


@given(
    st.lists(
        st.tuples(st.sampled_from(list(WHEN)), st.one_of(st.none(), st.integers(0, 99))),
        unique=True,
        max_size=9,
    )
)
def test_chapters_that_would_wait_for_the_base_model_run_last_and_long_ones_first(tmp_path_factory, kinds):
    folder, todo, times = tmp_path_factory.mktemp("chapters"), [], {}
    for when, seconds in kinds:
        path = folder / f"{when}-{seconds}.md"
        path.write_text(WHEN[when])
        todo.append(execute.Chapter(path.stem, path, None))
        times |= {path.stem: seconds} if seconds is not None else {}
    turns = execute.in_turn(todo, times)
    asking = [c for c in turns if c.name.startswith("soon")]
    others = [c for c in turns if not c.name.startswith("soon")]
    assert turns == asking[:1] + others + asking[1:]
    assert sorted(c.name for c in turns) == sorted(c.name for c in todo)
    for group in (asking, others):
        lengths = [times.get(chapter.name, 1000) for chapter in group]  # of one that never ran: unknown
        assert lengths == sorted(lengths, reverse=True)
