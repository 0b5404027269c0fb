"""Run the chapters whose results are not kept yet, as many at once as there are cores.

Each is run by a Jupyter kernel of its own; its results go to the folder that `_ext/fingerprint.py` names,
where the book's build finds them. Results are kept chapter by chapter: an interrupted run goes on from there.
"""

import json
import os
import re
import shutil
import sys
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml
from filelock import FileLock, Timeout
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.cache.db import NbCacheRecord
from jupyter_cache.executors.utils import single_nb_execution
from jupyter_cache.readers import get_reader
from sqlalchemy.exc import SQLAlchemyError

sys.path.append("_ext")
from fingerprint import cache_folder, forget_old

TIMES = Path("_build/times.json")  # seconds that each chapter took when it last ran
HEARTBEAT = 20  # seconds between lines that say what is running, where the output is no terminal
LIVE = sys.stdout.isatty()
ERASE = "\r\033[K" if LIVE else ""
QUIET = ["--log-level=ERROR"]  # a kernel's own remarks are no part of a chapter
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass
class Chapter:
    name: str  # as in the table of contents
    path: Path
    notebook: object  # of nbformat, read from the chapter


def main() -> int:
    """Run what has to be run; 0 where every chapter ran."""
    os.environ |= settings()
    folder = cache_folder(Path.cwd())
    forget_old(folder)
    chapters = read_chapters()
    cache = open_cache(folder)
    todo = [chapter for chapter in chapters if not is_kept(cache, chapter)]
    if not todo:
        print(f"The results of all {len(chapters)} pages with code are kept: none has to run.")
        return 0
    times = last_times()
    failed = run(in_turn(todo, times), cache, times)
    for name, message in failed.items():
        print(f"\n{name} failed:\n{message}", file=sys.stderr)
    if failed:
        rest = len(todo) - len(failed)
        print(f"\n{len(failed)} of {len(todo)} failed; the other {rest} ran and are kept.", file=sys.stderr)
    return int(bool(failed))


def settings() -> dict[str, str]:
    """Of the environment in which chapters run."""
    return {
        "TINYLM_CACHE": str(Path("_build/models").resolve()),
        "TINYLM_SCALE": "1",  # the page's numbers are those of the plain recipe
        "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": "1",  # a chapter a core; sums in one order give the same digits
        "TQDM_DISABLE": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # a remark of the debugger that is no part of a chapter
    }


@contextmanager
def one_at_a_time():
    """Let a second build of the same book wait for the first."""
    lock = FileLock("_build/build.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print("Another build of this book is running: waiting for it to end ...", flush=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


# ---- what there is to run


def read_yaml(name: str) -> dict:
    """A settings file of the book; ends the program with one line where it is no YAML."""
    try:
        return yaml.safe_load(Path(name).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        sys.exit(f"{name} cannot be read: {' '.join(str(error).split())}")


def pages() -> list[str]:
    """Every page of the table of contents, in order."""
    toc = read_yaml("_toc.yml")
    files = [chapter["file"] for part in toc.get("parts", [toc]) for chapter in part.get("chapters", [])]
    return [toc["root"], *files]


def read_chapters() -> list[Chapter]:
    """The pages of the table of contents that hold code cells; exercises wait for their answers."""
    read = get_reader({"name": "myst_nb_md", "type": "plugin"})
    chapters = []
    for name in pages():
        path = Path(f"{name}.md")
        if not path.exists():
            sys.exit(f"_toc.yml lists {name}, but there is no {path}: write it, or take the line out.")
        if not name.startswith("exercises/") and "{code-cell}" in path.read_text(encoding="utf-8"):
            chapters.append(Chapter(name, path, read(str(path))))
    return chapters


def open_cache(folder: Path):
    """The results kept in `folder`, which is emptied first where it is damaged."""
    cache = get_cache(folder)
    try:
        cache.list_cache_records()
    except (SQLAlchemyError, ValueError) as error:
        print(f"The kept results were damaged ({type(error).__name__}): all chapters run again.")
        shutil.rmtree(folder)
        folder.mkdir()
        cache = get_cache(folder)
    return cache


def is_kept(cache, chapter: Chapter) -> bool:
    """Whether the results of `chapter` as it is now are there and whole; a damaged copy is thrown away."""
    try:
        record = cache.match_cache_notebook(chapter.notebook)
    except KeyError:
        return False
    try:
        cache.get_cache_bundle(record.pk)
    except (KeyError, ValueError, AttributeError):  # no file; no JSON; no notebook
        print(f"{chapter.name}: its kept results were damaged, so it runs again.")
        shutil.rmtree(cache.path / "executed" / record.hashkey, ignore_errors=True)
        NbCacheRecord.remove_record(record.pk, cache.db)
        return False
    return True


def in_turn(todo: list[Chapter], times: dict[str, float]) -> list[Chapter]:
    """Longest first, the new ones before all. Of those that soon ask for the base model one begins, which may
    have to train it; the others would wait for that, and come last."""
    longest = sorted(todo, key=lambda chapter: -times.get(chapter.name, float("inf")))
    asking = [chapter for chapter in longest if asks_soon(chapter)]
    return asking[:1] + [chapter for chapter in longest if chapter not in asking] + asking[1:]


def asks_soon(chapter: Chapter) -> bool:
    """Whether a chapter asks for the base model before its last third: a core is at work till then."""
    text = chapter.path.read_text(encoding="utf-8")
    return 0 <= text.find('pretrained("base")') < len(text) * 2 / 3


def last_times() -> dict[str, float]:
    """Seconds that each chapter took when it last ran."""
    try:
        return json.loads(TIMES.read_text())
    except (OSError, ValueError):
        return {}


# ---- running it


def run(todo: list[Chapter], cache, times: dict[str, float]) -> dict[str, str]:
    """Run chapters, keep the results, and give back what to say of those that failed."""
    timeout = read_yaml("_config.yml")["execute"]["timeout"]
    started, failed = {}, {}

    def execute(chapter: Chapter):
        started[chapter.name] = time.monotonic()
        say(f"{chapter.name} ...")
        return single_nb_execution(
            chapter.notebook, str(chapter.path.parent), timeout, allow_errors=False, extra_arguments=QUIET
        )

    pool = ThreadPoolExecutor(n_cores())  # not `with`: Ctrl-C would wait for what runs
    waiting = {pool.submit(execute, chapter): chapter for chapter in todo}
    while waiting:
        done, _ = wait(waiting, timeout=1 if LIVE else HEARTBEAT, return_when=FIRST_COMPLETED)
        for future in done:
            chapter = waiting.pop(future)
            seconds = time.monotonic() - started.pop(chapter.name)
            message = keep(cache, chapter, future)
            if message:
                failed[chapter.name] = message
            else:
                times[chapter.name] = round(seconds, 1)
                TIMES.write_text(json.dumps(times, indent=1))
            say(f"{chapter.name} {'failed after' if message else 'ran in'} {seconds:.1f} s")
        if not done:
            now = time.monotonic()
            clocks = [f"{name} {now - start:.0f} s" for name, start in started.copy().items()]
            say(f"running: {', '.join(clocks)}", passing=True)
    pool.shutdown()
    return failed


def n_cores() -> int:
    """The cores that this process may use: in a container, fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def say(line: str, passing: bool = False) -> None:
    """Print a line; in a terminal, one in `passing` is overwritten by the next."""
    end = "" if passing and LIVE else "\n"
    print(f"{ERASE}  {line}{end}", end="", flush=True)  # in one piece: threads print too


def keep(cache, chapter: Chapter, future) -> str:
    """Keep the results of a chapter that ran; say what happened to one that did not."""
    if future.exception():
        return f"  {type(future.exception()).__name__}: {future.exception()}"
    result = future.result()
    if result.err:
        return explain(result.nb, result.err)
    bundle = CacheBundleIn(result.nb, str(chapter.path.resolve()), data={"execution_seconds": result.time})
    cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
    return ""


def explain(notebook, error) -> str:
    """The failing cell, shortened, and its error."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                lines = cell.source.splitlines()
                if len(lines) > 12:
                    lines[12:] = [f"... ({len(lines) - 12} more lines)"]
                source = "\n".join(f"    {line}" for line in lines)
                arrow = re.search(r"^-+> *(\d+)", COLOUR.sub("", "\n".join(output.traceback)), re.MULTILINE)
                where = f"  line {arrow[1]} of this cell: " if arrow else "  "
                return f"{source}\n{where}{output.ename}: {output.evalue}"
    return f"  {type(error).__name__}: {str(error).splitlines()[0]}"


if __name__ == "__main__":
    os.chdir(Path(__file__).resolve().parents[1])
    sys.exit(main())
