"""The confined process: imports PyTorch once, then forks a watcher for each submission.

The watcher forks a learner's process and a tester's, and watches both: time, memory, number of processes,
output. A step at which the learner's process dies is left out of the next attempt, so that the rest counts.

A learner's process can read all of its memory, and that is a copy of the memory here. So nothing secret ever
comes into it: the steps of a job stand in a file that the tester alone reads, and the watcher ends with its
submission.
"""

import contextlib
import gc
import os
import select
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path

from classroom import confinement, sandbox, student, tester, wire
from classroom.clock import Clock

ATTEMPTS = 8  # one dead cell each
TICK = 0.05  # seconds between looks at memory
END_LIMIT = 25.0  # seconds for killed processes to end, less than the owner waits
OUTPUT_KEPT, TRACES_KEPT = 16 << 10, 1 << 20  # bytes, characters
GONE = "the process ended in this cell (exit, crash, or an answer that is no value)"
PAGE = os.sysconf("SC_PAGESIZE")
TICKS = os.sysconf("SC_CLK_TCK")
N_PROCESSORS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def warm_up() -> None:
    """Use what PyTorch imports late, so that no fork has to."""
    import torch
    import torch.fx.experimental.symbolic_shapes
    import torch.testing

    torch.set_num_threads(1)
    weight = torch.nn.Parameter(torch.zeros(1))
    weight.grad = torch.zeros(1)  # not by backward(), which would start threads
    torch.optim.AdamW([weight]).step()
    repr(weight)
    torch.testing.assert_close(weight, weight)
    from IPython.core.inputtransformer2 import TransformerManager

    TransformerManager().transform_cell("%time 1")


def main() -> None:
    mode, fd, base, read_paths = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4:]
    warm_up()
    if mode == "landlock":
        confinement.drop_capabilities()
        confinement.landlock([*read_paths, "/proc"], [base, "/dev/null"])
    confinement.adopt_orphans()
    wire.send(fd, {"ready": mode})
    owner = socket.socket(fileno=fd)
    try:
        while True:
            job, _ = wire.receive(fd)
            steps = socket.recv_fds(owner, 1, 1)[1][0]
            import_all(job["imports"])
            gc.freeze()  # or a collection in a fork would write to, and so copy, all there is
            watcher = fork(
                lambda job=job, steps=steps: watch(mode, base, read_paths, job, steps, fd), close=[]
            )
            os.close(steps)
            if os.waitpid(watcher, 0)[1]:
                break
    except wire.Gone:
        pass
    finally:
        end_family()
    os._exit(0)  # without taking PyTorch apart, which takes a second


def watch(mode: str, base: str, read_paths: list[str], job: dict, steps: int, owner: int) -> None:
    """See one job through and tell the owner; a process of its own."""
    confinement.adopt_orphans()
    wire.send(owner, Attempt.run_all(mode, base, read_paths, job, steps, owner))


def import_all(modules: list[str]) -> None:
    """The modules that the author's cells import: once here rather than in every fork."""
    for name in modules:
        if name not in sys.modules:
            try:
                __import__(name)
            except Exception:  # noqa: BLE001 - the cell that needs it says so better
                continue


class Attempt:
    """One learner's process and one tester's, from fork to end."""

    def __init__(self, mode: str, job: dict, owner: int):
        self.mode, self.job, self.owner, self.outcomes, self.contract = mode, job, owner, {}, None
        self.next_look, self.n_traced = 0.0, 0
        self.at, self.dead = -1, ""
        self.clock = self.step_clock = None  # nothing of the learner's runs before the first step
        self.spent = 0.0
        self.output, self.n_output = bytearray(), 0

    def start(self, base: str, read_paths: list[str], steps: int, skip: dict[int, str]) -> None:
        mode, job = self.mode, self.job
        to_learner, from_tester = os.pipe()
        from_learner, to_tester = os.pipe()[::-1]
        self.reports, report_fd = os.pipe()
        self.printed, print_fd = os.pipe()
        go_on, self.go = os.pipe()
        self.scratch = base if mode == "bubblewrap" else tempfile.mkdtemp(dir=base)
        self.baseline = resident(os.getpid())
        mine = [self.owner, self.reports, self.printed, self.go]  # and the steps, which no learner may read
        self.learner = fork(
            lambda: live_as_learner(mode, self.scratch, read_paths, job, to_learner, from_learner, print_fd),
            close=[*mine, from_tester, to_tester, report_fd, go_on, steps],
        )
        self.tester = fork(
            lambda: tester.start(to_tester, from_tester, report_fd, go_on, steps, job, skip),
            close=[*mine, to_learner, from_learner, print_fd],
        )
        for descriptor in (to_learner, from_tester, from_learner, to_tester, report_fd, go_on, print_fd):
            os.close(descriptor)

    @classmethod
    def run_all(cls, mode: str, base: str, read_paths: list[str], job: dict, steps: int, owner: int) -> dict:
        """Attempts until one gets through, or the time is up; the latest that is known of each step."""
        skip, outcomes, started, attempt = {}, {}, time.monotonic(), None
        left = job["total_limit"]  # for the learner: forks and removals are ours, and may take long
        for _ in range(ATTEMPTS):
            attempt = cls(mode, job, owner)
            attempt.start(base, read_paths, steps, skip)
            try:
                attempt.watch(left)
            finally:
                attempt.end()
            outcomes |= attempt.outcomes
            if not attempt.dead:
                break
            if attempt.at < 0:  # not the learner's doing
                raise RuntimeError("the learner's process could not be confined")
            skip[attempt.at] = attempt.dead
            left -= attempt.spent
            if left <= 0:
                break
        return {
            "outcomes": [{"step": number, **outcome} for number, outcome in sorted(outcomes.items())],
            "stopped": [[number, reason] for number, reason in skip.items()],
            "contract": attempt.contract,
            "output": bytes(attempt.output).decode(errors="replace"),
            "n_output": attempt.n_output,
            "seconds": time.monotonic() - started,
        }

    def watch(self, left: float) -> None:
        """Follow the tester's reports until its last, or until something has to be ended."""
        try:
            self.follow(left)
        finally:
            self.spent = self.clock.seconds() if self.clock else 0.0

    def follow(self, left: float) -> None:
        buffers = [self.reports, self.printed, self.owner]
        while True:
            ready = select.select(buffers, [], [], TICK)[0]
            if self.owner in ready:  # it speaks only between jobs: this is its end
                raise wire.Gone("the owner ended")
            if self.printed in ready:
                part = os.read(self.printed, 1 << 16)
                self.n_output += len(part)
                self.output += part[: OUTPUT_KEPT - len(self.output)]
                if not part:
                    buffers.remove(self.printed)
            if self.reports in ready:
                try:
                    report, _ = wire.receive(self.reports)
                except wire.Gone:
                    self.dead = GONE  # out of memory itself
                    return
                is_end_of_step = "done" in report
                if self.note(report):
                    return
                if is_end_of_step:
                    self.dead = self.too_many_files()  # of this step, since the next one waits
                    if self.dead:
                        return
                    with contextlib.suppress(BrokenPipeError):  # the tester ended, as its reports will tell
                        os.write(self.go, b".")
            if time.monotonic() >= self.next_look:
                self.dead = self.too_much(left)
                if self.dead:
                    self.catch_up()
                    return
                self.next_look = time.monotonic() + TICK

    def catch_up(self) -> None:
        """Take down what the tester reported during the look, which takes long on a busy machine.

        What was found belongs to the step that the tester came to; past that one it waits.
        """
        while select.select([self.reports], [], [], 0)[0]:
            try:
                self.note(wire.receive(self.reports)[0])
            except wire.Gone:
                return

    def note(self, report: dict) -> bool:
        """Take down a report; whether it was the last."""
        if "start" in report:
            if self.clock is None:
                self.clock = Clock(self.tester, self.process_of_cells())
            self.step_clock = Clock(*self.clock.before)
            self.at = report["start"]
        elif "gone" in report:
            self.dead = GONE
            return True
        elif "done" in report:
            report["seconds"] = round(time.monotonic() - self.step_clock.began, 4)
            self.n_traced += len(report.get("trace", ""))
            if self.n_traced > TRACES_KEPT:  # of thousands of cells that fail
                report["trace"] = ""
            self.outcomes[report.pop("done")] = report
        else:
            self.contract = report["contract"]
        return self.contract is not None

    def process_of_cells(self) -> int:
        """The process that runs the learner's cells: in bubblewrap, the only child of the one forked here."""
        below = family_of(self.learner) if self.mode == "bubblewrap" else []
        return below[0] if below else self.learner

    def too_much(self, left: float) -> str:
        """Why this attempt has to be ended now, or nothing."""
        if self.clock is None:
            return ""
        if self.step_clock.seconds() > self.job["cell_limit"]:
            return f"out of time: more than {self.job['cell_limit']:g} s for one cell"
        family = [process for process in family_of(os.getpid()) if process != self.tester]
        # who starts many processes stands in a queue of his own making
        computed = sum(map(processor_seconds, family)) / N_PROCESSORS
        if max(self.clock.seconds(), computed) > left:
            return f"out of time: more than {self.job['total_limit']:g} s for the whole notebook"
        if len(family) > self.job["n_processes"] + 2:
            return f"more than {self.job['n_processes']} processes at once"
        used = sum(max(0, resident(process) - self.baseline) for process in family)
        if used > self.job["memory"] * 5 // 4:  # one process alone meets its own limit first
            return f"out of memory: more than {self.job['memory'] >> 20} MB"
        return self.too_many_files()

    def too_many_files(self) -> str:
        """Why the files of this attempt end it, or nothing; in bubblewrap their file system is bounded."""
        if self.scratch != sandbox.INSIDE and size_of(self.scratch, self.job["disk"]) > self.job["disk"]:
            return f"more than {self.job['disk'] >> 20} MB of files"
        return ""

    def end(self) -> None:
        """Leave no process, descriptor or file behind."""
        end_family()
        for descriptor in (self.reports, self.printed, self.go):
            os.close(descriptor)
        if self.mode != "bubblewrap":
            sandbox.remove(self.scratch)


def fork(live, close: list[int]) -> int:
    """The number of a new process that does `live` and ends."""
    child = os.fork()
    if child:
        return child
    try:
        for descriptor in close:
            os.close(descriptor)
        live()
    except BaseException:  # noqa: BLE001 - a child must never run its parent's code
        os._exit(1)
    os._exit(0)


def live_as_learner(
    mode: str, scratch: str, read_paths: list[str], job: dict, read_fd: int, write_fd: int, print_fd: int
):
    """Confine this process, then run the learner's cells in it."""
    os.setsid()
    confinement.die_with_parent()
    for standard in (1, 2):
        os.dup2(print_fd, standard)
    os.close(print_fd)
    if mode == "bubblewrap":
        confinement.enter_namespaces(scratch, job["disk"])
        child = os.fork()  # process 1 of the new namespace
        if child:
            os.closerange(0, 256)
            os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 255)
        os.setsid()  # a signal to its own group must not reach the parent
        confinement.die_with_parent()
        confinement.drop_capabilities()
    os.chdir(scratch)
    os.environ |= {"TMPDIR": scratch, "HOME": scratch}
    tempfile.tempdir = None
    others = 0 if mode == "bubblewrap" else n_tasks_of_user()
    confinement.limit(job["memory"], job["disk"], others + job["n_processes"], int(job["total_limit"]) + 10)
    if mode == "landlock":
        confinement.landlock(read_paths, [scratch, "/dev/null"])
    if mode != "none" and confinement.can_filter_calls():
        confinement.filter_calls(alone=mode == "bubblewrap")
    tester.seed_everything(job["seed"] + 1)
    wire.send(write_fd, {"ready": True})
    student.serve(read_fd, write_fd)


# ---- processes, as /proc tells


def _stat(process: int | str) -> list[bytes]:
    """What stands there after the process's name, which may be any bytes."""
    return Path(f"/proc/{process}/stat").read_bytes().rpartition(b")")[2].split()


def family_of(root: int) -> list[int]:
    """The processes below `root`."""
    children: dict[int, list[int]] = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            children.setdefault(int(_stat(name)[1]), []).append(int(name))
        except (OSError, IndexError):
            continue  # it ended
    found, todo = [], [root]
    while todo:
        todo += (below := children.get(todo.pop(), []))
        found += below
    return found


def resident(process: int) -> int:
    """Bytes of memory that a process holds, 0 where it has ended."""
    try:
        return int(_stat(process)[21]) * PAGE
    except (OSError, IndexError):
        return 0


def processor_seconds(process: int) -> float:
    """Seconds in which a process and its children that have ended computed, 0 where it has ended itself."""
    try:
        return sum(map(int, _stat(process)[11:15])) / TICKS
    except OSError:
        return 0.0


def n_tasks_of_user() -> int:
    """Threads of this user, which the kernel's limit of processes counts too."""
    mine, n = os.getuid(), 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            n += len(os.listdir(folder / "task")) if folder.stat().st_uid == mine else 0
        except OSError:
            continue
    return n


def size_of(folder: str, enough: int) -> int:
    """Bytes of the files below a folder, each at least a page.

    More than `enough` is not counted to its end, and is the answer where a folder cannot be looked into.
    """
    total, todo = 0, [folder]
    while todo and total <= enough:
        try:
            with os.scandir(todo.pop()) as entries:
                for entry in entries:
                    total += max(PAGE, entry.stat(follow_symlinks=False).st_size)
                    if entry.is_dir(follow_symlinks=False):
                        todo.append(entry.path)
                    if total > enough:
                        break
        except FileNotFoundError:  # removed meanwhile
            continue
        except OSError:  # no permission, or too deep
            return enough + 1
    return total


def end_family() -> None:
    """End every process below this one. Ends this one too, and its sandbox with it, where that fails."""
    give_up = time.monotonic() + END_LIMIT
    while True:
        for process in family_of(os.getpid()):
            try:
                os.kill(process, signal.SIGKILL)
            except OSError:
                continue
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        if time.monotonic() > give_up:
            os._exit(3)
        time.sleep(0.001)


if __name__ == "__main__":
    main()
