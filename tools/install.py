"""Make the environment of the book in .venv, once: the pinned packages, and the library as it stands here.

Runs under the system's Python with nothing installed. A stamp, written last, says that all is done; without
it, or where the pins, the library's settings or Python changed, the installation is repeated.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST, NEWEST = (3, 11), (3, 13)
VENV = Path(".venv")
STAMP = VENV / ".installed"
PYTHON = VENV / "bin" / "python"
NO_NETWORK = (
    "NewConnectionError",
    "NameResolutionError",
    "ConnectTimeout",
    "Connection broken",
    "ProxyError",
    "timed out",
)


def main():
    check_python()
    wanted = digest()
    if STAMP.exists() and STAMP.read_text() == wanted and runs():
        return
    print("Installing the book's environment in .venv (once, some minutes) ...", flush=True)
    try:
        STAMP.unlink(missing_ok=True)
        make_venv()
        pip("-r", "requirements.txt")
        pip("--no-deps", "--no-build-isolation", "-e", ".")
        STAMP.write_text(wanted)
    except OSError as error:
        sys.exit(f"Cannot write to .venv here ({error.strerror or error}): make this folder writable.")


def check_python():
    """End with one line where this Python is too old or too new."""
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return
    names = [f"python3.{minor}" for minor in range(NEWEST[1], OLDEST[1] - 1, -1)]
    found = [name for name in names if shutil.which(name)]
    advice = f"run `make book PYTHON={found[0]}`" if found else "install one of these"
    version = "{}.{}".format(*sys.version_info[:2])
    sys.exit(f"Python {version} does not run the book, 3.11 to 3.13 do: {advice}.")


def digest():
    """What the installation depends on, as one hash."""
    parts = [
        Path("requirements.txt").read_bytes(),
        Path("pyproject.toml").read_bytes(),
        repr(sys.version_info[:2]).encode(),
    ]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def runs():
    """Whether the environment's Python is there: it is a link to the system's, which may be gone."""
    return PYTHON.exists()


def make_venv():
    """Make .venv, or make it anew: its Python is gone, is another version, or its making was cut short."""
    if runs():
        code = f"import sys, pip; sys.exit(sys.version_info[:2] != {tuple(sys.version_info[:2])})"
        if subprocess.call([str(PYTHON), "-c", code], stderr=subprocess.DEVNULL) == 0:
            return
    if VENV.is_dir():
        shutil.rmtree(str(VENV))
    # where .venv's own Python runs this, the one that it was made from
    python = getattr(sys, "_base_executable", sys.executable)
    made = subprocess.run([python, "-m", "venv", str(VENV)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if made.returncode and b"ensurepip" in made.stdout:
        shutil.rmtree(str(VENV), ignore_errors=True)
        sys.exit("This Python cannot make environments: install its venv package (python3-venv on Debian).")
    if made.returncode:
        sys.exit(f"Python could not make .venv: {made.stdout.decode().strip().splitlines()[-1]}")


def pip(*arguments, python=PYTHON):
    """Run pip's install in .venv, or for another `python`, and end with one line where it fails."""
    command = [
        str(python),
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--retries",
        "2",
        *arguments,
    ]
    index = os.environ.get("TORCH_INDEX")
    if index:
        command += ["--extra-index-url", index]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, universal_newlines=True)
    errors = [line.strip() for line in process.stderr]
    if process.wait() == 0:
        return
    if any(sign in line for line in errors for sign in NO_NETWORK):
        sys.exit(
            "pip reached no package index: check the network and run this again; what is downloaded is kept."
        )
    told = [line for line in errors if line.startswith("ERROR")] or errors[-3:] or ["no message"]
    sys.exit("pip could not install the book's environment:\n  {}".format("\n  ".join(told)))


if __name__ == "__main__":
    os.chdir(str(Path(__file__).resolve().parents[1]))
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\nStopped: run the same command again to go on.")
