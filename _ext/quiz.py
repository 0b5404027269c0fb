"""Show the questions of chapters/quizzes.yml on the page of their chapter: `{quiz}`, without content.

An answer is a native `<details>`: it opens with a click or a key, needs no script, and says in words whether
it is right. `_ext/page_text.py` keeps it one in the notebooks; `_static/reader.js` counts the first tries, by
the question's key.
"""

import hashlib
from pathlib import Path

import claim_rows
import yaml
from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

FILE = "quizzes.yml"
QUESTION, ANSWER = {"question", "answers"}, {"text", "why"}
LETTERS = "ABCD"
HINT = "Choose an answer: it opens, and says whether it is right and why."


# ---- reading the questions


def load(chapters: Path) -> dict[str, list[dict]]:
    """The questions by chapter; none where there is no file.

    Raises ValueError, one line that says where the first mistake is.
    """
    try:
        text = (chapters / FILE).read_text(encoding="utf-8")
        quizzes = yaml.load(text, claim_rows.UniqueKeyLoader) or {}
        if not isinstance(quizzes, dict):
            raise ValueError("must be chapters, each with its questions")
        for chapter, questions in quizzes.items():
            if not (chapters / f"{chapter}.md").exists():
                raise ValueError(f"{chapter}: there is no chapters/{chapter}.md")
            if not isinstance(questions, list):
                raise ValueError(f"{chapter}: must be a list of questions")
            for number, question in enumerate(questions, 1):
                if found := problem(question):
                    raise ValueError(f"{chapter}, question {number}: {found}")
    except FileNotFoundError:  # a book without quizzes
        return {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ValueError(f"chapters/{FILE}: {' '.join(str(error).split())}") from None
    return quizzes


def problem(question) -> str:
    """What is wrong with a question, or nothing."""
    if found := wrong_keys(question, QUESTION):
        return found
    answers = question["answers"]
    if not isinstance(answers, list) or not 3 <= len(answers) <= len(LETTERS):
        return "must have three or four answers"
    for letter, answer in zip(LETTERS, answers, strict=False):
        if found := wrong_keys(answer, ANSWER, {"right"}):
            return f"answer {letter} {found}"
        if answer.get("right", True) is not True:
            return f"answer {letter} says right: {answer['right']}; only the right one says it, and says true"
    right = [letter for letter, answer in zip(LETTERS, answers, strict=False) if "right" in answer]
    if len(right) != 1:
        return f"has {' and '.join(right) or 'no answer'} marked right: true; mark exactly one"
    return ""


def wrong_keys(found, wanted: set[str], allowed: frozenset[str] | set[str] = frozenset()) -> str:
    if not isinstance(found, dict):
        return f"must have {' and '.join(sorted(wanted))}"
    missing = sorted(key for key in wanted if not found.get(key))
    unknown = sorted(map(str, found.keys() - wanted - allowed))
    parts = [("lacks", missing), ("has the unknown key", unknown)]
    return " and ".join(f"{words} {', '.join(keys)}" for words, keys in parts if keys)


def key(question: dict) -> str:
    """A short name of what a question says: the same wherever it stands, another where its words change."""
    said = [question["question"], *((answer["text"], "right" in answer) for answer in question["answers"])]
    return hashlib.sha256(repr(said).encode()).hexdigest()[:12]


def read(app) -> None:
    try:
        app.quizzes = load(Path(app.srcdir) / "chapters")
    except ValueError as error:
        raise ExtensionError(str(error)) from None


# ---- showing them


class Tag(nodes.General, nodes.Element):
    """An element of HTML that docutils has no node for."""


def open_tag(translator, node: Tag) -> None:
    translator.body.append(translator.starttag(node, node["tag"], **node["html"]))


def close_tag(translator, node: Tag) -> None:
    translator.body.append(f"</{node['tag']}>\n")


class QuizDirective(SphinxDirective):
    """{quiz}"""

    def run(self):
        self.env.note_dependency(f"chapters/{FILE}")
        chapter = Path(self.env.docname).name
        questions = self.env.app.quizzes.get(chapter)
        if not questions:
            raise self.error(f"chapters/{FILE} has no questions for {chapter}: write some there")
        shown = [self.question(number, question) for number, question in enumerate(questions, 1)]
        return [tag("div", nodes.paragraph("", HINT), *shown, classes=["quiz"])]

    def question(self, number: int, question: dict) -> Tag:
        name = f"question-{number}"
        asked = nodes.paragraph("", "", *self.inline(question["question"], f"Question {number}."), ids=[name])
        answers = map(self.answer, LETTERS, question["answers"])
        html = {"role": "group", "aria_labelledby": name, "data_key": key(question)}
        return tag("div", asked, *answers, classes=["quiz-question"], **html)

    def answer(self, letter: str, answer: dict) -> Tag:
        right = "right" in answer
        summary = tag("summary", *self.inline(answer["text"], letter))
        why = nodes.paragraph("", "", *self.inline(answer["why"], "Right." if right else "Not so."))
        return tag("details", summary, why, classes=["quiz-right" if right else "quiz-wrong"])

    def inline(self, text: str, lead: str) -> list[nodes.Node]:
        """A text of the file, after a lead in bold."""
        parsed, messages = self.parse_inline(str(text))
        return [nodes.strong("", lead), nodes.Text(" "), *parsed, *messages]


def tag(name: str, *children: nodes.Node, classes: list[str] = (), **attributes: str) -> Tag:
    html = {key.replace("_", "-"): value for key, value in attributes.items()}
    return Tag("", *children, tag=name, classes=list(classes), html=html)


def setup(app):
    app.add_node(Tag, html=(open_tag, close_tag))
    app.add_directive("quiz", QuizDirective)
    app.connect("builder-inited", read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
