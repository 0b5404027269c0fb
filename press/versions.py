"""The site to publish: the book as it stands, and each released version under its number.

    .venv/bin/python press/versions.py ARCHIVES

ARCHIVES is a folder with the offline books of earlier releases; the site is laid out in _build/site.
"""

import re
import shutil
import sys
import zipfile
from html import escape
from pathlib import Path

import edition
from packaging.version import Version

SITE = Path("_build/site")
ARCHIVE = re.compile(r"tiny-language-models-(\d[\w.]*)\.zip")
LINE = (
    '<p style="margin:0;padding:.5rem 1rem;background:#8a4b00;color:#fff;text-align:center">'
    'Version {number} of this book. <a style="color:#fff" href="{newest}">The newest is here.</a></p>'
)
PAGE = """<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Versions of {title}</title>
<style>
  :root {{ color-scheme: light dark; font: 1.1rem/1.6 system-ui, sans-serif; }}
  main {{ max-width: 36rem; margin: 3rem auto; padding: 0 1rem; }}
</style>
</head>
<body><main>
<h1>Versions</h1>
<p><a href="../">The newest</a>, as it stands in the repository.</p>
{released}
</main></body>
</html>
"""


def main(archives: Path) -> int:
    book = edition.read()
    found = {match[1]: path for path in archives.glob("*.zip") if (match := ARCHIVE.fullmatch(path.name))}
    numbers = sorted(found, key=Version, reverse=True)
    shutil.rmtree(SITE, ignore_errors=True)
    shutil.copytree(book.html, SITE)
    for number in numbers:
        unpack(found[number], SITE / number, LINE.format(number=number, newest=book.address))
    listing(book, numbers, SITE / "versions")
    print(f"The site is in {SITE}, with {len(numbers)} released version{'s' * (len(numbers) != 1)}.")
    return 0


def unpack(archive: Path, folder: Path, line: str) -> None:
    """Lay an offline book into `folder`, and a line above each page that leads to the newest."""
    aside = folder.with_suffix(".aside")
    with zipfile.ZipFile(archive) as pages:
        pages.extractall(aside)
    (aside / archive.stem).rename(folder)
    aside.rmdir()
    for page in folder.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        page.write_text(re.sub(r"<body[^>]*>", rf"\g<0>{line}", text, count=1), encoding="utf-8")


def listing(book: edition.Edition, numbers: list[str], folder: Path) -> None:
    """The page that leads to them all."""
    rows = "".join(f'<li><a href="../{number}/">{number}</a></li>' for number in numbers)
    released = f"<p>Released:</p>\n<ul>{rows}</ul>" if rows else "<p>None has been released yet.</p>"
    folder.mkdir()
    page = PAGE.format(language=book.language, title=escape(book.title), released=released)
    (folder / "index.html").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.exit("Say in which folder the archives are, as in `.venv/bin/python press/versions.py archives`.")
    try:
        sys.exit(main(Path(sys.argv[1])))
    except zipfile.BadZipFile as error:
        sys.exit(f"An archive is damaged ({error}): download it again.")
    except OSError as error:
        sys.exit(f"Cannot write to {SITE} ({error.strerror or error}): make room, or make it writable.")
    except KeyboardInterrupt:
        sys.exit("\nStopped.")
