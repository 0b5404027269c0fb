"""What a reader is told before a chapter: how long, how hard, after which; and the map of all chapters."""

import re
from pathlib import Path
from types import SimpleNamespace

import execute
import pytest
import syllabus
import yaml
from bs4 import BeautifulSoup
from docutils import nodes
from docutils.utils import new_document
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def rows(book) -> list:
    """The map's lines, as Beautiful Soup reads them."""
    page = BeautifulSoup((book / "index.html").read_text(encoding="utf-8"), "html.parser")
    return page.select(".chapter-map li")


@pytest.fixture
def asking(monkeypatch) -> dict[str, tuple[dict, str]]:
    """The front matter and the text of each chapter that asks for a prediction, by its stem."""
    monkeypatch.chdir(ROOT)
    texts = {
        chapter.path.stem: chapter.path.read_text(encoding="utf-8") for chapter in execute.read_chapters()
    }
    return {
        stem: (next(yaml.safe_load_all(text)), text)
        for stem, text in texts.items()
        if "\n## Predict first" in text
    }


def page(*parts: nodes.Node) -> nodes.document:
    document = new_document("page")
    document += nodes.section("", nodes.title("", "Title"), *parts)
    return document


def book_of(*chapters: tuple[str, dict]) -> SimpleNamespace:
    """As much of Sphinx's environment as the map reads."""
    return SimpleNamespace(
        config=SimpleNamespace(root_doc="index"),
        toctree_includes={"index": [name for name, _ in chapters]},
        metadata={name: {"minutes": 9, **facts} for name, facts in chapters},
        titles={name: nodes.title("", name.title()) for name, _ in chapters},
        domains={"std": SimpleNamespace(anonlabels={name: (name, "") for name, _ in chapters})},
    )


@pytest.fixture
def warnings(monkeypatch) -> list[str]:
    said = []
    warn = lambda message, *words, location: said.append(f"{location}: {message % words}")  # noqa: E731
    monkeypatch.setattr(syllabus.LOG, "warning", warn)
    return said


@given(st.integers(0, 3000), st.integers(0, 300))
def test_minutes_are_those_of_the_words_and_the_code(n_words, n_lines):
    listing = "\n\n".join(["x = 1"] * n_lines)  # an empty line takes no time
    document = page(nodes.paragraph("", "word " * n_words), nodes.literal_block(listing, listing))
    exact = n_words / syllabus.WORDS_A_MINUTE + n_lines / syllabus.LINES_A_MINUTE
    assert abs(syllabus.minutes_of(document) - max(1, exact)) <= 0.51


def test_what_a_cell_printed_takes_no_time():
    printed = nodes.container("", nodes.literal_block("", "1\n" * 500), nb_element="cell_code_output")
    assert syllabus.minutes_of(page(printed)) == 1


def test_a_chapter_may_only_need_an_earlier_one(warnings):
    easy, hard = {"level": "introductory"}, {"level": "advanced", "needs": "one three nowhere"}
    found = syllabus.chapters(book_of(("one", easy), ("appendix", {}), ("two", hard), ("three", easy)))
    assert [(c.title, c.needs) for c in found] == [("One", ()), ("Two", ("one",)), ("Three", ())]
    assert warnings == [
        f"two: needs: {label} is no chapter before this one" for label in ("three", "nowhere")
    ]


def test_an_unknown_level_is_named(warnings):
    app = SimpleNamespace(env=SimpleNamespace(docname="one", metadata={"one": {"level": "hard"}}))
    syllabus.read(app, page())
    assert warnings == ["one: level: hard is none of introductory, intermediate, advanced"]


def test_each_chapter_says_how_hard_it_is_and_its_words_name_what_it_needs(asking):
    for stem, (facts, text) in asking.items():
        assert facts.get("level") in syllabus.LEVELS, f"{stem} has no level: of the three"
        told = re.search(r"^You need (.+?)\n\n", text, re.MULTILINE | re.DOTALL)[1]
        for label in facts.get("needs", "").split():
            assert f"(#{label})" in told, f"{stem} needs {label}, and does not tell its reader"


def test_a_line_below_the_title_tells_minutes_and_level(book):
    html = (book / "chapters/attention.html").read_text(encoding="utf-8")
    line = BeautifulSoup(html, "html.parser").select_one("h1 + .chapter-facts")
    assert re.fullmatch(r"\d\d minutes · intermediate", line.get_text().strip())


def test_the_map_leads_to_every_chapter_in_order_and_says_after_which_it_comes(rows, book, monkeypatch):
    monkeypatch.chdir(ROOT)
    chapters = [
        name for name in execute.pages() if 'id="predict-first"' in (book / f"{name}.html").read_text()
    ]
    assert [row.a["href"] for row in rows] == [f"{name}.html" for name in chapters]
    texts = {row.a.get_text(): row.get_text(" ", strip=True) for row in rows}
    assert texts["Scaling"].endswith("advanced , after The transformer and Pretraining")
    assert "after" not in texts["Language models"]


def test_the_map_has_an_arc_for_each_need_but_that_of_the_first_chapter():
    one, two = {"level": "introductory"}, {"level": "advanced", "needs": "one"}
    found = syllabus.chapters(book_of(("one", one), ("two", two), ("three", {**two, "needs": "one two"})))
    assert syllabus.arcs(found).count("<path") == 1
    assert syllabus.arcs(found).count("<circle") == 3


def test_every_chapter_builds_on_the_first_as_the_map_says(asking):
    needs = {stem: set(facts.get("needs", "").split()) for stem, (facts, _) in asking.items()}
    first, *others = needs
    for stem in others:
        reached = {stem}
        while any(new := {need for name in reached for need in needs[name]} - reached):
            reached |= new
        assert first in reached, f"{stem} does not build on {first}"
