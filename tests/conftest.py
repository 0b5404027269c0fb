"""What the tests share: the built book, a browser, and a summary of what took how long."""

import json
import os
import signal
import subprocess
import sys
import threading
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Error, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / folder) for folder in ("tools", "bench", "press", "_ext")]
from browser import NO_BROWSER, launch  # noqa: E402 - of press/, which is on the path by now

# after the library, the quick ones first
LAST = [
    "test_layout",
    "test_make",
    "test_claims",
    "test_exercise_pages",
    "test_quizzes",
    "test_book",
    "test_press",
]
# where several processes share the files: those that take minutes, so that none is left alone with one at the
# end. First the one that builds the book; another that needs it comes late enough to find it built
FIRST = [
    "test_book",
    "test_hostile",
    "test_make",
    "test_judge",
    "test_distributed",
    "test_world",
    "test_press",
]


def pytest_collection_modifyitems(config, items):
    order = LAST
    if hasattr(config, "workerinput"):  # this is one of pytest-xdist's processes
        order = [*FIRST, None, *(name for name in LAST if name not in FIRST)]
    places = {name: place for place, name in enumerate(order)}
    items.sort(key=lambda item: places.get(item.path.stem, places.get(None, -1)))


@pytest.fixture(scope="session")
def hears_ctrl_c() -> dict:
    """Options of subprocess.Popen for a program that is to be interrupted.

    A shell lets what it runs in the background ignore Ctrl-C, and these tests may have been started so.
    """
    return {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}


@pytest.fixture(scope="session")
def book(request) -> Path:
    """The folder of the book's pages, built now where anything changed since it was built last."""
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        # what pytest-xdist's processes write to their standard output nobody sees
        shown = sys.stderr if hasattr(request.config, "workerinput") else sys.stdout
        print("\n", file=shown, flush=True)
        code = subprocess.run(
            [sys.executable, "tools/build.py"], cwd=ROOT, stdout=shown, check=False
        ).returncode
    if code:
        pytest.fail("the book does not build: its messages are above", pytrace=False)
    return ROOT / "_build" / "html"


@pytest.fixture(scope="session")
def chromium():
    """A headless Chromium: the system's, or Playwright's own."""
    with sync_playwright() as playwright:
        try:
            browser = launch(playwright)
        except Error as error:
            if os.environ.get("CI") == "true":
                pytest.fail(f"{NO_BROWSER} ({error.message.splitlines()[0]})", pytrace=False)
            pytest.skip(NO_BROWSER)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def address(book):
    """Where the book's pages are served while the tests run."""
    from serve import QuietHandler  # of tools/, which is on the path by now

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=book))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def pytest_terminal_summary(terminalreporter):
    times = ROOT / "_build" / "times.json"
    if times.exists():
        terminalreporter.section("seconds that each chapter took when it last ran")
        for name, seconds in json.loads(times.read_text()).items():
            terminalreporter.write_line(f"{name:<36}{seconds:8.1f}")
    if any(NO_BROWSER in str(report.longrepr) for report in terminalreporter.getreports("skipped")):
        terminalreporter.write_line(f"The tests in a browser were skipped: {NO_BROWSER}.", yellow=True)
