"""Abacus, a programming language of a dozen words, and an interpreter that is safe with any text at all.

    set n to 3
    while n is more than 0
    show n
    subtract 1 from n
    end

shows 3, 2 and 1. A program reaches nothing outside itself; its steps, numbers, nesting and output are
limited, so that whatever a language model writes can simply be run. `SYNTAX` is the whole language: the
interpreter reads lines with it, and the genre of programs writes them with it.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

SYNTAX = {  # by its first word, how each line is written
    "set": "set {variable} to {operand}",
    "add": "add {operand} to {variable}",
    "subtract": "subtract {operand} from {variable}",
    "multiply": "multiply {variable} by {operand}",
    "divide": "divide {variable} by {operand}",  # rounded down
    "show": "show {operand}",
    "say": "say {words}",
    "repeat": "repeat {operand} times",
    "while": "while {variable} {comparison} {operand}",
    "if": "if {variable} {comparison} {operand}",
    "otherwise": "otherwise",
    "end": "end",
}
PARTS = {
    "variable": "[a-z]{1,20}",
    "operand": "[a-z]{1,20}|[0-9]+",
    "comparison": "is more than|is less than|is not|is",
    "words": "[a-z]+(?: [a-z]+)*",
}
BLOCKS = ("repeat", "while", "if")  # what an end belongs to
RESERVED = frozenset(re.sub(r"\{\w+\}|\|", " ", " ".join([*SYNTAX.values(), PARTS["comparison"]])).split())
LINES = {
    word: re.compile(re.sub(r"\{(\w+)\}", lambda part: f"(?P<{part[1]}>{PARTS[part[1]]})", form))
    for word, form in SYNTAX.items()
}
MAX_CHARS, MAX_DEPTH = 10_000, 20
LIMITS = {"max_steps": 10_000_000, "max_digits": 1_000, "max_output": 1_000_000}  # the highest to ask for


class ProgramError(ValueError):
    """What is wrong with a program, and in which line: `line` counts from 1."""

    def __init__(self, line: int, problem: str):
        super().__init__(line, problem)
        self.line, self.problem = line, problem

    def __str__(self) -> str:
        return f"line {self.line}: {self.problem}"


class Statement(NamedTuple):
    """A line of a program; for the first line of a block what stands in it, and after its `otherwise`."""

    line: int
    word: str
    parts: dict[str, str]
    body: list["Statement"]
    otherwise: list["Statement"]


def read_line(text: str, line: int = 1) -> tuple[str, dict[str, str]]:
    """The first word of a line, and what stands in the gaps of its syntax. Spaces may be of any width.

    Raises ProgramError where this is no line of Abacus.
    """
    text = " ".join(text.split())
    word = text.partition(" ")[0]
    if word not in SYNTAX:
        raise ProgramError(line, f"there is no word {clipped(word)} in Abacus")
    found = LINES[word].fullmatch(text)
    if not found:
        shape = SYNTAX[word].format(
            variable="NAME", operand="VALUE", comparison="is more than", words="WORDS"
        )
        raise ProgramError(line, f"a line with {word!r} is written like this: {shape}")
    parts = found.groupdict()
    for name in (parts.get("variable"), parts.get("operand")):
        if name in RESERVED:
            raise ProgramError(line, f"{name!r} is a word of Abacus and cannot be a name")
    return word, parts


def clipped(word: str) -> str:
    """`word` in quotes, cut where it is long."""
    return repr(word if len(word) <= 20 else f"{word[:20]}...")


def parse(program: str) -> list[Statement]:
    """The statements of a program, those in blocks inside the statement that opens the block.

    Raises ProgramError where it is not written correctly; nothing is run.
    """
    if len(program) > MAX_CHARS:
        raise ProgramError(
            program.count("\n", 0, MAX_CHARS) + 1, f"a program has at most {MAX_CHARS:,} characters"
        )
    lists: list[list[Statement]] = [[]]  # the one that the next line belongs to stands last
    blocks: list[Statement] = []
    for line, text in enumerate(program.split("\n"), start=1):
        if not text.strip():
            continue
        word, parts = read_line(text, line)
        if word == "end":
            if not blocks:
                raise ProgramError(line, "there is nothing that this 'end' could end")
            blocks.pop()
            lists.pop()
        elif word == "otherwise":
            if not blocks or blocks[-1].word != "if" or lists[-1] is not blocks[-1].body:
                raise ProgramError(line, "an 'otherwise' stands once, between 'if' and its 'end'")
            lists[-1] = blocks[-1].otherwise
        else:
            statement = Statement(line, word, parts, [], [])
            lists[-1].append(statement)
            if word in BLOCKS:
                if len(blocks) == MAX_DEPTH:
                    raise ProgramError(line, f"blocks stand at most {MAX_DEPTH} deep in each other")
                blocks.append(statement)
                lists.append(statement.body)
    if blocks:
        raise ProgramError(blocks[-1].line, f"this {blocks[-1].word!r} has no 'end'")
    return lists[0]


def run(program: str, max_steps: int = 10_000, max_digits: int = 12, max_output: int = 2_000) -> str:
    """What a program shows, a line for each value.

    max_steps: how many lines it may run, each round of a loop being one more. max_digits: how long its
    numbers may be. max_output: how many characters it may show.

    Raises ProgramError where the program is not written correctly, asks for what cannot be done, or passes a
    limit; ValueError where a limit makes no sense.
    """
    for name, value in (("max_steps", max_steps), ("max_digits", max_digits), ("max_output", max_output)):
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= LIMITS[name]:
            raise ValueError(f"{name}={value!r} must be a whole number from 1 to {LIMITS[name]:,}")
    machine = Machine(max_steps, max_digits, max_output)
    machine.do(parse(program))
    return "\n".join(machine.shown)


class Machine:
    """Runs statements, and remembers the variables and what was shown."""

    def __init__(self, max_steps: int, max_digits: int, max_output: int):
        self.max_steps, self.max_digits, self.max_output = max_steps, max_digits, max_output
        self.variables: dict[str, int] = {}
        self.shown: list[str] = []
        self.steps = self.length = 0

    def do(self, statements: Sequence[Statement]) -> None:
        """Run statements one after the other."""
        for statement in statements:
            self._step(statement)
            if statement.word == "repeat":
                self._repeat(statement)
            elif statement.word == "while":
                while self._holds(statement):
                    self._step(statement)
                    self.do(statement.body)
            elif statement.word == "if":
                self.do(statement.body if self._holds(statement) else statement.otherwise)
            elif statement.word == "say":
                self._show(statement, statement.parts["words"])
            elif statement.word == "show":
                self._show(statement, str(self._value(statement)))
            else:
                self.variables[statement.parts["variable"]] = self._calculate(statement)

    def _step(self, statement: Statement) -> None:
        self.steps += 1
        if self.steps > self.max_steps:
            raise ProgramError(statement.line, f"the program takes more than {self.max_steps:,} steps")

    def _repeat(self, statement: Statement) -> None:
        times = self._value(statement)
        if times < 0:
            raise ProgramError(statement.line, f"nothing can be repeated {times} times")
        for _ in range(times):
            self._step(statement)
            self.do(statement.body)

    def _show(self, statement: Statement, text: str) -> None:
        self.length += len(text) + 1
        if self.length > self.max_output:
            raise ProgramError(statement.line, f"the program shows more than {self.max_output:,} characters")
        self.shown.append(text)

    def _holds(self, statement: Statement) -> bool:
        left, right = self._variable(statement, statement.parts["variable"]), self._value(statement)
        return {
            "is": left == right,
            "is not": left != right,
            "is more than": left > right,
            "is less than": left < right,
        }[statement.parts["comparison"]]

    def _calculate(self, statement: Statement) -> int:
        value = self._value(statement)
        if statement.word == "set":
            return value
        before = self._variable(statement, statement.parts["variable"])
        if statement.word == "divide":
            if value == 0:
                raise ProgramError(statement.line, "nothing can be divided by 0")
            return before // value
        if statement.word == "multiply":
            after = before * value
        else:
            after = before + value if statement.word == "add" else before - value
        if abs(after) >= 10**self.max_digits:
            self._too_large(statement)
        return after

    def _value(self, statement: Statement) -> int:
        operand = statement.parts["operand"]
        if not operand.isdigit():
            return self._variable(statement, operand)
        digits = operand.lstrip("0") or "0"
        if len(digits) > self.max_digits:
            self._too_large(statement)
        return int(digits)

    def _variable(self, statement: Statement, name: str) -> int:
        if name not in self.variables:
            raise ProgramError(statement.line, f"nothing has the name {name!r} yet")
        return self.variables[name]

    def _too_large(self, statement: Statement) -> None:
        raise ProgramError(statement.line, f"a number has more than {self.max_digits} digits")
