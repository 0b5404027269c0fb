"""tinylm.claims and the trace of a claim: row, chapter, number, interval, verdict."""

import json
import re
from pathlib import Path

import claim_rows
import execute
import pytest
import quiz

from tinylm import claims

ROOT = Path(__file__).resolve().parents[1]
CHAPTERS = ROOT / "chapters"
ROWS = claim_rows.load(CHAPTERS)
ARTICLES = claim_rows.articles(CHAPTERS)
N_CLAIMS = 68  # in the five articles; a row may be split, never dropped

# ---- the library's part


def test_a_number_is_the_mean_of_its_runs_with_their_spread():
    number = claims.measured("a-claim", [1, 2, 3], "bits")
    assert (number.value, number.spread) == (2, 1)
    assert str(number) == "a-claim: 2 bits (sd 1 over 3 runs)"
    assert claims.noted("a-number", 0.5).spread is None


def test_a_number_shows_text_and_carries_its_record():
    data, metadata = claims.measured("a-claim", 0.25, "bits")._repr_mimebundle_()
    assert data["text/plain"] == "a-claim: 0.25 bits"
    assert data[claims.MIME] == {"name": "a-claim", "kind": "claim", "values": [0.25], "unit": "bits"}
    assert metadata["scrapbook"]["name"] == "claim:a-claim"


@pytest.mark.parametrize("value", [[], float("nan"), [1.0, float("inf")]])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(ValueError, match="a-claim"):
        claims.measured("a-claim", value)


# ---- the rows


def test_every_row_keeps_the_rules():
    assert claim_rows.problems(ROWS, ARTICLES, CHAPTERS) == []


def test_no_claim_was_dropped():
    assert len(ROWS) >= N_CLAIMS


GOOD = {
    "from": ["A"],
    "chapter": "claims",  # a file that exists
    "kind": "measured",
    "says": "s",
    "test": "t",
    "status": "measured",
    "unit": "bits",
    "expect": [0, 1],
    "why": "w",
    "verdict": "holds",
    "words": "w",
}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({}, None),
        ({"says": ...}, "lacks says"),
        ({"expect": ...}, "lacks expect"),
        ({"expect": [1, 0]}, "not .low, high."),
        ({"expect": "wide"}, "not .low, high."),
        ({"verdict": "true"}, "none of holds, limited, corrected"),
        ({"status": "done"}, "none of planned, measured"),
        ({"from": ["Z"]}, "letters"),
        ({"chapter": "nowhere"}, "nowhere.md does not exist"),
        ({"chapter": "nowhere", "status": "planned"}, None),
        ({"expectation": [0, 1]}, "unknown fields: expectation"),
    ],
)
def test_a_row_that_breaks_a_rule_is_named(change, problem):
    row = {field: value for field, value in {**GOOD, **change}.items() if value is not ...}
    found = claim_rows.problems({"a-claim": row}, ARTICLES, CHAPTERS)
    if problem is None:
        assert found == []
    else:
        assert len(found) == 1
        assert found[0][0] == "a-claim"
        assert re.search(problem, found[0][1])


def test_two_rows_of_one_id_are_refused(tmp_path):
    (tmp_path / "claims.yml").write_text("a-claim:\n  from: [A]\na-claim:\n  from: [B]\n")
    with pytest.raises(ValueError, match="a-claim is there twice"):
        claim_rows.load(tmp_path)


def test_a_misspelt_id_gets_a_hint():
    assert claim_rows.did_you_mean("fluent-txt", ROWS) == "; did you mean fluent-text?"
    assert claim_rows.did_you_mean("zzz", ROWS) == ""


# ---- no number typed by hand

PROSE_DIRECTIVES = {
    "admonition",
    "note",
    "tip",
    "warning",
    "important",
    "hint",
    "caution",
    "seealso",
    "dropdown",
    "figure",
}
# names that hold a digit
NAMES = r"\b(?:GPT|Llama|Qwen|Gemma|PaLM|Python|UTF|SHA|int|float|bfloat|MathJax|Muon|T)[- ]?\d[\w.]*"
NOT_PROSE = re.compile(
    r"""\{[\w:-]+\}`[^`]*`      # a role
    |(`+).+?\1                  # code
    |\$\$.+?\$\$|\$[^$]+\$      # mathematics
    |\]\([^)]*\)                # where a link goes
    |<?https?://[^\s>]+>?       # an address
    |\[\^[^]]+\]                # a footnote's mark
    |\{[.#][^}]*\}              # attributes
    |<!--.*?-->
    |^\s*\d+[.)]\s              # a list's number
    |"""
    + NAMES,
    re.VERBOSE | re.MULTILINE | re.DOTALL,
)
FENCE = re.compile(r"\s*(`{3,}|:{3,}|~{3,})\s*(?:\{([\w:-]+)\})?(.*)")


def typed_numbers(source: str) -> list[tuple[int, str]]:
    """Lines of a chapter's prose that hold a digit, as (line number, line)."""
    found, fences, math = [], [], False
    lines = source.splitlines()
    start = lines.index("---", 1) + 1 if lines and lines[0] == "---" else 0
    paragraph = []  # (line number, line): inline marks may span lines

    def check_paragraph():
        text = "".join(f"{line}\n" for _, line in paragraph)
        blank = NOT_PROSE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
        for (number, line), left in zip(paragraph, blank.splitlines(), strict=True):
            if re.search(r"\d", left):
                found.append((number, line.strip()))
        paragraph.clear()

    for number, line in enumerate(lines[start:], start + 1):
        fence = FENCE.fullmatch(line)
        skipping = any(not prose for _, prose in fences)
        if fence and fences and fence[1].startswith(fences[-1][0]) and not fence[2] and not fence[3].strip():
            check_paragraph()
            fences.pop()
        elif fence and not skipping:
            check_paragraph()
            prose = fence[2] in PROSE_DIRECTIVES
            fences.append((fence[1], prose))
            if prose and fence[2] != "figure":
                paragraph.append((number, fence[3]))
                check_paragraph()
        elif skipping:
            continue
        elif line.strip().startswith("$$") and line.count("$$") == 1:
            check_paragraph()
            math = not math
        elif math:
            math = not re.search(r"\$\$\s*(\([\w-]+\))?$", line)
        elif not line.strip():
            check_paragraph()
        elif line.startswith(("#", "%")) or re.fullmatch(r"\s*\([\w-]+\)=\s*|\s*:[\w-]+:.*", line):
            check_paragraph()  # a heading, a comment, a label, an option
        else:
            paragraph.append((number, line))
    check_paragraph()
    return found


@pytest.mark.parametrize(
    "prose",
    [
        "The loss is {claim}`a-claim|.2f` bits.",
        "A model of `64` channels, $d = 64$, and\n$$\nx = 2\n$$\nno more.",
        "$$\nx = 2\n$$ (eq-2)\n\nFine.",
        "## Part 2\n\n(label-2)=\nSee [this](https://example.org/2024) and https://example.org/2.",
        "```{code-cell} ipython3\n:tags: [a2]\nx = 2\n```",
        "````{note}\n```python\nx = 2\n```\n````",
        "1. first\n2. second",
        "GPT-2 and Llama 3, in Python 3.12, with int8.",
        "code over `a\n2` two lines",
        "---\ntitle: 2\n---\nFine.",
    ],
)
def test_what_is_no_typed_number_passes(prose):
    assert typed_numbers(prose) == []


@pytest.mark.parametrize(
    ("prose", "line"),
    [
        ("It falls to 2.1 bits.", 1),
        ("Fine.\n\nAbout 3 times faster.", 3),
        ("```{note}\nIt is 12 % more.\n```", 2),
        (":::{admonition} All 3 of them\nFine.\n:::", 1),
        ("| a | 5 |", 1),
        ("```python\nx = 1\n```\nAnd 4 more.", 4),
        ("$$\nx = 1\n$$\nAnd 4 more.", 4),
        ("- $x$ is 7", 1),
    ],
)
def test_a_typed_number_is_found_with_its_line(prose, line):
    assert [number for number, _ in typed_numbers(prose)] == [line]


def test_no_chapter_types_a_number_by_hand(monkeypatch):
    monkeypatch.chdir(ROOT)
    generated = {"chapters/claims", "chapters/bibliography", "chapters/status", "chapters/glossary"}
    found = []
    for page in execute.pages():
        if page not in generated and not page.startswith("exercises/"):  # those measure nothing
            source = (ROOT / f"{page}.md").read_text(encoding="utf-8")
            found += [f"{page}.md:{number}: {line}" for number, line in typed_numbers(source)]
    for name, row in ROWS.items():
        if row["status"] == "measured" and re.search(r"\d", re.sub(NAMES, "", row["words"])):
            found.append(f"chapters/claims.yml: {name}: words: {row['words']}")
    for chapter, questions in quiz.load(CHAPTERS).items():
        for number, question in enumerate(questions, 1):
            texts = [question["question"]]
            texts += [answer[key] for answer in question["answers"] for key in ("text", "why")]
            found += [
                f"quizzes.yml: {chapter}, question {number}: {t}" for t in texts if typed_numbers(str(t))
            ]
    assert not found, "numbers typed by hand; record them with measured() or noted():\n" + "\n".join(found)


def test_each_measured_claim_is_named_in_its_chapter():
    for name, row in ROWS.items():
        if row["status"] == "measured":
            source = (CHAPTERS / f"{row['chapter']}.md").read_text(encoding="utf-8")
            assert re.search(rf"measured\(\s*[\"']{name}[\"']", source), (
                f"{row['chapter']}.md does not measure {name}"
            )


# ---- what the book measured


@pytest.fixture(scope="module")
def measured(book) -> dict:
    return json.loads((book / "measured.json").read_text())["claims"]


def test_each_measured_claim_is_within_its_interval(measured):
    outside = []
    for name, row in ROWS.items():
        if row["status"] == "measured":
            value = claims.Number(name, "claim", tuple(measured[name]["values"])).value
            low, high = row["expect"]
            if not low <= value <= high:
                outside.append(f"{name}: {value:.4g} is not within {low:g} to {high:g}")
    assert not outside, "\n".join(outside)


def test_each_claim_is_measured_by_its_own_chapter_in_its_own_unit(measured):
    for name, number in measured.items():
        assert name in ROWS, f"{name} is measured, but has no row"
        assert (number["chapter"], number["unit"]) == (ROWS[name]["chapter"], ROWS[name]["unit"]), name
