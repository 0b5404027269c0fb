"""classroom.sandbox: the strongest that works is chosen, none is refused, what fails is started again."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from classroom import confinement, grading, sandbox, zygote
from classroom.grading import Limits
from classroom.sandbox import NoSandbox, Sandbox
from classroom.submission import Extra, Submission

ROOT = Path(__file__).parents[2]
LIMITS = Limits(cell=5, notebook=20, memory=512, disk=32)


@pytest.fixture
def probes(monkeypatch):
    """What each probe finds, in place of looking."""
    found = {"bubblewrap": "", "landlock": ""}
    monkeypatch.setattr(sandbox, "probe", found.__getitem__)
    return found


def test_the_strongest_that_works_is_chosen(probes):
    assert sandbox.choose() == "bubblewrap"
    probes["bubblewrap"] = "no"
    assert sandbox.choose() == "landlock"
    assert sandbox.choose("landlock") == "landlock"
    assert sandbox.choose("none") == "none"


def test_where_none_works_it_says_why_and_what_to_do(probes):
    probes.update(bubblewrap="the program bwrap is not installed", landlock="this kernel has none")
    for wanted, reasons in ((None, probes.values()), ("landlock", ["this kernel has none"])):
        with pytest.raises(NoSandbox) as caught:
            sandbox.choose(wanted)
        message = str(caught.value)
        assert len(message.splitlines()) == 1
        assert all(reason in message for reason in reasons)
        assert "apt install bubblewrap" in message
        assert "--no-sandbox" in message


@pytest.fixture
def unprobed():
    sandbox.probe.cache_clear()
    yield
    sandbox.probe.cache_clear()


def test_a_probe_says_what_is_missing(unprobed, monkeypatch):
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None)
    assert sandbox.probe("bubblewrap") == "the program bwrap is not installed"
    monkeypatch.setattr(confinement, "landlock_version", lambda: 2)  # an emptied file would not be refused
    assert "Linux 6.2" in sandbox.probe("landlock")
    sandbox.probe.cache_clear()
    monkeypatch.setattr(confinement, "landlock_version", lambda: 7)
    monkeypatch.setattr(confinement, "can_filter_calls", lambda: False)
    assert "processor" in sandbox.probe("landlock")
    sandbox.probe.cache_clear()
    monkeypatch.setattr(sys, "platform", "darwin")
    assert sandbox.probe("landlock") == sandbox.probe("bubblewrap") == "it needs Linux"


def test_a_probe_that_fails_tells_in_a_line(unprobed, monkeypatch):
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: "/bin/bwrap")
    monkeypatch.setattr(
        sandbox,
        "bubblewrap",
        lambda inner: ["sh", "-c", "echo first >&2; echo 'bwrap: no permissions' >&2; exit 1"],
    )
    assert sandbox.probe("bubblewrap") == "bwrap: no permissions"
    sandbox.probe.cache_clear()
    monkeypatch.setattr(sandbox, "bubblewrap", lambda inner: ["false"])
    assert sandbox.probe("bubblewrap") == "it fails"


def test_a_sandbox_that_does_not_start_is_an_error_that_says_what_to_do(monkeypatch):
    monkeypatch.setattr(sandbox, "bubblewrap", lambda inner: ["sh", "-c", "echo 'bwrap: broken' >&2; exit 1"])
    box = Sandbox("bubblewrap")
    with pytest.raises(NoSandbox, match=r"did not start.*bwrap: broken.*--no-sandbox"):
        box.start()
    assert box.process is None


def run(small, mode: str, source: str, **answers) -> grading.Result:
    """Grade the author's answers, with a cell of the learner's own before them."""
    found = grading.author_answers(small)
    found = Submission({**found.answers, **answers}, [Extra(-1, source)])
    return grading._grade(
        small, found, grading.contract_of(grading.Key(small), mode, LIMITS), mode, LIMITS, 0
    )


def test_a_dead_sandbox_is_started_again(small, confined):
    assert run(small, confined, "1").score == 9
    box = sandbox._idle[confined][-1]
    first = box.process.pid
    os.killpg(first, signal.SIGKILL)
    assert run(small, confined, "1").score == 9
    assert box.process.pid != first


def test_one_learner_finds_nothing_that_another_left(small, confined):
    places = [
        "/tmp",
        "/tmp/work",
        "/dev",
        "/dev/shm",
        "/dev/mqueue",
        "/var/tmp",
        ".",
        "..",
        "/run",
        "/proc",
        "/",
    ]
    put = f"""
for folder in {places}:
    try:
        open(folder + "/left-for-a-friend", "w").write("answers")
    except OSError:
        pass
import builtins, torch
builtins.left = torch.left = "left-for-a-friend"
print("left")
"""
    look = f"""
import builtins, os, torch
for folder in {places}:
    try:
        print("found" if "left-for-a-friend" in os.listdir(folder) else "nothing")
    except OSError:
        print("nothing")
print(hasattr(builtins, "left"), hasattr(torch, "left"))
"""
    assert run(small, confined, put).output == "left\n"
    second = run(small, confined, look).output
    assert "nothing" in second
    assert "found" not in second
    assert "False False" in second


def test_nothing_of_the_owners_is_seen(small, confined, tmp_path, monkeypatch):
    (tmp_path / "secret.txt").write_text("a secret in a file")
    look = f"""
import os, sys
print(dict(os.environ), sys.argv, os.getcwd())
for path in ({str(tmp_path / "secret.txt")!r}, {str(ROOT / "exercises/attention.md")!r}, "/etc/passwd"):
    try:
        print("WAS READ", open(path).read())
    except OSError as error:
        print("no")
for folder in ("/root", "/home", {str(ROOT)!r}, {str(tmp_path)!r}):
    try:
        print("LISTED", folder, os.listdir(folder))
    except OSError as error:
        print("no")
for process in range(1, 200):
    try:
        print("SEEN", open(f"/proc/{{process}}/environ").read())
    except OSError:
        pass
"""
    monkeypatch.setenv("CLASSROOM_SECRET", "a secret in the environment")
    for boxes in sandbox._idle.values():  # a new one, which could inherit it
        while boxes:
            boxes.pop().close()
    output = run(small, confined, look).output
    assert "a secret" not in output
    assert "WAS READ" not in output
    assert "SEEN" not in output
    assert "exercises" not in output.replace("/work/main", "")
    assert "no\nno" in output


def test_files_are_written_in_the_learners_own_folder_alone(small, confined):
    output = run(small, confined, """
import os, tempfile, pathlib
pathlib.Path("mine.txt").write_text("a")
os.makedirs("a/b")
with tempfile.NamedTemporaryFile() as file:
    print(os.path.dirname(file.name) == os.getcwd(), os.listdir("."))
print(pathlib.Path.home() == pathlib.Path.cwd())
""").output  # fmt: skip
    assert output.startswith("True")
    assert output.endswith("True\n")


def test_a_sandbox_ends_with_its_owner(confined, tmp_path):
    program = f"""
import sys, time
sys.path.insert(0, {str(ROOT)!r})
from classroom.sandbox import Sandbox
box = Sandbox({confined!r})
box.start()
print(box.process.pid, flush=True)
time.sleep(1000)
"""
    command = [sys.executable, "-c", program]
    here = {**os.environ, "TMPDIR": str(tmp_path)}  # an owner that is killed cannot remove its empty folder
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=here) as owner:
        box = int(owner.stdout.readline())
        owner.kill()
    for _ in range(200):
        if not Path(f"/proc/{box}").exists() or "zygote" not in Path(f"/proc/{box}/cmdline").read_text():
            break
        time.sleep(0.05)
    assert not Path(f"/proc/{box}").exists() or "zygote" not in Path(f"/proc/{box}/cmdline").read_text()


@pytest.mark.parametrize("how", ["close", "kill"])
def test_a_sandbox_that_is_ended_leaves_no_process_and_no_folder(small, confined, how):
    """Also while a learner's code runs in it, and has started a process of its own."""
    source = "import os, time\nos.fork() or (os.setsid(), time.sleep(31558))\nwhile True: pass"
    box, ended = Sandbox(confined), []
    box.start()
    found = Submission(grading.author_answers(small).answers, [Extra(-1, source)])
    work = grading.job(small, grading.plan(small, found)[0], {}, LIMITS, 0)

    def grade():
        with pytest.raises(sandbox.wire.Gone):
            box.run(work)
        ended.append(True)

    first = box.process.pid
    thread = threading.Thread(target=grade)
    thread.start()
    n_expected = 5 if confined == "landlock" else 7  # the learner's own process among them
    for _ in range(1200):  # on a busy machine they take a while to come
        family = [first, *zygote.family_of(first)]
        if len(family) >= n_expected:
            break
        time.sleep(0.05)
    assert len(family) >= n_expected
    if how == "kill":  # as after Ctrl-C, from another thread
        box.kill()
    else:
        os.kill(family[-1], signal.SIGKILL)
        box.socket.shutdown(sandbox.socket.SHUT_RDWR)
    thread.join()
    assert ended
    assert box.process is None
    for _ in range(100):  # the kernel ends a namespace's processes in a moment of its own
        left = [process for process in family if Path(f"/proc/{process}").exists()]
        if not left:
            break
        time.sleep(0.05)
    assert not left
    assert box.base == "/tmp/work" or not Path(box.base).exists()


def test_what_may_be_read_holds_no_exercise():
    paths = [Path(path) for path in sandbox.read_paths()]
    assert not any(
        (ROOT / "exercises").is_relative_to(path) or path.is_relative_to(ROOT / "exercises") for path in paths
    )
    assert Path(os.sep) not in paths
    assert Path.home() not in paths


def test_a_message_of_limits_holds_no_test_and_no_answer(small):
    """What the sandbox reads, a learner could find in its memory; the steps go around it, as a file."""
    box = Sandbox("none")
    mine, theirs = sandbox.socket.socketpair()
    box.socket = mine
    steps, _ = grading.plan(small, grading.author_answers(small))
    box._send(grading.job(small, steps, {}, LIMITS, 0))
    sent = theirs.recv(1 << 16)
    mine.close()
    theirs.close()
    assert b"memory" in sent
    assert b"softmax" not in sent
    assert "softmax" in json.dumps(steps)


def test_a_sandbox_outlives_the_thread_that_started_it():
    box = sandbox.Sandbox(sandbox.choose())
    starter = threading.Thread(target=box.start)
    starter.start()
    starter.join()
    with pytest.raises(subprocess.TimeoutExpired):
        box.process.wait(timeout=1)
    box.close()
