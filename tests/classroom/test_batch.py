"""Many submissions: any executor gives the same, and no stop loses anything or grades anything twice."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest
import tiny
from distributed import Client, LocalCluster

from classroom import batch, collect, grading, results, sandbox

N = 12
DESERVED = [5.0, 2.0, 0.0, 0.0] * (N // 4)


@pytest.fixture(scope="module")
def mode() -> str:
    return sandbox.choose()


@pytest.fixture
def handed(tmp_path) -> list:
    return collect.collect(tiny.a_class(tmp_path, N), "tiny")


@pytest.fixture
def folder(tmp_path) -> results.Folder:
    made = results.Folder(tmp_path / "out")
    made.open(resume=False)
    return made


def grade(tmp_path, handed, folder, mode, executor=None, **more) -> int:
    source = tiny.load(tmp_path)
    if executor is not None:
        return batch.grade_all(source, handed, folder, executor, 2, mode=mode, **more)
    with ThreadPoolExecutor(2) as threads:
        return batch.grade_all(source, handed, folder, threads, 2, mode=mode, **more)


def scores(folder) -> list[float]:
    return [one.result.score for one in folder.load()]


def processes():
    return ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn"))


def test_threads_and_processes_give_the_same_scores(tmp_path, handed, folder, mode):
    assert grade(tmp_path, handed, folder, mode) == N
    other = results.Folder(tmp_path / "other")
    other.open(resume=False)
    with processes() as pool:
        assert grade(tmp_path, handed, other, mode, pool) == N
    assert scores(folder) == scores(other) == DESERVED


def test_a_second_run_grades_only_what_changed(tmp_path, handed, folder, mode):
    grade(tmp_path, handed, folder, mode)
    before = {path.name: path.stat().st_ino for path in folder.path.glob("results/*.json")}
    assert grade(tmp_path, handed, folder, mode) == 0
    tiny.hand_in(handed[2].path, tmp_path, tiny.FULL)
    assert grade(tmp_path, handed, folder, mode) == 1
    after = {path.name: path.stat().st_ino for path in folder.path.glob("results/*.json")}
    assert [name for name in before if before[name] != after[name]] == ["learner02.json"]
    assert scores(folder)[2] == 5


def test_a_damaged_result_is_graded_again(tmp_path, handed, folder, mode):
    grade(tmp_path, handed, folder, mode)
    (folder.path / "results" / "learner01.json").write_text('{"student": "learn')
    assert grade(tmp_path, handed, folder, mode) == 1
    assert scores(folder) == DESERVED


def test_a_full_disk_ends_the_run_and_leaves_whole_results(tmp_path, handed, folder, mode, monkeypatch):
    real, n = os.fsync, iter(range(100))

    def full(descriptor):
        if next(n) == 4:
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        grade(tmp_path, handed, folder, mode)
    assert len(list((folder.path / "results").iterdir())) == len(folder.load()) == 4
    monkeypatch.undo()
    assert grade(tmp_path, handed, folder, mode) == N - 4
    assert scores(folder) == DESERVED


def test_a_worker_that_dies_loses_nothing(tmp_path, handed, folder, mode):
    pools, seen = [], []

    def renew():
        pools.append(processes())
        return pools[-1]

    def kill_one(graded):
        seen.append(graded.student)
        if len(seen) == 5:
            os.kill(next(iter(pools[0]._processes)), signal.SIGKILL)

    grade(tmp_path, handed, folder, mode, renew(), progress=kill_one, renew=renew)
    for pool in pools:
        pool.shutdown()
    assert len(pools) == 2, "the pool was not broken, so this test has shown nothing"
    assert sorted(seen) == sorted(one.student for one in handed)
    assert scores(folder) == DESERVED


def test_a_cluster_grades_each_once_although_a_worker_is_killed(tmp_path, handed, folder, mode):
    seen = []
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        victims = list(client.run(os.getpid).values())
        assert len(set(victims)) == 2

        def kill_one(graded):
            seen.append(graded.student)
            if len(seen) == 5:
                os.kill(victims[0], signal.SIGKILL)

        assert grade(tmp_path, handed, folder, mode, client.get_executor(retries=3), progress=kill_one) == N
    assert sorted(seen) == sorted(one.student for one in handed)
    assert scores(folder) == DESERVED


def test_ctrl_c_keeps_what_is_graded_and_resume_does_the_rest(tmp_path, handed, folder, hears_ctrl_c):
    sleepy = {**tiny.FULL, "doubled": "import time\ntime.sleep(1)\ndef double(x):\n    return 2 * x"}
    for one in handed[4:]:
        tiny.hand_in(one.path, tmp_path, sleepy)
    command = [sys.executable, "-m", "classroom.command", "grade", str(tiny.write_source(tmp_path))]
    command += [str(tmp_path / "submissions"), "-o", str(folder.path), "--workers", "1"]
    running = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **hears_ctrl_c,
    )
    while len(list((folder.path / "results").glob("*.json"))) < 5 and running.poll() is None:
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    said, _ = running.communicate(timeout=60)
    assert running.returncode == 130, said
    assert "--resume goes on" in said
    assert "Traceback" not in said
    kept = {path.name: path.stat().st_ino for path in folder.path.glob("results/*.json")}
    assert 5 <= len(kept) < N
    again = subprocess.run([*command, "--resume"], capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert f"{N - len(kept)} graded" in again.stdout
    after = {path.name: path.stat().st_ino for path in folder.path.glob("results/*.json")}
    assert kept.items() <= after.items()
    assert len(after) == N


def test_grading_is_pure(tmp_path, handed, mode):
    source = tiny.load(tmp_path)
    one, two = (grading.grade_file(source, handed[1].path, mode, seed=3) for _ in range(2))
    one.seconds = two.seconds = 0.0
    assert one == two
