"""In a learner's notebook: says after each test cell, in words, whether it passed, and adds up the points.

It only shows. Errors stay errors, so nbgrader and others see what they always see.
"""

import zlib
from html import escape

GOOD, BAD = "color:#1b6e3c", "color:#b0391f"
STYLE = "padding:.4em .8em;border-left:.25em solid;font-family:system-ui,sans-serif;"


def mark(source: str) -> int:
    """What a test cell is recognised by."""
    return zlib.crc32("\n".join(line.rstrip() for line in source.strip().splitlines()).encode())


class SelfCheck:
    """Watches the notebook's cells. `tests` gives for each test its points and its `mark`."""

    def __init__(self, tests: dict[str, tuple[float, int]], show=None):
        self.tests = {which: (name, points) for name, (points, which) in tests.items()}
        self.passed: dict[str, bool] = {}
        self.show = show or _show

    def after_cell(self, result) -> None:
        """Called by IPython with the result of a cell."""
        name, points = self.tests.get(mark(result.info.raw_cell or ""), (None, 0))
        if name is None:
            return
        error = result.error_before_exec or result.error_in_exec
        self.passed[name] = error is None
        if error is None:
            self.show(f"✓ {name}: passed, {points:g} points. Further tests run when it is graded.", GOOD)
        else:
            self.show(f"✗ {name}: {explain(error)}", BAD)

    def summary(self) -> None:
        """Show what passed so far."""
        names = {name: points for name, points in self.tests.values()}
        earned = sum(names[name] for name, passed in self.passed.items() if passed)
        left = [name for name in names if not self.passed.get(name)]
        words = f"{len(names) - len(left)} of {len(names)} tests pass: {earned:g} of "
        words += f"{sum(names.values()):g} points, as far as these tests see."
        self.show(f"{words} Still open: {', '.join(left)}." if left else words, BAD if left else GOOD)


def explain(error: BaseException) -> str:
    """A failure in words a learner can act on."""
    words = str(error).strip()
    if isinstance(error, NotImplementedError):
        return "nothing is written there yet: replace the line that raises NotImplementedError."
    if isinstance(error, NameError) and not isinstance(error, UnboundLocalError):
        return f"{words}: run the cells above first, from the top."
    if isinstance(error, AssertionError):
        return words or "the test failed."
    return f"your code raised {type(error).__name__}{f': {words}' if words else ''}"


def _show(words: str, colour: str) -> None:
    from IPython.display import HTML, display

    display(HTML(f'<div style="{STYLE}{colour}">{escape(words)}</div>'))


_current: SelfCheck | None = None


def start(tests: dict[str, tuple[float, int]]) -> None:
    """Watch this notebook from now on; called again, it starts anew."""
    global _current
    from IPython import get_ipython

    shell = get_ipython()
    if shell is None:
        return
    if _current is not None:
        shell.events.unregister("post_run_cell", _current.after_cell)
    _current = SelfCheck(tests)
    shell.events.register("post_run_cell", _current.after_cell)
    shell.run_line_magic("xmode", "Minimal")  # a failed test is one line, not a traceback
    print(f"{len(tests)} tests are watched: each says below its cell whether it passed.")


def summary() -> None:
    """Show what passed so far."""
    if _current is None:
        print("Run the first cell of this notebook, then all others.")
    else:
        _current.summary()
