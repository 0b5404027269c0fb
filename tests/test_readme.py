"""README.md and CONTRIBUTING.md tell the truth: what they list is there, and what they say to run exists."""

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
PAGES = ["README.md", "CONTRIBUTING.md"]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
RIGHTS = {  # of the jobs that need more than to read
    ("publish.yml", "deploy"): {"pages": "write", "id-token": "write"},
    ("publish.yml", "notebooks"): {"contents": "write"},
    ("release.yml", "release"): {"contents": "write", "actions": "write"},
}
SCRIPTS = [path for path in [ROOT / ".ci/run", *WORKFLOWS] if "make " in path.read_text(encoding="utf-8")]


@pytest.fixture(scope="module")
def files() -> list[str]:
    """Every file that git tracks."""
    if not (ROOT / ".git").exists() and os.environ.get("CI") != "true":
        pytest.skip("this folder is no git checkout, so nothing tells what belongs to it")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    return listed.stdout.rstrip("\0").split("\0")


def read_tree() -> list[tuple[str, str]]:
    """The paths of the README's tree, each with its comment."""
    tree = re.search(r"```text\n(.*?)```", README, re.DOTALL)[1]
    rows, folder = [], ""
    for line in tree.splitlines():
        indent, name, comment = re.fullmatch(r"( *)(\S+)(?: {2,}(\S.*))?", line).groups()
        if not indent:
            folder = name if name.endswith("/") else ""
        rows.append((folder + name if indent else name, comment or ""))
    return rows


def test_the_tree_lists_what_is_there_and_nothing_else(files):
    there = {file.split("/")[0] + ("/" if "/" in file else "") for file in files}
    there |= {file for file in files if re.fullmatch(r"tinylm/\w+\.(py|json)", file)}
    there |= {f"tinylm/{file.split('/')[1]}/" for file in files if re.match(r"tinylm/\w+/", file)}
    listed = [path for path, _ in read_tree()]
    assert sorted(set(listed)) == sorted(listed), "something stands twice in the tree"
    assert {"absent": set(listed) - there, "not listed": there - set(listed)} == {
        "absent": set(),
        "not listed": set(),
    }


def test_every_line_of_the_tree_says_what_it_is():
    assert [path for path, comment in read_tree() if not comment] == []


def targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):(?!=)", MAKEFILE, re.MULTILINE))


def said_to_make(text: str) -> list[str]:
    """The words after each `make` that a text tells its reader, or a script its shell, to run."""
    commands = re.findall(r"(?:`| {4}|run: |timed \S+ |exec )make((?: [\w$\"{}=:/.-]+)*)", text)
    return [word for command in commands for word in command.split()]


def test_the_readme_names_the_two_commands():
    assert {"book", "test"} <= set(said_to_make(README))


@pytest.mark.parametrize("path", [*(ROOT / page for page in PAGES), *SCRIPTS], ids=lambda path: path.name)
def test_every_make_command_exists(path):
    known = re.search(r"^KNOWN := (.*)$", MAKEFILE, re.MULTILINE)[1].split()
    words = said_to_make(path.read_text(encoding="utf-8"))
    assert words, f"{path.name} runs no make command: is it still read rightly?"
    for word in words:
        name, is_variable, _ = word.partition("=")
        assert name in (known if is_variable else targets()), f"{path.name}: there is no `make {word}`"


def test_continuous_integration_ends_in_the_command_of_the_readme():
    last = (ROOT / ".ci/run").read_text(encoding="utf-8").rstrip().splitlines()[-1]
    assert said_to_make(last)[0] == "test"


@pytest.mark.parametrize("page", PAGES)
def test_every_relative_link_leads_to_a_tracked_file(page, files):
    links = re.findall(r"\]\(([^)\s]+)\)", (ROOT / page).read_text(encoding="utf-8"))
    assert [link for link in links if "://" not in link and link.split("#")[0] not in files] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_is_spelled_out_exists(page, files):
    text = (ROOT / page).read_text(encoding="utf-8")
    text = text.replace("embeddings", "attention")  # the chapter that CONTRIBUTING.md takes as its example
    paths = re.findall(r"`((?:chapters|exercises|tinylm|tests|tools|bench|_ext)/[\w./-]+\.\w+)`", text)
    assert paths
    assert [path for path in paths if path not in files] == []


def test_the_python_versions_are_those_of_the_library():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == ">=3.11,<3.14"
    assert "Python 3.11, 3.12 or 3.13" in README
    torch = next(need for need in project["dependencies"] if need.startswith("torch"))
    assert re.search(r"PyTorch already, from ([\d.]+) on", README)[1] == torch.removeprefix("torch>=")


def test_version_and_licence_agree():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == project["version"]
    assert project["version"] in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert citation["license"] == project["license"] == "MIT"
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith("MIT License")


def test_pre_commit_has_the_pinned_versions():
    pins = set((ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines())
    settings = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    hooks = settings["repos"][0]["hooks"]
    needs = {need for hook in hooks for need in hook["additional_dependencies"]}
    assert {need for need in needs if need.startswith(("ruff", "codespell"))} <= pins


@pytest.mark.parametrize("path", SCRIPTS[1:], ids=lambda path: path.name)
def test_workflows_ask_for_no_right_that_they_do_not_need(path):
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        assert "timeout-minutes" in job
        assert job.get("permissions") == RIGHTS.get((path.name, name))
