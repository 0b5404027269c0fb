"""classroom.zygote: what a learner leaves is measured and removed, whatever it is."""

import ctypes
import os
import subprocess
import sys
import time

import pytest

from classroom import clock, sandbox, wire, zygote


def test_the_size_of_a_folder_is_that_of_its_files(tmp_path):
    assert zygote.size_of(str(tmp_path), 1 << 30) == 0
    (tmp_path / "a").write_bytes(bytes(10_000))
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "c").write_bytes(bytes(20_000))
    assert 30_000 <= zygote.size_of(str(tmp_path), 1 << 30) <= 50_000


def test_an_empty_file_counts_and_much_is_not_counted_to_its_end(tmp_path):
    for number in range(100):
        (tmp_path / str(number)).touch()
    assert zygote.size_of(str(tmp_path), 1 << 30) == 100 * zygote.PAGE
    assert zygote.size_of(str(tmp_path), 10_000) < 10_000 + 2 * zygote.PAGE


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "link").symlink_to("/usr")
    assert zygote.size_of(str(tmp_path), 1 << 30) == zygote.PAGE
    sandbox.remove(str(tmp_path))
    assert os.path.isdir("/usr/lib")


def deep(folder, depth: int) -> None:
    subprocess.run(
        [sys.executable, "-c", f"import os\nfor _ in range({depth}):\n    os.mkdir('d')\n    os.chdir('d')"],
        cwd=folder,
        check=True,
    )


@pytest.mark.parametrize("depth", [1500, 5000])
def test_folders_in_folders_count_as_too_much_and_are_removed(tmp_path, depth):
    made = tmp_path / "made"
    made.mkdir()
    deep(made, depth)
    assert zygote.size_of(str(made), 1 << 20) > 1 << 20
    sandbox.remove(str(made))
    assert not made.exists()


def test_what_may_not_be_looked_into_counts_as_too_much_and_is_removed(tmp_path):
    made = tmp_path / "made"
    (made / "d" / "e").mkdir(parents=True)
    (made / "d" / "e" / "file").touch()
    (made / "d" / "e").chmod(0o300)
    (made / "d").chmod(0o300)
    if os.geteuid():  # root may look everywhere
        assert zygote.size_of(str(made), 1 << 20) > 1 << 20
    sandbox.remove(str(made))
    assert not made.exists()


def test_the_family_of_a_process_is_all_that_is_below_it():
    with subprocess.Popen(["sh", "-c", "sleep 100 & sleep 100 & wait"]) as parent:
        for _ in range(100):
            if len(zygote.family_of(parent.pid)) == 2:
                break
            time.sleep(0.02)
        family = zygote.family_of(parent.pid)
        assert len(family) == 2
        assert zygote.resident(family[0]) > 0
        for process in family:
            os.kill(process, 9)
    assert zygote.family_of(parent.pid) == []
    assert zygote.resident(parent.pid) == 0


def test_a_module_that_cannot_be_imported_is_left_to_the_cell_that_needs_it():
    zygote.import_all(["no_such_module_at_all", "colorsys"])
    assert "colorsys" in sys.modules


def test_a_process_may_have_any_name():
    """Names are bytes; one that is cut in a letter, or holds a bracket, must not end the grading of all."""
    ready, tell = os.pipe()
    child = os.fork()
    if not child:
        ctypes.CDLL(None).prctl(15, b"\xc3) 1 (\xff", 0, 0, 0)
        os.write(tell, b".")
        time.sleep(100)
        os._exit(0)
    try:
        os.read(ready, 1)
        assert child in zygote.family_of(os.getpid())
        assert zygote.resident(child) > 0
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
        os.close(ready)
        os.close(tell)


# ---- a busy machine: the same verdicts, whenever the watcher comes to look


class Watched(zygote.Attempt):
    """An attempt whose tester is the test, and whose learner's process is this one."""

    def __init__(self, folder, disk: int = 1 << 20):
        owner, self.owner_end = os.pipe()
        job = {"cell_limit": 60, "total_limit": 60, "memory": 1 << 40, "disk": disk, "n_processes": 1000}
        super().__init__("none", job, owner)
        self.reports, self.report_fd = os.pipe()
        self.printed, self.print_fd = os.pipe()
        self.told, self.go = os.pipe()
        self.scratch, self.baseline = str(folder), 0
        self.learner = self.tester = os.getpid()

    def report(self, **message):
        wire.send(self.report_fd, message)

    def n_told(self) -> int:
        """How often the tester was told to go on."""
        os.write(self.go, b"!")
        return len(os.read(self.told, 100)) - 1

    def close(self):
        for fd in (self.owner, self.owner_end, self.reports, self.report_fd, self.printed, self.print_fd):
            os.close(fd)
        os.close(self.told)
        os.close(self.go)


@pytest.fixture
def watched(tmp_path, monkeypatch):
    """Without a family: what other tests have running below this process is none of a learner's."""
    monkeypatch.setattr(zygote, "family_of", lambda root: [])
    attempt = Watched(tmp_path)
    yield attempt
    attempt.close()


def test_what_a_late_look_finds_is_laid_to_the_step_that_began_meanwhile(watched, monkeypatch):
    watched.report(start=0)
    watched.report(done=0)

    def slow(left):
        watched.report(start=1)
        return "more than allowed"

    monkeypatch.setattr(watched, "too_much", slow)
    monkeypatch.setattr(watched, "too_many_files", lambda: "")
    watched.next_look = time.monotonic() + 0.2
    watched.watch(60)
    assert (watched.at, watched.dead) == (1, "more than allowed")


def test_nothing_is_judged_before_the_first_step(watched, monkeypatch):
    """Until then it is the machine that is slow, and what it holds is not the learner's."""
    monkeypatch.setattr(zygote.Attempt, "too_many_files", lambda self: "more than allowed")
    assert watched.too_much(0.0) == ""
    watched.report(start=0)
    watched.watch(60)
    assert (watched.at, watched.dead) == (0, "more than allowed")


def test_files_of_a_step_are_found_before_the_next_begins(watched, tmp_path):
    watched.report(start=0)
    watched.report(done=0)
    watched.report(start=1)
    watched.next_look = float("inf")  # so busy that it never gets to look by itself
    (tmp_path / "small").write_bytes(bytes(1000))
    watched.report(done=1)
    watched.report(start=2)
    watched.report(contract={})
    watched.watch(60)
    assert not watched.dead
    assert watched.n_told() == 2


def test_a_step_that_leaves_too_many_files_is_the_last(watched, tmp_path):
    (tmp_path / "large").write_bytes(bytes(2 << 20))
    watched.next_look = float("inf")
    watched.report(start=0)
    watched.report(done=0)
    watched.report(start=1)
    watched.report(contract={})
    watched.watch(60)
    assert (watched.at, watched.dead) == (0, "more than 1 MB of files")
    assert watched.n_told() == 0


def test_only_the_learners_time_is_charged(tmp_path, monkeypatch):
    """Forking, confining and removing may take an hour each, and the rest of the notebook still counts."""
    now, ends = [0.0], iter([(1, "stopped"), (2, "stopped"), (3, "")])
    monkeypatch.setattr(clock.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(clock, "queued", lambda process: 0.0)

    class Slow(Watched):
        def __init__(self, mode, job, owner):
            super().__init__(tmp_path)

        def start(self, *_):
            now[0] += 3600

        def follow(self, left):
            self.note({"start": 0})
            now[0] += 1
            self.at, self.dead = next(ends)

        def end(self):
            now[0] += 3600
            self.close()

    told = Slow.run_all("none", "", [], {"total_limit": 10}, -1, -1)
    assert told["stopped"] == [[1, "stopped"], [2, "stopped"]]
    assert next(ends, None) is None


def test_a_cell_that_takes_longer_than_its_limit_is_the_last(watched, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(clock.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(clock, "queued", lambda process: 0.0)
    watched.note({"start": 0})
    now[0] = 59.0
    assert watched.too_much(1e9) == ""
    watched.note({"start": 1})  # each cell has its time anew
    now[0] = 118.0
    assert watched.too_much(1e9) == ""
    now[0] = 120.0
    assert watched.too_much(1e9) == "out of time: more than 60 s for one cell"


def test_who_computes_in_many_processes_has_no_more_time(watched, monkeypatch):
    """They stand in a queue, but one of their own making."""
    monkeypatch.setattr(zygote, "family_of", lambda root: [11, 12, 13, 14])
    monkeypatch.setattr(zygote, "processor_seconds", lambda process: 5.0)
    monkeypatch.setattr(zygote, "N_PROCESSORS", 2)
    watched.report(start=0)
    watched.note(wire.receive(watched.reports)[0])
    assert watched.too_much(11.0) == ""
    assert watched.too_much(9.0) == "out of time: more than 60 s for the whole notebook"


def test_what_a_process_and_its_ended_children_computed_is_counted():
    before = zygote.processor_seconds(os.getpid())
    subprocess.run([sys.executable, "-c", "import time\nwhile time.process_time() < 0.3: pass"], check=True)
    assert zygote.processor_seconds(os.getpid()) - before > 0.25
    assert zygote.processor_seconds(2**22 + 1) == 0.0
