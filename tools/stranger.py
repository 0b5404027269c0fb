"""Run the notebooks of the built book as a stranger would, and hold what they measure against the claims.

Each runs alone in an empty folder, in an environment (_build/stranger) that has the library from this
checkout's last commit, by its git address, and what the library itself asks for. With `--into` it runs in a
Python that has packages of its own, as Colab's does. The book's trained models are taken where they are
kept. `make notebooks` calls it.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from jupyter_cache.executors.utils import single_nb_execution

sys.path += ["_ext", "tools"]
import claim_rows
import execute
import install

from tinylm.claims import MIME, Number

ENVIRONMENT = Path("_build/stranger")
KERNEL = "stranger"


def main(arguments: list[str] | None = None) -> int:
    """0 where all notebooks ran and every claim lies in its interval."""
    options = parse(arguments)
    paths = [Path("_build/html/chapters") / f"{stem}.ipynb" for stem in options.stems] or sorted(
        Path("_build/html/chapters").glob("*.ipynb")
    )
    if not paths or not all(path.exists() for path in paths):
        sys.exit(
            "The notebooks lie beside the built pages: run `make book` first, and mind the stem's spelling."
        )
    if options.into:
        add_library(options.into)
    else:
        make_environment(options.python, options.torch)
    os.environ |= execute.settings() | {"JUPYTER_PATH": str((ENVIRONMENT / "share/jupyter").resolve())}
    start, timeout = time.monotonic(), execute.read_yaml("_config.yml")["execute"]["timeout"]
    with ThreadPoolExecutor(execute.n_cores()) as pool:
        results = list(pool.map(lambda path: run(path, timeout), paths))
    problems = [problem for result in results for problem in result]
    print("\n".join(["", *problems]) if problems else "Every claim lies in its interval.")
    print(f"{len(paths)} notebooks in {time.monotonic() - start:.0f} s")
    return int(bool(problems))


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("stems", nargs="*", help="chapters by their stem; all where none is named")
    parser.add_argument("--python", default=sys.executable, help="the Python to make the environment with")
    parser.add_argument("--torch", default=pinned_torch(), help="the PyTorch to install, as pip spells it")
    parser.add_argument(
        "--into", metavar="PYTHON", help="install the library into this Python instead, beside what it has"
    )
    return parser.parse_args(arguments)


def make_environment(python: str, torch: str) -> None:
    """A new environment with PyTorch and the library."""
    print(f"Making {ENVIRONMENT} with {torch} and the library of the last commit (minutes) ...", flush=True)
    subprocess.run([python, "-m", "venv", "--clear", str(ENVIRONMENT)], check=True)
    add_library(str(ENVIRONMENT / "bin/python"), torch)


def add_library(python: str, *others: str) -> None:
    """Install the library from git, and the kernel that Jupyter talks to. Its other packages stay as they are
    where they are new enough."""
    install.pip("--quiet", *others, f"git+{Path.cwd().as_uri()}", "ipykernel", python=python)
    register = ["-m", "ipykernel", "install", "--prefix", str(ENVIRONMENT), "--name", KERNEL]
    subprocess.run([python, *register], check=True, stdout=subprocess.DEVNULL)
    told = "import sys, torch; print(f'Python {sys.version.split()[0]}, PyTorch {torch.__version__}')"
    subprocess.run([python, "-c", told], check=True)


def pinned_torch() -> str:
    """The PyTorch of the book, as requirements.txt pins it."""
    pins = Path("requirements.txt").read_text(encoding="utf-8").splitlines()
    return next(pin for pin in pins if pin.startswith("torch=="))


def run(path: Path, timeout: int) -> list[str]:
    """What is wrong with a notebook: the cell that failed, or the claims outside their intervals."""
    notebook, start = nbformat.read(path, as_version=4), time.monotonic()
    notebook.metadata.kernelspec = {"name": KERNEL, "display_name": KERNEL, "language": "python"}
    with tempfile.TemporaryDirectory() as folder:
        result = single_nb_execution(notebook, folder, timeout, False, extra_arguments=execute.QUIET)
    execute.say(f"{path.stem} {'failed after' if result.err else 'ran in'} {time.monotonic() - start:.1f} s")
    if result.err:
        return [f"{path.stem} failed:\n{execute.explain(result.nb, result.err)}"]
    return outside(result.nb, path.stem)


def outside(notebook, stem: str) -> list[str]:
    """The claims of this chapter that were not measured, or not within the interval that was expected."""
    found = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            record = output.get("data", {}).get(MIME, {})
            if record.get("kind") == "claim":
                found[record["name"]] = Number(record["name"], "claim", tuple(record["values"])).value
    problems = []
    for name, row in claim_rows.load(Path("chapters")).items():
        if row["chapter"] == stem and row["status"] == "measured":
            low, high = row["expect"]
            if name not in found:
                problems.append(f"{stem}: {name} was not measured")
            elif not low <= found[name] <= high:
                problems.append(f"{stem}: {name} is {found[name]:.4g}, not within {low:g} to {high:g}")
    return problems


if __name__ == "__main__":
    os.chdir(Path(__file__).resolve().parents[1])
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        sys.exit(
            f"The environment could not be made: {' '.join(map(str, error.cmd[1:4]))} failed, see above."
        )
    except KeyboardInterrupt:
        sys.exit("\nStopped.")
