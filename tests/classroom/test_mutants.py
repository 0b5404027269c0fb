"""Planted mistakes are Python, each is another, and they stand where the answer does."""

import ast
import random

import pytest

from classroom.mutants import mutants

LOOP = """
def total(values, most=10):
    \"\"\"The sum, at most `most`.\"\"\"
    found = 0
    for value in values:
        if value > 0 and not value == 7:
            found += value * 2
    assert found >= 0
    return min(found, most), [v for v in values if v][1:], f"{found + 1}"
"""
REGIONS = """
def double(x):
    one = 1
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION


def half(x):
    return x / 2
"""


def expression(random: random.Random, depth: int = 0) -> str:
    """Some Python with the names a, b and f."""
    if depth > 2 or random.random() < 0.2:
        return random.choice(["a", "b", "1", "0", "2.5", "True", "'ab'", "None"])
    forms = ["({0} + {1})", "({0} @ {1})", "(-{0})", "(not {0})", "({0} < {1})", "({0} and {1})",
             "f({0}, k={1})", "a.sum({0}, keepdim=True)", "[x for x in {0} if {1}]", "{{x for x in {0}}}",
             "a[{0}:{1}]", "a[{0}, 1:]", "({0} if {1} else {0})", "({0}, {1})", "f'{{a}}'",
             "(lambda x: {0})"]  # fmt: skip
    return random.choice(forms).format(expression(random, depth + 1), expression(random, depth + 1))


def function(random: random.Random) -> str:
    def some() -> str:
        return expression(random)

    forms = ["c = {0}", "c += {0}", "if {0}:\n        c = {1}", "for d in {0}:\n        c = {1}",
             "while {0}:\n        break", "assert {0}", "f({0})", "return {0}", "del c"]  # fmt: skip
    lines = [random.choice(forms).format(some(), some()) for _ in range(random.randint(1, 4))]
    return "def g(a, b=1):\n    '''Says nothing.'''\n    " + "\n    ".join([*lines, f"return {some()}"])


def changes(source: str) -> set[str]:
    return {mutant.what for mutant in mutants(source)}


@pytest.mark.parametrize("seed", range(40))
def test_mutants_of_any_function_are_python_and_differ_from_it_and_from_each_other(seed):
    source = function(random.Random(seed))
    found = list(mutants(source))
    assert len(found) > 3
    written = [ast.unparse(ast.parse(source)), *(ast.unparse(ast.parse(mutant.source)) for mutant in found)]
    assert len(set(written)) == len(written)
    for mutant in found:
        assert "Says nothing." in mutant.source
        compile(ast.parse(mutant.source), "mutant", "exec")
    assert len({(mutant.line, mutant.what) for mutant in found}) == len(found), "each can be named"
    assert list(mutants(source)) == found, "the order is always the same"


def test_a_mutant_changes_nothing_outside_of_a_solution():
    found = list(mutants(REGIONS))
    assert {mutant.line for mutant in found} == {5}
    for mutant in found:
        assert "one = 1" in mutant.source
        assert "return x / 2" in mutant.source


def test_without_a_solution_region_all_of_the_cell_is_changed():
    assert {mutant.line for mutant in mutants("a = 1\nb = a + 2")} == {1, 2}


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("y = a @ b", {"a @ b -> b @ a", "a @ b -> a", "a @ b -> b", "y = a @ b -> pass"}),
        ("y = a < b", {"a < b -> a <= b", "a < b -> a >= b"}),
        ("y = -a", {"-a -> a"}),
        ("y = x.sum(-1, keepdim=True)", {"keepdim=True -> keepdim=False", "-1 -> -2", "x.sum -> x.mean"}),
        ("y = f(a, b, eps=e)", {"f(a, b, eps=e) -> f(a, b)", "f(a, b, eps=e) -> f(a, eps=e)"}),
        ("x = a\ny = x[1:].exp()", {"x[1:].exp() -> x[1:]", "1: -> 2:", "1: -> :", "1: -> 1:-1"}),
        ("y = a[: n]", {":n -> :n + 1", ":n -> :n - 1", ":n -> 1:n", ":n -> :"}),
        ("y = a if c > 1 else b", {"a if c > 1 else b -> a if c <= 1 else b", "a if c > 1 else b -> b"}),
        ("if c:\n    a = 1", {"if c: -> pass", "if c: -> if not c:"}),
        ("for a in b:\n    f(a)", {"for a in b: -> pass", "f(a) -> f(a); break"}),
        ("y = {a for a in b if a}", {"for a in b if a -> for a in b",
                                     "{a for a in b if a} -> [a for a in b if a]"}),
        ("def f(x):\n    return x + 1", {"return x + 1 -> return None", "return x + 1 -> return x",
                                         "return x + 1 -> return 0 * (x + 1)", "x + 1 -> x + 2"}),
    ],
)  # fmt: skip
def test_these_mistakes_are_planted(source, wanted):
    assert wanted <= changes(source)


def test_what_works_in_place_is_planted_where_it_would_change_an_input():
    """On a tensor that the function made itself it makes no difference."""
    source = "def f(x, parts):\n    y = x - 1\n    return x.clamp(0), y.exp() - 2, [p * 2 for p in parts]"
    in_place = {what for what in changes(source) if "_(" in what}
    assert in_place == {"x - 1 -> x.sub_(1)", "x.clamp(0) -> x.clamp_(0)", "p * 2 -> p.mul_(2)"}


def test_docstrings_and_texts_with_fields_stay_as_they_are():
    for mutant in mutants(LOOP):
        assert "The sum, at most" in mutant.source
        assert "found + 1}" in mutant.source or "return" in mutant.what or "(min(" in mutant.what
