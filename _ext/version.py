"""Say in every page's footer which version of the book it is, and where the others are.

The version is the release, and the commit if git knows it.
"""

import subprocess
import tomllib
from pathlib import Path


def footer(folder: Path, repository: str, address: str) -> str:
    """The line as HTML. folder: of the book's sources; repository, address: of commits, and of the book."""
    commit = commit_of(folder)
    link = f', commit <a href="{repository}/commit/{commit}">{commit[:7]}</a>' if commit else ""
    return f'<p>Version {release_of(folder)}{link}; <a href="{address}versions/">other versions</a></p>'


def release_of(folder: Path) -> str:
    """The version that pyproject.toml in this folder gives."""
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


def commit_of(folder: Path) -> str:
    """The commit that is checked out in this folder; "" where git knows nothing of it, as in an archive."""
    command = ["git", "-C", str(folder), "rev-parse", "--verify", "--quiet", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:  # no git on this machine
        return ""


def add(app, config) -> None:
    options = config.html_theme_options
    options["extra_footer"] = footer(Path(app.srcdir), options["repository_url"], config.html_baseurl)


def setup(app):
    app.connect("config-inited", add)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
