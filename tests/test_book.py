"""The built book, as a reader meets it: nothing broken, nothing from elsewhere, legible everywhere."""

import gzip
import json
import os
import re
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlparse

import execute
import pytest
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup
from fingerprint import cache_folder

ROOT = Path(__file__).resolve().parents[1]
FIRST_PAGE_LIMIT = 900_000  # bytes gzipped, with all that the page loads
PHONE = 360  # pixels wide


@pytest.fixture(scope="module")
def pages(book) -> dict[Path, BeautifulSoup]:
    return {
        path: BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser") for path in book.rglob("*.html")
    }


def none(problems) -> None:
    """Fail with all problems at once, a line each."""
    problems = sorted(set(problems))
    assert not problems, "\n".join(["", *problems])


# ---- the files


def test_every_cell_ran_without_error(book, monkeypatch):
    monkeypatch.chdir(ROOT)
    cache = execute.open_cache(cache_folder(ROOT))
    for chapter in execute.read_chapters():
        _, notebook = cache.merge_match_into_notebook(chapter.notebook)
        for index, cell in enumerate(notebook.cells):
            if cell.cell_type == "code":
                assert cell.execution_count is not None, f"{chapter.name}: cell {index} did not run"
                if "raises-exception" not in cell.metadata.get("tags", []):
                    errors = [output for output in cell.outputs if output.output_type == "error"]
                    assert not errors, f"{chapter.name}: cell {index} raised {errors[0].ename}"


def test_every_page_of_the_contents_is_there(book, monkeypatch):
    monkeypatch.chdir(ROOT)
    for page in execute.pages():
        assert (book / f"{page}.html").exists()


def test_every_link_and_anchor_is_alive(book, pages):
    anchors = {path.resolve(): {tag["id"] for tag in page.find_all(id=True)} for path, page in pages.items()}
    problems = []
    for path, page in pages.items():
        for tag in page.find_all(href=True) + page.find_all(src=True):
            url = tag.get("href") or tag["src"]
            if urlparse(url).scheme or url.startswith("//"):
                continue
            address, anchor = urldefrag(url)
            target = path.parent / unquote(address.split("?")[0]) if address else path
            if not target.resolve().is_file():
                problems.append(f"{path.relative_to(book)}: {url} leads nowhere")
            elif anchor and target.suffix == ".html" and unquote(anchor) not in anchors[target.resolve()]:
                problems.append(f"{path.relative_to(book)}: {url} has no such anchor")
    none(problems)


def test_no_id_is_used_twice_on_a_page(book, pages):
    problems = []
    for path, page in pages.items():
        # what stands in a live model's template has ids of its own
        ids = [tag["id"] for tag in page.find_all(id=True) if not tag.find_parent("template")]
        problems += [f"{path.relative_to(book)}: id {name}" for name in ids if ids.count(name) > 1]
    none(problems)


def test_no_page_loads_anything_from_another_host(book, pages):
    problems = []
    loads = [("script", "src"), ("img", "src"), ("iframe", "src"), ("source", "src"), ("link", "href")]
    for path, page in pages.items():
        for name, attribute in loads:
            for tag in page.find_all(name, attrs={attribute: True}):
                if "canonical" not in tag.get("rel", ()) and re.match(r"(https?:)?//", tag[attribute]):
                    problems.append(f"{path.relative_to(book)}: {tag[attribute]}")
    for path in book.rglob("*.css"):
        for url in re.findall(
            r"(?:url\(|@import)\s*['\"]?((?:https?:)?//[^)'\"\s]+)", path.read_text(encoding="utf-8")
        ):
            problems.append(f"{path.relative_to(book)}: {url}")
    none(problems)


def test_every_image_says_what_is_seen(book, pages):
    problems = []
    for path, page in pages.items():
        for image in page.select("article img"):
            words = image.get("alt", "")
            if not words.strip() or re.search(r"^\.*/?_|\.(svg|png|jpe?g)$", words):
                problems.append(f"{path.relative_to(book)}: {image['src']} has the text {words!r}")
    none(problems)


def test_every_figure_has_a_caption(book, pages):
    problems = []
    for path, page in pages.items():
        for image in page.select("article img"):
            figure = image.find_parent("figure")
            if figure is None or not figure.find("figcaption"):
                problems.append(f"{path.relative_to(book)}: {image['src']}")
    none(problems)


def test_the_letters_of_every_figure_are_legible_on_a_phone(book, pages):
    """A drawn figure is as wide as the screen, so its smallest letters shrink with it."""
    problems, screen = [], 382  # pixels that a figure has on one of 390
    for path, page in pages.items():
        for image in page.select("article figure img[src$='.svg']"):
            drawn = (path.parent / image["src"]).read_text(encoding="utf-8")
            letters = [100 * float(size) for size in re.findall(r"scale\((0\.\d+) -0", drawn)]  # in points
            width = float(re.search(r'viewBox="\S+ \S+ (\S+)', drawn)[1])
            if letters and (pixels := min(letters) * screen / width) < 7.5:
                where = f"{path.relative_to(book)}: {image.find_parent('figure').get('id')}"
                problems.append(f"{where}: letters of {pixels:.1f} pixels: draw them larger")
    none(problems)


def test_every_page_describes_itself_once(book, pages):
    for path, page in pages.items():
        if path.name not in ("genindex.html", "search.html"):
            (description,) = page.find_all("meta", attrs={"name": "description"})
            assert 20 <= len(description["content"]) <= 300, (
                f"{path.relative_to(book)}: {description['content']}"
            )


def test_messengers_find_a_picture_and_search_engines_the_pages(book, pages, monkeypatch):
    monkeypatch.chdir(ROOT)
    base = execute.read_yaml("_config.yml")["html"]["baseurl"]
    listed = set(re.findall("<loc>(.*?)</loc>", (book / "sitemap.xml").read_text(encoding="utf-8")))
    for page in execute.pages():
        assert f"{base}{page}.html" in listed
        picture = pages[book / f"{page}.html"].find("meta", property="og:image")["content"]
        assert (book / picture.removeprefix(base)).is_file(), f"{page}: {picture} is not there"
    assert not [url for url in listed if not (book / url.removeprefix(base)).is_file()]


def test_programs_find_every_page_as_markdown(book, monkeypatch):
    monkeypatch.chdir(ROOT)
    listed = (book / "llms.txt").read_text(encoding="utf-8")
    _, *chapters = execute.pages()
    for page in chapters:
        assert f"/{page}.md): " in listed
        text = (book / f"{page}.md").read_text(encoding="utf-8")
        assert text.startswith("# "), f"{page}.md does not begin with its title"
        assert "BEGIN SOLUTION" not in text or page == "chapters/instructors"  # which tells how they work


def test_every_page_says_which_version_it_is(pages):
    for path, page in pages.items():
        feet = " ".join(foot.get_text() for foot in page.find_all("footer"))
        assert re.search(r"Version \d+\.\d+\.\d+", feet), path.name


def test_the_book_tells_what_it_measured(book):
    data = json.loads((book / "measured.json").read_text())
    for number in data["claims"].values():
        assert number.keys() == {"values", "unit", "chapter"}
        assert number["values"]


# ---- in a browser


@pytest.fixture(scope="module")
def names(book) -> list[str]:
    return sorted(
        path.relative_to(book).as_posix() for path in book.rglob("*.html") if "_static" not in path.parts
    )


class Visit:
    """A page open in a browser that reaches nothing but the book, and all that it complained of."""

    def __init__(self, browser, base: str, name: str, scheme: str, width: int):
        self.complaints, self.sizes = [], {}
        self.context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
        self.page = self.context.new_page()
        self.page.route("**/*", lambda route: self.let_through(route, base))
        self.page.on("console", self.note_console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"{name}: script error: {error}"))
        self.page.on(
            "requestfailed", lambda request: self.complaints.append(f"{name}: not loaded: {request.url}")
        )
        self.page.on("response", self.note_response)
        self.name = name
        self.page.goto(f"{base}/{name}", wait_until="networkidle")
        self.page.wait_for_function(
            "document.documentElement.dataset.theme != 'auto'"
        )  # the theme's script ran

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.context.close()

    def let_through(self, route, base: str) -> None:
        if route.request.url.startswith((base, "data:", "blob:")):
            route.continue_()
        else:
            self.complaints.append(f"{self.name}: asks another host: {route.request.url}")
            route.abort()

    def note_console(self, message) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{self.name}: {message.type}: {message.text}")

    def note_response(self, response) -> None:
        if response.status >= 400:
            self.complaints.append(f"{self.name}: {response.status}: {response.url}")
        elif response.url.startswith("http"):
            self.sizes[response.url] = len(gzip.compress(response.body()))


# formulas that are not there, or of which the style sheet lacks a letter
NOT_TYPESET = """() => {
  const isThere = (letter) => {
    const { content, fontFamily } = getComputedStyle(letter, "::before");
    return content !== "none" && fontFamily.includes("MJX");
  };
  const isTypeset = (formula) => {
    const letters = [...formula.querySelectorAll("mjx-c")];
    return letters.length && letters.every(isThere) && !formula.querySelector("mjx-merror");
  };
  return [...document.querySelectorAll(".math")].filter((f) => !isTypeset(f)).map((f) => f.textContent);
}"""


# the contrast of text with what is behind it, by WCAG 2's formula, wherever it is below the 4.5 of level AA
POOR_CONTRAST = """() => {
  const parse = (text) => (text.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const color = parse(getComputedStyle(e).backgroundColor);
      if (color.length === 3 || color[3] > 0.99) return color;
    }
    return parse(getComputedStyle(document.body).backgroundColor);
  };
  const poor = new Set();
  for (const element of document.querySelectorAll("article :is(p, li, td, th, span, a, figcaption)")) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !element.checkVisibility() || element.closest("mjx-container, .headerlink")) continue;
    const pair = [parse(getComputedStyle(element).color), behind(element)].map(light).sort((x, y) => y - x);
    const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
    const words = element.textContent.trim().slice(0, 40);
    if (ratio < 4.5) poor.add(`${element.tagName}.${element.className} ${ratio.toFixed(1)}: ${words}`);
  }
  return [...poor];
}"""


def barriers(page, name: str) -> list[str]:
    """What axe-core, with all its rules of WCAG 2.2 AA and of good practice, finds on a page."""
    return [
        f"{name}: {rule['id']}: {rule['nodes'][0]['html'][:120]}"
        for rule in Axe().run(page, options={"preload": False}).response["violations"]
    ]


@pytest.fixture(scope="module", params=[("http", "light"), ("http", "dark"), ("file", "dark")], ids="-".join)
def findings(request, chromium, book, address, names) -> dict[str, list[str]]:
    """What is wrong with the pages in one browser setting, by kind: each page is visited once."""
    origin, scheme = request.param
    found = {"complaint": [], "theme": [], "mathematics": [], "contrast": [], "width": []}
    for name in names:
        with Visit(chromium, address if origin == "http" else book.as_uri(), name, scheme, 1280) as visit:
            page = visit.page
            if page.evaluate("document.documentElement.dataset.theme") != scheme:
                found["theme"].append(name)
            found["mathematics"] += [f"{name}: {tex}" for tex in page.evaluate(NOT_TYPESET)]
            found["contrast"] += [f"{name}: {poor}" for poor in page.evaluate(POOR_CONTRAST)]
            page.set_viewport_size({"width": PHONE, "height": 800})
            width = page.evaluate("document.documentElement.scrollWidth")
            if width > PHONE:
                found["width"].append(f"{name}: {width} pixels")
            found["complaint"] += visit.complaints
    return found


def test_no_page_has_a_script_error_or_asks_for_what_is_not_there(findings):
    none(findings["complaint"])


def test_every_page_follows_the_readers_light_or_dark_setting(findings):
    none(findings["theme"])


def test_all_mathematics_is_typeset(findings):
    none(findings["mathematics"])


def test_text_stands_out_from_what_is_behind_it(findings):
    none(findings["contrast"])


# of each kind one; a page with much code takes a quarter of a minute, so all of them are for the weekly check
REFERENCE = ["index", "search", "chapters/claims", "chapters/bibliography"]
KINDS = [*REFERENCE, "chapters/attention", "exercises/embeddings"]
AXE_PAGES = sorted({*KINDS, *execute.pages()}) if "AXE_ON_EVERY_PAGE" in os.environ else KINDS


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", PHONE)])
@pytest.mark.parametrize("name", AXE_PAGES)
def test_axe_finds_no_barrier_on_a_page_of_each_kind(chromium, address, name, scheme, width):
    with Visit(chromium, address, f"{name}.html", scheme, width) as visit:
        none(barriers(visit.page, name))


def test_no_page_scrolls_sideways_on_a_phone(findings):
    none(findings["width"])


def test_a_first_page_is_light(chromium, address, capsys):
    with Visit(chromium, address, "index.html", "light", 1280) as visit:
        total = sum(visit.sizes.values())
    with capsys.disabled():
        print(f"\nthe first page loads {total / 1000:.0f} kB gzipped in {len(visit.sizes)} files")
    assert total <= FIRST_PAGE_LIMIT


@pytest.mark.parametrize("origin", ["http", "file"])
def test_every_live_model_answers_as_pytorch_does_and_asks_nobody(chromium, book, address, pages, origin):
    lively = [path.relative_to(book).as_posix() for path, page in pages.items() if page.find("tinylm-live")]
    assert "index.html" in lively
    for name in lively:
        with Visit(chromium, address if origin == "http" else book.as_uri(), name, "dark", PHONE) as visit:
            for live in visit.page.locator("tinylm-live").all():
                live.locator("textarea").focus()
                visit.page.wait_for_function(
                    "(live) => ['ready', 'failed'].includes(live.dataset.state)", arg=live.element_handle()
                )
                assert live.get_attribute("data-state") == "ready", name
                for pane in live.locator(".pane").all():
                    assert float(pane.get_attribute("data-difference")) < 1e-4
                assert visit.page.evaluate("document.documentElement.scrollWidth") <= PHONE
            none(visit.complaints)


def test_each_model_is_stored_once_and_is_light(book):
    files = list((book / "_static" / "live").glob("*.js"))
    assert len(files) > 1
    for path in files:
        assert len(gzip.compress(path.read_bytes())) <= 2_000_000
    for page in book.rglob("*.html"):
        assert "tinylm-carried" not in page.read_text(encoding="utf-8")


def test_the_search_finds_a_word(chromium, address):
    with Visit(chromium, address, "search.html?q=attention", "light", 1280) as visit:
        visit.page.wait_for_selector("#search-results li")
        none(visit.complaints)


def test_a_readers_prediction_and_mark_stay_in_the_browser(chromium, address):
    with Visit(chromium, address, "chapters/tokens.html", "light", 1280) as visit:
        visit.page.get_by_label("Your answer").fill("about a tenth")
        visit.page.get_by_role("button", name="I have read this chapter").click()
        mark = visit.page.locator("nav.bd-links a", has_text="Tokens").first.locator(".read-mark")
        assert mark.count() == 1
        visit.page.goto(f"{address}/chapters/attention.html", wait_until="networkidle")
        assert visit.page.get_by_label("Your answer").input_value() == ""
        assert mark.count() == 1
        visit.page.goto(f"{address}/chapters/tokens.html", wait_until="networkidle")
        assert visit.page.get_by_label("Your answer").input_value() == "about a tenth"
        visit.page.get_by_role("button", name="I have read this chapter").click()
        assert mark.count() == 0
        none(visit.complaints)


def test_a_browser_that_keeps_nothing_shows_the_page_all_the_same(chromium, address):
    context = chromium.new_context()
    refuse = "get() { throw new DOMException('no', 'SecurityError') }"
    context.add_init_script(f"Object.defineProperty(window, 'localStorage', {{{refuse}}})")
    page = context.new_page()
    page.goto(f"{address}/chapters/tokens.html", wait_until="networkidle")
    assert page.get_by_text("Whose text it saves").last.is_visible()
    assert page.get_by_label("Your answer").count() == 0
    context.close()


def test_arrow_keys_turn_the_page_but_not_while_somebody_writes(chromium, address):
    with Visit(chromium, address, "chapters/tokens.html", "light", 1280) as visit:
        visit.page.get_by_label("Your answer").fill("a")
        visit.page.keyboard.press("ArrowRight")
        assert visit.page.url.endswith("chapters/tokens.html")
        visit.page.evaluate("document.activeElement.blur()")
        visit.page.keyboard.press("ArrowRight")
        visit.page.wait_for_url("**/chapters/embeddings.html")
        none(visit.complaints)
