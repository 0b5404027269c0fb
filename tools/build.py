"""Build the book: run what has to be run, then make the pages, in _build/html.

The pages are made aside and swapped in once they are whole and without a warning, so a failed or interrupted
build leaves the book that was there.
"""

import errno
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

HTML, ASIDE, LOG = Path("_build/html"), Path("_build/aside"), Path("_build/sphinx.log")
STAMP = HTML / ".inputs"  # inside the book, so that the two are always swapped together
INPUTS = [
    "*.yml",
    "*.md",
    "chapters/**/*",
    "exercises/*.md",
    "classroom/*.py",
    "tinylm/**/*.py",
    "tinylm/*.json",
    "tinylm/live/page/*",
    "_ext/*.py",
    "_static/**/*",
    "tools/*.py",
    "requirements.txt",
]
PROBLEM = re.compile(r"^(?:[a-z ]+\.{3} )?(.*(?:WARNING|ERROR|CRITICAL).*|\w+ error:\n.*)$", re.MULTILINE)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def main() -> int:
    os.environ["PYTHONWARNINGS"] = "ignore::DeprecationWarning"  # of other people's packages
    start = time.monotonic()
    inputs = hash_inputs()
    if is_built(inputs):
        return 0
    check_writable()
    import execute  # not before: the check above takes no time without it

    with execute.one_at_a_time():
        if is_built(inputs):  # by the one that this one waited for
            return 0
        if execute.main() != 0:
            return report_failure()
        print("Making the pages ...", flush=True)
        pages_start = time.monotonic()
        if make_pages() != 0:
            show_problems()
            return report_failure(f"Sphinx's log is {LOG}.")
        (ASIDE / "_build/html/.inputs").write_text(inputs)
        swap_in()
    print_times(
        execute.last_times(), execute.pages(), time.monotonic() - pages_start, time.monotonic() - start
    )
    print(f"The book is in {HTML / 'index.html'}: `make serve` shows it.")
    return 0


def is_built(inputs: str) -> bool:
    """Whether the pages that are there are made from these inputs; says so if they are."""
    if not STAMP.exists() or STAMP.read_text() != inputs:
        return False
    print(f"Nothing changed since the book was built: {HTML / 'index.html'}")
    return True


def hash_inputs() -> str:
    """A digest of every file that the book is made from."""
    digest = hashlib.sha256(platform.python_version().encode())
    for pattern in INPUTS:
        for path in sorted(Path().glob(pattern)):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(f"\0{path.as_posix()}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def check_writable() -> None:
    """End with one line where the book cannot be written."""
    try:
        Path("_build").mkdir(exist_ok=True)
        if not os.access("_build", os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        sys.exit(
            f"Cannot write to the folder _build here ({error.strerror}): make it writable, or move it away."
        )


def make_pages() -> int:
    """Run Jupyter Book from nothing: an incremental build would not repeat old warnings."""
    shutil.rmtree(ASIDE, ignore_errors=True)
    command = ["build", ".", "--path-output", str(ASIDE), "-n", "-W", "--keep-going"]
    with LOG.open("w", encoding="utf-8") as log:
        return subprocess.run(
            [sys.executable, "-c", "from jupyter_book.cli.main import main; main()", *command],
            env={**os.environ, "NO_COLOR": "1"},
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode


def show_problems() -> None:
    """Print what Sphinx warned of, a line each, with paths as a person in this folder would write them."""
    log = COLOUR.sub("", LOG.read_text(encoding="utf-8")).replace(f"{Path.cwd()}{os.sep}", "")
    for problem in dict.fromkeys(PROBLEM.findall(log) or log.splitlines()[-8:]):
        print(f"  {' '.join(problem.split())}", file=sys.stderr)


def report_failure(where: str = "") -> int:
    kept = "The one built before is still there." if HTML.exists() else ""
    print("\n" + " ".join(filter(None, ["The book was not built.", kept, where])), file=sys.stderr)
    return 1


def swap_in() -> None:
    """Put the new pages where the old ones were."""
    if HTML.exists():
        HTML.rename(ASIDE / "old")
    (ASIDE / "_build" / "html").rename(HTML)
    shutil.rmtree(ASIDE)


def print_times(times: dict[str, float], pages: list[str], making: float, total: float) -> None:
    """Print how long each chapter took when it last ran, and how long this build did."""
    rows = [(page, times[page]) for page in pages if page in times]
    rows += [("making the pages", making), ("this build", total)]
    for name, seconds in rows:
        print(f"  {name:<36}{seconds:8.1f} s")


if __name__ == "__main__":
    os.chdir(Path(__file__).resolve().parents[1])
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print(
            "\nStopped. The chapters that had run are kept: `make book` goes on from there.", file=sys.stderr
        )
        sys.stderr.flush()
        os._exit(130)  # at once, without waiting for kernels, which end when this process has
