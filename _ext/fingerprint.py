"""Name the folder of executed chapters after all that they import.

jupyter-cache knows a chapter by its code cells alone. A hash of the library, the pins and Python in the
folder's name makes a change there run the chapters again; taking the change back finds the old results.
"""

import hashlib
import os
import platform
import shutil
from pathlib import Path

LIBRARY = {".py", ".json", ".js", ".css", ".wasm"}  # of live models the page's part too, which outputs hold
KEPT = 3  # fingerprints whose results are kept: going back one change or two costs nothing


def fingerprint(root: Path) -> str:
    """16 hex digits over the library's files, the pins and Python's version below the project's `root`."""
    digest = hashlib.sha256(platform.python_version().encode())
    library = (path for path in (root / "tinylm").rglob("*") if path.suffix in LIBRARY)
    for path in [*sorted(library), root / "requirements.txt"]:
        digest.update(f"\0{path.relative_to(root).as_posix()}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def cache_folder(root: Path) -> Path:
    """Where the chapters executed with the library as it is now are kept."""
    return root / "_build" / ".jupyter_cache" / fingerprint(root)


def forget_old(folder: Path) -> None:
    """Mark the cache `folder` as used now, and remove all but the `KEPT` last used ones beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    os.utime(folder)
    by_use = sorted((f for f in folder.parent.iterdir() if f.is_dir()), key=lambda f: f.stat().st_mtime)
    for old in by_use[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)


def set_cache(app, config) -> None:
    config.nb_execution_cache_path = str(cache_folder(Path(app.srcdir)))


def setup(app):
    app.connect("config-inited", set_cache)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
