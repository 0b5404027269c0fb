"""How things are done, instructions with good and bad answers, and which of two answers someone prefers.

Whether an answer follows its instruction is decided exactly (`follows`), and so is what people prefer: each
has tastes of their own (`tastes`), in an order of importance; the first that tells two answers apart decides.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import combinations, permutations, product
from typing import NamedTuple

from tinylm.world import words
from tinylm.world.genres.offices import held_out, split
from tinylm.world.genres.scenes import ALLOWED, NOUNS
from tinylm.world.grammar import says, states
from tinylm.world.truth import Draws, Fact
from tinylm.world.writer import Writer

COUNTS = ["two", "three", "four", "five", "six", "seven", "eight", "nine"]
TIMES = {"twice": 2, "three times": 3, "four times": 4}
BEGINNINGS = ["first", "to begin with"]
ENDINGS = ["finally", "in the end"]
BETWEEN = ["then", "next", "after that", "now"]
OPPOSITES = {
    "big": "small",
    "long": "short",
    "light": "heavy",
    "narrow": "wide",
    "hot": "cold",
    "dry": "wet",
    "old": "young",
    "happy": "sad",
    "quiet": "loud",
    "brave": "afraid",
    "clean": "dirty",
    "strong": "weak",
}
OPPOSITES |= {other: one for one, other in OPPOSITES.items()}


# how to do things


class Recipe(NamedTuple):
    """How something is done: what it is about (a kind of word, and the words that fit), titles, and steps in
    order. A step that begins with a question mark may be left out."""

    kind: str
    options: list[str]
    goal: str
    steps: list[str]


def _words(together: str) -> list[str]:
    return together.split()


RECIPES = {
    "clean": Recipe(
        "thing",
        _words("basket bottle bowl box chair clock cup drum key knife lamp ring shoe"),
        "(clean|wash) {thing:a}",
        [
            "fill a bowl with (warm|clean) water",
            "wash the {thing} with a (soft|wet) cloth",
            "?take an old brush for the corners",
            "dry the {thing} (in the sun|with a towel)",
            "?put it back in its place",
        ],
    ),
    "cook": Recipe(
        "food",
        _words("beans carrots lentils mushrooms onions pears plums potatoes"),
        "(make soup from|cook a soup of) {food}",
        [
            "wash the {food}",
            "?cut them into small pieces",
            "put them into a pot of hot water",
            "let the soup cook for {tally} minutes",
            "?add salt[ and a little honey]",
            "?eat it (with bread|while it is hot)",
        ],
    ),
    "find": Recipe(
        "thing",
        _words("basket book coat cup drum hat key kite lamp map ring shoe"),
        "find a lost {thing}",
        [
            "?sit down and think",
            "look under the (bed|table|stairs)",
            "?ask (a friend|everyone at home) about the {thing}",
            "go back to the {place} where you had it last",
            "?stop looking, and the {thing} will find you",
        ],
    ),
    "tame": Recipe(
        "animal",
        words.ANIMALS,
        "make friends with {animal:a}",
        [
            "sit down (quietly|a few steps away)",
            "?do not (run|shout|sing)",
            "offer the {animal} some {food}",
            "wait until it comes to you",
            "?say goodbye politely",
        ],
    ),
    "paint": Recipe(
        "thing",
        _words("basket bowl box chair clock cup drum hat kite lamp ladder"),
        "paint {thing:a}",
        [
            "clean the {thing}[ with a dry cloth]",
            "open a pot of {colour} paint",
            "paint the {thing} from top to bottom",
            "let it dry for {tally} hours",
            "?paint it a second time",
        ],
    ),
    "wrap": Recipe(
        "thing",
        _words("book bottle bowl box clock cup drum hat key kite lamp map ring"),
        "(wrap|pack) {thing:a} as a present",
        [
            "lay the {thing} on {colour} paper",
            "fold the paper over the {thing}",
            "tie it with {tally} pieces of string",
            "?write a name on it",
        ],
    ),
    "draw": Recipe(
        "animal",
        words.ANIMALS,
        "(draw|paint) {animal:a}",
        [
            "draw a circle for the head",
            "?look at {adjective:a} {animal} for a while",
            "add the body and the legs",
            "give the {animal} (eyes|two eyes) and a (smile|mouth)",
            "?make it {colour}",
        ],
    ),
    "grow": Recipe(
        "food",
        _words("apples beans carrots cherries lentils onions pears plums potatoes"),
        "(grow|plant) {food}",
        [
            "dig {tally} (small|deep) holes",
            "?take out the stones",
            "put the seeds of the {food} into the earth",
            "give them water every (day|morning)",
            "wait until {month}[ or longer]",
        ],
    ),
}
GOALS = {
    unseen: {
        name: [word for j, word in enumerate(recipe.options) if held_out(i, j) == unseen]
        for i, (name, recipe) in enumerate(RECIPES.items())
    }
    for unseen in (False, True)
}


def _courses(recipe: Recipe) -> list[tuple[int, ...]]:
    """All ways to leave out steps that may be left out."""
    places = range(len(recipe.steps))
    needed = {i for i in places if recipe.steps[i][0] != "?"}
    return [
        some for n in range(3, len(places) + 1) for some in combinations(places, n) if needed <= set(some)
    ]


COURSES = {name: _courses(recipe) for name, recipe in RECIPES.items()}


def _recipes() -> dict:
    tables = {}
    for name, recipe in RECIPES.items():
        tables[f"how title {name}"] = says(f"How to {recipe.goal}", f"How do you {recipe.goal}?")
        tables[f"how intro {name}"] = says(
            f"Whoever wants to {recipe.goal} needs (time|a quiet day).",
            f"It is not hard to {recipe.goal}.",
            f"This is how to {recipe.goal}:",
        )
        for i, step in enumerate(recipe.steps):
            told = step.removeprefix("?")
            relation = "diet" if "some {food}" in told else ""
            tables[f"how {name} {i}"] = states(relation, f"{told[0].upper()}{told[1:]}.")
            tables[f"how {name} {i} in order"] = states(relation, f"{{order}}, {told}.")
    return tables


# instructions


class Listing(NamedTuple):
    """What can be listed: its name in the plural, the kind of word, and how one is written."""

    plural: str
    kind: str
    how: str = ""


LISTINGS = [
    Listing("animals", "animal", ":a"),
    Listing("colours", "colour"),
    Listing("months", "month"),
    Listing("days of the week", "weekday"),
    Listing("jobs", "job", ":a"),
]
KNOWN = {  # the words of which an answer may be
    "animals": words.ANIMALS,
    "colours": words.COLOURS,
    "months": words.MONTHS,
    "days of the week": words.WEEKDAYS,
    "jobs": words.JOBS,
}
SENTENCES = {  # of so many words
    "three": "The {noun} {verb:es}.",
    "four": "The {adjective} {noun} {verb:es}.",
    "five": "The {adjective} {noun} must {verb}.",
    "six": "On {weekday} the {noun} will {verb}.",
    "seven": "The {adjective} {noun} {verb:es} near the {place}.",
    "eight": "Near the {place}, the {adjective} {noun} can {verb}.",
}
ECHOES = words.ANIMALS + words.THINGS
LETTERS = sorted({animal[0] for animal in words.ANIMALS})
WITHOUT = _words("a e g o r s")
LISTS = split(LISTINGS, COUNTS[:3])
ECHOED = split(ECHOES, list(TIMES))
PAIRS = split(words.ANIMALS, words.ANIMALS)
PAIRS = {unseen: [pair for pair in pairs if pair[0] != pair[1]] for unseen, pairs in PAIRS.items()}
ABOUT = split(words.ANIMALS, list(SENTENCES))
SINGLE = {  # words that stand alone in an instruction
    name: {unseen: [word for (word,) in some] for unseen, some in split(options).items()}
    for name, options in (
        ("animal", words.ANIMALS),
        ("noun", [noun for noun in words.ANIMALS + words.JOBS if words.plural(noun) != noun]),
        ("loud", ECHOES),
        ("opposite", list(OPPOSITES)),
        ("letter", LETTERS),
        ("without", WITHOUT),
    )
}


def _listed(listing: Listing, n: int) -> str:
    slots = [f"{{{listing.kind}{i if i > 1 else ''}{listing.how}}}" for i in range(1, n + 1)]
    return f"{', '.join(slots[:-1])} and {slots[-1]}."


LISTED = {f"do list {item.kind} {n}": says(_listed(item, n)) for item in LISTINGS for n in range(2, 6)}


class Task(NamedTuple):
    """What an instruction asked for, and how a good and a bad answer to it are written."""

    asked: dict
    good: Callable[[], dict]
    bad: Callable[[], dict]


def list_some(w: Writer) -> Task:
    listing, count = w.one_of(LISTS[w.unseen])
    n = 2 + COUNTS.index(count)
    w.say("do list?", count=count, listing=listing.plural)

    def write(n: int) -> dict:
        return w.say(f"do list {listing.kind} {n}")

    return Task(
        {"listed": listing.plural, "n": n},
        lambda: write(n),
        lambda: write(w.one_of([other for other in range(2, 6) if other != n])),
    )


def write_again(w: Writer) -> Task:
    word, times = w.one_of(ECHOED[w.unseen])
    w.say("do echo?", echo=word, times=times)
    n = TIMES[times]
    return Task(
        {"word": word, "n": n},
        lambda: w.say(f"do echo {n}", echo=word),
        lambda: w.say(f"do echo {w.one_of([other for other in range(1, 6) if other != n])}", echo=word),
    )


def one_word(w: Writer) -> Task:
    animal = w.one_of(SINGLE["animal"][w.unseen])
    food = w.world.truth["diet"][animal]
    w.say("do diet?", animal=animal)
    return Task(
        {"word": food},
        lambda: w.say("do diet!", animal=animal, food=food),
        lambda: w.say("do long diet", animal=animal, food=food),
    )


def name_city(w: Writer) -> Task:
    land = w.world.truth["land"]
    country = w.entity("country")
    cities = [city for city, there in land.items() if there == country]
    w.say("do city?", country=country)

    def write(options: list[str]) -> dict:
        city = w.one_of(options)
        return w.say("do city", city=city, country=land[city])

    return Task(
        {"cities": cities},
        lambda: write(cities),
        lambda: write([city for city in land if land[city] != country]),
    )


def give_plural(w: Writer) -> Task:
    noun = w.one_of(SINGLE["noun"][w.unseen])
    w.say("do plural?", noun=noun)
    return Task(
        {"word": words.plural(noun)},
        lambda: w.say("do plural", noun=noun),
        lambda: w.say("do noun", noun=noun),
    )


def sort_words(w: Writer) -> Task:
    first, second = w.one_of(PAIRS[w.unseen])
    third = w.one_of([animal for animal in words.ANIMALS if animal not in (first, second)])
    given = (first, second, third)
    w.say("do sort?")
    three(w, given)
    right = tuple(sorted(given))
    return Task(
        {"words": right},
        lambda: three(w, right),
        lambda: three(w, w.one_of([other for other in permutations(given) if other != right])),
    )


def three(w: Writer, given: tuple[str, ...]) -> dict:
    return w.say("do three", animal=given[0], animal2=given[1], animal3=given[2])


def capital_letters(w: Writer) -> Task:
    word = w.one_of(SINGLE["loud"][w.unseen])
    w.say("do loud?", echo=word)
    loud = word.upper()
    return Task({"word": loud}, lambda: w.say("do loud", loud=loud), lambda: w.say("do echo 1", echo=word))


def repeat(w: Writer) -> Task:
    count = w.one_of(list(SENTENCES))
    w.say("do repeat?")
    bound = sentence(w, count, w.one_of(SINGLE["noun"][w.unseen]))
    return Task(
        {"sentence": written(w)},
        lambda: w.say(f"sentence {count}", **bound),
        lambda: sentence(w, w.one_of([other for other in SENTENCES if other != count]), w.one_of(NOUNS)),
    )


def sentence(w: Writer, count: str, noun: str) -> dict:
    """Write a sentence of so many words about a noun, with a verb that text may use with it."""
    return w.say(f"sentence {count}", noun=noun, verb=w.one_of(ALLOWED[noun]))


def written(w: Writer) -> str:
    """The piece that was written last."""
    return w.parts[-1]


def count_words(w: Writer) -> Task:
    count = w.one_of(list(SENTENCES))
    w.say("do count?")
    sentence(w, count, w.one_of(SINGLE["noun"][w.unseen]))
    return Task(
        {"n": 2 + COUNTS.index(count)},
        lambda: w.say("do count", count=count),
        lambda: w.say("do count", count=w.one_of([other for other in COUNTS if other != count])),
    )


def write_about(w: Writer) -> Task:
    animal, count = w.one_of(ABOUT[w.unseen])
    w.say("do about?", animal=animal, count=count)
    return Task(
        {"n": 2 + COUNTS.index(count), "word": animal},
        lambda: sentence(w, count, animal),
        lambda: sentence(w, w.one_of([other for other in SENTENCES if other != count]), animal),
    )


def opposite(w: Writer) -> Task:
    word = w.one_of(SINGLE["opposite"][w.unseen])
    right = OPPOSITES[word]
    w.say("do opposite?", contrary=word)
    return Task(
        {"word": right},
        lambda: w.say("do contrary", contrary=right),
        lambda: w.say("do contrary", contrary=w.one_of([other for other in OPPOSITES if other != right])),
    )


def begins_with(w: Writer) -> Task:
    letter = w.one_of(SINGLE["letter"][w.unseen])
    w.say("do begin?", letter=letter)
    return some_animal(w, {"letter": letter}, [animal for animal in words.ANIMALS if animal[0] == letter])


def without_letter(w: Writer) -> Task:
    letter = w.one_of(SINGLE["without"][w.unseen])
    w.say("do without?", letter=letter)
    return some_animal(w, {"letter": letter}, [animal for animal in words.ANIMALS if letter not in animal])


def some_animal(w: Writer, asked: dict, right: list[str]) -> Task:
    return Task(
        asked,
        lambda: w.say("do animal", animal=w.one_of(right)),
        lambda: w.say("do animal", animal=w.one_of([other for other in words.ANIMALS if other not in right])),
    )


def _bare(answer: str) -> str:
    return answer.strip().removesuffix(".")


def _one(answer: str) -> str:
    """The one word of an answer, without its article and in small letters."""
    return re.sub(r"^(a|an) ", "", _bare(answer).lower())


def _items(answer: str) -> list[str]:
    return [_one(item) for item in re.split(r", | and ", _bare(answer))]


def _is_list(asked: Mapping, answer: str) -> bool:
    items, known = _items(answer), {word.lower() for word in KNOWN[asked["listed"]]}
    return len(items) == len(set(items)) == asked["n"] and set(items) <= known


TASKS: dict[str, tuple[Callable[[Writer], Task], Callable[[Mapping, str], bool]]] = {
    "list": (list_some, _is_list),
    "write again": (write_again, lambda asked, answer: _items(answer) == [asked["word"]] * asked["n"]),
    "one word": (one_word, lambda asked, answer: _bare(answer).lower() == asked["word"]),
    "city": (
        name_city,
        lambda asked, answer: _bare(answer).split()[-1:] in [[city] for city in asked["cities"]],
    ),
    "plural": (give_plural, lambda asked, answer: _bare(answer).lower() == asked["word"]),
    "sort": (sort_words, lambda asked, answer: _items(answer) == list(asked["words"])),
    "capitals": (capital_letters, lambda asked, answer: _bare(answer) == asked["word"]),
    "repeat": (repeat, lambda asked, answer: answer.strip() == asked["sentence"]),
    "count": (count_words, lambda asked, answer: _bare(answer).lower() == f"{COUNTS[asked['n'] - 2]} words"),
    "about": (
        write_about,
        lambda asked, answer: (
            len(answer.split()) == asked["n"] and asked["word"] in re.findall(r"\w+", answer)
        ),
    ),
    "opposite": (opposite, lambda asked, answer: _bare(answer).lower() == asked["word"]),
    "begin": (
        begins_with,
        lambda asked, answer: _one(answer) in words.ANIMALS and _one(answer)[0] == asked["letter"],
    ),
    "without": (
        without_letter,
        lambda asked, answer: _one(answer) in words.ANIMALS and asked["letter"] not in _one(answer),
    ),
}


def follows(notes: Mapping, answer: str) -> bool:
    """Whether an answer does exactly what the instruction of a sample with these notes asks for."""
    return TASKS[notes["task"]][1](notes, answer)


def instruction(w: Writer) -> None:
    """An instruction of one of many kinds with an answer; some are marked as good, some as bad."""
    w.say("instruction:")
    name = w.one_of(list(TASKS))
    task = TASKS[name][0](w)
    w.notes |= {"task": name, **task.asked}
    kinds = w.one_of(["answer", "good answer", "bad answer", "both"])
    if kinds == "both":
        _answer(w, "bad answer", task.bad)
        kinds = "good answer"
    _answer(w, kinds, task.bad if kinds == "bad answer" else task.good)
    w.notes["good"] = kinds != "bad answer"


def _answer(w: Writer, label: str, write: Callable[[], dict]) -> None:
    w.line()
    w.say(f"{label}:")
    w.ask()
    write()


# what people prefer


class Style(NamedTuple):
    """How an answer is written."""

    long: bool
    flowery: bool
    casual: bool
    numbered: bool


TASTES = {  # what someone may like: without and with
    "long": ("short answers", "long answers"),
    "flowery": ("plain words", "flowery words"),
    "casual": ("a formal tone", "an easy tone"),
    "numbered": ("answers without numbers", "exact numbers"),
}
NOISE = 0.0  # the share of choices that go against someone's taste
REQUESTS = {  # the request, and its answers: plain and flowery, each without and with a number
    "weather": (
        ["How is the weather today?", "What is it like outside?"],
        ["it is {weather} outside", "it is {weather}, with {tally} clouds"],
        ["the {weather} sky sings an old song", "the {weather} sky sings {tally} old songs"],
    ),
    "boat": (
        ["When does the boat leave?", "Is there still time before the boat leaves?"],
        ["the boat leaves soon", "the boat leaves in {tally} minutes"],
        ["the boat dreams of the open sea", "the boat dreams of the sea for {tally} more minutes"],
    ),
    "lost": (
        ["Where is my {thing}?", "Have you seen my {thing}?"],
        ["the {thing} is near the {place}", "the {thing} is {tally} steps from the {place}"],
        [
            "the {thing} sleeps in the shadow of the {place}",
            "the {thing} sleeps in the shadow, {tally} steps from the {place}",
        ],
    ),
    "supper": (
        ["What is there for supper?", "What are we eating tonight?"],
        ["we are having {food}", "we are having {tally} plates of {food}"],
        ["a warm dream of {food} waits for us", "{tally} warm dreams of {food} wait for us"],
    ),
    "animal": (
        ["What does {animal:a} do all day?", "How does {animal:a} spend the day?"],
        ["it likes to {verb}", "it likes to {verb} for {tally} hours"],
        ["it likes to {verb} like a king", "it likes to {verb} like a king of {tally} lands"],
    ),
    "market": (
        ["What can I buy at the market?", "What do they sell at the market?"],
        ["they sell {goods}", "they sell {goods} for {tally} coins"],
        ["they sell {goods} as fine as the moon", "they sell {goods} as fine as {tally} moons"],
    ),
}
STYLES = [Style(*features) for features in product((False, True), repeat=4)]
RIVALS = [  # styles that differ in one or two ways
    pair for pair in combinations(STYLES, 2) if sum(a != b for a, b in zip(*pair, strict=True)) < 3
]
CHOICES = {  # by the group that someone's name falls into, see `group_of`
    (group, unseen): [pair for i, pair in enumerate(RIVALS) if held_out(group, i) == unseen]
    for group in range(5)
    for unseen in (False, True)
}


def group_of(person: str) -> int:
    """A number from 0 to 4 that the letters of a name add up to: which choices are held out for them."""
    return sum(map(ord, person)) % 5


def _requests() -> dict:
    tables = {}
    for name, (asks, plain, flowery) in REQUESTS.items():
        tables[f"request {name}"] = says(*asks)
        for style in STYLES:
            core = (flowery if style.flowery else plain)[style.numbered]
            opening = "{casual}" if style.casual else "{formal}"
            tables[f"reply {name} {_key(style)}"] = says(f"{opening}, {core}.")
    return tables


def _key(style: Style) -> str:
    """What the first sentence of an answer in this style depends on."""
    return " ".join(name for name in Style._fields[1:] if getattr(style, name))


@lru_cache(maxsize=20_000)
def _tastes(seed: int, person: str) -> dict[str, str]:
    draws = Draws(f"tastes {seed} {person}")
    return {name: draws.one_of(TASTES[name]) for name in draws.shuffled(list(TASTES))}


def tastes(world, person: str) -> dict[str, str]:
    """What a person likes in an answer, by what it is about: what matters most to them first."""
    return _tastes(world.seed, person)


def preferred(world, person: str, first: Style, second: Style) -> tuple[Style, str]:
    """Which of two answers the person likes better, and the taste that decides: the most important one in
    which the answers differ. Raises ValueError where they do not."""
    for name, taste in tastes(world, person).items():
        if getattr(first, name) != getattr(second, name):
            return (first if TASTES[name][getattr(first, name)] == taste else second), taste
    raise ValueError(f"first={first!r} and second={second!r} do not differ")


def is_taste(world, fact: Fact) -> bool:
    """Whether someone likes that."""
    return fact.object in tastes(world, fact.subject).values()


def preference(w: Writer) -> None:
    """A request, two answers, and which of them someone prefers, with the reason where one is asked for."""
    person = w.person()
    if w.chance(0.2):
        w.say("taste", person=person, taste=w.one_of(list(tastes(w.world, person).values())))
        w.line()
    if w.chance(0.5):
        w.say("asks:", person=person)
    else:
        w.say("request:")
    name = w.one_of(list(REQUESTS))
    bound = w.say(f"request {name}")
    styles = list(w.one_of(CHOICES[group_of(person), w.unseen]))
    if w.chance(0.5):
        styles.reverse()
    for label, style in zip("AB", styles, strict=True):
        w.line()
        w.say("answer letter:", label=label)
        bound = w.say(f"reply {name} {_key(style)}", **bound)
        bound = {slot: value for slot, value in bound.items() if slot not in ("formal", "casual")}
        if style.long:
            w.say("reply more")
    chosen, reason = preferred(w.world, person, *styles)
    if erred := w.chance(NOISE):
        chosen = next(style for style in styles if style != chosen)
    label = "AB"[styles.index(chosen)]
    w.line()
    if not erred and w.chance(0.4):
        w.say("prefers, why?", person=person)
        w.ask()
        w.say("prefers, why!", person=person, label=label, taste=reason)
    else:
        w.say("prefers?", person=person)
        w.ask()
        w.say("prefers!", label=label)
    w.notes |= {"choice": label, "person": person, "reason": reason, "styles": tuple(styles)}


def how_to(w: Writer) -> None:
    """How to do something, step by step."""
    name = w.one_of([name for name, options in GOALS[w.unseen].items() if options])
    recipe = RECIPES[name]
    word = w.one_of(GOALS[w.unseen][name])
    bound = {recipe.kind: word}
    if recipe.kind == "animal":
        bound["food"] = w.world.truth["diet"][word]
    w.say(f"how {'title' if w.chance(0.7) else 'intro'} {name}", **bound)
    style = w.one_of(["numbered", "in order", "plain"])
    course = w.one_of(COURSES[name])
    w.line()
    order = ""
    for i, step in enumerate(course):
        if style == "numbered":
            if i:
                w.line()
            w.say("step:", rank=str(i + 1))
        if style == "in order":
            last = i == len(course) - 1
            options = ENDINGS if last else BETWEEN if i else BEGINNINGS
            order = w.one_of([option for option in options if option != order])
            w.say(f"how {name} {step} in order", order=order, **bound)
        else:
            w.say(f"how {name} {step}", **bound)
    if w.chance(0.3):
        if style == "numbered":
            w.line()
        w.say("how end")


WORDS = {
    "order": BEGINNINGS + BETWEEN + ENDINGS,
    "tally": [str(n) for n in range(2, 10)],
    "rank": [str(n) for n in range(1, 8)],
    "count": COUNTS,
    "times": list(TIMES),
    "listing": [listing.plural for listing in LISTINGS],
    "echo": ECHOES,
    "loud": [word.upper() for word in ECHOES],
    "contrary": list(OPPOSITES),
    "letter": sorted({*LETTERS, *WITHOUT}),
    "label": ["A", "B"],
    "taste": [taste for pair in TASTES.values() for taste in pair],
    "formal": ["if I may say so", "with respect", "to be precise"],
    "casual": ["oh", "well", "hey"],
}
TOLD = {"taste": ("person", "taste")}
CHECKS = {"taste": is_taste}
FORMS = (
    _recipes()
    | LISTED
    | {f"sentence {count}": says(form) for count, form in SENTENCES.items()}
    | {f"do echo {n}": says(f"{', '.join(['{echo}'] * n)}.") for n in range(1, 6)}
    | _requests()
    | {
        "step:": says("Step {rank}:"),
        "how end": says(
            "That is all.",
            "(Most people|Children) learn it in (an hour|a day|a week).",
            "It is (easy|harder than it looks), but it (always works|is worth it).",
            "If it does not work, (start again|ask a friend).",
        ),
        "instruction:": says("Instruction:"),
        "good answer:": says("Good answer:"),
        "bad answer:": says("Bad answer:"),
        "do list?": says(
            "(Name|List|Please name) {count} {listing}.",
            "(Can|Could) you name {count} {listing}?",
            "Tell me {count} {listing}.",
        ),
        "do echo?": says("(Write|Say|Please write) the word {echo} {times}.", "Can you say {echo} {times}?"),
        "do diet?": says(
            "In one word, what do {animal:s} eat?", "(Say|Tell me) in one word what {animal:s} eat."
        ),
        "do diet!": states("diet", "{food}."),
        "do long diet": states("diet", "(I think|It seems|You know) that {animal:s} (eat|love) {food}."),
        "do city?": says("(Name|Tell me) (a|one) city in {country}.", "Which city (lies|is) in {country}?"),
        "do city": states("land", "One city in {country} is {city}."),
        "do plural?": says("(Give|Write) the plural of {noun}.", "What is the plural of {noun}?"),
        "do plural": says("{noun:s}."),
        "do noun": says("{noun}."),
        "do sort?": says("(Put|Write) these words in alphabetical order:", "Sort these words from A to Z:"),
        "do three": says("{animal}, {animal2}, {animal3}."),
        "do loud?": says("(Write|Please write) {echo} in capital letters.", "Shout the word {echo}."),
        "do loud": says("{loud}."),
        "do repeat?": says("Repeat this sentence:", "Say this once more:", "Write this down, word for word:"),
        "do count?": says("How many words are in this sentence?", "Count the words of this sentence:"),
        "do count": says("{count} words."),
        "do about?": says(
            "(Write|Make) a sentence of {count} words about {animal:a}.",
            "Say something about {animal:a} in {count} words.",
        ),
        "do opposite?": says(
            "(Give|Name) the opposite of {contrary}.", "What is the opposite of {contrary}?"
        ),
        "do contrary": says("{contrary}."),
        "do begin?": says(
            "Name an animal that begins with {letter}.", "Which animal has a name that begins with {letter}?"
        ),
        "do without?": says(
            "Name an animal without the letter {letter}.", "Which animal has no {letter} in its name?"
        ),
        "do animal": says("{animal:a}."),
        "taste": states(
            "taste", "{person} (likes|loves) {taste}.", "Everyone knows that {person} likes {taste}."
        ),
        "asks:": says("{person} asks:", "A question of {person:full}:"),
        "request:": says("Request:"),
        "answer letter:": says("Answer {label}:"),
        "reply more": says(
            "I hope that this helps, and if it does not, I will gladly say it again.",
            "There is much more to say about it, but this is what matters most.",
            "I have thought about it for a while, and I am quite sure.",
            "You may ask someone else too, but you will hear the same.",
        ),
        "prefers?": says("Which answer does {person} (prefer|like better|choose)?"),
        "prefers!": says("{label}."),
        "prefers, why?": says("Which answer does {person} (prefer|like better|choose), and why?"),
        "prefers, why!": states("taste", "{label}, because {person:she} likes {taste}."),
    }
)
GENRES = {"how-to": how_to, "instructions": instruction, "preferences": preference}
