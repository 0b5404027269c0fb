"""The world's English: its words, and how they change; and the parts of the names of people and places."""

# ruff: noqa: SIM905, for words are easier to read without quotes

GIVEN = {  # names that look like names; each says which pronoun goes with it
    "she": (
        "Adela Alva Amira Anneli Berit Bruna Cora Dalia Delia Edda Elina Elsa Esra Fenja Freya Gilda Greta "
        "Hanna Hedda Helga Ida Ilka Inga Irma Jana Judit Kaja Karin Lena Lida Linnea Lora Luna Maja Mara "
        "Marit Mina Mira Nadia Nela Nora Olga Oona Petra Rana Rika Rosa Runa Selma Signe Silva Sofia Stina "
        "Tilda Tora Ulla Vera Wanda Yara Zora"
    ).split(),
    "he": (
        "Aksel Albin Anton Arvid Basil Bela Bodo Boris Bruno Casper Cyril Dario Denis Edgar Egon Elias Emil "
        "Erik Fabian Felix Filip Gregor Gustav Hakon Henrik Hugo Ivar Ivo Jakob Janek Jonas Julian Kasimir "
        "Kilian Klaus Konrad Lars Leon Levin Ludo Magnus Marek Mattis Milo Nils Oskar Otto Pavel Petrus "
        "Rasmus Roman Ruben Samir Sandor Sven Tarik Tomas Ulrik Viktor Zoltan"
    ).split(),
}
SURNAMES = (  # beginnings and ends
    (
        "Ald Berg Brand Dal Dorn Eben Falk Garm Hal Harn Holm Jar Kall Kest Kron Lang Lind Lor Mar Mell Nor "
        "Ost Pell Quist Rand Ros Sand Sel Stein Storm Tal Thor Tor Ulv Vald Ves Vint Wend Wild Zell"
    ).split(),
    "en er mann sen strom wick gaard by".split(),
)
CITIES = (
    (
        "Ar Bel Bran Cal Dor Eld Fal Gor Hal Il Kar Lom Mos Nar Or Pel Quel Ras Sel Tar Ul Var Wes Yar Zan"
    ).split(),
    "burg ton vik haven ford mouth stad holm".split(),
)
COUNTRIES = (
    "Alb Bor Dren Est Fjor Gal Hest Isk Kor Lav Mir Nov Pol Ruv Sarm Ven".split(),
    ["ia", "land", "mark"],
)
EVENTS = (
    "Autumn Bridge Candle Harvest Lantern Moon River Salt Snow Spring Stone Wind".split(),
    "Concert Fair Feast Market Parade Race".split(),
)

# What people do, by the kind of place where they do it; "" is on their own account.
TRADES = {
    "bakery": ["baker", "cashier"],
    "bank": ["banker", "clerk"],
    "clinic": ["doctor", "nurse"],
    "inn": ["cook", "waiter"],
    "newspaper": ["editor", "reporter"],
    "school": ["librarian", "teacher"],
    "shipyard": ["carpenter", "engineer"],
    "theatre": ["actor", "singer"],
    "": ["farmer", "fisher", "painter", "writer"],
}
JOBS = sorted(job for jobs in TRADES.values() for job in jobs)
ANIMALS = "bear cat crow dog duck fox frog goat goose horse mouse owl rabbit sheep snail wolf".split()
COLOURS = "black blue brown green grey orange red white yellow".split()
FOODS = (
    "apples beans bread cake carrots cheese cherries fish honey lentils mushrooms nuts onions pears plums "
    "porridge potatoes rice salad soup"
).split()
GOODS = "boats bells carpets cheese clocks glass honey lamps paper pottery rope salt silk tea wool".split()
THINGS = (
    "basket book bottle bowl box chair clock coat cup drum hat key kite knife ladder lamp map ring rope shoe"
).split()
MATERIALS = "brass clay cotton glass iron leather paper silver straw tin wood wool".split()
PLACES = (
    "beach bridge forest garden harbour hill lake library market mill museum park river road "
    "square station tower village"
).split()
# One is in them, not only near.
ROOMS = "cellar forest garden kitchen library mill museum park station tower village".split()
SIZES = "big large little small".split()  # of places
MOODS = "calm cheerful happy lonely nervous proud quiet sleepy tired".split()
VIRTUES = "brave careful clever curious friendly gentle honest polite".split()
ADJECTIVES = sorted([*MOODS, *VIRTUES, "lucky", "old", "young"])
VERBS = (
    "arrive dance disappear dream laugh listen rest run shout sing sleep smile stop swim wait walk "
    "wander work"
).split()
PASTIMES = "dance dream laugh listen rest run sing sleep swim walk wander".split()  # what one may like to do
ADVERBS = (
    "after supper|again|alone|at night|at noon|before breakfast|every day|in the evening|in the rain|outside|"
    "quietly|slowly|with a friend|without a sound"
).split("|")
ACTIONS = "carry clean draw find follow help hide lose meet paint see watch".split()  # verbs with an object
MONTHS = "January February March April May June July August September October November December".split()
WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
WEATHER = "cloudy dry foggy rainy snowy sunny wet windy".split()
WARMTH = "chilly cold cool hot mild warm".split()
SKIES = [  # weather that goes together
    f"{weather} and {warmth}"
    for weather in WEATHER
    for warmth in WARMTH
    if weather in ("dry", "sunny") or warmth in ("chilly", "cold") or (weather != "snowy" and warmth != "hot")
]

PLURALS = {"goose": "geese", "mouse": "mice", "sheep": "sheep", "wolf": "wolves", "knife": "knives"}
PASTS = {
    "draw": "drew",
    "find": "found",
    "hide": "hid",
    "lose": "lost",
    "meet": "met",
    "run": "ran",
    "see": "saw",
    "sing": "sang",
    "sleep": "slept",
    "swim": "swam",
}
SILENT = {"honest", "honour", "hour"}  # their h is not heard
DOUBLING = {"stop"}  # the last letter is doubled before an ending


def article(word: str) -> str:
    """`word` with a or an in front."""
    return f"an {word}" if word[0] in "aeiouAEIOU" or word in SILENT else f"a {word}"


def plural(noun: str) -> str:
    """More than one of it: foxes, mice, cherries."""
    if noun in PLURALS:
        return PLURALS[noun]
    if noun.endswith(("s", "x", "ch", "sh")):
        return f"{noun}es"
    return f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2] not in "aeiou" else f"{noun}s"


def third_person(verb: str) -> str:
    """The form of `verb` that goes with a singular noun: sings, watches, carries."""
    if verb.endswith(("s", "x", "ch", "sh", "o")):
        return f"{verb}es"
    return f"{verb[:-1]}ies" if verb.endswith("y") and verb[-2] not in "aeiou" else f"{verb}s"


def past(verb: str) -> str:
    """What it did yesterday: sang, stopped, carried, waited."""
    if verb in PASTS:
        return PASTS[verb]
    if verb in DOUBLING:
        return f"{verb}{verb[-1]}ed"
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return f"{verb[:-1]}ied"
    return f"{verb}d" if verb.endswith("e") else f"{verb}ed"


def gerund(verb: str) -> str:
    """What it is doing: singing, stopping, dancing."""
    if verb in DOUBLING | {"run", "swim"}:
        return f"{verb}{verb[-1]}ing"
    return f"{verb[:-1]}ing" if verb.endswith("e") and verb != "see" else f"{verb}ing"


# How a word may stand in a slot: {job:a}, {animal:s}, {verb:ed}, ...
CHANGES = {
    "": str,
    "a": article,
    "s": plural,
    "es": third_person,
    "ed": past,
    "ing": gerund,
    "Cap": str.capitalize,
    "THE": lambda word: f"the {word}",
}
