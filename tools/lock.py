"""Pin the book's whole environment: pyproject.toml's ranges in, requirements.txt out (`make lock`).

uv resolves for every system and for Python 3.11 to 3.13 at once. What only torch's own CUDA build needs is
left out: pip adds it where that build is chosen, and a CPU build installs without it.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEADER = """\
# The exact environment of the book. Made by `make lock` from the ranges in pyproject.toml; do not edit.
"""
UV = [sys.executable, "-m", "uv"]
EXTRAS = ["book", "release", "classroom", "test"]
OPTIONS = [word for extra in EXTRAS for word in ("--extra", extra)]
OPTIONS += ["--universal", "--quiet", "--python-version", "3.11", "--no-annotate", "--no-header"]
OPTIONS += ["--no-emit-find-links", "--no-emit-index-url"]
ONLY_WITH_CUDA = re.compile(r"(nvidia|cuda)-|triton\b")


def lock() -> str:
    """The pinned requirements as text; raises CalledProcessError where uv finds no solution."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "requirements.txt"
        subprocess.run(
            [*UV, "pip", "compile", "pyproject.toml", *OPTIONS, "-o", str(out)], cwd=ROOT, check=True
        )
        lines = [line for line in out.read_text().splitlines() if not ONLY_WITH_CUDA.match(line)]
    # a local build tag (+cpu) and its markers say where this ran, not what the book needs
    torch = {re.match(r"torch==[\d.]+", line)[0] for line in lines if line.startswith("torch==")}
    others = {line for line in lines if not line.startswith("torch==")}
    return HEADER + "\n".join(sorted(others | torch)) + "\n"


if __name__ == "__main__":
    if subprocess.run([*UV, "--version"], capture_output=True, check=False).returncode:
        sys.exit("make lock needs uv: run `.venv/bin/python -m pip install uv`, then again.")
    try:
        (ROOT / "requirements.txt").write_text(lock())
    except subprocess.CalledProcessError:
        sys.exit("The ranges in pyproject.toml cannot be met together: uv's message above says which.")
    print("requirements.txt written: try `make book test` before you commit it.")
