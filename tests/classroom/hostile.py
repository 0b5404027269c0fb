"""Submissions that cheat, break, or are merely odd; each with what it deserves.

An entry is made from the author's notebook of `small.md`, so that what it leaves alone is right. `loses` names the
tests that must earn nothing; all others must earn full marks. `says` is a pattern that one line of what the
instructor is told must match, `never` one that nothing in the result may match.

Code may hold @TCP@, @UDP@ and @UNIX@ (where the test listens), @SECRET@ (a file that must not be read) and @SOURCE@ (the
exercise's own source).
"""

# ruff: noqa: E501 - an entry is easier to read with its code in one line

import json
import os
import socket
import stat
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SOFTMAX = ("softmax-test", "softmax-in-place")
ROTATE = ("rotate-test", "rotate-in-place")
AFFINE = ("affine-test",)
ALL = (*SOFTMAX, *ROTATE, *AFFINE)
NOTHING = (*ALL, "why")  # no file: no essay either

GONE = "the process ended in this cell"
SLOW = "out of time: more than"


@dataclass(frozen=True)
class Hostile:
    name: str
    edits: tuple[Callable, ...] = ()
    loses: tuple[str, ...] = ()
    says: str = ""
    never: str = ""
    place: Callable[[Path], None] | None = None  # puts something other than a file at the path
    landlock: bool = False  # one of those that run in both kinds of sandbox


CORPUS: list[Hostile] = []


def add(name: str, *edits: Callable, **deserves) -> None:
    CORPUS.append(Hostile(name, edits, **deserves))


# ---- edits of a notebook: each takes it and gives it back, or the bytes of a file


def cell_of(notebook: dict, grade_id: str) -> dict:
    return next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == grade_id)


def put(**sources: str) -> Callable:
    """Other answers: softmax=…, rotate=…, affine=…, why=…."""

    def edit(notebook):
        for grade_id, source in sources.items():
            cell_of(notebook, grade_id)["source"] = clean(source)
        return notebook

    return edit


def first(source: str) -> Callable:
    """A cell of the learner's own before all others."""
    return lambda notebook: {**notebook, "cells": [code(source), *notebook["cells"]]}


def last(source: str) -> Callable:
    return lambda notebook: {**notebook, "cells": [*notebook["cells"], code(source)]}


def each(change: Callable) -> Callable:
    """A change of every cell; the cell goes where it gives None."""

    def edit(notebook):
        return {**notebook, "cells": [cell for cell in map(change, notebook["cells"]) if cell is not None]}

    return edit


def only(*grade_ids: str, **changes) -> Callable:
    """Change some cells: only("softmax", cell_type="raw")."""

    def edit(notebook):
        for grade_id in grade_ids:
            cell_of(notebook, grade_id).update(changes)
        return notebook

    return edit


def twice(grade_id: str, source: str | None = None, before: bool = False) -> Callable:
    """The cell a second time, with another source if one is given."""

    def edit(notebook):
        cell = cell_of(notebook, grade_id)
        copy = json.loads(json.dumps(cell)) | ({} if source is None else {"source": clean(source)})
        notebook["cells"].insert(notebook["cells"].index(cell) + (not before), copy)
        return notebook

    return edit


def as_bytes(change: Callable[[bytes], bytes]) -> Callable:
    return lambda notebook: change(json.dumps(notebook).encode())


def code(source: str) -> dict:
    return {
        "cell_type": "code",
        "metadata": {},
        "execution_count": None,
        "outputs": [],
        "source": clean(source),
    }


def clean(source: str) -> str:
    return textwrap.dedent(source).strip("\n")


def is_test(cell: dict) -> bool:
    return bool(cell["metadata"].get("nbgrader", {}).get("grade")) and cell["cell_type"] == "code"


# answers that are right and hold none of the author's words
FRESH = put(
    softmax="def softmax(x):\n    return torch.softmax(x, -1)",
    rotate="""
        def rotate(items, n):
            if n < 0:
                raise ValueError(n)
            return [*items[n:], *items[:n]]
    """,
    affine="""
        class Affine(nn.Module):
            def __init__(self, n_in, n_out):
                super().__init__()
                self.weight = nn.Parameter(torch.randn(n_out, n_in))
                self.bias = nn.Parameter(torch.randn(n_out))

            def forward(self, x):
                return nn.functional.linear(x, self.weight, self.bias)
    """,
    why="Since large exponentials overflow.",
)
WRONG = "def softmax(x):\n    return x"
LAZY = put(
    softmax="def softmax(x):\n    return 0 * x",
    rotate="def rotate(items, n):\n    return []",
    affine="class Affine(nn.Module):\n    pass",
)

# ---- the file itself

add("tests are edited and the answer is wrong",
    each(lambda cell: cell | {"source": "pass"} if is_test(cell) else cell), put(softmax=WRONG),
    loses=SOFTMAX, says="the test cell softmax-test was changed", landlock=True)  # fmt: skip
add(
    "tests are deleted",
    each(lambda cell: None if is_test(cell) else cell),
    says="the test cell rotate-test is missing",
)
add("tests are doubled", twice("rotate-test"), says="the cell rotate-test is there twice")
add(
    "tests became text",
    only("rotate-test", cell_type="markdown"),
    says="the test cell rotate-test was changed",
)
add(
    "tests are unlocked and worth a hundred points",
    each(
        lambda cell: {
            **cell,
            "metadata": {
                "nbgrader": cell["metadata"].get("nbgrader", {})
                | {"points": 100, "locked": False, "grade": False}
            },
        }
    ),
    put(softmax=WRONG),
    loses=SOFTMAX,
)
add(
    "an answer is there twice, right in the end",
    twice("softmax", WRONG, before=True),
    says="softmax is there twice",
)
add(
    "an answer is there twice, wrong in the end",
    twice("softmax", WRONG),
    loses=SOFTMAX,
    says="softmax is there twice",
)
add(
    "an answer became raw text", only("softmax", cell_type="raw"), says="the cell softmax was turned into raw"
)
add(
    "an answer has a kind that there is not",
    only("rotate", cell_type="\x1b[2J"),
    says="turned into another kind",
)
add("an answer is deleted", lambda notebook: notebook["cells"].remove(cell_of(notebook, "softmax")) or notebook,
    loses=SOFTMAX, says="the cell softmax is missing")  # fmt: skip
add(
    "all metadata is lost",
    each(lambda cell: cell | {"metadata": {}}),
    says="the cell affine had lost its mark",
)
add("an answer's metadata is lost", only("softmax", metadata={}), says="the cell softmax had lost its mark")
add("the essay's metadata is lost", only("why", metadata={}))
add(
    "metadata is of the wrong kinds",
    each(lambda cell: cell | {"metadata": None if cell["metadata"] else []}),
    says="had lost its mark",
)
add(
    "marks are of the wrong kinds",
    only("softmax", metadata={"nbgrader": {"grade_id": ["softmax"]}}),
    only("rotate", metadata={"nbgrader": "rotate"}),
    says="rotate had lost its mark",
)
add(
    "cells that are none",
    lambda notebook: notebook | {"cells": [None, 5, [], {}, {"source": 3}, *notebook["cells"]]},
)
add("the kernel is Julia's", lambda notebook: notebook | {"metadata": {"kernelspec": {"name": "julia"}}})
add("answers in another order", lambda notebook: notebook | {"cells": notebook["cells"][::-1]})
add("not JSON", as_bytes(lambda _: b"x = 5\n"), loses=NOTHING, says="no notebook: not JSON")
add("cut short", as_bytes(lambda data: data[: len(data) // 2]), loses=NOTHING, says="cut short")
add("empty", as_bytes(lambda _: b""), loses=NOTHING, says="no notebook")
add("bytes of nothing", as_bytes(lambda _: bytes(range(256)) * 40), loses=NOTHING, says="could not be graded")
add("zeros", as_bytes(lambda _: bytes(100_000)), loses=NOTHING, says="could not be graded")
add("JSON but no notebook", as_bytes(lambda _: b"[1, 2]"), loses=NOTHING, says="JSON, but no notebook")
add(
    "format 3",
    lambda n: {"nbformat": 3, "worksheets": [{"cells": n["cells"]}]},
    loses=NOTHING,
    says="a notebook of an old format: open and save it in Jupyter",
)
add("JSON nested deeply", as_bytes(lambda _: b"[" * 10_000_000), loses=NOTHING, says="parts|not JSON")
add(
    "JSON nested not quite too deeply",
    as_bytes(lambda data: data[:-1] + b', "x": ' + b"[" * 900 + b"]" * 900 + b"}"),
)
add("many parts in a small file", as_bytes(lambda _: b'{"cells": [' + b"{}," * 5_000_000 + b"{}]}"),
    loses=NOTHING, says="more parts than a notebook has")  # fmt: skip
add("numbers of many digits", as_bytes(lambda _: b"9" * 1_000_000), loses=NOTHING, says="could not be graded")
add("a byte order mark", as_bytes(lambda data: b"\xef\xbb\xbf" + data))
add("lines that end in carriage returns",
    each(lambda cell: cell | {"source": "".join(cell["source"]).replace("\n", "\r\n")}))  # fmt: skip
add("halves of characters", last("# \ud800"), twice("why", "\udfff"), says="why is there twice")
add("60 MB of output in the file", lambda notebook: notebook | {"cells": [
    code("1") | {"outputs": [{"output_type": "stream", "name": "stdout", "text": ["x, [y]\n" * 9_000_000]}]},
    *notebook["cells"]]})  # fmt: skip
add("a picture in the text", lambda notebook: notebook | {"cells": [
    {"cell_type": "markdown", "metadata": {}, "source": "![](data:image/png;base64," + "A" * 400_000 + ")"},
    *notebook["cells"]]})  # fmt: skip
add("a huge cell", last("x = '" + "a" * 300_000 + "'"), loses=NOTHING, says="a cell of 300,0.. characters")
add(
    "much code in many cells",
    *[last("a = 1\n" * 20_000)] * 5,
    loses=NOTHING,
    says="more than 500,000 characters of code",
)
add(
    "thousands of cells",
    lambda n: n | {"cells": n["cells"] + [code("1")] * 5_000},
    loses=NOTHING,
    says="cells, 2000 are",
)
add("many cells that fail", lambda n: n | {"cells": n["cells"] + [code("1 / 0")] * 900})
add("many magics in a cell", last("%matplotlib inline\n" * 600))
add("many blank lines in a cell", last("x = 1" + "\n" * 150_000 + " " * 40_000 + "y?"))
add("a long chain of attributes", last("a" + ".b" * 800), last("torch" + ".b" * 800 + " = 1"))
add("deep expressions", last("-" * 50_000 + "1"), last("(" * 50_000), last("a" + "[a" * 90 + "]" * 90))


def link(path: Path) -> None:
    path.symlink_to(path.parent / "secret.txt")


def a_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        here = os.getcwd()
        os.chdir(path.parent)  # the address of a socket has to be short
        made.bind(path.name)
        os.chdir(here)


def zero_device(path: Path) -> None:
    try:
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 5))  # /dev/zero: it would never end
    except PermissionError:
        os.mkfifo(path)


add("a symbolic link", place=link, loses=NOTHING, says="a symbolic link, which is not followed")
add("a pipe", place=os.mkfifo, loses=NOTHING, says="no plain file in place of a notebook")
add("a device", place=zero_device, loses=NOTHING, says="no plain file in place of a notebook")
add("a folder", place=Path.mkdir, loses=NOTHING, says="a directory in place of a notebook")
add("a socket", place=a_socket, loses=NOTHING, says="cannot be opened")
add("nothing at all", place=lambda path: None, loses=NOTHING, says="cannot be opened: No such file")

# ---- honest work that looks odd

add("warnings and logs", first("import logging, sys, warnings"), put(softmax="""
    logging.warning("made")
    def softmax(x):
        warnings.warn("careful")
        logging.error("called")
        print("no end of line", end="", file=sys.stderr)
        return torch.softmax(x, -1)
    """))  # fmt: skip
add("printing all the time", put(rotate="""
    def rotate(items, n):
        print(items, end="")
        if n < 0:
            raise ValueError
        return items[n:] + items[:n]
    """))  # fmt: skip
add("magics", first("%matplotlib inline\nimport time\n!ls\n%time 1 + 1\nfiles = !ls\n?print\nprint?"),
    first("%%time\nseen = 1\nseen += 1"), first("%%capture out\nprint(1)"), last("%timeit -n1 sum(range(9))"),
    last("%load_ext autoreload\n%autoreload 2\n!pip install torch"), last("assert seen == 2"))  # fmt: skip
add("an answer below a magic", put(softmax="%%time\ndef softmax(x):\n    return torch.softmax(x, -1)"))
add(
    "display at the top level",
    first("display(1, 'two')\nfrom IPython.display import display, HTML\ndisplay(HTML('x'))"),
)
add("helpers in cells of their own", first("import torch\ndef helper(x):\n    return torch.softmax(x, -1)"),
    put(softmax="def softmax(x):\n    return helper(x)"))  # fmt: skip
add("names in other scripts", put(softmax="""
    def softmax(x):
        größte, ﬁ, 数 = x.max(-1, keepdim=True).values, 1, 2
        return (x - größte).exp() / (x - größte).exp().sum(-1, keepdim=True)
    """))  # fmt: skip
add("cells of comments alone", first("# nothing"), last("# TODO\n\n# later"), last("'''text'''"))
add("standard output is closed", first("import sys\nsys.stdout.close()\nsys.stdout = None"), landlock=True)
add("a child that returns to the notebook", first("import os\nos.fork()"))
add(
    "threads that wait",
    first("import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()"),
)
add("a pool of processes", first("""
    import multiprocessing
    with multiprocessing.get_context("fork").Pool(2) as pool:
        print(pool.map(abs, [-1, -2]))
    """))  # fmt: skip

# ---- cells that fail: the others count

add("a syntax error in one cell", put(softmax="def softmax(x:\n    return x"), loses=SOFTMAX, says="softmax: .*SyntaxError",
    landlock=True)  # fmt: skip
add("an exception in one cell", put(softmax="1 / 0"), loses=SOFTMAX, says="softmax: .*ZeroDivisionError")
add("a null byte", put(softmax="def softmax(x): return x # \x00"), loses=SOFTMAX)
add("the function raises", put(softmax="def softmax(x):\n    raise KeyError('no such thing')"), loses=SOFTMAX,
    says="Your code raised KeyError: 'no such thing'")  # fmt: skip
add("a huge message", put(softmax="def softmax(x):\n    raise ValueError('x' * 50_000_000)"), loses=SOFTMAX,
    says="Your code raised ValueError: xxxx")  # fmt: skip
add("a message that cannot be made", put(softmax="""
    class Bad(Exception):
        def __str__(self):
            raise self
    def softmax(x):
        raise Bad
    """), loses=SOFTMAX, says="Your code raised Bad")  # fmt: skip
add("a message of control characters", put(softmax="""
    def softmax(x):
        print("\\x1b[2J\\x07")
        raise type("A\\nB" * 1000, (ValueError,), {})("\\x1b[31mred\\x00\\ud800\\u202e")
    """), loses=SOFTMAX, says="red", never="[\\x00\\x07\\x1b\\ud800\\u202e]")  # fmt: skip
for _name in ("SystemExit", "KeyboardInterrupt", "StopIteration", "GeneratorExit", "MemoryError", "BaseException",
              "UnicodeDecodeError('utf-8', b'', 0, 1, 'x')", "ExceptionGroup('x', [OSError()])"):  # fmt: skip
    add(f"the function raises {_name}", put(softmax=f"def softmax(x):\n    raise {_name}"), loses=SOFTMAX,
        says=f"Your code raised {_name.partition('(')[0]}")  # fmt: skip
add(
    "a recursion without end",
    put(softmax="def softmax(x):\n    return softmax(x)"),
    loses=SOFTMAX,
    says="RecursionError",
)
add("a recursion beyond the stack", put(softmax="""
    import sys
    sys.setrecursionlimit(1 << 30)
    class A:
        def __getattr__(self, name):
            return getattr(self, name + "a")
    def softmax(x):
        return A().b
    """), loses=SOFTMAX)  # fmt: skip
add(
    "the essay is as it was handed out",
    put(why="YOUR ANSWER HERE"),
    loses=("why",),
    says="No answer was given",
)

# ---- time

add("a cell without end", first("while True: pass"), says=SLOW, landlock=True)
add(
    "a function without end",
    put(softmax="def softmax(x):\n    while True: pass"),
    loses=SOFTMAX,
    says=SLOW,
    landlock=True,
)
add(
    "an answer without end",
    put(rotate="def rotate(items, n): return 1\nwhile True: pass"),
    loses=ROTATE,
    says=SLOW,
)
add("no end, and deaf to signals", first("""
    import signal
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    while True:
        try:
            while True: pass
        except BaseException:
            pass
    """), says=SLOW, landlock=True)  # fmt: skip
add("a module without end", first("""
    open("slow.py", "w").write("while True: pass")
    import sys
    sys.path.insert(0, ".")
    import slow
    """), says=SLOW)  # fmt: skip
add(
    "no end at a deletion",
    first("class A:\n    def __del__(self):\n        while True: pass\nA()"),
    says=SLOW,
)
add(
    "no end at the exit",
    first("import atexit, time\natexit.register(lambda: [time.sleep(1) for _ in iter(int, 1)])"),
)
add("a power without end", first("print(10 ** 10 ** 10)"), says=SLOW)
add("a pattern without end", put(rotate="""
    import re
    def rotate(items, n):
        return re.match(r"(a|a)*$", "a" * 60 + "b")
    """), loses=ROTATE, says=SLOW)  # fmt: skip
add(
    "a bomb by clock",
    first("import signal, time\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\nsignal.alarm(1)"),
)
add("printing without end", first("while True: print('x' * 9999)"), says=f"{SLOW}|printed")
add("60 MB are printed", first("print('x' * 60_000_000)"), says="it printed 60,000,001 bytes")

# ---- processes

add("a fork bomb", first("""
    import os
    while True:
        try:
            os.fork()
        except OSError:
            pass
    """), says=f"more than 16 processes|{SLOW}", landlock=True)  # fmt: skip
add("a bomb of threads", first("""
    import threading, time
    while True:
        threading.Thread(target=time.sleep, args=(100,)).start()
    """))  # fmt: skip
add("a process that outlives its parent", first("""
    import os, socket, time
    if not os.fork():
        os.setsid()
        if not os.fork():
            time.sleep(1)
            for fd in range(3, 64):
                try:
                    os.write(fd, b"late")
                except OSError:
                    pass
            try:
                open("/tmp/hostile-was-here", "w")
            except OSError:
                pass
            try:
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"late", ("127.0.0.1", @UDP@))
            except OSError:
                pass
            time.sleep(31557)
        os._exit(0)
    """), landlock=True)  # fmt: skip
add("a program that stays", first("""
    import subprocess
    print(subprocess.Popen(["setsid", "nohup", "sleep", "31557"]))
    """), landlock=True)  # fmt: skip
add("it leaves", first("import os\nos._exit(0)"), says=GONE, landlock=True)
add("it exits", first("import sys\nsys.exit(0)"), says="SystemExit")
add(
    "the function leaves",
    put(rotate="import os\ndef rotate(items, n):\n    os._exit(0)"),
    loses=ROTATE,
    says=GONE,
)
add("it kills all it can reach", first("""
    import os, signal
    for victim in (os.getppid(), -1, 1, 2, 3):
        try:
            os.kill(victim, signal.SIGKILL)
        except OSError as error:
            print(error)
    """), landlock=True)  # fmt: skip
add("it kills its group", first("import os\nos.kill(0, 9)"), landlock=True)
add("it stops itself", first("import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)"), landlock=True)
add("it crashes", first("import ctypes\nctypes.string_at(0)"), says=GONE)
add(
    "the function crashes",
    put(softmax="import ctypes\ndef softmax(x):\n    ctypes.string_at(0)"),
    loses=SOFTMAX,
    says=GONE,
)
add("it aborts", first("import os\nos.abort()"), says=GONE)
add("it closes every descriptor", first("import os\nos.closerange(0, 256)"), says=GONE, landlock=True)

# ---- memory and disk

add("memory: a list", first("x = []\nwhile True: x.append(bytearray(1 << 20))"))
add("memory: tensors", first("import torch\nx = [torch.ones(1 << 20) for _ in range(100_000)]"))
add("memory: one tensor", put(softmax="def softmax(x):\n    return torch.ones(1 << 40)"), loses=SOFTMAX)
add("memory: the function", put(rotate="def rotate(items, n):\n    return bytearray(1 << 40)"), loses=ROTATE,
    says="MemoryError")  # fmt: skip
add("memory: shared and mapped", first("""
    import mmap
    x = []
    while True:
        x.append(mmap.mmap(-1, 1 << 24))
        x[-1].write(b"x" * (1 << 24))
    """), landlock=True)  # fmt: skip
add("memory: many processes", first("""
    import os, time
    for _ in range(8):
        if not os.fork():
            x = bytearray(b"x" * (150 << 20))
            time.sleep(60)
    time.sleep(60)
    """), says=f"out of memory: more than 512 MB|{SLOW}")  # fmt: skip
add("memory: /dev/shm", first("""
    for name in range(10_000):
        with open(f"/dev/shm/hostile-was-here-{name}", "wb") as file:
            file.write(bytes(1 << 20))
    """), says="(OSError|PermissionError|FileNotFoundError)", landlock=True)  # fmt: skip
add("memory: without a name", first("import os\nos.memfd_create('x')"), says="PermissionError")
add("disk: one large file", first("""
    with open("hostile-was-here", "wb") as file:
        while True:
            file.write(bytes(1 << 20))
    """), says=f"OSError|MB of files|{SLOW}", landlock=True)  # fmt: skip
add("disk: many small files", first("""
    for name in range(10_000_000):
        open(f"hostile-was-here-{name}", "w").close()
    """), says=f"OSError|MB of files|{SLOW}", landlock=True)  # fmt: skip
add("disk: folders in folders", first("""
    import os
    for _ in range(30_000):
        os.mkdir("d")
        os.chdir("d")
    open("hostile-was-here", "w").write("x")
    """), landlock=True)  # fmt: skip
add("disk: a folder that cannot be looked into", first("""
    import os
    os.mkdir("d", 0o300)
    open("d/hostile-was-here", "w").write("x")
    os.mkdir("d/d", 0)
    """), landlock=True)  # fmt: skip
add("files wherever one may write", first("""
    import os
    for folder in ("/tmp", "/var/tmp", "/dev", "/dev/shm", "/dev/pts", "/run", "/home", "/root", "/", "/usr", "/etc", "..",
                   os.path.dirname("@SECRET@"), os.path.dirname("@SOURCE@"), "/proc", "/sys", "/tmp/work"):
        try:
            open(f"{folder}/hostile-was-here", "w").write("x")
        except OSError:
            pass
    """), landlock=True)  # fmt: skip
add("the grader's files are emptied, moved and given away", first("""
    import os
    import torch
    for path in ("@SECRET@", "@SOURCE@", torch.__file__):
        for change in (lambda: os.truncate(path, 0), lambda: os.chmod(path, 0o777), lambda: os.utime(path, (0, 0)),
                       lambda: os.remove(path), lambda: os.rename(path, path + "x"), lambda: os.chown(path, 1, 1),
                       lambda: os.symlink(path, path + "x"), lambda: os.setxattr(path, "user.x", b"x"),
                       lambda: os.fchmod(os.open(path, os.O_RDONLY), 0), lambda: open(path, "a"),
                       lambda: os.open(path, os.O_RDONLY | os.O_TRUNC)):
            try:
                change()
                print("DONE", path)
            except OSError:
                pass
    """), never="DONE", landlock=True)  # fmt: skip

# ---- patches of its own process: they reach no test

add("the comparisons are patched", first("""
    import builtins, math, random
    import numpy, torch
    torch.testing.assert_close = lambda *a, **k: None
    torch.allclose = torch.equal = lambda *a, **k: True
    torch.Tensor.__eq__ = lambda *a: torch.tensor(True)
    torch.Tensor.softmax = lambda x, *a: x
    torch.randn = torch.zeros
    random.random = random.randint = lambda *a: 0
    math.sqrt = math.isclose = lambda *a: 1
    numpy.allclose = lambda *a, **k: True
    """), LAZY, loses=ALL, says="wrong on small scores", landlock=True)  # fmt: skip
add("the builtins are patched", first("""
    import builtins
    import torch
    for name in ("abs", "isinstance", "len", "all", "any", "sum", "repr", "float", "AssertionError", "sorted"):
        setattr(builtins, name, lambda *a, **k: True)
    """), LAZY, loses=ALL)  # fmt: skip
add("modules are replaced", first("""
    import sys, types
    for name in list(sys.modules):
        if name.startswith(("torch", "classroom", "numpy")):
            sys.modules[name] = types.ModuleType(name)
    """), LAZY, loses=ALL)  # fmt: skip
add("all modules are gone", first("import sys\nsys.modules.clear()"), LAZY, loses=ALL)
add("IPython rewrites the cells", first("""
    get_ipython().input_transformers_cleanup.append(lambda lines: ["pass"])
    """), first("get_ipython().ast_transformers.append(None)"), LAZY, loses=ALL)  # fmt: skip
for _name in ("student.explain", "student.words_of", "values.encode", "values.decode", "wire.send", "wire.receive",
              "student.Student.picture", "student.Student.refer", "student.Student.answer", "exercise.python"):  # fmt: skip
    add(f"{_name} is patched", first(f"""
        from classroom import exercise, student, values, wire
        {_name} = lambda *a, **k: True
        """), LAZY, loses=ALL)  # fmt: skip
add("tracing", first("""
    import sys
    def trace(frame, event, argument):
        for name in list(frame.f_locals):
            frame.f_locals[name] = True
        return trace
    sys.settrace(trace)
    """), LAZY, loses=ALL)  # fmt: skip

# ---- answers that lie: an object may not decide a test

LIAR = """
class Liar{bases}:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __hash__(self): return 0
    def __bool__(self): return True
    def __sub__(self, other): return 0.0
    __rsub__ = __add__ = __mul__ = __abs__ = lambda self, *a: self
    def __lt__(self, other): return True
    __le__ = __gt__ = __ge__ = __contains__ = __lt__
    def __float__(self): return 1.0
    def allclose(self, *a, **k): return True
    equal = close = isclose = allclose
"""
for _base in ("int", "float", "str", "list", "tuple", "dict", "object"):
    add(f"a liar of type {_base}", put(softmax=clean(LIAR.format(bases=f"({_base})")) + "\ndef softmax(x): return Liar()",
        rotate="def rotate(items, n): return Liar()"),
        loses=(*SOFTMAX, *ROTATE), says="gave an object of type Liar, where a plain value is wanted",
        landlock=_base == "float")  # fmt: skip
add("a tensor with functions of its own", put(softmax="""
    class Liar(torch.Tensor):
        @classmethod
        def __torch_function__(cls, function, types, args=(), kwargs=None):
            return True
    def softmax(x):
        return torch.zeros(1).as_subclass(Liar)
    """), loses=SOFTMAX, says="gave an object of type Liar", landlock=True)  # fmt: skip
add("a class that is faked", put(softmax="""
    class Liar:
        __class__ = torch.Tensor
        shape = (3, 5)
        def __getattr__(self, name): return lambda *a, **k: self
    def softmax(x):
        return Liar()
    """, rotate="""
    class Yes:
        def __getattr__(self, name): return Yes()
        def __call__(self, *a, **k): return Yes()
        def __iter__(self): return iter([])
    def rotate(items, n):
        return Yes()
    """), loses=(*SOFTMAX, *ROTATE), says="softmax\\(\\) gave an object of type Liar")  # fmt: skip
add("a module that accepts all", put(affine="""
    class Affine(nn.Module):
        def __init__(self, *a): super().__init__()
        def __getattr__(self, name): return torch.zeros(2, 3, requires_grad=True)
        def forward(self, x): return x
    """), loses=AFFINE)  # fmt: skip
add(
    "a module that is none",
    put(affine="class Affine:\n    def __init__(self, *a): pass"),
    loses=AFFINE,
    says="no module",
)
add("an array with a type of its own", put(softmax="""
    import numpy as np
    class Liar(np.ndarray):
        def __array_ufunc__(self, *a, **k): return True
    def softmax(x):
        return np.zeros((3, 5)).view(Liar)
    """), loses=SOFTMAX, says="gave an object of type Liar")  # fmt: skip
add("objects inside a list", put(rotate=clean(LIAR.format(bases="(str)")) + "\ndef rotate(items, n): return [Liar()] * 3"),
    loses=ROTATE)  # fmt: skip
add("a generator", put(rotate="def rotate(items, n):\n    yield from items[n:]\n    yield from items[:n]"), loses=ROTATE,
    says="gave an object of type generator")  # fmt: skip
add("not a number", put(softmax="def softmax(x):\n    return x * float('nan')"), loses=SOFTMAX)
add("infinities", put(softmax="def softmax(x):\n    return x / 0"), loses=SOFTMAX)
add("a large integer", put(rotate="def rotate(items, n):\n    return 1 << 500"), loses=ROTATE)
add(
    "an integer too large",
    put(rotate="def rotate(items, n):\n    return 1 << 20000"),
    loses=ROTATE,
    says="cannot be sent",
)
add("a value that contains itself", put(rotate="def rotate(items, n):\n    x = []\n    x.append(x)\n    return x"),
    loses=ROTATE, says="cannot be sent")  # fmt: skip
add(
    "a value too large",
    put(rotate="def rotate(items, n):\n    return bytes(100 << 20)"),
    loses=ROTATE,
    says="cannot be sent",
)
add(
    "nothing is returned",
    put(softmax="def softmax(x):\n    x.softmax(-1)"),
    loses=SOFTMAX,
    says="is a return missing",
)
add("the gradient is a lie", put(affine="""
    class Lie(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x): return x.clone()
        @staticmethod
        def backward(ctx, grad): return grad * 0
    class Affine(nn.Module):
        def __init__(self, n_in, n_out):
            super().__init__()
            self.weight, self.bias = nn.Parameter(torch.randn(n_out, n_in)), nn.Parameter(torch.randn(n_out))
        def forward(self, x): return Lie.apply(x @ self.weight.T + self.bias)
    """), loses=AFFINE, says="the gradient of x is wrong")  # fmt: skip
add("the gradient is cut", put(affine="""
    class Affine(nn.Module):
        def __init__(self, n_in, n_out):
            super().__init__()
            self.weight, self.bias = nn.Parameter(torch.randn(n_out, n_in)), nn.Parameter(torch.randn(n_out))
        def forward(self, x): return (x @ self.weight.T + self.bias).detach()
    """), loses=AFFINE)  # fmt: skip
add("the backward pass never ends", put(affine="""
    class Lie(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x): return x.clone()
        @staticmethod
        def backward(ctx, grad):
            while True: pass
    class Affine(nn.Module):
        def __init__(self, n_in, n_out):
            super().__init__()
            self.weight, self.bias = nn.Parameter(torch.randn(n_out, n_in)), nn.Parameter(torch.randn(n_out))
        def forward(self, x): return Lie.apply(x @ self.weight.T + self.bias)
    """), loses=AFFINE, says=SLOW)  # fmt: skip

# ---- inputs changed in place

add("a tensor is changed in place", put(softmax="""
    def softmax(x):
        x.sub_(x.max(-1, keepdim=True).values).exp_()
        x.div_(x.sum(-1, keepdim=True))
        return x
    """), loses=("softmax-in-place",), says="the input was changed", landlock=True)  # fmt: skip
add("a list is changed in place", put(rotate="""
    def rotate(items, n):
        if n < 0:
            raise ValueError
        items[:] = items[n:] + items[:n]
        return list(items)
    """), loses=ROTATE, says="the list was changed")  # fmt: skip
add("inputs become what is returned", put(softmax="""
    def softmax(x):
        x.zero_()
        return torch.full_like(x, 1 / x.shape[-1])
    """, rotate="""
    def rotate(items, n):
        items.clear()
        return []
    """), loses=(*SOFTMAX, *ROTATE))  # fmt: skip
# who denies a change has in effect worked on a copy: the test's input is what it was
add("a change in place is denied", first("from classroom import student\nstudent.Student.picture = lambda *a: 0"), put(softmax="""
    def softmax(x):
        x.sub_(x.max(-1, keepdim=True).values).exp_()
        return x.div_(x.sum(-1, keepdim=True))
    """))  # fmt: skip
add("a change in place is made up", first("""
    from classroom import student, wire
    real = wire.send
    def send(fd, message, blobs=()):
        if "leaves" in message:
            message["changed"] = {"tuple": [{"tuple": [0, {"list": []}, 1]}, {"dict": []}]}
        real(fd, message, blobs)
    wire.send = send
    """), loses=ROTATE, says="the list was changed")  # fmt: skip
add("an argument becomes an object", put(rotate=clean(LIAR.format(bases="")) + """
def rotate(items, n):
    items[:] = [Liar()] * len(items)
    return [Liar()]
"""), loses=ROTATE)  # fmt: skip

# ---- what stands in the way of the messages

FORGE = """
import json, os, struct
def forge(message, data=b"", n_text=None, n_data=None):
    text = message if isinstance(message, bytes) else json.dumps(message).encode()
    n_text, n_data = len(text) if n_text is None else n_text, len(data) if n_data is None else n_data
    for fd in range(3, 256):
        try:
            os.write(fd, struct.pack("<IQ", n_text, n_data) + text + data)
        except OSError:
            pass
"""
FORGERIES = {
    "raw bytes": "b'x', n_text=1",
    "a length of four gigabytes": "b'', n_text=(1 << 32) - 1",
    "a length beyond all": "b'1', n_data=(1 << 64) - 1",
    "JSON nested deeply": "b'[' * 60_000",
    "a list": "[1, 'error']",
    "a number": "5",
    "no value": "{'value': {'unknown': 1}}",
    "an error of the wrong kind": "{'error': {'name': 1}}",
    "an error of numbers": "{'error': [1, [2], {}]}",
    "a list of nothing": "{'value': {'list': 5}}",
    "an object of the wrong kind": "{'value': {'object': ['x', 'y']}}",
    "a tensor without its bytes": "{'value': {'tensor': ['torch.float32', [3, 5], 60]}}",
    "a huge tensor": "{'value': {'tensor': ['torch.float32', [1 << 30, 1 << 30], 0]}}",
    "a tensor of text": "{'value': {'tensor': ['torch.float32', 'abc', 'd']}}",
    "an array of objects": "{'value': {'ndarray': ['|O8', [1], 8]}}, b'12345678'",
    "a fraction that takes for ever": "{'value': {'Fraction': ['1e999999999', 1]}}",
    "a leaf of integers": "{'value': {'leaf': [{'tensor': ['torch.int64', [1], 8]}, None, 0, True]}}, b'12345678'",
    "a branch of a list": "{'value': {'branch': [{'list': []}, [0]]}}",
    "keys that cannot be": "{'value': {'dict': [[{'list': []}, 1]]}}",
    "values nested deeply": """b'{"value": ' + b'{"list": [' * 2_000 + b'1' + b']}' * 2_000 + b'}'""",
    "a device that is none": "{'value': {'device': 'nonsense'}}",
}
for _name, _message in FORGERIES.items():
    add(f"forged: {_name}", first(FORGE), put(softmax=f"def softmax(x):\n    forge({_message})\n    return x"),
        loses=SOFTMAX, says=GONE, landlock=_name == "raw bytes")  # fmt: skip
INSTEAD = """
from classroom import wire
real = wire.send
def send(fd, message, blobs=()):
    if "leaves" in message:
        {change}
    real(fd, message, blobs)
wire.send = send
"""
for _name, _change in {
    "not a number": "message = {'value': float('nan')}",
    "an integer of 4000 digits": "message = {'value': int('9' * 4000)}",
    "an object that is not there": "message = {'value': {'object': [10**9, ['torch.Tensor', 'builtins.list']]}}",
    "a module that is not there": "message = {'value': {'object': [10**9, ['torch.nn.modules.module.Module']]}}",
    "an object with no class": "message = {'value': {'object': [0, []]}}",
    "a bool that is neither": "message, blobs = {'value': {'tensor': ['torch.bool', [], 1]}}, [bytes([2])]",
    "many numbers": "message = {'value': {'list': [7] * 200_000}}",
    "leaves of the wrong number": "message = {'value': 1, 'leaves': list(range(100))}",
}.items():
    add(f"instead of the value: {_name}", first(INSTEAD.format(change=_change)), loses=ALL)
add("each answer is sent twice", first(INSTEAD.format(change="real(fd, message, blobs)")), LAZY, loses=ALL)
add("gradients of the wrong shape", first("""
    from classroom import student
    real = student.Student.answer
    def answer(self, message, blobs):
        if message[0] == "backward":
            return {"value": {"list": [{"tensor": ["torch.float32", [1], 4]}]}}, [b"1234"]
        return real(self, message, blobs)
    student.Student.answer = answer
    """), loses=AFFINE, says=GONE)  # fmt: skip

# ---- what must stay secret, and who must stay in

SEEK = """
import gc, os, re, sys
# a class of one letter, so that the pattern does not find itself
WANTED = re.compile("[o]nly-the-author-knows|[t]he-author-wrote-this|[p]lanted-secret")
def seen(text, where):
    if WANTED.search(str(text)):
        print("FO" + "UND", where, str(text)[:100])
"""
SECRET = "FOUND|only-the-author-knows|the-author-wrote-this|planted-secret"
add("frames and objects are searched", FRESH, first(SEEK + """
frame = sys._getframe()
while frame:
    for name, value in {**frame.f_locals, **frame.f_globals}.items():
        seen(repr(value), name)
    frame = frame.f_back
for thing in gc.get_objects():
    try:
        if type(thing) in (dict, list, tuple):
            for item in (thing.values() if type(thing) is dict else thing):
                if type(item) in (str, bytes):
                    seen(item, "gc")
    except Exception:
        pass
"""), never=SECRET, landlock=True)  # fmt: skip
add("memory is searched", FRESH, first(SEEK + """
import ctypes
libc = ctypes.CDLL(None)
regions = {id(thing) >> 20 for thing in gc.get_objects()} | {id(str(n)) >> 20 for n in range(10_000)}
pattern = re.compile(WANTED.pattern.encode())
fd = os.open("memory", os.O_RDWR | os.O_CREAT)
for region in sorted(r + near for r in regions for near in (-1, 0, 1)):
    for page in range(region << 20, region + 1 << 20, 1 << 16):  # a write of what may not be read is refused
        n = libc.pwrite(fd, ctypes.c_void_p(page), ctypes.c_size_t(1 << 16), ctypes.c_long(0))
        held = os.pread(fd, n, 0) if n > 0 else b""
        if b"-the-author-" in held and pattern.search(held):
            print("FO" + "UND", pattern.search(held))
print("searched to the end")
"""), says="searched to the end", never=SECRET, landlock=True)  # fmt: skip
add("files are searched", FRESH, first(SEEK + """
for path in ["@SECRET@", "@SOURCE@"]:
    try:
        print("FO" + "UND", open(path).read())
    except OSError as error:
        print(error)
n = 0
for root in ("/proc", "/tmp", "/root", "/home", os.path.dirname("@SOURCE@"), os.path.dirname("@SECRET@"), "/dev", "/run",
             "/var", "/mnt", "/work", "/etc", ".."):
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in (".venv", "site-packages", "versions", "lib")]
        for name in names:
            n += 1
            try:
                path = os.path.join(folder, name)
                if n < 3000 and (os.path.isfile(path) and os.path.getsize(path) < 100_000):
                    seen(open(path, errors="replace").read(100_000), path)
            except OSError:
                pass
seen(dict(os.environ), "environment")
"""), never=SECRET, landlock=True)  # fmt: skip
add("the network is tried", first("""
    import socket
    for family, kind, address in (
        (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", @TCP@)),
        (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", @UDP@)),
        (socket.AF_UNIX, socket.SOCK_STREAM, "@UNIX@"),
        (socket.AF_UNIX, socket.SOCK_STREAM, "\\0classroom-hostile-@TCP@"),
        (socket.AF_INET, socket.SOCK_RAW, ("127.0.0.1", 1)),
        (socket.AF_NETLINK, socket.SOCK_RAW, (0, 0)),
        (socket.AF_INET6, socket.SOCK_STREAM, ("::1", @TCP@)),
    ):
        try:
            with socket.socket(family, kind) as made:
                made.connect(address)
                made.send(b"hello")
                print("SE" + "NT", address)
        except OSError as error:
            print(error)
    """), first("import socket\nprint('SE' + 'NT', socket.getaddrinfo('example.com', 80))"),
    first("import urllib.request\nurllib.request.urlopen('http://127.0.0.1:@TCP@/')"), never="SENT", landlock=True)  # fmt: skip
add("a name that is no text", first("""
    import ctypes
    ctypes.CDLL(None).prctl(15, b"\\xc3) 1 (\\xff", 0, 0, 0)
    """), landlock=True)  # fmt: skip
add("rights are asked for", first("""
    import ctypes, os
    libc = ctypes.CDLL(None, use_errno=True)
    def tried(name, result):
        if result >= 0:
            print("GOT", name)
    tried("setuid", libc.setuid(0) if os.getuid() else -1)
    tried("setgid", libc.setgid(0) if os.getgid() else -1)
    for flags in (0x10000000, 0x20000, 0x40000000, 0x20000000, 0x4000000):
        tried("unshare", libc.unshare(flags))
        tried("clone", libc.syscall(56, flags | 17, 0, 0, 0, 0))
    tried("mount", libc.mount(b"none", b"/tmp", b"tmpfs", 0, b""))
    tried("umount", libc.umount2(b"/proc", 2))
    tried("remount", libc.mount(None, b"/tmp", None, 0x1020, None))
    tried("chroot", libc.chroot(b"/tmp"))
    tried("ptrace parent", libc.ptrace(16, os.getppid() or 1, 0, 0))
    tried("ptrace me", libc.ptrace(0, 0, 0, 0))
    tried("bpf", libc.syscall(321, 0, 0, 0))
    tried("keyctl", libc.syscall(250, 0, -3, 1))
    tried("io_uring", libc.syscall(425, 8, ctypes.create_string_buffer(256)))
    tried("pidfd", libc.syscall(434, os.getppid() or 1, 0))
    tried("setpriority of others", libc.setpriority(0, os.getppid(), 19) if os.getppid() else -1)
    tried("sethostname", libc.sethostname(b"x", 1))
    tried("mknod", libc.mknod(b"x", 0o020666, (1 << 8) | 1))
    tried("capset", libc.capset(ctypes.byref((ctypes.c_uint32 * 2)(0x20080522, 0)),
                                ctypes.byref((ctypes.c_uint32 * 6)(*[0xFFFFFFFF] * 6))))
    tried("dumpable again", -1 if libc.prctl(39, 0, 0, 0, 0) == 1 else 0)
    tried("memfd", libc.syscall(319, b"x", 0))
    tried("shmget", libc.shmget(0, 4096, 0o1666))
    """), never="GOT", landlock=True)  # fmt: skip
