"""The stem rule: chapters/attention.md, tinylm/attention.py and tests/test_attention.py are one idea."""

import ast
import re
import tomllib
from graphlib import TopologicalSorter
from pathlib import Path
from types import SimpleNamespace

import claim_rows
import execute
import pytest
import setuptools

ROOT = Path(__file__).resolve().parents[1]

# The exceptions, each with its reason. Chapters with cells, but without a module of their own:
WITHOUT_MODULE = {
    "setup": "shows the modules of the others",
    "status": "lists versions",
}
# Modules without a chapter of their own:
WITHOUT_CHAPTER = {
    "claims": "records the numbers of all chapters",
    "figures": "draws the figures of all chapters",
    "checkpoints": "keeps the models of all chapters",
    "inference": "is the transformer again, for decoding",
    "beams": "searches for probable texts, for decoding",
    "constraints": "keeps a text in a form, for decoding",
    "pretraining_command": "runs the loop of pretraining from a terminal",
    "muon": "takes the steps of pretraining",
    "processors": "says what the loop of pretraining may count on",
    "snapshots": "keeps runs of pretraining",
    "gguf": "opens the door to llama.cpp",
    "recall": "is a task of several chapters",
    "sums": "is a task of the chapter on tokens",
    "positions": "tells embeddings where they stand, for their chapter",
    "vocabularies": "does with tokens what only their chapter needs",
    "costs": "counts what a transformer costs, for several chapters",
    "experts": "is the transformer with another feed-forward layer",
    "examination": "asks the base model",
    "packing": "puts the base model's texts in rows",
    "recipes": "tells the models of all chapters apart",
    "folders": "writes the files of snapshots and checkpoints",
}

# Not part of a chapter's length: the settings of the page and of cells, and the quiz, always four questions.
METADATA = re.compile(
    r"\A---\n.*?\n---\n|(?<=ipython3\n)---\n.*?\n---\n|^:mystnb:[^\n]*\n"
    r"|^## Check yourself\n\n```\{quiz\}\n```\n",
    re.DOTALL | re.MULTILINE,
)

MODULES = {path.stem for path in (ROOT / "tinylm").glob("*.py")} - {"__init__"}


@pytest.fixture(scope="module")
def chapters(monkeypatch_module) -> list[Path]:
    monkeypatch_module.chdir(ROOT)
    return [ROOT / f"{page}.md" for page in execute.pages() if page.startswith("chapters/")]


@pytest.fixture(scope="module")
def monkeypatch_module():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


def test_each_chapter_with_code_has_its_module_and_its_tests(chapters):
    for chapter in chapters:
        if "{code-cell}" not in chapter.read_text(encoding="utf-8") or chapter.stem in WITHOUT_MODULE:
            continue
        stem = chapter.stem.replace("-", "_")
        if (ROOT / "tinylm" / stem).is_dir():  # a package: its tests are in a folder of the same name
            assert (ROOT / "tests" / stem).is_dir(), f"{chapter.name} has no folder tests/{stem}"
            continue
        assert (ROOT / "tinylm" / f"{stem}.py").exists(), f"{chapter.name} has no module tinylm/{stem}.py"
        assert (ROOT / "tests" / f"test_{stem}.py").exists(), f"{chapter.name} has no tests/test_{stem}.py"


def test_each_module_has_a_chapter_written_or_planned_and_tests(chapters):
    rows = claim_rows.load(ROOT / "chapters")
    stems = {chapter.stem for chapter in chapters} | {row["chapter"] for row in rows.values()}
    for module in MODULES:
        assert module.replace("_", "-") in stems or module in WITHOUT_CHAPTER, (
            f"{module} belongs to no chapter"
        )
        if module != "claims":  # tests/test_claims.py holds its tests and those of the claims
            assert (ROOT / "tests" / f"test_{module}.py").exists(), f"{module} has no tests/test_{module}.py"


@pytest.mark.parametrize("package", ["tinylm/world", "tinylm/live", "classroom"])
def test_each_module_of_a_package_has_tests(package):
    files = (ROOT / "tests" / Path(package).name).glob("test_*.py")
    tests = "\n".join(path.read_text(encoding="utf-8") for path in files)
    for path in (ROOT / package).rglob("[a-z]*.py"):
        assert re.search(rf"\b{path.stem}\b", tests), f"no test of {package} names {path.stem}"


def test_every_module_is_part_of_what_is_installed():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found = setuptools.find_packages(str(ROOT), **settings["tool"]["setuptools"]["packages"]["find"])
    modules = [path for package in ("tinylm", "classroom") for path in (ROOT / package).rglob("*.py")]
    folders = {path.parent.relative_to(ROOT) for path in modules}
    assert set(found) == {".".join(folder.parts) for folder in folders}


def test_the_exceptions_are_needed(chapters):
    assert set(WITHOUT_MODULE) <= {chapter.stem for chapter in chapters}
    assert set(WITHOUT_CHAPTER) <= MODULES


def imports(package: str) -> dict[str, set[str]]:
    """Which modules of a package each of its flat modules imports."""
    graph = {}
    for path in (ROOT / package).glob("[a-z]*.py"):
        found = graph.setdefault(path.stem, set())
        tree = ast.parse(path.read_text(encoding="utf-8"))
        # what a module does when it is the program itself, it does not do when it is imported
        tree.body = [node for node in tree.body if not ast.unparse(node).startswith("if __name__ == ")]
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == package:
                found |= {name.name for name in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(f"{package}."):
                found.add(node.module.removeprefix(f"{package}."))
            elif isinstance(node, ast.Import):
                found |= {n.name.removeprefix(f"{package}.") for n in node.names if f"{package}." in n.name}
    return graph


@pytest.mark.parametrize("package", ["tinylm", "classroom"])
def test_no_modules_import_each_other_in_a_circle(package):
    TopologicalSorter(imports(package)).prepare()  # raises CycleError, which names the circle


def test_grading_needs_no_language_model():
    for path in (ROOT / "classroom").glob("*.py"):
        assert not re.search(r"^\s*(from|import) tinylm", path.read_text(encoding="utf-8"), re.MULTILINE)


def sections(path: Path) -> list[str]:
    return re.findall(r"^## (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)


def test_each_chapter_on_claims_has_the_templates_sections_in_their_order(chapters):
    template = sections(ROOT / "chapters/template.md")
    for chapter in chapters:
        if "{claims-found}" in chapter.read_text(encoding="utf-8"):
            assert sections(chapter) == template, f"{chapter.name} has other sections than template.md"


def test_no_chapter_is_longer_than_a_sitting(chapters):
    for chapter in chapters:
        read = re.sub(METADATA, "", chapter.read_text(encoding="utf-8"))
        n_lines = sum(bool(line.strip()) for line in read.splitlines())
        assert n_lines <= 450, f"{chapter.name} has {n_lines} lines: split it"


@pytest.fixture(scope="module")
def conftest(request):
    return request.config.pluginmanager.getplugin(str(ROOT / "tests" / "conftest.py"))


def test_the_tests_whose_order_matters_are_there(conftest):
    there = {path.stem for path in (ROOT / "tests").rglob("test_*.py")}
    assert {*conftest.FIRST, *conftest.LAST} <= there


@pytest.mark.parametrize(
    ("process", "expected"),
    [
        (SimpleNamespace(), ["test_tokens", "test_zygote", "test_make", "test_book", "test_press"]),
        (
            SimpleNamespace(workerinput={}),
            ["test_book", "test_make", "test_press", "test_tokens", "test_zygote"],
        ),
    ],
    ids=["one alone", "one of several"],
)
def test_long_tests_come_last_for_one_process_and_first_for_several(conftest, process, expected):
    items = [SimpleNamespace(path=Path(f"{stem}.py")) for stem in sorted(expected)]
    conftest.pytest_collection_modifyitems(process, items)
    assert [item.path.stem for item in items] == expected
