"""Files that are written whole or not at all, under names that are safe on every system."""

import hashlib
import os
import re
import tempfile
from pathlib import Path

PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,80}\Z")


def file_name(student: str) -> str:
    """A name for a learner's files that is safe on every system, and no other learner's."""
    if PLAIN.match(student) and not student.endswith("."):
        return student
    slug = re.sub(r"[^A-Za-z0-9]+", "-", student).strip("-")[:40] or "learner"
    return f"{slug}-{hashlib.sha256(student.encode(errors='surrogateescape')).hexdigest()[:8]}"


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all, also where the disk is full or the power goes."""
    handle, aside = tempfile.mkstemp(prefix=f".{path.name[:40]}-", dir=path.parent)
    try:
        with open(handle, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(aside, 0o644)
        os.replace(aside, path)
    except BaseException:
        os.unlink(aside)
        raise
