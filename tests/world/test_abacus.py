"""Abacus: what programs show, what is said of wrong ones, and that no text can do any harm."""

import pickle

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tinylm.world.abacus import (
    LIMITS,
    MAX_CHARS,
    MAX_DEPTH,
    RESERVED,
    SYNTAX,
    ProgramError,
    parse,
    read_line,
    run,
)

NAMES = st.sampled_from(["a", "b", "n", "total"])
NUMBERS = st.one_of(st.integers(0, 9), st.integers(0, 10**30)).map(str)
OPERANDS = st.one_of(NAMES, NUMBERS)
COMPARISONS = st.sampled_from(["is", "is not", "is more than", "is less than"])
WORDS = sorted(RESERVED | {"a", "b", "0", "1", "7", "99999999999999999999", "\n"})


def lines_of(*words: str):
    """Well-formed lines that begin with one of these words."""
    return st.one_of(
        st.builds(
            SYNTAX[word].format,
            variable=NAMES,
            operand=OPERANDS,
            comparison=COMPARISONS,
            words=st.sampled_from(["hello", "good night"]),
        )
        for word in words
    )


PLAIN = lines_of("set", "add", "subtract", "multiply", "divide", "show", "say").map(lambda line: [line])


def block(inside):
    return st.builds(
        lambda first, body, rest: [
            first,
            *body,
            *(["otherwise", *rest] if first.startswith("if") else []),
            "end",
        ],
        lines_of("repeat", "while", "if"),
        inside,
        inside,
    )


def several(lines):
    return st.lists(lines, max_size=4).map(lambda parts: [line for part in parts for line in part])


BLOCKS = st.recursive(PLAIN, lambda inside: block(several(inside)), max_leaves=12)
PROGRAMS = several(BLOCKS).map(
    lambda lines: "\n".join(["set a to 4", "set b to 2", "set n to 3", "set total to 0", *lines])
)


def shown_or_refused(program: str) -> str | None:
    """What `program` shows, None where it is refused; any other end fails the test."""
    try:
        shown = run(program, max_steps=500, max_digits=9, max_output=300)
    except ProgramError as refused:
        error = refused
    else:
        assert len(shown) < 300
        return shown
    assert 1 <= error.line <= program.count("\n") + 1
    assert str(error).startswith(f"line {error.line}: ")
    assert len(str(error)) < 200
    return None


@pytest.mark.parametrize(
    ("program", "shown"),
    [
        ("set a to 4\nadd 3 to a\nshow a", "7"),
        ("set a to 4\nsubtract 6 from a\nshow a", "-2"),
        ("set a to 4\nset b to a\nmultiply a by b\nshow a\nshow b", "16\n4"),
        ("set a to 7\ndivide a by 2\nshow a", "3"),
        ("repeat 3 times\nsay good night\nend", "good night\ngood night\ngood night"),
        ("set n to 2\nwhile n is more than 0\nshow n\nsubtract 1 from n\nend", "2\n1"),
        ("set a to 5\nif a is 5\nsay yes\notherwise\nsay no\nend", "yes"),
        ("set a to 5\nif a is not 5\nsay yes\notherwise\nsay no\nend", "no"),
        ("set a to 5\nif a is less than 5\nsay yes\nend\nsay done", "done"),
        ("set a to 0\nrepeat 2 times\nrepeat 3 times\nadd 1 to a\nend\nend\nshow a", "6"),
        ("  set   a to 007\r\n\n\tshow a  \n", "7"),
        ("", ""),
    ],
)
def test_a_program_shows_what_it_should(program, shown):
    assert run(program) == shown


@pytest.mark.parametrize(
    ("program", "line", "problem"),
    [
        ("set a to 1\nsett b to 2", 2, "no word 'sett'"),
        ("SET a to 1", 1, "no word 'SET'"),
        ("set a 1", 1, "written like this: set NAME to VALUE"),
        ("set a to -1", 1, "written like this"),
        ("set a to \u0663", 1, "written like this"),
        ("set end to 1", 1, "'end' is a word of Abacus"),
        ("show b", 1, "nothing has the name 'b'"),
        ("add 1 to a", 1, "nothing has the name 'a'"),
        ("say hi\nend", 2, "nothing that this 'end' could end"),
        ("say hi\nrepeat 2 times\nsay hi", 2, "this 'repeat' has no 'end'"),
        ("repeat 2 times\notherwise\nend", 2, "between 'if' and its 'end'"),
        ("set a to 1\nif a is 1\notherwise\notherwise\nend", 4, "between 'if' and its 'end'"),
        ("set a to 1\n\nwhile a is 1\nend", 3, "more than 10,000 steps"),
        ("repeat 999999999999 times\nend", 1, "more than 10,000 steps"),
        ("set a to 999999999999\nadd 1 to a", 2, "more than 12 digits"),
        (f"show {'9' * 5_000}", 1, "more than 12 digits"),
        ("repeat 9000 times\nsay hello\nend", 2, "shows more than 2,000 characters"),
        ("set a to 1\ndivide a by 0", 2, "divided by 0"),
        ("set a to 0\nsubtract 3 from a\nrepeat a times\nend", 3, "repeated -3 times"),
        ("repeat 1 times\n" * (MAX_DEPTH + 1), MAX_DEPTH + 1, "deep"),
        ("say hi\n" * MAX_CHARS, MAX_CHARS // 7 + 1, "at most 10,000 characters"),
    ],
)
def test_what_is_wrong_with_a_program_is_said_with_its_line(program, line, problem):
    with pytest.raises(ProgramError, match=problem) as caught:
        run(program)
    assert caught.value.line == line


def test_blocks_may_stand_as_deep_as_is_promised():
    program = "repeat 1 times\n" * MAX_DEPTH + "say hi\n" + "end\n" * MAX_DEPTH
    assert run(program) == "hi"


def test_a_number_may_have_as_many_zeros_in_front_as_it_likes():
    assert run(f"show {'0' * 6_000}12") == "12"


def test_the_largest_limits_can_be_asked_for_and_reached():
    assert len(run("set a to 10\nrepeat 998 times\nmultiply a by 10\nend\nshow a", **LIMITS)) == 1_000


@pytest.mark.parametrize(
    "limits", [{"max_steps": 0}, {"max_digits": 10**6}, {"max_output": 1.5}, {"max_steps": True}]
)
def test_a_limit_that_makes_no_sense_is_refused(limits):
    with pytest.raises(ValueError, match=f"{next(iter(limits))}=.* must be a whole number from 1 to"):
        run("say hi", **limits)


def test_parsing_runs_nothing():
    assert [statement.word for statement in parse("set a to 1\ndivide a by 0\nwhile a is 1\nend")] == [
        "set",
        "divide",
        "while",
    ]


def test_an_error_survives_a_trip_to_another_process():
    error = pickle.loads(pickle.dumps(ProgramError(3, "something is wrong")))
    assert (error.line, str(error)) == (3, "line 3: something is wrong")


def test_every_line_of_the_syntax_is_read_as_it_was_written():
    for word, form in SYNTAX.items():
        parts = {"variable": "a", "operand": "b", "comparison": "is not", "words": "good night"}
        found, values = read_line(form.format(**parts))
        assert found == word
        assert values == {name: parts[name] for name in values}
        assert form.format(**values) == form.format(**parts)


@given(st.text())
@example("set a to \u00b2\nshow a")
@example("__import__('os').system('true')")
@example("say {parts.__class__}")
@example("\x00\ud800\u2028")
@settings(deadline=5_000)
def test_any_text_is_run_or_refused(text):
    shown_or_refused(text)


@given(st.lists(st.sampled_from(WORDS), max_size=60))
@settings(deadline=5_000)
def test_any_mix_of_the_language_s_own_words_is_run_or_refused(words):
    shown_or_refused(" ".join(words))


@given(PROGRAMS)
@settings(max_examples=300, deadline=5_000)
def test_any_well_formed_program_is_run_or_stopped_at_a_limit(program):
    parse(program)
    shown_or_refused(program)


@given(PROGRAMS)
@settings(deadline=5_000)
def test_a_program_shows_the_same_every_time(program):
    assert shown_or_refused(program) == shown_or_refused(program)


@given(st.integers(4, MAX_DEPTH), st.sampled_from(["9", "999", "999999999"]))
@settings(deadline=5_000)
def test_loops_in_loops_in_loops_are_stopped(depth, times):
    program = f"repeat {times} times\n" * depth + "end\n" * depth
    assert shown_or_refused(program) is None


@given(
    st.integers(-(10**6), 10**6),
    st.integers(0, 10**6),
    st.sampled_from(["add", "subtract", "multiply", "divide"]),
)
def test_abacus_calculates_as_python_does(start, operand, word):
    parts = {"variable": "a", "operand": operand}
    program = (
        f"set a to 0\n{'add' if start > 0 else 'subtract'} {abs(start)} {'to' if start > 0 else 'from'} a\n"
    )
    program += SYNTAX[word].format(**parts) + "\nshow a"
    if word == "divide" and operand == 0:
        with pytest.raises(ProgramError, match="divided by 0"):
            run(program)
    else:
        expected = {
            "add": lambda: start + operand,
            "subtract": lambda: start - operand,
            "multiply": lambda: start * operand,
            "divide": lambda: start // operand,
        }[word]()
        assert run(program, max_digits=20) == str(expected)
