"""_ext/quiz.py and chapters/quizzes.yml: questions on each chapter, which tell why and give nothing away."""

import copy
import re
from collections import Counter
from pathlib import Path

import nbformat
import pytest
import quiz
import yaml
from bs4 import BeautifulSoup
from mathematics import typeset
from page_text import PageText
from test_book import PHONE, POOR_CONTRAST, Visit, barriers, none

ROOT = Path(__file__).resolve().parents[1]
CHAPTERS = ROOT / "chapters"
QUIZZES = quiz.load(CHAPTERS)
QUESTIONS = [question for questions in QUIZZES.values() for question in questions]
SECTION = "## Check yourself\n\n```{quiz}\n```\n\n## Summary\n"
LINK = re.compile(r"\]\(|\{(?:term|eq|numref|claim|cite:\w+)\}")  # what becomes one on the page


def right(question: dict) -> int:
    """The place of the right answer."""
    (place,) = (n for n, answer in enumerate(question["answers"]) if "right" in answer)
    return place


# ---- the questions


def test_each_chapter_that_tests_claims_asks_four_questions_before_its_summary():
    chapters = {
        path.stem: text
        for path in CHAPTERS.glob("*.md")
        if "```{claims-found}" in (text := path.read_text(encoding="utf-8")) and path.stem != "template"
    }
    assert list(chapters.keys() - QUIZZES.keys()) == []
    for chapter, text in chapters.items():
        assert SECTION in text, f"{chapter} has no section *Check yourself* before its summary"
        assert len(QUIZZES[chapter]) == 4, chapter


def test_the_right_answer_has_no_favourite_place():
    places = Counter(right(question) for question in QUESTIONS)
    assert max(places.values()) <= 0.35 * len(QUESTIONS), places
    for place in range(3):
        assert places[place] >= 0.15 * len(QUESTIONS), places


def test_the_right_answer_is_not_told_by_its_length():
    """By chance three in ten right answers would be the longest, and as many the shortest."""
    extremes = Counter()
    for question in QUESTIONS:
        lengths = [len(answer["text"]) for answer in question["answers"]]
        extremes["longest"] += lengths[right(question)] == max(lengths)
        extremes["shortest"] += lengths[right(question)] == min(lengths)
    assert max(extremes.values()) <= 0.4 * len(QUESTIONS), extremes


def test_no_two_questions_or_answers_are_the_same():
    assert len({question["question"] for question in QUESTIONS}) == len(QUESTIONS)
    for question in QUESTIONS:
        for key in ("text", "why"):
            assert len({answer[key] for answer in question["answers"]}) == len(question["answers"])


def test_an_answer_holds_no_link_since_it_opens_by_a_click_itself():
    for question in QUESTIONS:
        for answer in question["answers"]:
            assert not LINK.search(answer["text"]), answer["text"]


# ---- what is wrong with a file

GOOD = {
    "question": "Which?",
    "answers": [
        {"text": "this", "why": "So it is.", "right": True},
        {"text": "that", "why": "It is not."},
        {"text": "neither", "why": "One is."},
    ],
}


def loaded(folder: Path, quizzes) -> dict:
    """A file of quizzes, read in a folder with one chapter."""
    (folder / "owls.md").touch()
    (folder / "quizzes.yml").write_text(quizzes if isinstance(quizzes, str) else yaml.safe_dump(quizzes))
    return quiz.load(folder)


def test_a_good_file_is_read(tmp_path):
    assert loaded(tmp_path, {"owls": [GOOD]}) == {"owls": [GOOD]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda q: q["answers"][0].pop("right"), "has no answer marked right: true; mark exactly one"),
        (lambda q: q["answers"][1].update(right=True), "has A and B marked right: true; mark exactly one"),
        (lambda q: q["answers"][1].update(right=False), "answer B says right: False"),
        (lambda q: q["answers"][2].pop("why"), "answer C lacks why"),
        (lambda q: q["answers"][2].update(why=""), "answer C lacks why"),
        (lambda q: q["answers"][1].update(reason="x"), "answer B has the unknown key reason"),
        (lambda q: q.update(hint="x"), "has the unknown key hint"),
        (lambda q: q.pop("question"), "lacks question"),
        (lambda q: q["answers"].pop(), "must have three or four answers"),
        (lambda q: q["answers"].__setitem__(1, "that"), "answer B must have text and why"),
    ],
)
def test_a_wrong_question_is_refused_in_a_line_that_names_it(tmp_path, change, message):
    change(wrong := copy.deepcopy(GOOD))
    with pytest.raises(ValueError, match=r"quizzes\.yml") as caught:
        loaded(tmp_path, {"owls": [GOOD, wrong]})
    assert str(caught.value).startswith(f"chapters/quizzes.yml: owls, question 2: {message}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mice: []", "mice: there is no chapters/mice.md"),
        ("owls: Which?", "owls: must be a list of questions"),
        ("- owls", "must be chapters"),
        ("owls: []\nowls: []", "owls is there twice"),
        ("owls: [", "while parsing"),
    ],
)
def test_a_wrong_file_is_refused_in_a_line(tmp_path, text, message):
    with pytest.raises(ValueError, match=message) as caught:
        loaded(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_a_book_without_the_file_has_no_quizzes(tmp_path):
    assert quiz.load(tmp_path) == {}


def test_a_question_is_known_by_its_words_and_its_right_answer_wherever_it_stands():
    asked, told, answered, marked = (copy.deepcopy(GOOD) for _ in range(4))
    told["answers"][1]["why"] = "It is not so."
    assert quiz.key(told) == quiz.key(GOOD)
    asked["question"] = "Which one?"
    answered["answers"][1]["text"] = "those"
    marked["answers"][1]["right"] = marked["answers"][0].pop("right")
    assert len({quiz.key(question) for question in (GOOD, asked, answered, marked)}) == 4


# ---- on the page


def questions_of(page: BeautifulSoup) -> list:
    return page.select("#check-yourself .quiz-question")


@pytest.mark.parametrize("chapter", QUIZZES)
def test_a_page_shows_all_questions_and_one_right_answer_to_each(book, chapter):
    page = BeautifulSoup((book / f"chapters/{chapter}.html").read_text(encoding="utf-8"), "html.parser")
    shown = questions_of(page)
    assert len(shown) == len(QUIZZES[chapter])
    for asked, question in zip(shown, QUIZZES[chapter], strict=True):
        answers = asked.select("details")
        leads = [answer.select_one("summary + p > strong").get_text() for answer in answers]
        assert leads == ["Not so." if n != right(question) else "Right." for n in range(len(answers))]
        assert asked["role"] == "group"
        assert page.find(id=asked["aria-labelledby"]).get_text().startswith("Question ")
        assert not asked.select("summary a, details[open]")
        assert not re.search(r"\{\w+\}`", asked.get_text()), "a role that was not read"


@pytest.fixture(scope="module")
def opened(chromium, address):
    with Visit(chromium, address, "chapters/attention.html", "light", 1280) as visit:
        yield visit


def test_answers_open_and_close_by_the_keyboard(opened):
    answer = opened.page.locator(".quiz details").first
    assert not answer.locator("p").is_visible()
    answer.locator("summary").focus()
    opened.page.keyboard.press("Enter")
    assert answer.locator("p").is_visible()
    opened.page.keyboard.press("Space")
    assert not answer.locator("p").is_visible()
    opened.page.keyboard.press("Tab")
    assert answer.locator("+ details > summary").evaluate("(next) => next === document.activeElement")
    none(opened.complaints)


LOOK = """(summary) => [summary, summary.parentElement, summary.firstElementChild].map((element) => {
  const { color, backgroundColor, borderColor, fontWeight } = getComputedStyle(element);
  return [color, backgroundColor, borderColor, fontWeight].join();
})"""
OPEN_ALL = "document.querySelectorAll('.quiz details').forEach((answer) => (answer.open = true))"


def test_a_right_answer_looks_like_a_wrong_one_until_it_is_opened(opened):
    opened.page.mouse.move(0, 0)
    opened.page.evaluate("document.activeElement.blur()")
    looks = {
        str(opened.page.locator(f".quiz-{kind} > summary").first.evaluate(LOOK))
        for kind in ("right", "wrong")
    }
    assert len(looks) == 1


def test_first_tries_are_counted_and_stay_in_the_browser(chromium, address):
    with Visit(chromium, address, "chapters/attention.html", "light", 1280) as visit:
        questions, score = visit.page.locator(".quiz-question"), visit.page.locator(".quiz-score")
        assert not score.is_visible()
        questions.nth(0).locator(".quiz-right summary").click()
        questions.nth(1).locator(".quiz-wrong summary").first.click()
        questions.nth(1).locator(".quiz-right summary").click()  # a second try
        assert score.locator("output").inner_text() == "1 of 2 right at the first try."
        visit.page.reload(wait_until="networkidle")
        assert score.locator("output").inner_text() == "1 of 2 right at the first try."
        visit.page.get_by_role("button", name="Begin again").click()
        assert not score.is_visible()
        none(visit.complaints)


def test_a_count_belongs_to_its_question_and_not_to_its_place(chromium, address):
    def shortened(route):
        """The page as a later version may have it: without its first question."""
        response = route.fetch()
        page = BeautifulSoup(response.text(), "html.parser")
        questions_of(page)[0].decompose()
        route.fulfill(response=response, body=str(page))

    with Visit(chromium, address, "chapters/attention.html", "light", 1280) as visit:
        questions, score = visit.page.locator(".quiz-question"), visit.page.locator(".quiz-score")
        questions.nth(0).locator(".quiz-wrong summary").first.click()
        questions.nth(1).locator(".quiz-right summary").click()
        assert score.locator("output").inner_text() == "1 of 2 right at the first try."
        visit.page.route("**/chapters/attention.html", shortened)
        visit.page.reload(wait_until="networkidle")
        assert questions.count() == len(QUIZZES["attention"]) - 1
        assert score.locator("output").inner_text() == "1 of 1 right at the first try."
        none(visit.complaints)


def test_without_a_script_the_questions_open_and_tell_why(chromium, address):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/chapters/attention.html")
    page.locator(".quiz-right summary").first.click()
    assert page.locator(".quiz-right p").first.is_visible()
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_opened_answers_are_no_barrier_and_fit_on_a_phone(chromium, address, scheme):
    with Visit(chromium, address, "chapters/attention.html", scheme, 1280) as visit:
        visit.page.evaluate(OPEN_ALL)
        none(barriers(visit.page, f"attention, {scheme}"))
        none(visit.page.evaluate(POOR_CONTRAST))
        visit.page.set_viewport_size({"width": PHONE, "height": 800})
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= PHONE


def test_on_paper_the_answers_are_told(opened):
    opened.page.emulate_media(media="print")
    heights = opened.page.locator(".quiz details > p").evaluate_all("(all) => all.map((p) => p.offsetHeight)")
    opened.page.emulate_media(media="screen")
    assert min(heights) > 0


# ---- in a notebook


def test_an_answer_stays_a_closed_one_in_markdown_with_its_formulas():
    html = (
        f'<details><summary><strong>A</strong> <span class="math">{typeset("a < b_1")}</span> is '
        '<code class="docutils"><span class="pre">x_y</span></code></summary>'
        "<p><strong>Right.</strong> It *is*.</p></details>"
    )
    text = PageText("https://example.org/page.html").text(BeautifulSoup(html, "html.parser"))
    assert text == (
        "<details>\n<summary><strong>A</strong> $a &lt; b_1$ is <code>x_y</code></summary>\n\n"
        "**Right.** It \\*is\\*.\n\n</details>"
    )


@pytest.mark.parametrize("chapter", QUIZZES)
def test_a_notebook_asks_and_does_not_tell_before_it_is_opened(book, chapter):
    notebook = nbformat.read(book / f"chapters/{chapter}.ipynb", as_version=4)
    words = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    asked = words.partition("## Check yourself")[2].partition("\n## ")[0]
    assert len(re.findall(r"^\*\*Question \d\.\*\* \S", asked, re.MULTILINE)) == len(QUIZZES[chapter])
    answer = r"<details>\n<summary>.+</summary>\n\n\*\*(Right|Not so)\.\*\* .+\n\n</details>"
    assert re.findall(answer, asked) == [
        "Right" if "right" in answer else "Not so"
        for question in QUIZZES[chapter]
        for answer in question["answers"]
    ]
    assert not re.search(r"\*\*(Right|Not so)|quiz-", re.sub(answer, "", asked))
