"""Folders that are written whole or not at all, and tell when one of their files has changed since."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def swapped_in(folder: str | Path) -> Iterator[Path]:
    """A new, empty folder that takes the place of `folder` once it was filled without an error."""
    folder = Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield aside
        for path in aside.iterdir():  # on the disk before the name says so, lest a power cut come between
            with path.open("r+b") as file:
                os.fsync(file.fileno())
        _replace(folder, aside)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _replace(folder: Path, new: Path) -> None:
    """Put `new` in the place of `folder`, which a folder can only take once it is empty."""
    old = new.with_name(f"{new.name}-old")
    if folder.exists():
        folder.rename(old)
    try:
        new.rename(folder)
    except BaseException:
        if old.exists():
            old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def seal(folder: Path) -> None:
    """Write down the checksum of every file in `folder`."""
    sums = {path.name: _sha256(path) for path in sorted(folder.iterdir())}
    (folder / "sha256.json").write_text(json.dumps(sums, indent=1))


def check_seal(folder: Path) -> list[str]:
    """The names of the files of a sealed folder. Raises ValueError naming those that changed since."""
    sums = json.loads((folder / "sha256.json").read_text())
    damaged = [name for name, digest in sums.items() if _sha256(folder / name) != digest]
    if damaged:
        raise ValueError(f"{', '.join(damaged)} changed since saved")
    return list(sums)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
