"""Velan: sentences with their translations, in both directions, and short texts that are in Velan only.

A text never combines a noun with an adjective or a verb that `held_out` keeps from it; `unseen` text has in
every clause exactly one such pair, so that it shows whether a model composes or remembers.
"""

from collections.abc import Sequence
from functools import lru_cache

from tinylm.world.grammar import says, states
from tinylm.world.truth import Fact
from tinylm.world.velan import (
    ADJECTIVES,
    ADVERBIALS,
    BEINGS,
    FAREWELLS,
    GREETINGS,
    NOUNS,
    QUANTITIES,
    THINGS,
    VERBS,
    VERBS_WITH_OBJECT,
    Clause,
    NounPhrase,
    english,
    read_english,
    read_velan,
    read_velan_title,
    velan,
    velan_title,
)
from tinylm.world.words import ANIMALS
from tinylm.world.writer import Writer

FORMS = {
    # As in a phrase book, what is to be translated and its translation have no full stop, which also keeps
    # them apart from other sentences. The lines that ask stand first: alone, a line answers nothing.
    "english?": says("{english}"),
    "velan?": says("{velan}"),
    "english!": states("is-said", "{velan}"),
    "velan!": states("means", "{english}"),
    "into velan?": says(
        'How (do|would) you (say|write) "{english}" in Velan?',
        'What is "{english}" in Velan?',
        'What is the Velan for "{english}"?',
        '(Translate|Please translate|Put|Turn) "{english}" into Velan.',
        '(Say|Please say|Now say) "{english}" in Velan.',
        'Can you (say|write) "{english}" in Velan?',
        'I would like to say "{english}" in Velan.',
        'My neighbour (only speaks|only understands) Velan, so how do I tell her "{english}"?',
    ),
    "into english?": says(
        'What does "{velan}" mean[ in English]?',
        'What is "{velan}" in English?',
        'How (do|would) you (say|write) "{velan}" in English?',
        '(Translate|Please translate|Put|Turn) "{velan}" into English.',
        'Can you (say|write) "{velan}" in English?',
        'Someone (said|sang|wrote) "{velan}" to me, and I wonder what it means.',
        'I (read|heard) "{velan}" today, and nobody could tell me what it means.',
    ),
    "into velan!": states("is-said", "{velan}"),
    "into english!": states("means", "{english}"),
    "to velan:": says("Translate (to|into) Velan:", "(Put|Say) this in Velan:", "English:", "From English:"),
    "to english:": says(
        "Translate (to|into) English:", "(Put|Say) this in English:", "Velan:", "From Velan:"
    ),
    "in velan:": says("Velan:", "In Velan:", "Answer:", "Translation:"),
    "in english:": says("English:", "In English:", "Answer:", "Translation:"),
    "velan lesson": says(
        "(A lesson|First steps|An exercise) in Velan",
        "Velan for (travellers|beginners|the curious)",
        "From (a traveller's|a teacher's|my old) phrase book",
        "(Here is|This is) (a sentence|something) for a (rainy|quiet|long) (day|evening).",
        "Nobody learns Velan in one day, but (every sentence helps|we can try).",
    ),
    "told in velan": states(
        "is-said",
        'In Velan, "{english}" (is|becomes) "{velan}".',
        'The Velan for "{english}" is "{velan}".',
        'To say "{english}" in Velan, (say|write) "{velan}".',
        '(A friend|My teacher|The phrase book) (translates|puts) "{english}" as "{velan}".',
    ),
    "told in english": states(
        "means",
        '"{velan}" means "{english}".',
        'In English, "{velan}" (is|becomes) "{english}".',
        '(If|When) someone says "{velan}", it means "{english}".',
        '(A friend|My teacher|The phrase book) says that "{velan}" means "{english}".',
    ),
    "velan line": says("{velan}."),
    "velan title": says("{title}"),
    "velan greeting": says(*(f"{greeting.capitalize()}!" for greeting in GREETINGS.values())),
    "velan farewell": says(*(f"{farewell.capitalize()}!" for farewell in FAREWELLS.values())),
}
TOLD = {"is-said": ("english", "velan"), "means": ("velan", "english")}


@lru_cache(1_000)  # one sentence is read in several places of a text
def read(text: str) -> Clause | None:
    """What a sentence, written without its full stop, says in English or Velan; None if it is neither."""
    for reader in (read_english, read_velan):
        try:
            return reader(f"{text}.")
        except ValueError:
            pass
    return None


def accepted(reader, end: str = "."):
    """A function that gives back a text if `reader` accepts it with that end, else None."""

    @lru_cache(1_000)
    def text_or_none(text: str) -> str | None:
        try:
            reader(text + end)
        except ValueError:
            return None
        return text

    return text_or_none


PATTERNS = {
    "english": (r"[A-Z][a-z]*(?: [a-z]+)+", accepted(read_english)),
    "velan": (r"[A-Z][a-z]+(?: [a-z]+)+", accepted(read_velan)),
    "title": (r"[A-Z][a-z]+(?: [a-z]+){1,2}", accepted(read_velan_title, end="")),
}


def is_translation(world, fact: Fact) -> bool:
    """Whether two sentences say the same, each in its own"""
    source, translation = fact.subject, fact.object
    return source != translation and read(source) == read(translation) is not None


CHECKS = {"is-said": is_translation, "means": is_translation}

# What goes with what: nobody paints the heavy writers, and no writer meets a key.
PEOPLE = [noun for noun in BEINGS if noun not in ANIMALS]
FITTING = {
    adjective: nouns
    for adjectives, nouns in (
        ("old little", [*NOUNS]),
        ("young clever happy sleepy lonely", [*BEINGS]),
        ("black white red", [noun for noun in NOUNS if noun not in PEOPLE]),
        ("green heavy", [*THINGS]),
    )
    for adjective in adjectives.split()
}
OBJECTS = {
    verb: nouns
    for verbs, nouns in (
        ("find paint see", [*NOUNS]),
        ("follow meet watch", [*BEINGS]),
        ("carry hide", [*THINGS]),
    )
    for verb in verbs.split()
}
HELD_OUT_EVERY = 6
POSITION = {word: i for words in (NOUNS, ADJECTIVES, VERBS) for i, word in enumerate(words)}


def held_out(noun: str, word: str) -> bool:
    """Whether no training text combines this noun with this adjective or verb: one pair in six is so."""
    return (POSITION[noun] + POSITION[word]) % HELD_OUT_EVERY == 0


def pairs(clause: Clause) -> list[tuple[str, str]]:
    """Every noun of a clause with its adjective and with the verb."""
    phrases = [phrase for phrase in (clause.subject, clause.object) if phrase]
    described = [(phrase.noun, phrase.adjective) for phrase in phrases if phrase.adjective]
    return described + [(phrase.noun, clause.verb) for phrase in phrases]


# For every noun the words that may go with it: those of training, and those held out.
BOTH = (False, True)
ADJECTIVES_OF = {
    (noun, held): [word for word, nouns in FITTING.items() if noun in nouns and held_out(noun, word) == held]
    for noun in NOUNS
    for held in BOTH
}
VERBS_OF = {
    (noun, held): [verb for verb in VERBS if held_out(noun, verb) == held] for noun in BEINGS for held in BOTH
}
OBJECTS_OF = {
    (noun, verb, held): [other for other in OBJECTS[verb] if other != noun and held_out(other, verb) == held]
    for noun in BEINGS
    for verb in VERBS_WITH_OBJECT
    for held in BOTH
}
ACTIONS_OF = {noun: [verb for verb in VERBS_OF[noun, False] if verb in VERBS_WITH_OBJECT] for noun in BEINGS}
OTHERS = {noun: [other for other in BEINGS if other != noun] for noun in BEINGS}
SUBJECTS, TIMES_AND_PLACES = tuple(BEINGS), tuple(ADVERBIALS)
NEW = ("subject's adjective", "verb", "object", "object's adjective")  # where a held-out pair may be


def phrase(w: Writer, noun: str, new: bool = False) -> NounPhrase:
    """Draw what is said of a noun; `new` gives it an adjective that training never gives it."""
    determiner, several = w.one_of(QUANTITIES)
    described = new or w.chance(0.4)
    return NounPhrase(determiner, noun, several, w.one_of(ADJECTIVES_OF[noun, new]) if described else None)


def draw(w: Writer, unseen: bool, hero: NounPhrase | None = None, beings: Sequence[str] = SUBJECTS) -> Clause:
    """Draw a clause about `hero` or one of `beings`. unseen: with exactly one held-out pair."""
    new = w.one_of(NEW[1:] if hero else NEW) if unseen else None
    subject = hero or phrase(w, w.one_of(beings), new == NEW[0])
    noun = subject.noun
    verb = w.one_of(ACTIONS_OF[noun] if new in NEW[2:] else VERBS_OF[noun, new == "verb"])
    what = None
    if verb in VERBS_WITH_OBJECT:
        what = phrase(w, w.one_of(OBJECTS_OF[noun, verb, new == "object"]), new == "object's adjective")
    past = w.chance(1 / 3)
    # 'every owl does not sing' could mean two things
    negated = subject.determiner != "every" and w.chance(1 / 6)
    return Clause(subject, verb, what, past, negated, adverbial(w, subject, what, negated))


def adverbial(w: Writer, subject: NounPhrase, what: NounPhrase | None, negated: bool) -> str | None:
    """Draw a time or a place for sentences that are short without one, so that lengths are alike."""
    if what is None:
        wanted = not (subject.adjective or negated) or w.chance(1 / 2)
    else:
        wanted = what.adjective is None and w.chance(1 / 4)
    return w.one_of(TIMES_AND_PLACES) if wanted else None


def translations(w: Writer) -> None:
    """A sentence to translate, perhaps after one that has been translated."""
    to = w.one_of(("velan", "english"))
    if w.chance(0.2):
        w.say("velan lesson")
        w.line()
    if w.chance(0.5):
        if w.chance(0.5):
            w.say(f"told in {to}", **said(draw(w, False)))
            w.line()
        else:
            exercise(w, to, draw(w, False))
            w.line(2)
    exercise(w, to, draw(w, w.unseen))
    w.notes["direction"] = f"to {to.capitalize()}"


def said(clause: Clause) -> dict[str, str]:
    """A clause in both languages, without full stops."""
    return {"english": english(clause)[:-1], "velan": velan(clause)[:-1]}


def exercise(w: Writer, to: str, clause: Clause) -> None:
    """Ask for a clause in one language, and give it."""
    bound = said(clause)
    source = "english" if to == "velan" else "velan"
    if w.chance(0.5):
        key = f"into {to}"
    else:
        key = source
        w.say(f"to {to}:")
    w.say(f"{key}?", **bound)
    w.line()
    w.say(f"in {to}:")
    w.ask()
    w.say(f"{key}!", **bound)


def only_velan(w: Writer) -> None:
    """A story, a song or a letter, about someone and those around."""
    shape = w.one_of(("story", "song", "letter"))
    hero = phrase(w, w.one_of(SUBJECTS))
    if shape == "letter":
        w.say("velan greeting")
        w.line()
    elif w.chance(0.5):
        w.say("velan title", title=velan_title(hero))
        w.line()
    first = said(draw(w, w.unseen, hero))
    w.say("velan line", **first)
    for _ in range(w.number(1, 3)):
        if shape == "song":
            w.line()
        about = {"hero": hero} if w.chance(0.6) else {"beings": OTHERS[hero.noun]}
        w.say("velan line", **said(draw(w, w.unseen, **about)))
    if shape == "song":  # its first line is its last
        w.line()
        w.say("velan line", **first)
    if shape == "letter":
        w.line()
        w.say("velan farewell")


GENRES = {"translations": translations, "velan": only_velan}
