"""The built book as files to keep, in _build/release (`make release`): offline pages, a PDF, an EPUB.

Each file is written aside and moved into place once it is whole.
"""

import argparse
import hashlib
import os
import shutil
import sys
import time
from pathlib import Path

import archive
import edition
import epub
import pdf
from playwright.sync_api import Error

FORMS = {"zip": archive.make, "pdf": pdf.make, "epub": epub.make}
RELEASE = Path("_build/release")
ASIDE, SUMS = RELEASE / ".aside", RELEASE / "SHA256SUMS"


class Parser(argparse.ArgumentParser):
    def error(self, message: str):
        self.exit(2, f"press: {message} (--help lists what there is)\n")


def main(arguments: list[str] | None = None) -> int:
    parser = Parser(prog="press", description=__doc__.split("\n")[0])
    parser.add_argument("forms", nargs="*", metavar="FORM", help="zip, pdf or epub; all where none is named")
    options = parser.parse_args(arguments)
    if unknown := [form for form in options.forms if form not in FORMS]:
        parser.error(f"there is no form {unknown[0]}: zip, pdf and epub are known")
    book = edition.read()
    shutil.rmtree(ASIDE, ignore_errors=True)
    ASIDE.mkdir(parents=True)
    try:
        sums = [make(book, form) for form in options.forms or FORMS]
        (ASIDE / SUMS.name).write_text("".join(sums), encoding="utf-8")
        (ASIDE / SUMS.name).replace(SUMS)
    finally:
        shutil.rmtree(ASIDE, ignore_errors=True)
    return 0


def make(book: edition.Edition, form: str) -> str:
    """Make one file; its line of SHA256SUMS comes back."""
    name = f"{book.name}.{form}"
    print(f"Making {name} ...", flush=True)
    start = time.monotonic()
    told = FORMS[form](book, ASIDE / name)
    (ASIDE / name).replace(RELEASE / name)
    contents = (RELEASE / name).read_bytes()
    print(f"  {RELEASE / name}: {told}, {len(contents) / 1e6:.1f} MB, {time.monotonic() - start:.0f} s")
    return f"{hashlib.sha256(contents).hexdigest()}  {name}\n"


if __name__ == "__main__":
    os.chdir(edition.ROOT)
    try:
        sys.exit(main())
    except Error as error:  # of Playwright
        sys.exit(f"Chromium did not set the book ({error.message.splitlines()[0]}): try again.")
    except OSError as error:
        sys.exit(f"Cannot write to {RELEASE} ({error.strerror or error}): make room, or make it writable.")
    except KeyboardInterrupt:
        sys.exit("\nStopped: what was made before is kept.")
