"""classroom.confinement: what a process has given up it cannot do; each in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from classroom import confinement

ROOT = Path(__file__).parents[2]
linux = pytest.mark.skipif(
    not sys.platform.startswith("linux") or not confinement.can_filter_calls(),
    reason="Linux on x86-64 or ARM",
)
landlocked = pytest.mark.skipif(confinement.landlock_version() < 3, reason="no Landlock")
PRELUDE = f"""
import ctypes, json, os, signal, socket, subprocess, sys
sys.path.insert(0, {str(ROOT)!r})
from classroom import confinement
libc = ctypes.CDLL(None, use_errno=True)
found = {{}}
def tried(name, action):
    try:
        result = action()
        if type(result) is int and result < 0:
            result = "refused" if ctypes.get_errno() in (1, 38) else f"error {{ctypes.get_errno()}}"
        else:
            result = "done"
    except PermissionError:
        result = "refused"
    except OSError as error:
        result = f"error {{error.errno}}"
    found[name] = result
"""


def confined(code: str) -> dict:
    """What `found` holds in the end."""
    done = subprocess.run(
        [sys.executable, "-c", f"{PRELUDE}\n{code}\nprint(json.dumps(found))"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@linux
@pytest.mark.parametrize("alone", [True, False])
def test_filtered_calls_are_refused_and_the_others_are_not(alone):
    found = confined(f"""
confinement.filter_calls(alone={alone})
tried("socket", lambda: socket.socket())
tried("unix socket", lambda: socket.socket(socket.AF_UNIX))
tried("memfd", lambda: os.memfd_create("x"))
tried("unshare", lambda: libc.unshare(0x10000000))
tried("ptrace", lambda: libc.ptrace(16, os.getppid(), 0, 0))
tried("keys", lambda: libc.syscall(250 if os.uname().machine == "x86_64" else 219, 0, -3, 1))
tried("pair", socket.socketpair)
tried("fork", lambda: os.waitpid(os.fork() or os._exit(0), 0))
tried("program", lambda: subprocess.run(["true"], check=True))
tried("thread", lambda: __import__("threading").Thread(target=int).start())
tried("kill me", lambda: os.kill(os.getpid(), 0))
""")
    refused = {name for name, result in found.items() if result == "refused"}
    assert refused == {"socket", "unix socket", "memfd", "unshare", "ptrace", "keys"}


@linux
def test_a_process_that_is_not_alone_reaches_no_other(tmp_path):
    path = tmp_path / "file"
    path.write_text("x")
    with subprocess.Popen(["sleep", "100"]) as other:
        found = confined(f"""
import fcntl, resource
other, path = {other.pid}, {str(path)!r}
confinement.filter_calls(alone=False)
tried("kill", lambda: os.kill(other, 0))
tried("kill all", lambda: os.kill(-1, 0))
tried("limits", lambda: resource.prlimit(other, resource.RLIMIT_NOFILE))
tried("priority", lambda: os.setpriority(os.PRIO_PROCESS, other, 5))
tried("scheduler", lambda: os.sched_setscheduler(other, os.SCHED_BATCH, os.sched_param(0)))
tried("affinity", lambda: os.sched_setaffinity(other, {{0}}))
tried("signal by file", lambda: fcntl.fcntl(os.pipe()[0], fcntl.F_SETOWN, other))
tried("mode", lambda: os.chmod(path, 0o777))
tried("mode by descriptor", lambda: os.fchmod(os.open(path, os.O_RDONLY), 0o777))
tried("owner", lambda: os.chown(path, os.getuid(), -1))
tried("times", lambda: os.utime(path, (0, 0)))
tried("attribute", lambda: os.setxattr(path, "user.x", b"x"))
""")
        other.kill()
    assert set(found.values()) == {"refused"}, found
    assert path.stat().st_mtime > 0


@linux
def test_the_filter_is_inherited_by_programs():
    found = confined("""
confinement.filter_calls(alone=True)
code = "import socket\\ntry:\\n    socket.socket()\\nexcept PermissionError:\\n    print('refused')"
found["child"] = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip()
""")
    assert found == {"child": "refused"}


@linux
@landlocked
def test_landlock_lets_read_and_write_where_it_is_allowed_alone(tmp_path):
    for name in ("read", "write", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("x")
    found = confined(f"""
base = {str(tmp_path)!r}
confinement.landlock([base + "/read"], [base + "/write"])
for name in ("read", "write", "other"):
    path = f"{{base}}/{{name}}/file"
    tried("read " + name, lambda: bool(open(path).read()))
    tried("append " + name, lambda: bool(open(path, "a")))
    tried("truncate " + name, lambda: os.truncate(path, 0))
    tried("make " + name, lambda: os.mkdir(f"{{base}}/{{name}}/new"))
    tried("remove " + name, lambda: os.remove(path))
tried("list other", lambda: bool(os.listdir(base + "/other")))
tried("tcp", lambda: socket.create_connection(("127.0.0.1", 9)))
""")
    allowed = {name for name, result in found.items() if result == "done"}
    assert allowed == {
        "read read",
        "read write",
        "append write",
        "truncate write",
        "make write",
        "remove write",
    }
    assert found["tcp"] == "refused" or confinement.landlock_version() < 4


@linux
def test_no_capability_is_left_and_none_comes_back():
    found = confined("""
confinement.drop_capabilities()
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
found |= {name: int(status[name], 16) for name in ("CapEff", "CapPrm", "CapInh")}
found["NoNewPrivs"] = int(status["NoNewPrivs"])
""")
    assert found == {"CapEff": 0, "CapPrm": 0, "CapInh": 0, "NoNewPrivs": 1}


@linux
def test_limits_bound_memory_files_and_descriptors():
    found = confined("""
confinement.limit(64 << 20, 1 << 20, 4096, 100)
try:
    bytearray(200 << 20)
    found["memory"] = "done"
except MemoryError:
    found["memory"] = "refused"
os.chdir(os.environ.get("TMPDIR", "/tmp"))
def write():
    with open("classroom-limit-test", "wb") as file:
        file.write(bytes(2 << 20))
tried("file", write)
os.remove("classroom-limit-test")
tried("descriptors", lambda: [os.dup(1) for _ in range(300)])
""")
    assert found == {"memory": "refused", "file": "error 27", "descriptors": "error 24"}


def test_the_tables_of_calls_are_whole():
    for table in (confinement.CALLS, confinement.UNSEEN, confinement.TO_OTHERS):
        for column in (0, 1):
            numbers = [both[column] for both in table.values() if both[column] is not None]
            assert len(set(numbers)) == len(numbers)
    assert not set(confinement.CALLS) & set(confinement.TO_OTHERS)


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="Linux")
def test_the_version_of_landlock_is_a_number():
    assert confinement.landlock_version() >= 0
