"""What is on every title page: the book's names, its address, its version and its date."""

import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import yaml

sys.path.append(str(Path(__file__).resolve().parents[1] / "_ext"))
import version

ROOT = Path(__file__).resolve().parents[1]
OLDEST = datetime(1980, 1, 1, tzinfo=UTC)  # where the date is not known


@dataclass(frozen=True)
class Edition:
    html: Path  # the folder of the built pages
    title: str
    author: str
    language: str
    address: str  # of the published book, with a slash at its end
    version: str
    date: datetime  # of the commit

    @property
    def name(self) -> str:
        """What its files are called, without their endings."""
        return f"tiny-language-models-{self.version}"


def read(root: Path = ROOT) -> Edition:
    """The edition that the built pages below `root` are; ends with one line where there are none."""
    html = root / "_build" / "html"
    if not (html / "index.html").exists():
        sys.exit("The book is not built yet: run `make book` first.")
    settings = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    return Edition(
        html=html,
        title=settings["title"],
        author=settings["author"],
        language=settings["sphinx"]["config"]["language"],
        address=settings["html"]["baseurl"],
        version=version.release_of(root),
        date=date_of_commit(root),
    )


def date_of_commit(root: Path) -> datetime:
    """When the commit was made that is checked out; a fixed date where git knows nothing of this folder."""
    command = ["git", "-C", str(root), "log", "-1", "--format=%ct"]
    try:
        seconds = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:  # no git on this machine
        return OLDEST
    return datetime.fromtimestamp(int(seconds), UTC) if seconds else OLDEST
