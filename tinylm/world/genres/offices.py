"""Notes from offices: a clinic, a bank, a school and the letters of a shop's customers, each with a task.

What is right follows from what the text shows, by these rules. Clinic: a fever, or more than a week of it, is
for the doctor; anything else has its remedy. Bank: sums add up. School: each mistake has its hint. Support:
each trouble has its department, and a third letter or a wait of more than a week goes to the manager.
"""

import re
from itertools import product
from typing import NamedTuple

from tinylm.world import words
from tinylm.world.grammar import says, states
from tinylm.world.truth import Fact
from tinylm.world.writer import Writer

REMEDIES = {
    "a cough": "drink tea with honey",
    "a sore throat": "drink tea with honey",
    "a headache": "rest in a dark room",
    "tired eyes": "rest in a dark room",
    "a sore foot": "wear softer shoes",
    "a blister": "wear softer shoes",
    "a stiff neck": "wear a warm scarf",
    "a cold": "wear a warm scarf",
    "a stomach ache": "eat only rice",
    "a full stomach": "eat only rice",
    "a dry mouth": "drink water slowly",
    "hiccups": "drink water slowly",
}
DOCTOR = "see the doctor"
DAYS = ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
LONG = set(DAYS[DAYS.index("eight") :])  # more than a week
TROUBLES = {
    "Repairs": ["is broken", "fell apart", "has a hole", "has a long scratch", "makes a strange noise"],
    "Delivery": [
        "never arrived",
        "has not come yet",
        "went to the wrong house",
        "is late",
        "is lost on the way",
    ],
    "Accounts": [
        "was paid for twice",
        "cost too much",
        "is not on the bill",
        "is on the bill twice",
        "was cheaper before",
    ],
    "Exchange": ["is too small", "is too big", "has the wrong colour", "is the wrong one", "does not fit"],
}
GOODS = ["basket", "bowl", "box", "chair", "clock", "cup", "drum", "hat", "kite", "lamp", "ring"]
DEPARTMENTS = {trouble: department for department, troubles in TROUBLES.items() for trouble in troubles}
HOMEWORK = [
    "learn ten words",
    "read one page",
    "draw a map",
    "write a short letter",
    "sing the song twice",
    "count the stars",
    "paint a bird",
    "ask a friend a question",
]


class Rule(NamedTuple):
    """Some words that change in one way, the ending that pupils wrongly give them, and the teacher's hint."""

    examples: list[str]
    ending: str
    hint: str


def _rule(examples: str, ending: str, hint: str) -> Rule:
    return Rule(examples.split(), ending, hint)


ADDS_S = " ".join(noun for noun in words.ANIMALS + words.THINGS if words.plural(noun) == f"{noun}s")
PLURALS = [
    _rule(ADDS_S, "", "an s is missing"),
    _rule("beach box brush dish dress fox glass match peach", "s", "an e comes before the s"),
    _rule("berry cherry city country lady library pony story", "s", "the y becomes an i"),
    _rule(" ".join(sorted(words.PLURALS)), "s", "this word goes its own way"),
]
PASTS = [
    _rule("laugh rest shout walk wander work paint help", "", "the ending is missing"),
    _rule("arrive close dance live move smile", "ed", "one e is enough"),
    _rule("carry cry dry hurry marry try", "ed", "here the y becomes an i"),
    _rule("draw find meet run see sing sleep swim", "ed", "this verb goes its own way"),
]
HINTS = [rule.hint for rule in PLURALS + PASTS]


def held_out(*places: int) -> bool:
    """Whether training text leaves out what stands at these places of its lists: one combination in five."""
    return sum((n + 1) * place for n, place in enumerate(places)) % 5 == 0


def split(*lists) -> dict[bool, list]:
    """The combinations that are held out (True), and all others."""
    both: dict[bool, list] = {False: [], True: []}
    for places in product(*(range(len(options)) for options in lists)):
        both[held_out(*places)].append(tuple(options[i] for options, i in zip(lists, places, strict=True)))
    return both


CASES = split(list(REMEDIES), DAYS)  # what ails people, and for how long
LETTERS = split(GOODS, list(DEPARTMENTS))
LESSONS = split(words.WEEKDAYS, HOMEWORK)
TERMS = split(list(range(20, 41)), list(range(2, 10)))
EXERCISES = {
    (kind, unseen): [
        (rule, [word for i, word in enumerate(rule.examples) if held_out(i) == unseen]) for rule in rules
    ]
    for kind, rules in (("plural", PLURALS), ("past", PASTS))
    for unseen in (False, True)
}
CHANGE = {"plural": words.plural, "past": words.past}
WORDS = {
    "symptom": list(REMEDIES),
    "advice": sorted({*REMEDIES.values(), DOCTOR}),
    "days": DAYS,
    "good": GOODS,
    "trouble": list(DEPARTMENTS),
    "department": list(TROUBLES),
    "homework": HOMEWORK,
    "hint": HINTS,
    "exercise": sorted({word for rule in PLURALS + PASTS for word in rule.examples}),
    "spelled": sorted(
        {
            text
            for kind, rules in (("plural", PLURALS), ("past", PASTS))
            for rule in rules
            for word in rule.examples
            for text in (word + rule.ending, CHANGE[kind](word))
        }
    ),
}
PATTERNS = {"amount": (r"\d+", int), "terms": (r"\d+(?: [+-] \d+)+", str)}
TOLD = {
    "complaint": ("person", "symptom"),
    "since": ("person", "days"),
    "advice": ("person", "advice"),
    "mark": ("person", "amount"),
    "homework": ("weekday", "homework"),
    "sum": ("terms", "amount"),
}


def value(terms: str) -> int:
    """What a sum such as '20 + 5 - 7' comes to."""
    return sum(int(term.replace(" ", "")) for term in re.findall(r"[+-]? ?\d+", terms))


def adds_up(world, fact: Fact) -> bool:
    """Whether a sum is right."""
    return value(fact.subject) == fact.object


CHECKS = {"sum": adds_up}
FORMS = {
    # the clinic
    "clinic title": says("(Clinic|At the clinic|Notes of the clinic), {weekday}", "A visit to the clinic"),
    "clinic rule": says(
        "Whoever has a fever, or is ill for more than a week, sees the doctor.",
        "(Remember|Our rule is) that a fever, or more than a week of pain, is for the doctor.",
        "After more than a week, or with a fever, people see the doctor.",
    ),
    "complaint": states(
        "complaint",
        "{person} (has|complains of|came with|came in with) {symptom}.",
        "{symptom} brought {person:him} (here|to us|to the clinic).",
        "What brings {person:him} here is {symptom}.",
    ),
    "complaint since": states(
        "complaint since",
        "For {days} days now, {person} has had {symptom}.",
        "{person} came with {symptom} after {days} days of waiting.",
    ),
    "since": states(
        "since",
        "(It|This|The trouble) began {days} days ago.",
        "(It|This) has gone on for {days} days.",
        "{person} has waited {days} days[ before coming].",
        "{person} has felt like this for {days} days.",
    ),
    "fever": says(
        "{person} has a fever[ too].",
        "The nurse found a fever.",
        "{person:'s} (face|forehead) is hot with fever.",
    ),
    "no fever": says(
        "There is no fever.",
        "{person} has no fever.",
        "The nurse found no fever.",
        "{person:'s} (face|forehead) is cool.",
    ),
    "finding": says(
        "{person} (eats|sleeps|hears|sees) well.",
        "{person:'s} heart is (calm|strong|steady).",
        "(Everything else|All the rest) is (fine|as it should be).",
        "{person} was cheerful and even made a joke.",
        "{person} (laughs|smiles|talks) a lot.",
    ),
    "told advice": states(
        "advice",
        "The nurse told {person:him} to {advice}.",
        "(It is best to|For now, {person} should) {advice}.",
        "We asked {person:him} to {advice}.",
    ),
    "advice:": says("Advice:"),
    "advice?": says("What should {person} do?", "What (would|will) help {person:him}?"),
    "advice!": states("advice", "{advice}."),
    "complaint?": says(
        "What does {person} complain of?", "What (ails {person:him}|brings {person:him} here)?"
    ),
    "complaint!": states("complaint", "{symptom}.", retold=True),
    "since?": says("How long has it lasted?", "For how many days has {person} felt ill?"),
    "since!": states("since", "For {days} days.", retold=True),
    # the bank
    "account title": says(
        "Account of {person:full}", "{person:full} at the bank", "The money of {person:full}"
    ),
    "account": says(
        "{person} (had|began with|started with) {amount} coins[ in the bank].",
        "There were {amount} coins in {person:'s} account.",
        "At first, {person:'s} account held {amount} coins.",
    ),
    "paid in": says(
        "On {weekday}, {person} (paid in|brought|saved) {amount} coins.",
        "{person} sold {thing:a} for {amount} coins.",
        "{amount} coins came in (on {weekday}|for {goods}).",
        "A friend paid back {amount} coins.",
    ),
    "paid out": says(
        "On {weekday}, {person} took out {amount} coins.",
        "{person} (bought|paid for) {thing:a}, which cost {amount} coins.",
        "{amount} coins went out (on {weekday}|for {goods}).",
        "{person} (spent {amount} coins on|bought {amount} coins' worth of) {goods}.",
    ),
    "account line": says("Start {amount}"),
    "line in": says("{weekday}, {goods} sold, + {amount}", "{weekday}, paid in, + {amount}"),
    "line out": says("{weekday}, {goods} bought, - {amount}", "{weekday}, taken out, - {amount}"),
    "accounts": says(
        "{person} had {amount} coins and {other} had {amount2}.",
        "In the bank there were {amount} coins of {person:full} and {amount2} of {other:full}.",
    ),
    "transfer": says(
        "{person} (sent|gave|paid) {amount} coins to {other:him}.",
        "On {weekday}, {amount} coins went from {person:full} to {other:full}.",
        "For {goods}, {person} paid {other:him} {amount} coins.",
    ),
    "price": says(
        "{person} (would like|wants) to buy {thing:a} for {amount} coins.",
        "{thing:a} (in the market|at the harbour) costs {amount} coins.",
    ),
    "work out?": says("Work out (what|how much) {person} has (now|left).", "Show how much {person} has now."),
    "work out!": states("sum", "{terms} = {amount}."),
    "balance?": says(
        "How many coins does {person} have (now|in the end)?", "What is {person:'s} balance (now|in the end)?"
    ),
    "balance!": says("{amount} coins."),
    "enough?": says("Is (it|that|the money) enough?", "Can {person} pay for it?"),
    "enough!": states("sum", "Yes, {terms} = {amount} coins are left."),
    "too little!": states("sum", "No, {terms} = {amount} coins are missing."),
    # the school
    "pupil sum": says(
        "{person} (wrote|worked out|answered) {terms} = {amount}.",
        "{person:'s} answer was {terms} = {amount}.",
        "Asked for {terms}, {person} said {amount}.",
    ),
    "pupil plural": says(
        "For more than one {exercise}, {person} (wrote|said) {spelled}.",
        "{person} (thinks|wrote) that the plural of {exercise} is {spelled}.",
        "One {exercise}, two {spelled}, says {person}.",
    ),
    "pupil past": says(
        "{person} put {exercise} into the past and (got|wrote) {spelled}.",
        "{person} (thinks|wrote) that the past of {exercise} is {spelled}.",
        "Today I {exercise}, yesterday I {spelled}, says {person}.",
    ),
    "class": says(
        "(At school|In class) on {weekday}, it was {weather} outside.",
        "The lesson on {weekday} was (long|short|about the {place}).",
        "(At school|In class) on {weekday}, everyone was (quiet|cheerful|sleepy|curious).",
    ),
    "class fact": states(
        "diet",
        "(At school|In class), we learned that {animal:s} eat {food}.",
        "The lesson on {weekday} was about {animal:s}, who like {food} best.",
    ),
    "teacher:": says("(Teacher|The teacher|Marked):"),
    "correct": says("Yes, that is correct."),
    "mistake": says("No, {hint}."),
    "too much": says("No, that is too much."),
    "too little": says("No, that is too little."),
    "right sum": states("sum", "{terms} = {amount}."),
    "right word": says("The right word is {spelled}."),
    "mark": states(
        "mark",
        "{person} (got|has|reached) {amount} points.",
        "{amount} points (go|went) to {person:full}.",
        "For {person} there were {amount} points.",
    ),
    "best?": says("Who (did best|has the most points|was the best)?"),
    "worst?": says("Who (has the fewest points|must learn more)?"),
    "best!": says("{person:full}."),
    "worst!": says("{person:full}."),
    "mark?": says("How many points did {person} get?", "What are {person:'s} points?"),
    "mark!": states("mark", "{amount} points.", retold=True),
    "test": says("The points of the test on {weekday}:", "This is how the test about {animal:s} went:"),
    "homework": states(
        "homework",
        "For {weekday}, {homework}.",
        "Please {homework} (for|by) {weekday}.",
        "On {weekday}, everyone has to {homework}.",
        "{weekday}, {homework}.",
    ),
    "homework?": says("What (is there to do|do we have to do|is the homework) for {weekday}?"),
    "homework!": states("homework", "{homework}.", retold=True),
    # support
    "ticket": says("(Ticket|Letter) {amount}", "(Ticket|Letter) {amount}, {weekday}"),
    "dear shop": says("Dear shop,", "(Hello|Good morning|Good evening),"),
    "desk rule": says(
        "A third letter, or a wait of more than a week, goes to the manager.",
        "The manager reads third letters, and whoever has waited for more than a week.",
    ),
    "trouble": says(
        "(The|I am sorry to say that the) {good} [that I ordered] {trouble}.",
        "(My|The) new {good} {trouble}.",
        "I am writing because my {good} {trouble}.",
        "I ordered {good:a}, but (it|the {good}) {trouble}.",
    ),
    "content": says(
        "(The|My) {good2} from last {month} is (fine|lovely|just right).",
        "I (like|love) the {good2} that came on {weekday}.",
        "Otherwise I am happy with your shop.",
        "Your people are always (kind|helpful|polite).",
    ),
    "waited": says("I have waited for {days} days.", "I wrote to you {days} days ago."),
    "early letter": says("This is my (first|second) letter.", "There is no [great] hurry."),
    "third letter": says("This is my third letter.", "I have written (twice|two letters) before."),
    "reported trouble": says(
        "{person} (writes|says|complains) that the {good} {trouble}.",
        "{person} bought {good:a} which {trouble}.",
        "{person:'s} {good} {trouble}.",
    ),
    "reported content": says(
        "{person} (likes|loves) the {good2} that came on {weekday}.",
        "The {good2} from last {month} is (fine|lovely|just right).",
    ),
    "reported waited": says(
        "{person} has waited for {days} days.", "{person:'s} letter came {days} days ago."
    ),
    "reported early letter": says("It is {person:'s} (first|second) letter.", "There is no [great] hurry."),
    "reported third letter": says("It is {person:'s} third letter.", "{person} has written twice before."),
    "letter ends": says("(Yours|Best wishes|With kind regards), {speaker:full}"),
    "department:": says("Department:"),
    "department": says("{department}."),
    "manager:": says("To the manager:"),
    "manager": says("Yes."),
    "no manager": says("No."),
    "resolution:": says("Solution:"),
    "Repairs solution": says("The {good} was mended."),
    "Delivery solution": says("The {good} was brought by hand."),
    "Accounts solution": says("The bill for the {good} was put right."),
    "Exchange solution": says("The {good} was exchanged."),
}


def put(w: Writer, asks: str, answers: str, **bound) -> None:
    """A question about what stands above, and its answer."""
    w.line()
    w.say("question:")
    w.say(asks, **bound)
    w.line()
    w.say("answer:")
    w.ask()
    w.say(answers, **bound)


def clinic(w: Writer) -> None:
    """A visit: what someone complains of, since when, what was found, and what to do about it."""
    if w.chance(0.35):
        w.say("clinic title")
        w.line()
    if w.chance(0.25):
        w.say("clinic rule")
    person, days = w.person(), None
    if w.unseen or w.chance(0.75):
        symptom, days = w.one_of(CASES[w.unseen])
    else:
        symptom = w.one_of(list(REMEDIES))
    feverish = _visit(w, person, symptom, days)
    advice = DOCTOR if feverish or days in LONG else REMEDIES[symptom]
    if w.unseen or w.chance(0.7):
        label = advice
        if w.chance(0.5):
            w.line()
            w.say("advice:")
            w.ask()
            w.say("advice!", person=person, advice=advice)
        else:
            put(w, "advice?", "advice!", person=person, advice=advice)
    else:
        w.say("told advice", person=person, advice=advice)
        asked = "since" if days and w.chance(0.5) else "complaint"
        label = days if asked == "since" else symptom
        put(w, f"{asked}?", f"{asked}!", person=person, symptom=symptom, days=days)
    w.notes |= {"label": label, "doctor": advice == DOCTOR}


def _visit(w: Writer, person: str, symptom: str, days: str | None) -> bool:
    """What is told of a visit; whether there is a fever."""
    if days and w.chance(0.3):
        w.say("complaint since", person=person, symptom=symptom, days=days)
        days = None
    else:
        w.say("complaint", person=person, symptom=symptom)
    if days:
        w.say("since", person=person, days=days)
    if w.chance(0.3):
        w.say("finding", person=person)
    feverish = w.chance(0.15)
    if feverish:
        w.say("fever", person=person)
    elif w.chance(0.5):
        w.say("no fever", person=person)
    return feverish


def bank(w: Writer) -> None:
    """Money that comes and goes, and a sum."""
    w.one_of([statement, transfer, purchase])(w)


def statement(w: Writer) -> None:
    """What came into an account and went out of it, told or in a table, and what is left."""
    person, told = w.person(), w.chance(0.6)
    start, change = w.one_of(TERMS[w.unseen])
    if told:
        w.say("account", person=person, amount=start)
    else:
        w.say("account title", person=person)
        w.line()
        w.say("account line", amount=start)
    terms, left = str(start), start
    for i in range(w.number(2, 3)):
        income = left < 4 or w.chance(0.5)
        if i:
            change = w.number(2, 9 if income else min(9, left - 2))
        if not told:
            w.line()
        where = "in" if income else "out"
        w.say(f"{'paid' if told else 'line'} {where}", person=person, amount=change)
        terms, left = f"{terms} {'+' if income else '-'} {change}", left + (change if income else -change)
    balance(w, person, terms, left)


def transfer(w: Writer) -> None:
    """Coins go from one account to another."""
    giver = w.person()
    taker = w.person(but=[giver])
    start, change = w.one_of(TERMS[w.unseen])
    asked, other = w.chance(0.5), w.number(20, 40)  # whether it is the giver whose coins are asked for
    has = {giver: start if asked else other, taker: other if asked else start}
    first, second = (giver, taker) if w.chance(0.5) else (taker, giver)
    w.say("accounts", person=first, other=second, amount=has[first], amount2=has[second])
    w.say("transfer", person=giver, other=taker, amount=change)
    who = giver if asked else taker
    balance(w, who, f"{start} {'-' if asked else '+'} {change}", start + (-change if asked else change))


def balance(w: Writer, person: str, terms: str, left: int) -> None:
    """Ask for the sum, worked out or at once."""
    asked = w.one_of(["work out", "balance"])
    put(w, f"{asked}?", f"{asked}!", person=person, terms=terms, amount=left)
    w.notes |= {"label": left, "terms": terms}


def purchase(w: Writer) -> None:
    """Whether someone can pay for a thing, and how much is left or missing."""
    person = w.person()
    coins, more = w.one_of(TERMS[w.unseen])
    w.say("account", person=person, amount=coins)
    enough = w.chance(0.5)
    price = coins - more if enough else coins + more
    w.say("price", person=person, amount=price)
    terms = f"{max(coins, price)} - {min(coins, price)}"
    put(w, "enough?", "enough!" if enough else "too little!", person=person, terms=terms, amount=more)
    w.notes |= {"label": "yes" if enough else "no", "terms": terms}


def school(w: Writer) -> None:
    """A pupil's work and the teacher's hint, the points of a test, or the homework of a week."""
    w.one_of([sums, spelling, test, homework])(w)


def lesson(w: Writer) -> None:
    """How the lesson was, where that is told."""
    told = w.one_of(["", "class", "class fact"])
    if told == "class":
        w.say("class")
    elif told:
        w.state("class fact", w.entity("animal"))


def sums(w: Writer) -> None:
    """A sum that someone worked out, rightly or not."""
    lesson(w)
    first, second = w.one_of(TERMS[w.unseen])
    sign = w.one_of("+-")
    terms = f"{first} {sign} {second}"
    right = wrote = value(terms)
    if not w.chance(0.5):
        wrote += w.one_of([-3, -2, -1, 1, 2, 3])
    w.say("pupil sum", person=w.person(), terms=terms, amount=wrote)
    label = "correct" if wrote == right else "too much" if wrote > right else "too little"
    correct(w, label)
    if wrote != right:
        w.say("right sum", terms=terms, amount=right)


def spelling(w: Writer) -> None:
    """A plural or a past that someone wrote, rightly or with a mistake that its rule explains."""
    lesson(w)
    kind = w.one_of(["plural", "past"])
    rule, examples = w.one_of(EXERCISES[kind, w.unseen])
    word = w.one_of(examples)
    right = wrote = CHANGE[kind](word)
    if not w.chance(0.5):
        wrote = word + rule.ending
    w.say(f"pupil {kind}", person=w.person(), exercise=word, spelled=wrote)
    correct(w, "correct" if wrote == right else "mistake", hint=rule.hint)
    w.notes["hint"] = rule.hint
    if wrote != right:
        w.say("right word", spelled=right)


def correct(w: Writer, label: str, **bound: str) -> None:
    """What the teacher says of it."""
    w.line()
    w.say("teacher:")
    w.ask()
    w.say(label, **bound)
    w.notes["label"] = label


def test(w: Writer) -> None:
    """The points of two or three pupils, and a question about them."""
    if w.chance(0.5):
        w.say("test")
    people = []
    for _ in range(w.number(2, 3)):
        people.append(w.person(but=people))
    points = w.several(range(2, 20), len(people))
    for person, amount in zip(people, points, strict=True):
        w.say("mark", person=person, amount=amount)
    asked = w.one_of(["best", "worst", "mark"])
    i = (
        w.one_of(range(len(people)))
        if asked == "mark"
        else points.index((max if asked == "best" else min)(points))
    )
    put(w, f"{asked}?", f"{asked}!", person=people[i], amount=points[i])
    w.notes["label"] = points[i] if asked == "mark" else people[i]


def homework(w: Writer) -> None:
    """What is to be done for two or three days, and a question about one of them."""
    lesson(w)
    tasks: dict[str, str] = {}
    for _ in range(w.number(2, 3)):
        options = [
            (d, task) for d, task in LESSONS[w.unseen] if d not in tasks and task not in tasks.values()
        ]
        weekday, task = w.one_of(options)
        tasks[weekday] = task
        w.say("homework", weekday=weekday, homework=task)
    weekday = w.one_of(list(tasks))
    put(w, "homework?", "homework!", weekday=weekday, homework=tasks[weekday])
    w.notes["label"] = tasks[weekday]


def support(w: Writer) -> None:
    """A customer's letter: which department is it for, does it go to the manager, and how was it solved?"""
    good, trouble = w.one_of(LETTERS[w.unseen])
    department = DEPARTMENTS[trouble]
    if w.chance(0.4):
        w.say("ticket", amount=w.number(20, 99))
        w.line()
    if w.chance(0.2):
        w.say("desk rule")
        w.line()
    to_manager = letter(w, good, trouble)
    fields = {
        "department": ("department", department),
        "manager": ("manager" if to_manager else "no manager", "yes" if to_manager else "no"),
        "resolution": (f"{department} solution", department),
    }
    asked = w.number(1, 3)
    for field, (key, label) in list(fields.items())[:asked]:
        w.line()
        w.say(f"{field}:")
        w.ask()
        w.say(key, department=department, good=good)
        w.notes |= {"asked": field, "label": label}


def letter(w: Writer, good: str, trouble: str) -> bool:
    """The letter itself; whether it must go to the manager."""
    person, told = w.person(), ""
    signed = w.chance(0.6)
    if not signed:
        told = "reported "
    elif w.chance(0.6):
        w.say("dear shop")
        w.line()
    w.say(f"{told}trouble", person=person, good=good, trouble=trouble)
    if w.chance(0.4):
        w.say(f"{told}content", person=person, good=good)
    urgency = w.one_of(["", "waited", "early letter", "third letter"])
    days = w.one_of(DAYS) if urgency == "waited" else None
    if urgency:
        w.say(f"{told}{urgency}", person=person, days=days)
    if signed:
        w.line()
        w.say("letter ends", speaker=person)
    return urgency == "third letter" or days in LONG


GENRES = {"clinic": clinic, "bank": bank, "school": school, "support": support}
