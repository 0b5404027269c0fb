"""classroom.flags: what a human should look at is pointed out, once, and costs nothing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classroom import flags
from classroom.submission import Extra, Submission

USES = {
    "import os": ["import os"],
    "import os.path as p, math": ["import os.path"],
    "from subprocess import run": ["import subprocess"],
    "eval('1')": ["eval()"],
    "open('x').read()": ["open()"],
    "f.__globals__": ["__globals__"],
    "import sys\nsys._getframe().f_back": ["f_back", "_getframe"],
    "torch.equal = print": ["torch.equal = …"],
    "torch.testing.assert_close = print": ["torch.testing.assert_close = …"],
    "x.y = 1": [],
    "model.eval()": [],
    "%%time\nimport os": ["import os"],
    "!ls\nimport os": ["import os"],
    "import os (": [],
}


@pytest.mark.parametrize("source", USES)
def test_what_an_exercise_hardly_needs_is_found(source):
    assert flags.uses(source) == USES[source]


def test_a_forbidden_name_is_found_however_it_is_reached():
    names = ["softmax", "torch.nn.functional.softmax", "attend"]
    assert flags.forbidden("x.softmax(-1)", names) == ["softmax"]
    assert flags.forbidden("torch.nn.functional.softmax(x)", names) == names[:2]
    assert flags.forbidden("from torch import softmax as s", names) == ["softmax"]
    assert flags.forbidden("attend(q)", names) == ["attend"]
    assert flags.forbidden("def softmax(x): 'softmax attend'", names) == []


def test_a_flag_is_raised_once_and_not_for_what_the_author_uses(small):
    found = Submission(
        {"softmax": "import os\nimport os\neval('1')", "why": "import os"},
        [Extra(0, "import gc"), Extra(1, "(")],
    )
    assert flags.of(small, found) == [
        "softmax uses import os",
        "softmax uses eval()",
        "extra cell 1 uses import gc",
    ]
    own = Submission({cell.id: cell.source for cell in small.of("answer")})
    assert flags.of(small, own) == []


@pytest.mark.parametrize(
    "source", ["a" + ".b" * 900, "torch" + ".b" * 900 + " = 1", "-" * 9_000 + "a", "\x00", "a" + "[a" * 90]
)
def test_no_source_is_too_deep(small, source):
    flags.of(small, Submission({"softmax": source}))
    flags.forbidden(source, ["x"])


@settings(deadline=None, max_examples=200)
@given(st.text() | st.text("abc.=()[]%!?\n :,"))
def test_no_text_makes_it_fail(text):
    flags.uses(text)
    flags.forbidden(text, ["a"])
