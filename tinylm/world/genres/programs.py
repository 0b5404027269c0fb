"""Programs in Abacus: written after a description, described in a sentence, run in the head, explained.

Each family of tasks has its descriptions, a program, and what that shows. Some numbers of every family are
held out, so that a model can be asked for a program that no training text contains.
"""

import re
from collections.abc import Callable
from functools import cache, lru_cache
from itertools import accumulate, product
from math import prod
from typing import NamedTuple

from tinylm.world import abacus, words
from tinylm.world.genres import arithmetic
from tinylm.world.grammar import SLOT, Reader, Reading, pieces, says
from tinylm.world.spelling import Spellings
from tinylm.world.writer import Sample, Writer


class Family(NamedTuple):
    """A kind of task.

    says: descriptions; a verb in angle brackets changes with who does it. numbers: what stands in their
    slots. shows: what the program shows, each value a line. trace: what its variable holds one after the
    other, where that is worth writing down. either_way: whether the numbers may change places.
    """

    says: tuple[str, ...]
    program: str
    numbers: list[tuple]
    shows: Callable[..., list]
    trace: Callable[..., list[int]] | None = None
    either_way: bool = False


VARIABLES = ["a", "n", "x", "total"]
GREETINGS = ["good morning", "good night", "hello", "hurry up", "thank you", "well done"]
LITTLE, SMALL = range(2, 10), range(2, 21)
PAIRS = list(product(SMALL, repeat=2))
UNEQUAL = [(a, b) for a, b in PAIRS if a != b]
CHOICE = "if {{variable}} is {} than b\nshow {{variable}}\notherwise\nshow b\nend"

FAMILIES = {
    "sum": Family(
        (
            "<add> {number} and {number2}[ and <show> the sum]",
            "<show> the sum of {number} and {number2}",
            "<show> what {number} and {number2} make together",
        ),
        "set {variable} to {number}\nadd {number2} to {variable}\nshow {variable}",
        PAIRS,
        lambda a, b: [a + b],
        lambda a, b: [a, a + b],
        either_way=True,
    ),
    "difference": Family(
        (
            "<subtract> {number2} from {number}[ and <show> what is left]",
            "<take> {number2} away from {number}",
            "<show> how much more {number} is than {number2}",
        ),
        "set {variable} to {number}\nsubtract {number2} from {variable}\nshow {variable}",
        [(a, b) for a, b in PAIRS if a > b],
        lambda a, b: [a - b],
        lambda a, b: [a, a - b],
    ),
    "product": Family(
        (
            "<multiply> {number} by {number2}[ and <show> the result]",
            "<show> the product of {number} and {number2}",
            "<show> what {number} times {number2} is",
        ),
        "set {variable} to {number}\nmultiply {variable} by {number2}\nshow {variable}",
        list(product(SMALL, LITTLE)),
        lambda a, b: [a * b],
        lambda a, b: [a, a * b],
        either_way=True,
    ),
    "quotient": Family(
        (
            "<divide> {number} by {number2}[ and <show> the result]",
            "<share> {number} equally among {number2}",
            "<show> how often {number2} goes into {number}",
        ),
        "set {variable} to {number}\ndivide {variable} by {number2}\nshow {variable}",
        [(a * b, b) for a, b in product(SMALL, LITTLE)],
        lambda a, b: [a // b],
        lambda a, b: [a, a // b],
    ),
    "multiplied sum": Family(
        (
            "<add> {number2} to {number} and <multiply> the sum by {number3}",
            "<start> with {number}, <add> {number2} and <multiply> by {number3}",
        ),
        "set {variable} to {number}\nadd {number2} to {variable}\nmultiply {variable} by {number3}\n"
        "show {variable}",
        list(product(LITTLE, repeat=3)),
        lambda a, b, c: [(a + b) * c],
        lambda a, b, c: [a, a + b, (a + b) * c],
    ),
    "reduced product": Family(
        (
            "<multiply> {number} by {number2} and <take> away {number3}",
            "<start> with {number}, <multiply> by {number2} and <subtract> {number3}",
        ),
        "set {variable} to {number}\nmultiply {variable} by {number2}\nsubtract {number3} from {variable}\n"
        "show {variable}",
        [(a, b, c) for a, b, c in product(LITTLE, repeat=3) if a * b > c],
        lambda a, b, c: [a * b - c],
        lambda a, b, c: [a, a * b, a * b - c],
    ),
    "doubling": Family(
        (
            "<double> {number} {number2} times",
            "<start> with {number} and <double> it {number2} times",
            "<double> {number} again and again, {number2} times in all",
        ),
        "set {variable} to {number}\nrepeat {number2} times\nmultiply {variable} by 2\nend\nshow {variable}",
        list(product(SMALL, range(2, 6))),
        lambda a, b: [a * 2**b],
        lambda a, b: [a * 2**i for i in range(b + 1)],
    ),
    "total": Family(
        (
            "<add> up [all ]the numbers from 1 to {number}",
            "<show> the sum of [all ]the numbers (up|from 1) to {number}",
        ),
        "set {variable} to 0\nset i to 0\nrepeat {number} times\nadd 1 to i\nadd i to {variable}\nend\n"
        "show {variable}",
        [(n,) for n in range(3, 16)],
        lambda n: [n * (n + 1) // 2],
        lambda n: list(accumulate(range(n + 1))),
    ),
    "countdown": Family(
        ("<count> down from {number}[ to 1]", "<show> the numbers from {number} down to 1"),
        "set {variable} to {number}\nwhile {variable} is more than 0\nshow {variable}\n"
        "subtract 1 from {variable}\nend",
        [(n,) for n in range(3, 21)],
        lambda n: list(range(n, 0, -1)),
    ),
    "count": Family(
        ("<count> (up|from 1) to {number}", "<show> the numbers (up|from 1) to {number}"),
        "set {variable} to 0\nrepeat {number} times\nadd 1 to {variable}\nshow {variable}\nend",
        [(n,) for n in range(3, 21)],
        lambda n: list(range(1, n + 1)),
    ),
    "steps down": Family(
        (
            "<count> down from {number} in steps of {number2} while more than 0 is left",
            "<start> at {number} and <go> down by {number2} while more than 0 is left",
        ),
        "set {variable} to {number}\nwhile {variable} is more than 0\nshow {variable}\n"
        "subtract {number2} from {variable}\nend",
        list(product(range(10, 31), range(3, 10))),
        lambda a, b: list(range(a, 0, -b)),
    ),
    "multiples": Family(
        ("<show> the first {number2} multiples of {number}", "<count> in steps of {number}, {number2} times"),
        "set {variable} to 0\nrepeat {number2} times\nadd {number} to {variable}\nshow {variable}\nend",
        list(product(SMALL, range(3, 10))),
        lambda a, b: [a * i for i in range(1, b + 1)],
    ),
    "larger": Family(
        (
            "<show> the larger of {number} and {number2}",
            "<find> out which is (larger|more), {number} or {number2}",
        ),
        "set {variable} to {number}\nset b to {number2}\n" + CHOICE.format("more"),
        UNEQUAL,
        lambda a, b: [max(a, b)],
        either_way=True,
    ),
    "smaller": Family(
        (
            "<show> the smaller of {number} and {number2}",
            "<find> out which is (smaller|less), {number} or {number2}",
        ),
        "set {variable} to {number}\nset b to {number2}\n" + CHOICE.format("less"),
        UNEQUAL,
        lambda a, b: [min(a, b)],
        either_way=True,
    ),
    "yes or no": Family(
        (
            "<say> yes if {number} is more than {number2}, and no if not",
            "<check> whether {number} is more than {number2}, and <say> yes or no",
        ),
        "set {variable} to {number}\nif {variable} is more than {number2}\nsay yes\notherwise\nsay no\nend",
        PAIRS,
        lambda a, b: ["yes" if a > b else "no"],
    ),
    "chorus": Family(
        ("<say> {words} {number} times", "<shout> {words} {number} times", "<repeat> {words} {number} times"),
        "repeat {number} times\nsay {words}\nend",
        list(product(LITTLE, GREETINGS)),
        lambda n, greeting: [greeting] * n,
    ),
}
NAMES = list(FAMILIES)
SLOTS = {
    name: sorted({slot for slot, _ in SLOT.findall(family.says[0])}) for name, family in FAMILIES.items()
}


def held_out(name: str, numbers: tuple) -> bool:
    """Whether training text never asks a family for these numbers, nor for them in another order."""
    places = [GREETINGS.index(number) if isinstance(number, str) else number for number in numbers]
    return (NAMES.index(name) + prod(place + 1 for place in places)) % 7 == 0


def apart(name: str) -> dict[bool, list[tuple]]:
    """The numbers of a family that are held out (True), and the others."""
    return arithmetic.apart(FAMILIES[name].numbers, lambda *numbers: held_out(name, numbers))


POOLS = {name: apart(name) for name in NAMES}

LINES = arithmetic.apart(  # single lines to explain, each with the place of its form and its number
    (
        (i, n, form.format(variable=variable, operand=n, comparison=comparison))
        for i, form in enumerate(abacus.SYNTAX.values())
        if "operand" in form and not form.startswith("show")
        for variable in (VARIABLES if "variable" in form else VARIABLES[:1])
        for n in SMALL
        for comparison in (abacus.PARTS["comparison"].split("|") if "comparison" in form else [""])
    ),
    lambda i, n, line: (i + n) % 5 == 0,
)


def inflect(text: str, third: bool) -> str:
    """`text` with its verbs as in an order or, with `third`, as in what is said of somebody."""
    return re.sub("<(\\w+)>", lambda verb: words.third_person(verb[1]) if third else verb[1], text)


def tasks(family: Family) -> list[str]:
    """Forms that ask for a program."""
    forms = []
    for text in family.says:
        order, told = inflect(text, third=False), inflect(text, third=True)
        forms += [
            f"{order[0].upper()}{order[1:]}.",
            f"(Write|Please write|I need) a program that {told}.",
            f"{{person}} wants a program that {told}.",
        ]
    return forms


def statement(text: str) -> str | None:
    """A line of Abacus as it stands; None where it is none."""
    try:
        abacus.read_line(text)
    except abacus.ProgramError:
        return None
    return text


def name_or_number(text: str) -> str | None:
    """An operand as it stands; None where it is a word of the language."""
    return None if text in abacus.RESERVED else text


PATTERNS = {kind: (regex, name_or_number) for kind, regex in abacus.PARTS.items()} | {
    "comparison": (abacus.PARTS["comparison"], str),
    "words": (abacus.PARTS["words"], str),
    "statement": ("[a-z0-9 ]+", statement),
    "shown": ("[0-9a-z]+(?:,? [0-9a-z]+)*", str),
    "course": ("[0-9]+(?:, then [0-9]+)*", str),
}

READABLE = {  # answers that `score` reads
    **{
        f"does {name}": says(*(f"(It|This program) {inflect(text, third=True)}." for text in family.says))
        for name, family in FAMILIES.items()
    },
    "shows!": says("It shows {shown}.", "The program shows {shown}."),
    "line set!": says("It gives {variable} the value {operand}.", "It puts {operand} into {variable}."),
    "line add!": says(
        "It makes {variable} larger by {operand}.", "It adds {operand} to what {variable} holds."
    ),
    "line subtract!": says(
        "It makes {variable} smaller by {operand}.", "It takes {operand} away from what {variable} holds."
    ),
    "line multiply!": says("It makes {variable} {operand} times as large."),
    "line divide!": says("It cuts {variable} into {operand} equal parts and keeps one."),
    "line repeat!": says(
        "It begins a part that is done {operand} times.",
        "What follows is done {operand} times, up to the end.",
    ),
    "line while!": says(
        "It begins a part that is done as long as {variable} {comparison} {operand}.",
        "What follows is done again and again while {variable} {comparison} {operand}.",
    ),
    "line if!": says(
        "What follows is done only if {variable} {comparison} {operand}.",
        "It skips what follows, except when {variable} {comparison} {operand}.",
    ),
}
FORMS = (
    {f"code {word}": says(form) for word, form in abacus.SYNTAX.items()}
    | {f"task {name}": says(*tasks(family)) for name, family in FAMILIES.items()}
    | READABLE
    | {
        "program:": says("Program:"),
        "program above:": says("Program:", "Look at this program:", "Here is a program in Abacus:"),
        "does?": says("What does (this|the) program do?", "Say in a sentence what (this|the) program does."),
        "shows?": says(
            "What does (this|the) program show?", "Run (this|the) program in your head, what does it show?"
        ),
        "line?": says(
            "What does the line '{statement}' do?",
            "(Explain|Please explain) the line '{statement}'.",
            "What is the meaning of '{statement}' in a program?",
        ),
        "trace": says("First {variable} is {course}.", "Step by step, {variable} is {course}."),
    }
)


@lru_cache(10_000)
def coded(line: str) -> tuple[str, dict[str, str]]:
    """The table that writes a line of a program, and what stands in its slots."""
    word, parts = abacus.read_line(line)
    return f"code {word}", parts


def drawn(w: Writer) -> tuple[str, dict]:
    """A family and what stands in its slots, noted together with what its program shows."""
    name = w.one_of(NAMES)
    numbers = w.one_of(POOLS[name][w.unseen])
    w.notes |= {
        "family": name,
        "numbers": numbers,
        "output": "\n".join(map(str, FAMILIES[name].shows(*numbers))),
    }
    return name, dict(zip(SLOTS[name], numbers, strict=True))


def program(w: Writer) -> None:
    """A description, and the program that does it."""
    name, bound = drawn(w)
    w.notes["asks"] = "program"
    w.say(f"task {name}", **bound)
    w.line()
    w.say("program:")
    w.ask()
    code(w, name, bound)


def code(w: Writer, name: str, bound: dict) -> str:
    """Write the program of a family; its variable."""
    text = FAMILIES[name].program
    variable = w.one_of(VARIABLES) if "{variable}" in text else ""
    for line in text.format(variable=variable, **bound).split("\n"):
        key, parts = coded(line)
        w.line()
        w.say(key, **parts)
    return variable


def documentation(w: Writer) -> None:
    """What a program does, what it shows, or what one line of it means."""
    if w.chance(0.2):
        explanation(w)
        return
    name, bound = drawn(w)
    asks = w.notes["asks"] = w.one_of(["does", "shows"])
    question_first = w.chance(0.5)
    if question_first:
        w.say(f"{asks}?")
        w.line()
    w.say("program above:")
    variable = code(w, name, bound)
    w.line()
    if not question_first:
        w.say(f"{asks}?")
        w.line()
    w.say("answer:")
    w.ask()
    if asks == "does":
        w.say(f"does {name}", **bound)
        return
    trace = FAMILIES[name].trace
    if trace and w.chance(0.6):
        w.say("trace", variable=variable, course=", then ".join(map(str, trace(*w.notes["numbers"]))))
    w.say("shows!", shown=in_a_row(w.notes["output"]))


def explanation(w: Writer) -> None:
    """A single line, and what it means."""
    _, _, line = w.one_of(LINES[w.unseen])
    key, parts = coded(line)
    w.notes |= {"asks": "line", "line": line}
    w.say("line?", statement=line)
    w.line()
    w.say("answer:")
    w.ask()
    w.say(f"{key.replace('code', 'line')}!", **parts)


def in_a_row(output: str) -> str:
    """What a program shows, on one line."""
    return output.replace("\n", ", ")


@cache
def reader() -> Reader:
    """Reads the sentences that say something about a program."""
    return Reader(READABLE, Spellings(READABLE, {}, PATTERNS | arithmetic.PATTERNS, ()))


def score(sample: Sample, answer: str) -> bool:
    """Whether an answer to one of these samples is right.

    A program is, if it shows what it should when it is run; a sentence about a program, if it is true of it.
    Of several sentences the last one counts.
    """
    if sample.notes["asks"] == "program":
        try:
            return abacus.run(answer) == sample.notes["output"]
        except abacus.ProgramError:
            return False
    text = answer.strip()
    return any(
        is_true(sample.notes, reading)
        for start, end in pieces(text)[-1:]
        for reading in reader().readings(text[start:end])
    )


def is_true(notes: dict, reading: Reading) -> bool:
    """Whether a sentence read as this is true of the program of a sample with these notes."""
    said = {slot: values[0] for slot, values in reading.values.items()}
    if notes["asks"] == "shows":
        return reading.key == "shows!" and said["shown"] == in_a_row(notes["output"])
    if notes["asks"] == "line":
        key, parts = coded(notes["line"])
        return reading.key == f"{key.replace('code', 'line')}!" and said == parts
    name, numbers = notes["family"], notes["numbers"]
    told = tuple(said.get(slot) for slot in SLOTS[name])
    same = told == numbers or (FAMILIES[name].either_way and told == numbers[::-1])
    return reading.key == f"does {name}" and same


GENRES = {"programs": program, "documentation": documentation}
