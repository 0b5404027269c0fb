"""_ext/mathematics.py: formulas stand in the pages as MathJax makes them in a browser, and keep their TeX."""

import re
from functools import cache
from types import SimpleNamespace
from xml.etree import ElementTree as ET

import mathematics
import pytest
from bs4 import BeautifulSoup
from hypothesis import given, settings
from hypothesis import strategies as st

LETTERS = st.sampled_from(
    ["x", "7", "<", ">", "=", "+", ",", r"\alpha ", r"\sum ", r"\mathrm{d}", r"\text{if}"]
)
TEX = st.recursive(
    LETTERS,
    lambda part: (
        st.lists(part, min_size=1, max_size=4).map("".join)
        | st.tuples(part, part).map(lambda two: rf"\frac{{{two[0]}}}{{{two[1]}}}")
        | st.tuples(part, part).map(lambda two: f"{{{two[0]}}}_{{{two[1]}}}")
        | part.map(lambda one: rf"\sqrt{{{one}}}")
    ),
    max_leaves=12,
)


@given(TEX, st.booleans())
@settings(max_examples=50, deadline=None)
def test_any_formula_is_well_formed_and_keeps_its_tex(tex, display):
    html = mathematics.typeset(tex, display)
    ET.fromstring(html)
    page = BeautifulSoup(html, "html.parser")
    assert page.find("annotation").get_text() == tex
    assert (page.find("mjx-container").get("display") == "true") == display


@given(TEX)
@settings(max_examples=15, deadline=None)
def test_every_letter_of_a_formula_is_in_the_style_sheet(tex):
    book = mathematics.mathjax.__wrapped__()  # a new one, in which this is the only formula
    html = book.call("typeset", tex, False)[1]
    assert letters(html) <= styled(book.call("style"))


def letters(html: str) -> set[str]:
    return {".".join(letter["class"]) for letter in BeautifulSoup(html, "html.parser").find_all("mjx-c")}


def styled(style: str) -> set[str]:
    return set(re.findall(r"mjx-c\.(\S+)::before", style))


@pytest.mark.parametrize("display", [True, False])
def test_the_style_sheet_is_also_for_pages_that_a_build_left_alone(tmp_path, monkeypatch, display):
    html = mathematics.typeset(r"\aleph < \sum_x \mathrm{\Omega}", display)
    (tmp_path / "earlier.html").write_text(f"<p>{mathematics.typeset('1')} {html}</p>", encoding="utf-8")
    monkeypatch.setattr(mathematics, "mathjax", cache(mathematics.mathjax.__wrapped__))
    monkeypatch.setattr(mathematics, "typeset", mathematics.typeset.__wrapped__)
    app = SimpleNamespace(outdir=tmp_path, builder=SimpleNamespace(format="html"))
    for _ in range(2):  # over what an earlier build wrote
        mathematics.write_style(app, None)
    style = (tmp_path / "_static/mathematics/mathematics.css").read_text(encoding="utf-8")
    assert letters(html) <= styled(style)
    assert len(styled(style)) == len(letters(html)) + 1


@pytest.mark.parametrize(
    ("tex", "words"),
    [
        (r"\frac{1}", r"Missing argument for \frac"),
        (r"\softmax(x)", r"Undefined control sequence \softmax"),
        ("x_{1", "missing close brace"),
        ("x_1_2", "Double subscripts"),
    ],
)
def test_tex_with_an_error_is_an_error(tex, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        mathematics.typeset(tex)


def test_a_browser_makes_the_same_of_a_formula(chromium):
    """The slow way: MathJax in the page."""
    formulas = [
        r"p(x_{t} \mid x_{<t}) = \frac{e^{z_t / \tau}}{\sum_j e^{z_j / \tau}}",
        r"\hat{x} = \sqrt{\tfrac{1}{d}} \odot \operatorname{softmax}\left(\frac{QK^\top}{\sqrt{d}}\right)V",
        r"\begin{split}a &= b \\ &= \text{the rest}\end{split}",
    ]
    page = chromium.new_page()
    page.set_content('<p style="font-size: 16px">words</p>')
    page.evaluate("MathJax = { startup: { typeset: false } }")
    page.add_script_tag(path=mathematics.MATHJAX / "tex-chtml.js")
    page.evaluate("MathJax.startup.promise")
    for tex in formulas:
        theirs = page.evaluate("(tex) => MathJax.tex2chtml(tex, { display: true }).outerHTML", tex)
        assert seen(mathematics.typeset(tex, display=True)) == seen(theirs)
    page.close()


def seen(html: str) -> list:
    """What is drawn of a formula: each element, without what a browser writes in another way."""
    drawn = BeautifulSoup(html, "html.parser").find("mjx-math")
    return [
        (tag.name, tag.get("class"), re.findall(r"[-.\d]+em", tag.get("style", "")))
        for tag in drawn.find_all(True)
    ]
