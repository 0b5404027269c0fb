"""ZIP archives whose bytes follow from their contents, and the pages as one of them, to read from a disk."""

import zipfile
from collections.abc import Iterable
from pathlib import Path

from edition import Edition

DATE = (1980, 1, 1, 0, 0, 0)  # the oldest that a ZIP can tell: when a file was written is no part of it


def write(path: Path, entries: Iterable[tuple[str, bytes]]) -> None:
    """Write an archive of (name, contents) in that order."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, contents in entries:
            entry = zipfile.ZipInfo(name, DATE)
            entry.external_attr = 0o644 << 16  # readable by all, once unpacked
            # an EPUB's first file says what it is, and must be readable as it stands
            stored = name == "mimetype"
            entry.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
            archive.writestr(entry, contents, compresslevel=9)


def make(edition: Edition, path: Path) -> str:
    """Write the offline book; what it holds comes back in words."""
    files = sorted(file.relative_to(edition.html) for file in edition.html.rglob("*") if file.is_file())
    # what the build left for itself: .buildinfo, .inputs, .doctrees
    wanted = [file for file in files if not any(part.startswith(".") for part in file.parts)]
    write(
        path, ((f"{edition.name}/{file.as_posix()}", (edition.html / file).read_bytes()) for file in wanted)
    )
    return f"{len(wanted)} files"
