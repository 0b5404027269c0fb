"""A Chromium to set pages with: the system's, or the one that Playwright has downloaded."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Error, Page, Playwright, sync_playwright

NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]
NO_BROWSER = "no Chromium or Chrome was found; `.venv/bin/python -m playwright install chromium` gets one"


def launch(playwright: Playwright) -> Browser:
    """Start it, without a window. Raises playwright's Error where there is none."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    arguments = ["--disable-gpu", "--no-first-run", "--disable-background-networking"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--no-sandbox")  # Chromium has no sandbox for root
    return playwright.chromium.launch(executable_path=program, args=arguments)


@contextmanager
def opened(html: str, path: Path) -> Iterator[Page]:
    """A document, written to `path` and open in a browser, with its letters and figures in place.

    Ends with one line where there is no browser.
    """
    path.write_text(html, encoding="utf-8")
    with sync_playwright() as playwright:
        try:
            browser = launch(playwright)
        except Error as error:
            sys.exit(f"Nothing could be set: {NO_BROWSER} ({error.message.splitlines()[0]}).")
        try:
            page = browser.new_page(device_scale_factor=2)  # for pictures of it
            page.set_default_timeout(300_000)  # slow machines set hundreds of sheets, too
            page.goto(path.resolve().as_uri())
            page.evaluate("document.fonts.ready")
            yield page
        finally:
            browser.close()
