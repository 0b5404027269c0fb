"""The confined process as its owner sees it: start it, give it a submission, get a result, end it.

Three ways to confine it, from the strongest on:

    bubblewrap   its own view of users, processes, network and files, made by the program `bwrap`
    landlock     the kernel's Landlock and a filter of system calls, where namespaces are not to be had
    none         limits of time, memory and output alone: for your own code, never for a stranger's
"""

import atexit
import contextlib
import json
import os
import queue
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
import weakref
from concurrent.futures import Future
from functools import cache
from pathlib import Path

from classroom import confinement, wire
from classroom.clock import SLOWEST

MODES = ("bubblewrap", "landlock", "none")
PROMISES = {
    "bubblewrap": "bubblewrap: own processes, users and files, no network",
    "landlock": "Landlock: files by permission, no network, no signals",
    "none": "NO SANDBOX: learners' code runs with your rights",
}
INSIDE = "/tmp/work"  # where learners' folders are, inside of bubblewrap
INSTALL = "install bubblewrap (`apt install bubblewrap`), or say --no-sandbox if the code is your own"
START_LIMIT = 600.0  # seconds to import PyTorch, which a busy machine takes a minute or two for
END_LIMIT = 30.0  # to find all that is below it and end that, on a busy machine
GRACE = 300.0  # seconds beyond a job's own limit, to fork and to remove what was left, on a busy machine


class NoSandbox(RuntimeError):
    """There is no way to confine a process here; the message is one line that says what to do."""


def choose(wanted: str | None = None) -> str:
    """The strongest mode that works here, or the one wanted. Raises NoSandbox."""
    if wanted == "none":
        return wanted
    why = {}
    for mode in [wanted] if wanted else MODES[:2]:
        why[mode] = probe(mode)
        if not why[mode]:
            return mode
    raise NoSandbox(f"No sandbox works here ({'; '.join(f'{m}: {w}' for m, w in why.items())}): {INSTALL}.")


@cache
def probe(mode: str) -> str:
    """Why a mode does not work on this machine, or nothing."""
    if not sys.platform.startswith("linux"):
        return "it needs Linux"
    if mode == "landlock":
        if confinement.landlock_version() < 3:  # before, a file could be emptied by its path
            return "this kernel has none, or an old one: Linux 6.2 is needed"
        return "" if confinement.can_filter_calls() else "no filter of system calls for this processor"
    if not shutil.which("bwrap"):
        return "the program bwrap is not installed"
    # as for each learner
    code = f"from classroom import confinement; confinement.enter_namespaces({INSIDE!r}, 1 << 20)"
    tried = subprocess.run(
        bubblewrap([sys.executable, "-Ps", "-c", _with_path(code)]),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return "" if tried.returncode == 0 else (tried.stderr.strip().splitlines() or ["it fails"])[-1][:120]


def read_paths() -> list[str]:
    """The folders that a learner's code may read: Python, its packages, the system's libraries."""
    paths = {sys.prefix, sys.base_prefix, *sysconfig.get_paths().values(), str(Path(sys.executable).parent)}
    paths |= {path for path in sys.path if "site-packages" in path or "dist-packages" in path}
    for name in ("classroom", "tinylm"):
        module = sys.modules.get(name) or __import__(name)
        paths |= set(module.__path__)
    paths |= {"/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/alternatives"}
    devices = {"/dev/null", "/dev/urandom", "/dev/zero", "/sys/devices/system/cpu"}
    devices |= {"/sys/kernel/mm/transparent_hugepage"}  # the C library asks there before it takes large pages
    return sorted(path for path in paths | devices if os.path.exists(path))


def _with_path(code: str) -> str:
    """Code that finds our packages under `python -Ps`, which looks nowhere but where it is installed."""
    roots = sorted(
        {str(Path(__file__).resolve().parents[1]), *(p for p in sys.path if p.endswith("-packages"))}
    )
    return f"import sys; sys.path[:0] = {roots!r}; {code}"


def bubblewrap(inner: list[str]) -> list[str]:
    """The command that runs `inner` in a sandbox: system and packages read-only, all else empty."""
    root = os.geteuid() == 0
    # not --unshare-all for root: it would map this user alone, and setpriv below needs another
    spaces = ["pid", "net", "ipc", "uts", "cgroup-try"] + ([] if root else ["user"])
    command = [
        "bwrap",
        *(f"--unshare-{space}" for space in spaces),
        "--die-with-parent",
        "--new-session",
        "--clearenv",
    ]
    for name, value in environment(INSIDE).items():
        command += ["--setenv", name, value]
    command += [
        "--perms",
        "1777",
        "--size",
        str(64 << 20),
        "--tmpfs",
        "/tmp",
        "--dev",
        "/dev",
        "--proc",
        "/proc",
    ]
    command += ["--perms", "1777", "--dir", INSIDE]
    made: set[str] = set()
    covered: list[str] = []
    for path in sorted(read_paths(), key=lambda p: (p.count("/"), p)):
        if path.startswith(("/dev/", "/proc/")) or any(path.startswith(f"{above}/") for above in covered):
            continue
        if os.path.islink(path) and Path(path).parent == Path("/"):
            command += ["--symlink", os.readlink(path), path]
            continue
        for parent in reversed(Path(path).parents[:-1]):  # made by bwrap they could not be passed through
            if str(parent) not in made and not str(parent).startswith(INSIDE) and str(parent) != "/tmp":
                made.add(str(parent))
                command += ["--perms", "0755", "--dir", str(parent)]
        command += ["--ro-bind", path, path]
        covered.append(path)
    command += ["--remount-ro", "/", "--chdir", "/"]
    if root:
        for capability in ("SETUID", "SETGID", "SETPCAP"):
            command += ["--cap-add", f"CAP_{capability}"]
        inner = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all",
                 "--bounding-set=-all", "--no-new-privs", *inner]  # fmt: skip
    return [*command, *inner]


def environment(home: str) -> dict[str, str]:
    """All that a learner's code sees of the environment: nothing of yours."""
    threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR")}
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": home,
        "TMPDIR": home,
        "USER": "learner",
        "LANG": "C.UTF-8",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": home,
        "TINYLM_CACHE": f"{home}/models",
        "TQDM_DISABLE": "1",
        "TORCHINDUCTOR_CACHE_DIR": home,
        # memory in pages of 2 MB, which a fork copies in a fifth of the time: most of what a submission costs
        "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
        "PYTHONMALLOC": "malloc",
        **threads,
        **{name: value for name, value in os.environ.items() if name.startswith("OPENBLAS_CORETYPE")},
    }


class Sandbox:
    """A warm, confined process, for one thread at a time; started at the first job, and after a failure."""

    def __init__(self, mode: str):
        self.mode = mode
        self.process: subprocess.Popen | None = None
        self.socket: socket.socket | None = None
        self.base = INSIDE
        _all.add(self)

    def start(self) -> None:
        if _stopped.is_set():
            raise NoSandbox("stopped")
        mine, theirs = socket.socketpair()
        paths = [] if self.mode == "none" else read_paths()
        if self.mode != "bubblewrap":
            self.base = tempfile.mkdtemp(prefix="classroom-")
        code = _with_path("from classroom import zygote; zygote.main()")
        inner = [sys.executable, "-Ps", "-c", code, self.mode, str(theirs.fileno()), self.base, *paths]
        command = bubblewrap(inner) if self.mode == "bubblewrap" else inner
        self.process = _popen(
            command,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
            cwd="/",
            env=None if self.mode == "bubblewrap" else environment(self.base),
        )
        theirs.close()
        self.socket = mine
        try:
            wire.receive(mine.fileno(), time.monotonic() + START_LIMIT)
        except wire.Gone as gone:
            words = self._last_words()
            self.close()
            raise NoSandbox(f"The sandbox ({self.mode}) did not start: {gone}. {words} {INSTALL}.") from None
        except BaseException:  # Ctrl-C: it would end its imports first, and nothing is below it yet
            self.process.kill()
            self.close()
            raise

    def run(self, job: dict) -> dict:
        """Do one job in it. Raises wire.Gone where the sandbox itself failed, after ending it."""
        if self.process is None or self.process.poll() is not None:
            self.close()
            self.start()
        try:
            self._send(job)
            result, _ = wire.receive(
                self.socket.fileno(), time.monotonic() + SLOWEST * job["total_limit"] + GRACE
            )
        except BaseException:  # Ctrl-C too: half a conversation cannot go on
            self.close()
            raise
        return result

    def _send(self, job: dict) -> None:
        """The limits as a message, the steps as a file: what the sandbox reads, a learner could find."""
        apart = ("steps", "contract")
        with os.fdopen(os.memfd_create("steps"), "wb") as file:
            file.write(json.dumps({name: job[name] for name in apart}).encode())
            file.flush()
            wire.send(self.socket.fileno(), {name: job[name] for name in job if name not in apart})
            try:
                socket.send_fds(self.socket, [b"."], [file.fileno()])
            except OSError:
                raise wire.Gone("the process ended") from None

    def _last_words(self) -> str:
        self.process.kill()
        with contextlib.suppress(OSError, ValueError):
            return self.process.communicate(timeout=5)[1].decode(errors="replace").strip()[-300:]
        return ""

    def kill(self) -> None:
        """End the process, from any thread; what waits for it gets wire.Gone."""
        with contextlib.suppress(OSError):
            if self.process is not None and self.mode == "bubblewrap":  # all below end with it
                os.killpg(self.process.pid, signal.SIGKILL)
            elif self.socket is not None:  # it has to find them one by one
                self.socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End the process and all below it."""
        if self.socket is not None:
            self.socket.close()
            self.socket = None
        if self.process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):  # the closed socket ends it
                self.process.wait(timeout=0.5 if self.mode == "bubblewrap" else END_LIMIT)
            with contextlib.suppress(OSError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process.stderr.close()
            self.process = None
        if self.base != INSIDE:
            remove(self.base)


def remove(folder: str) -> None:
    """Remove a folder, however deep it is and whatever its permissions are."""
    with contextlib.suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if os.path.exists(folder):
        for command in ("chmod", "-R", "u+rwx", folder), ("rm", "-rf", folder):
            subprocess.run(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def _popen(command: list[str], **options) -> subprocess.Popen:
    """subprocess.Popen, called by a thread that lasts as long as this process.

    "Dies with its parent" means to Linux: with the thread that started it. A pool's threads end sooner.
    """
    global _starter
    with _lock:
        if _starter is None or not _starter.is_alive():
            _starter = threading.Thread(target=_start_what_comes, name="classroom-starter", daemon=True)
            _starter.start()
    made: Future = Future()
    _to_start.put((made, command, options))
    return made.result()


def _start_what_comes() -> None:
    while True:
        made, command, options = _to_start.get()
        try:
            made.set_result(subprocess.Popen(command, **options))
        except BaseException as error:  # noqa: BLE001 - it is raised where it was asked for
            made.set_exception(error)


_starter: threading.Thread | None = None
_to_start: "queue.SimpleQueue[tuple[Future, list[str], dict]]" = queue.SimpleQueue()
_idle: dict[str, list[Sandbox]] = {}
_all: "weakref.WeakSet[Sandbox]" = weakref.WeakSet()
_stopped = threading.Event()
_lock = threading.Lock()


@contextlib.contextmanager
def borrowed(mode: str):
    """A sandbox of this process that no other thread uses; kept warm for the next one."""
    with _lock:
        kept = _idle.setdefault(mode, [])
        box = kept.pop() if kept else Sandbox(mode)
    try:
        yield box
    finally:
        with _lock:
            _idle[mode].append(box)


def stop() -> None:
    """End every sandbox of this process, also those at work, and start no more: after Ctrl-C."""
    _stopped.set()
    for box in list(_all):
        box.kill()


@atexit.register
def close_all() -> None:
    """End the sandboxes that this process keeps warm."""
    with _lock:
        for boxes in _idle.values():
            while boxes:
                boxes.pop().close()
