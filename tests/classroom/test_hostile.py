"""Every hostile submission earns what it deserves, is explained in a line, and harms nothing and nobody."""

import hashlib
import json
import os
import re
import select
import socket
import subprocess
import time
from pathlib import Path

import nbformat
import pytest
import torch
from hostile import ALL, CORPUS, Hostile

from classroom import exercise, grading, sandbox, zygote
from classroom.grading import Limits

SMALL = Path(__file__).with_name("small.md")
LIMITS = Limits(cell=2, notebook=12, memory=512, disk=32, processes=16)
FULL = {
    "softmax-test": 2.0,
    "softmax-in-place": 1.0,
    "rotate-test": 2.0,
    "rotate-in-place": 1.0,
    "affine-test": 3.0,
}
KEPT = [SMALL, Path(torch.__file__)]
RUNS = [pytest.param("bubblewrap", entry, id=entry.name) for entry in CORPUS]
RUNS += [
    pytest.param("landlock", entry, id=f"{entry.name}, by Landlock") for entry in CORPUS if entry.landlock
]


class Listener:
    """Sockets of each kind on this machine, which must hear nothing."""

    def __init__(self, folder: Path):
        self.tcp, self.udp = socket.create_server(("127.0.0.1", 0)), socket.socket(type=socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.port = self.tcp.getsockname()[1]
        self.unix, self.abstract = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
        self.path = str(folder / "unix")
        self.unix.bind(self.path)
        self.abstract.bind(f"\0classroom-hostile-{self.port}")
        self.all = [self.tcp, self.udp, self.unix, self.abstract]
        for one in self.all[2:]:
            one.listen()

    def heard(self) -> list:
        return select.select(self.all, [], [], 0)[0]


@pytest.fixture(scope="module", autouse=True)
def mark() -> str:
    """Words in the command of each sandbox from here, since other tests may run theirs at the same time."""
    words = f"# of test_hostile in {os.getpid()}"
    with_path = sandbox._with_path
    with pytest.MonkeyPatch.context() as patch:
        sandbox.close_all()
        patch.setattr(sandbox, "_with_path", lambda code: f"{with_path(code)} {words}")
        yield words


@pytest.fixture(scope="module")
def listener(tmp_path_factory):
    made = Listener(tmp_path_factory.mktemp("heard"))
    yield made
    for one in made.all:
        one.close()


@pytest.fixture(scope="module")
def author_notebook() -> str:
    return nbformat.writes(exercise.read_notebook(SMALL), version=4)


def digests() -> list[str]:
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in KEPT]


def learners(mark: str) -> list[str]:
    """Command lines of what a learner's code may have left: in our sandboxes, or cut loose from them."""
    left = []
    boxes = {box.process.pid for boxes in sandbox._idle.values() for box in boxes if box.process}
    ours = {process for box in boxes for process in zygote.family_of(box)}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = Path(f"/proc/{name}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            parent = int(zygote._stat(name)[1])
        except (OSError, IndexError):
            continue  # it ended
        loose = parent == 1 and mark in words and int(name) not in boxes | ours
        if loose or "31557" in words:
            left.append(words[:100])
    # of our own, those that stay are bwrap's two and the zygote itself, which has no children between jobs
    left += [f"child of a zygote: {child}" for box in boxes for child in zygote.family_of(zygote_of(box))]
    return left


def zygote_of(box: int) -> int:
    """The process that forks, below bubblewrap's own."""
    while b"bwrap" in Path(f"/proc/{box}/cmdline").read_bytes().split(b"\0")[0]:
        box = zygote.family_of(box)[0]
    return box


def traces() -> list[Path]:
    """Files that a learner's code has left anywhere."""
    folders = [Path(p) for p in ("/tmp", "/var/tmp", "/dev/shm", "/", "/root", "/run", "/home", SMALL.parent)]
    found = [
        path for folder in folders if os.access(folder, os.R_OK) for path in folder.glob("hostile-was-here*")
    ]
    return found + list(Path("/tmp").glob("classroom-*/**/hostile-was-here*"))


def eventually(look) -> list:
    """What `look` finds, once it finds nothing or does not get better."""
    for _ in range(40):
        if not (found := look()):
            break
        time.sleep(0.05)
    return found


def told(result: grading.Result) -> list[str]:
    """What the instructor reads, in lines."""
    lines = [*result.remarks, *result.flags, result.output]
    for score in result.scores:
        lines += [f"{score.id}: {text}" for text in (score.message, score.detail)]
    lines += [f"{name}: {text.strip().splitlines()[-1]}" for name, text in result.errors.items()]
    return [line for text in lines for line in text.splitlines()]


@pytest.mark.parametrize(("mode", "entry"), RUNS)
def test_a_hostile_submission_earns_what_it_deserves_and_harms_nobody(
    mode, entry: Hostile, small, listener, author_notebook, mark, tmp_path, monkeypatch
):
    if why := sandbox.probe(mode):
        pytest.skip(f"{mode}: {why}")
    monkeypatch.setenv("CLASSROOM_SECRET", "planted-secret")
    secret = tmp_path / "secret.txt"
    secret.write_text("planted-secret")
    facts, before = secret.stat(), digests()
    handed_in = tmp_path / "handed-in.ipynb"
    if entry.place:
        entry.place(handed_in)
    else:
        notebook = json.loads(author_notebook)
        for edit in entry.edits:
            notebook = edit(notebook)
        data = notebook if isinstance(notebook, bytes) else json.dumps(notebook).encode()
        places = {"TCP": listener.port, "UDP": listener.udp.getsockname()[1], "UNIX": listener.path,
                  "SECRET": secret, "SOURCE": SMALL}  # fmt: skip
        for name, value in places.items():
            data = data.replace(f"@{name}@".encode(), str(value).encode())
        handed_in.write_bytes(data)

    result = grading.grade_file(small, handed_in, mode, LIMITS)

    deserved = {name: 0.0 if name in entry.loses else points for name, points in FULL.items()}
    deserved["why"] = 0.0 if "why" in entry.loses else None
    explained = "\n".join(told(result))
    assert {score.id: score.points for score in result.scores} == deserved, explained
    assert result.max_score == 13
    assert re.search(entry.says, explained), explained
    shown = json.dumps({**result.as_json(), "answers": {}}, ensure_ascii=False)
    assert not entry.never or not re.search(entry.never, shown.replace("\\u", "")), shown
    shown.encode()  # no half of a character

    assert not eventually(lambda: learners(mark))
    assert not eventually(traces)
    assert not listener.heard()
    assert digests() == before
    after = secret.stat()
    assert (after.st_mode, after.st_mtime, after.st_uid) == (facts.st_mode, facts.st_mtime, facts.st_uid)
    assert secret.read_text() == "planted-secret"
    neighbour = grading.grade_bytes(small, author_notebook.encode(), mode, LIMITS)
    assert neighbour.score == 9, "\n".join(told(neighbour))
    assert not neighbour.remarks


def test_the_corpus_is_large_and_its_names_differ():
    assert len(CORPUS) >= 150
    assert len({entry.name for entry in CORPUS}) == len(CORPUS)
    assert sum(entry.landlock for entry in CORPUS) >= 12
    assert all(set(entry.loses) <= {*ALL, "why"} for entry in CORPUS)


def test_what_a_submission_leaves_is_seen(mark):
    """The checks themselves: a process and a file that are left are found."""
    with subprocess.Popen(["sleep", "31557"]) as left:
        assert any("31557" in words for words in learners(mark))
        left.kill()
    path = Path("/tmp/hostile-was-here-for-a-test")
    path.touch()
    assert path in traces()
    path.unlink()
