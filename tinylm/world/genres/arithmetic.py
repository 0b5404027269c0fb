"""Arithmetic, worked step by step, and little puzzles about who has how many and who comes first.

Sums, differences and products that are asked for have operands above 10 (of a product, one), so that what
their steps need, such as 7 + 8 = 15, is never held out itself.
"""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import product

from tinylm.world import words
from tinylm.world.grammar import says, states
from tinylm.world.truth import Fact
from tinylm.world.writer import Sample, Writer

NUMBER = "[0-9]{1,9}"
CALCULATION = re.compile(f"{NUMBER}(?: [+-] {NUMBER})+|{NUMBER} (?:x|plus|minus|times) {NUMBER}")
SIGNS = {"+": "plus", "-": "minus", "x": "times"}
BULKY = {"chair", "clock", "coat", "drum", "ladder"}  # nobody has forty of them on a table
ORDERS = [  # who is more, who is most; who is less, who is least
    ("taller", "tallest", "shorter", "shortest"),
    ("faster", "fastest", "slower", "slowest"),
    ("stronger", "strongest", "weaker", "weakest"),
    ("richer", "richest", "poorer", "poorest"),
]


@lru_cache(100_000)
def compute(calculation: object) -> int | None:
    """What a calculation such as '47 + 38' or '6 times 7' gives, from the left; None where it is none."""
    if not isinstance(calculation, str) or not CALCULATION.fullmatch(calculation):
        return None
    total, *rest = calculation.split()
    value = int(total)
    for sign, number in zip(rest[::2], rest[1::2], strict=True):
        if sign in ("x", "times"):
            value *= int(number)
        else:
            value += int(number) if sign in ("+", "plus") else -int(number)
    return value


def whole(digits: str) -> int | None:
    """The number that these digits write; None where there is a 0 too many in front."""
    return None if digits[0] == "0" and len(digits) > 1 else int(digits)


def held_out(a: int, b: int) -> bool:
    """Whether training text never asks for these two numbers together, in either order: one pair in five.

    Never one with a multiple of ten, which steps need. The 7 shares no factor with 10, so that no pair of
    last digits is left out altogether.
    """
    return a % 10 != 0 and b % 10 != 0 and (a + 1) * (b + 1) % 7 in (4, 5)


def apart(combinations: Iterable[tuple], rule: Callable[..., bool]) -> dict[bool, list[tuple]]:
    """Combinations in two lists: [True] has those that the rule holds out, [False] the others."""
    both: dict[bool, list[tuple]] = {False: [], True: []}
    for combination in combinations:
        both[rule(*combination)].append(combination)
    return both


TWO_DIGITS = range(11, 100)
SUMS = apart(product(TWO_DIGITS, repeat=2), held_out)
DIFFERENCES = apart(
    ((a, b) for a, b in product(TWO_DIGITS, repeat=2) if a > b + 1), held_out
)  # 1 apples is no English
PRODUCTS = apart(((a, b) for a, b in product(range(2, 10), range(11, 50)) if b % 10), held_out)
TOTALS = apart(
    product(range(2, 20), range(2, 10), range(2, 10)), lambda a, b, c: (a + 2 * b + 3 * c) % 5 == 0
)
SERIES = apart(product(range(1, 40), range(2, 10)), held_out)  # where it starts, by how much it grows
ARRANGEMENTS = (
    apart(  # which property, which comparison comes first, which are turned round, who is asked for
        product(range(len(ORDERS)), *[(False, True)] * 4),
        lambda order, *flags: (order + sum((i + 2) * flag for i, flag in enumerate(flags))) % 5 == 0,
    )
)
TABLES = {
    "sum table of": "{n} x {number}",
    "sum adding": "{n} + {number}",
    "sum taking away": "{total} - {number}",
}
POOLS = {"+": SUMS, "-": DIFFERENCES, "x": PRODUCTS}

WORDS = {
    "counted": [food for food in words.FOODS if food.endswith("s")]
    + [words.plural(thing) for thing in words.THINGS if thing not in BULKY],
    "holder": ["bags", "barrels", "sacks"],
    "more": [word for order in ORDERS for word in order[::2]],
    "most": [word for order in ORDERS for word in order[1::2]],
}
PATTERNS = {
    "number": (NUMBER, whole),
    "calculation": (CALCULATION.pattern, str),
    "pair": (f"{NUMBER} or {NUMBER}", str),
    "series": (f"{NUMBER}(?:, {NUMBER})+", str),
}
TOLD = {
    "equals": ("calculation", "number"),
    "ends-in": ("number", "number2"),
    "carries": ("number", "number3"),
    "less": ("number2", "number3"),
    "before": ("number", "number2"),
    "larger": ("pair", "number"),
    "goes-on": ("series", "number"),
}


def is_larger(world, fact: Fact) -> bool:
    return isinstance(fact.subject, str) and fact.object == max(map(numeral, fact.subject.split(" or ")))


def goes_on(world, fact: Fact) -> bool:
    terms = [numeral(term) for term in str(fact.subject).split(", ")]
    return len(terms) > 1 and fact.object == 2 * terms[-1] - terms[-2]


def numeral(text: str) -> int:
    """The number that `text` writes, -1 where it writes none."""
    return int(text) if re.fullmatch(NUMBER, text) else -1


CHECKS = {
    "equals": lambda world, fact: compute(fact.subject) == fact.object,
    "ends-in": lambda world, fact: fact.subject % 10 == fact.object,
    "carries": lambda world, fact: fact.subject // 10 == fact.object,
    "less": lambda world, fact: fact.subject < fact.object,
    "before": lambda world, fact: fact.subject < fact.object,
    "larger": is_larger,
    "goes-on": goes_on,
}

FORMS = {
    "equals?": says(
        "Compute {calculation}.",
        "(What|How much) is {calculation}?",
        "(Work out|Find) {calculation}.",
        "{calculation} = ?",
        "(Please tell|Tell) me (what|how much) {calculation} is.",
        "Can you tell me (what|how much) {calculation} is?",
        "Now for {calculation}.",
    ),
    "equals!": states("equals", "{number}."),
    "sum steps:": says("Steps:"),
    "sum parts:": says("In parts:"),
    "sum ones:": says("Ones:"),
    "sum tens:": says("Tens:"),
    # lines of a calculation have no full stop
    "sum equation": states("equals", "{calculation} = {number}"),
    "sum carry": states(
        "equals ends-in carries", "{calculation} = {number}, write {number2}, carry {number3}"
    ),
    "sum borrow": states(
        "equals less", "{number2} is less than {number3}, so {calculation} = {number}, borrow 1"
    ),
    "sum remark": states(
        "equals",
        "{calculation} (is|makes|gives) {number}.",
        "(Everybody|Every child) knows that {calculation} is {number}.",
        "Count on your fingers and you will see that {calculation} is {number}.",
        "It (is|stays|will always be) true that {calculation} is {number}.",
    ),
    "sum table of": says(
        "The table of {number}", "Multiples of {number}", "(Learn|We learn) to multiply by {number}"
    ),
    "sum adding": says("Adding {number}", "Always {number} more", "(Learn|We learn) to add {number}"),
    "sum taking away": says("Taking away {number}", "Always {number} less", "How to take {number} away"),
    "sum right?": says(
        "Is {calculation} equal to {number}?",
        "Is it (true|right) that {calculation} (is|makes) {number}?",
        "(Somebody|A child) says that {calculation} is {number}, is that right?",
    ),
    "sum right yes": states("equals", "Yes, {calculation} = {number}."),
    "sum right no": states("equals", "No, {calculation} = {number}."),
    "sum larger?": says(
        "Which is (larger|more), {pair}?", "Name the larger number, {pair}.", "What is more, {pair}?"
    ),
    "sum larger!": states("larger", "{number}."),
    "sum goes on?": says(
        "Continue {series}.",
        "What comes (next after|after) {series}?",
        "Which number follows {series}?",
        "How does it go on, {series}?",
    ),
    "sum goes on!": states("goes-on", "{number}."),
    "sum growth": says("It grows by {number} each time.", "Every step adds {number}."),
    # puzzles
    "puzzle:": says("Puzzle:", "Riddle:"),
    "puzzle has": says(
        "{person} has {number} {counted}.",
        "There are {number} {counted} in {person:'s} kitchen.",
        "{person} (counts|owns) {number} {counted}.",
        "On {person:'s} table there are {number} {counted}.",
    ),
    "puzzle gains": says(
        "{person} (finds|buys|gets|is given) {number2} more.",
        "A neighbour brings {person:him} {number2} more.",
        "The next (day|morning), {person} has {number2} more.",
    ),
    "puzzle loses": says(
        "{person} (sells|loses|gives away) {number2} of them.",
        "A neighbour (takes|buys|needs) {number2} of them.",
        "The next (day|morning), {number2} of them are gone.",
    ),
    "puzzle has too": says("{friend} (has|counts|owns)[ only] {number2}."),
    "puzzle has more": says("{friend} (has|owns|counts) {number2} more than {person:him}."),
    "puzzle packs": says(
        "{person} fills {number} {holder} with {number2} {counted} each.",
        "{person} has {number} {holder}, and in each of them are {number2} {counted}.",
        "There are {number} {holder} in {person:'s} cellar, each with {number2} {counted}.",
    ),
    "puzzle now?": says(
        "How many {counted} (does {person} have|are there) now?", "How many {counted} is that together?"
    ),
    "puzzle left?": says(
        "How many {counted} are left?",
        "How many {counted} (does {person} still have|stay with {person:him})?",
    ),
    "puzzle difference?": says(
        "How many more {counted} does {person:full} have than {friend:full}?",
        "How many {counted} more than {friend:full} does {person:full} have?",
    ),
    "puzzle other?": says(
        "How many {counted} does {friend:full} have?", "How many {counted} belong to {friend:full}?"
    ),
    "puzzle packed?": says(
        "How many {counted} (are there|is that) in all?", "How many {counted} does {person} have?"
    ),
    "puzzle number!": says("{number} {counted}."),
    "puzzle compared": says("{person:full} is {more} than {friend:full}."),
    "puzzle most?": says(
        "Who is the {most}[ of them| of the three]?", "Which of (them|the three) is the {most}?"
    ),
    "puzzle order": says(
        "From the {most} to the {most2} they are {person:full}, {person2:full} and {person3:full}."
    ),
    "puzzle older?": says(
        "Who (is|of the two is) older, {person:full} or {friend:full}?",
        "Which of the two was born first, {person:full} or {friend:full}?",
    ),
    "puzzle earlier": states("before", "{number} is before {number2}."),
    "puzzle most!": says("{person:full}."),
    "puzzle older!": says("{person:full}."),
}


def calculate(w: Writer, calculation: str) -> None:
    """Write a calculation and what it gives."""
    w.say("sum equation", calculation=calculation, number=compute(calculation))


def next_line(w: Writer, calculation: str) -> None:
    w.line()
    calculate(w, calculation)


def columns(w: Writer, a: int, sign: str, b: int) -> None:
    """Digits below digits: the ones, then the tens with what was carried or borrowed."""
    (tens, ones), (tens2, ones2) = divmod(a, 10), divmod(b, 10)
    moved = ones + ones2 > 9 if sign == "+" else ones < ones2
    w.line()
    w.say("sum ones:")
    if moved and sign == "+":
        added = ones + ones2
        w.say("sum carry", calculation=f"{ones} + {ones2}", number=added, number2=added % 10, number3=1)
    elif moved:
        left = ones + 10 - ones2
        w.say("sum borrow", number2=ones, number3=ones2, calculation=f"{ones + 10} - {ones2}", number=left)
    else:
        calculate(w, f"{ones} {sign} {ones2}")
    w.line()
    w.say("sum tens:")
    calculate(w, f"{tens} {sign} {tens2}" + (f" {sign} 1" if moved else ""))


def in_parts(w: Writer, a: int, sign: str, b: int) -> None:
    """Tens and ones each on their own, then together."""
    tens, ones = b // 10 * 10, b % 10
    if sign == "-":
        next_line(w, f"{a} - {tens}")
        next_line(w, f"{a - tens} - {ones}")
        return
    parts = (
        [f"{a // 10 * 10} + {tens}", f"{a % 10} + {ones}"]
        if sign == "+"
        else [f"{a} x {tens}", f"{a} x {ones}"]
    )
    for part in parts:
        next_line(w, part)
    next_line(w, " + ".join(str(compute(part)) for part in parts))


def work(w: Writer, a: int, sign: str, b: int) -> None:
    """Work it out in one way or another, or at once; the answer begins after the label that says how."""
    if w.chance(0.75):
        way = in_parts if sign == "x" or w.chance(0.4) else columns
        w.line()
        w.say("sum parts:" if way is in_parts else "sum steps:")
        w.ask()
        way(w, a, sign, b)
        w.line()
        w.say("answer:")
    else:
        w.line()
        w.say("answer:")
        w.ask()


def answer(w: Writer, key: str, **bound) -> None:
    """The answer itself, noted for `score`."""
    w.say(key, **bound)
    w.notes["answer"] = w.parts[-1]


def asked(w: Writer, a: int, sign: str, b: int) -> str:
    """The calculation as a question may have it, in signs or in words."""
    return f"{a} {SIGNS[sign] if w.chance(0.3) else sign} {b}"


def calculation(w: Writer) -> None:
    """A sum, a difference or a product."""
    sign = w.one_of("+-x")
    a, b = w.one_of(POOLS[sign][w.unseen])
    question = asked(w, a, sign, b)
    w.say("equals?", calculation=question)
    work(w, a, sign, b)
    answer(w, "equals!", calculation=question, number=compute(question))


def total(w: Writer) -> None:
    """Three numbers, added one after the other."""
    a, b, c = w.one_of(TOTALS[w.unseen])
    w.say("equals?", calculation=f"{a} + {b} + {c}")
    w.line()
    w.say("sum steps:")
    w.ask()
    next_line(w, f"{a} + {b}")
    next_line(w, f"{a + b} + {c}")
    w.line()
    w.say("answer:")
    answer(w, "equals!", calculation=f"{a} + {b} + {c}", number=a + b + c)


def claim(w: Writer) -> None:
    """Is it right that ...? Wrong results are off by one or by ten."""
    sign = w.one_of("+x")
    a, b = w.one_of(POOLS[sign][w.unseen])
    question = asked(w, a, sign, b)
    right = compute(question)
    shift = 0 if w.chance(0.5) else w.one_of((-10, -1, 1, 10))
    w.say("sum right?", calculation=question, number=right + shift)
    w.line()
    w.say("answer:")
    w.ask()
    answer(w, "sum right no" if shift else "sum right yes", calculation=question, number=right)


def comparison(w: Writer) -> None:
    """Which of two numbers is larger."""
    numbers = w.one_of(DIFFERENCES[w.unseen])
    pair = "{} or {}".format(*(numbers if w.chance(0.5) else reversed(numbers)))
    w.say("sum larger?", pair=pair)
    w.line()
    w.say("answer:")
    w.ask()
    answer(w, "sum larger!", pair=pair, number=max(numbers))


def series(w: Writer) -> None:
    """Numbers that grow by the same each time."""
    start, step = w.one_of(SERIES[w.unseen])
    terms = [start + i * step for i in range(w.number(3, 4))]
    shown = ", ".join(map(str, terms))
    w.say("sum goes on?", series=shown)
    w.line()
    w.say("sum steps:")
    w.ask()
    w.line()
    w.say("sum growth", number=step)
    next_line(w, f"{terms[-1]} + {step}")
    w.line()
    w.say("answer:")
    answer(w, "sum goes on!", series=shown, number=terms[-1] + step)


def table(w: Writer) -> None:
    """Some lines of a table to learn by heart."""
    key = w.one_of(list(TABLES))
    number, first = w.number(2, 9), w.number(1, 7)
    w.say(key, number=number)
    for n in range(first, first + w.number(3, 4)):
        next_line(w, TABLES[key].format(n=n, number=number, total=n + number))


def remarks(w: Writer) -> None:
    """A few small facts, said in sentences."""
    for _ in range(w.number(2, 4)):
        a, sign, b = w.number(2, 9), w.one_of("+-x"), w.number(2, 9)
        said = asked(w, a + b if sign == "-" else a, sign, b)
        w.say("sum remark", calculation=said, number=compute(said))


ARITHMETIC = (calculation, total, claim, comparison, series, table, remarks)
ASKING = ARITHMETIC[:5]  # those that can ask for what is held out


def arithmetic(w: Writer) -> None:
    """One of the above; sums, differences and products most of all."""
    if w.chance(0.5):
        calculation(w)
    else:
        w.one_of(ASKING[1:] if w.unseen else ARITHMETIC[1:])(w)


def puzzle(w: Writer) -> None:
    """What happens to one person's things, or how two or three people compare."""
    if w.chance(0.2):
        w.say("puzzle:")
    kind = w.one_of("+-xp")
    person = w.person()
    if kind == "x":
        packed(w, person)
    elif kind != "p":
        changed(w, person, kind)
    else:
        friend = w.person(but=[person])
        kind = w.one_of("+-on" if comparable(w, person, friend) else "+-o")
        if kind == "n":
            older(w, person, friend)
        elif kind == "o":
            order(w, person, friend)
        else:
            compared(w, person, friend, kind)


def changed(w: Writer, person: str, sign: str) -> None:
    """Someone has some, and then more or fewer."""
    a, b = w.one_of(POOLS[sign][w.unseen])
    counted = w.say("puzzle has", person=person, number=a)["counted"]
    w.say("puzzle gains" if sign == "+" else "puzzle loses", person=person, number2=b)
    w.say("puzzle now?" if sign == "+" else "puzzle left?", person=person, counted=counted)
    how_many(w, a, sign, b, counted)


def compared(w: Writer, person: str, friend: str, sign: str) -> None:
    """Two people have some: how many has the other, or how many more has the first?"""
    a, b = w.one_of(POOLS[sign][w.unseen])
    counted = w.say("puzzle has", person=person, number=a)["counted"]
    w.say("puzzle has more" if sign == "+" else "puzzle has too", person=person, friend=friend, number2=b)
    w.say(
        "puzzle other?" if sign == "+" else "puzzle difference?",
        person=person,
        friend=friend,
        counted=counted,
    )
    how_many(w, a, sign, b, counted)


def packed(w: Writer, person: str) -> None:
    """So many in each of so many."""
    a, b = w.one_of(PRODUCTS[w.unseen])
    counted = w.say("puzzle packs", person=person, number=a, number2=b)["counted"]
    w.say("puzzle packed?", person=person, counted=counted)
    how_many(w, a, "x", b, counted)


def how_many(w: Writer, a: int, sign: str, b: int, counted: str) -> None:
    """Work out how many, and answer."""
    work(w, a, sign, b)
    answer(w, "puzzle number!", number=compute(f"{a} {sign} {b}"), counted=counted)


def order(w: Writer, first: str, second: str) -> None:
    """Three people of whom two pairs are compared: who comes first?"""
    which, last_first, turned, turned2, upwards = w.one_of(ARRANGEMENTS[w.unseen])
    more, most, less, least = ORDERS[which]
    people = [first, second, w.person(but=[first, second])]
    comparisons = [(*people[:2], turned), (*people[1:], turned2)]
    for winner, loser, turn in reversed(comparisons) if last_first else comparisons:
        a, b = (loser, winner) if turn else (winner, loser)
        w.say("puzzle compared", person=a, friend=b, more=less if turn else more)
    if upwards:
        people, most, least = people[::-1], least, most
    w.say("puzzle most?", most=most)
    w.line()
    w.say("sum steps:")
    w.ask()
    w.line()
    w.say("puzzle order", most=most, most2=least, person=people[0], person2=people[1], person3=people[2])
    w.line()
    w.say("answer:")
    answer(w, "puzzle most!", person=people[0])


def comparable(w: Writer, *people: str) -> bool:
    """Whether text may tell when these two were born, and here and now ask who is older."""
    if any(("born", person) in w.world.untold for person in people):
        return False
    first, second = (int(w.world.truth["born"][person]) for person in people)
    return first != second and held_out(first, second) == w.unseen


def older(w: Writer, person: str, friend: str) -> None:
    """Who of two people of the world is older."""
    years = {who: int(w.world.truth["born"][who]) for who in (person, friend)}
    for who in years:
        w.state("born", who)
    w.say("puzzle older?", person=person, friend=friend)
    w.line()
    w.say("sum steps:")
    w.ask()
    w.line()
    w.say("puzzle earlier", number=min(years.values()), number2=max(years.values()))
    w.line()
    w.say("answer:")
    answer(w, "puzzle older!", person=min(years, key=years.get))


def score(sample: Sample, answer: str) -> bool:
    """Whether an answer to one of these samples is right: what stands behind its last 'Answer:' counts."""
    return answer.rpartition("Answer:")[2].strip() == sample.notes["answer"]


GENRES = {"arithmetic": arithmetic, "puzzles": puzzle}
