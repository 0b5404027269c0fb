"""Text to train on, read on the reader's own machine: no download, no account.

Explained in chapters/corpora.md.
"""

from pathlib import Path

MINIMUM = 1_000  # characters: less than this trains nothing, and is nearly always the wrong file


def python_docs() -> str:
    """The language reference that `help("for")` reads: English prose, part of every Python installation.

    About half a million characters; they differ a little from one Python version to the next.
    """
    from pydoc_data.topics import topics  # here, because few who import this module want half a megabyte read

    return "\n".join(topics[name] for name in sorted(topics))


def read_text(path: str | Path) -> str:
    """A reader's own text file, UTF-8.

    Raises FileNotFoundError, IsADirectoryError, or ValueError for a file that is empty, binary, not UTF-8,
    or shorter than 1,000 characters; each message says what to do.
    """
    path = Path(path).expanduser()
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder: give the path of one text file")
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path} (looked in {Path.cwd()})")
    data = path.read_bytes()
    if not data.strip():
        raise ValueError(f"{path} is empty: give a file with at least {MINIMUM:,} characters of text")
    if b"\0" in data:
        raise ValueError(f"{path} is not text (it holds zero bytes): save it as plain UTF-8 text first")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ValueError(f"{path} is not UTF-8 (line {line}): save it with the encoding UTF-8") from None
    text = text.replace("\r\n", "\n")
    if len(text) < MINIMUM:
        raise ValueError(f"{path} has {len(text):,} characters: at least {MINIMUM:,} are needed")
    return text


def split(text: str, validation: float = 0.1) -> tuple[str, str]:
    """The text in two, cut at a line end: the first part to train on, the last `validation` to judge by.

    Neighbouring sentences repeat each other, so a cut in one place leaks less than drawing lines at random.
    Raises ValueError where `validation` is not between 0 and 1, or a part would be empty.
    """
    if not 0 < validation < 1:
        raise ValueError(f"validation={validation} must lie between 0 and 1")
    target = int(len(text) * (1 - validation))
    cut = text.find("\n", target, -1) + 1 or target  # the last line end would leave nothing to judge by
    if cut == 0 or cut >= len(text):
        raise ValueError(
            f"a text of {len(text):,} characters is too short to hold back a share of {validation}"
        )
    return text[:cut], text[cut:]
