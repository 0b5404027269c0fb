"""What a release says of itself: `python3 press/notes.py v0.1.0` prints that version's part of CHANGELOG.md.

It ends with one line where the tag is not the version, or where the changelog has no such part.
"""

import re
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "_ext"))
import version

ROOT = Path(__file__).resolve().parents[1]


def of(tag: str, root: Path = ROOT) -> str:
    """The notes of the release with this tag."""
    number = version.release_of(root)
    if tag != f"v{number}":
        sys.exit(f"The tag {tag} is not v{number}, the version in pyproject.toml: change one of them.")
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    part = re.search(
        rf"^## \[{re.escape(number)}\].*?\n(.*?)(?=^## \[|\Z)", changelog, re.DOTALL | re.MULTILINE
    )
    if not part:
        sys.exit(
            f"CHANGELOG.md has no heading ## [{number}]: name what is unreleased by its version and date."
        )
    return part[1].strip()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Say which tag, as in `python3 press/notes.py v0.1.0`.")
    print(of(sys.argv[1]))
