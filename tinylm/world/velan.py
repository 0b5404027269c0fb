"""Velan, the world's second language: what one sentence says, and how it is written in English and in Velan.

Velan has an order of its own (the subject, the object, the verb; times come first, places before the verb,
an adjective after its noun, "not" at the end), and its words change: each noun belongs to the class of its
last letter, a or o, determiners and adjectives rhyme with it, what something is done to ends in n, and a verb
tells when, and whether one did it or several. Replacing words one by one heeds none of this (`word_by_word`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from tinylm.world import words

# The lexicon. Nouns are given as they stand alone; of the others, what stays when the ending changes.
BEINGS = {
    "baker": "tamela",
    "doctor": "sorivo",
    "farmer": "kunora",
    "singer": "lirata",
    "teacher": "dovemo",
    "writer": "pesano",
    "cat": "minuko",
    "fox": "virena",
    "goose": "gabelo",
    "mouse": "tipira",
    "owl": "ulosa",
    "wolf": "ruvado",
}
THINGS = {
    "book": "lemida",
    "box": "kotaro",
    "chair": "selupa",
    "clock": "bitomo",
    "hat": "borana",
    "key": "kilino",
    "kite": "pelisa",
    "knife": "sadako",
    "lamp": "nuriva",
    "map": "meruto",
    "ring": "orila",
    "shoe": "padumo",
}
NOUNS = BEINGS | THINGS
ADJECTIVES = {
    "old": "tur",
    "little": "pell",
    "young": "seln",
    "clever": "kavin",
    "happy": "lumel",
    "sleepy": "dorm",
    "lonely": "vosk",
    "black": "nek",
    "white": "bil",
    "red": "ral",
    "green": "mesk",
    "heavy": "gund",
}
VERBS_ALONE = {
    "dance": "rimol",
    "laugh": "kikal",
    "sing": "velar",
    "sleep": "nadur",
    "wait": "betul",
    "work": "gamin",
}
VERBS_WITH_OBJECT = {
    "carry": "portil",
    "find": "tresk",
    "follow": "danov",
    "hide": "lusk",
    "meet": "somel",
    "paint": "varik",
    "see": "mirov",
    "watch": "oskel",
}
VERBS = VERBS_ALONE | VERBS_WITH_OBJECT
DETERMINERS = {"the": "v", "a": "en", "my": "sem", "every": "tiv", "two": "dun", "many": "kol"}
TIMES = {
    "at night": "nokemi",
    "before breakfast": "matusi",
    "every day": "dielumi",
    "in the rain": "plovesi",
}
PLACES = {
    "at the market": "bazumet",
    "in the garden": "verimet",
    "near the river": "ruvimet",
    "on the bridge": "pontamet",
}
ADVERBIALS = TIMES | PLACES
NOT = "umi"
ONE_OR_MORE = ("the", "my")  # what may stand before one or several
QUANTITIES = tuple(  # every determiner with whether more than one is meant
    (determiner, several)
    for determiner in DETERMINERS
    for several in (False, True)
    if determiner in ONE_OR_MORE or several == (determiner in ("two", "many"))
)
GREETINGS = {"good morning": "omile", "good evening": "nokile", "dear friend": "selmue"}
FAREWELLS = {"goodbye": "savine", "sleep well": "nadurine", "until soon": "betuline"}


@dataclass(frozen=True)
class NounPhrase:
    """Who or what: 'the old bakers'. Raises ValueError where the words are not of this language."""

    determiner: str
    noun: str
    several: bool = False
    adjective: str | None = None

    def __post_init__(self):
        _known("noun", self.noun, NOUNS)
        _known("determiner", self.determiner, DETERMINERS)
        if self.adjective is not None:
            _known("adjective", self.adjective, ADJECTIVES)
        if (self.determiner, self.several) not in QUANTITIES:
            number = "more than one" if self.several else "a single one"
            raise ValueError(f"determiner={self.determiner!r} cannot stand before {number}")


@dataclass(frozen=True)
class Clause:
    """What a sentence says, in no language yet. Raises ValueError where it is no sentence."""

    subject: NounPhrase
    verb: str
    object: NounPhrase | None = None
    past: bool = False
    negated: bool = False
    adverbial: str | None = None

    def __post_init__(self):
        _known("verb", self.verb, VERBS)
        if self.adverbial is not None:
            _known("adverbial", self.adverbial, ADVERBIALS)
        if (self.object is not None) != (self.verb in VERBS_WITH_OBJECT):
            raise ValueError(f"verb={self.verb!r} {'needs an' if self.object is None else 'takes no'} object")


Meant = TypeVar("Meant", NounPhrase, Clause)


def _known(name: str, word: str, lexicon: Mapping[str, str]) -> None:
    if word not in lexicon:
        raise ValueError(f"{name}={word!r}: choose from {', '.join(lexicon)}")


# Every word in every form: what it is called in the code -> how it is written.
ENGLISH_NOUNS = {
    (noun, several): words.plural(noun) if several else noun for noun in NOUNS for several in (False, True)
}
ENGLISH_VERBS = {
    (verb, past, several): words.past(verb) if past else verb if several else words.third_person(verb)
    for verb in VERBS
    for past in (False, True)
    for several in (False, True)
}
VELAN_NOUNS = {
    (noun, several, is_object): stem + "ri" * several + "n" * is_object
    for noun, stem in NOUNS.items()
    for several in (False, True)
    for is_object in (False, True)
}
ENDINGS = {(last, several): last + "ri" * several for last in "ao" for several in (False, True)}
VELAN_DETERMINERS = {
    (determiner, last, several): DETERMINERS[determiner] + ENDINGS[last, several]
    for determiner, several in QUANTITIES
    for last in "ao"
}
VELAN_ADJECTIVES = {
    (adjective, *agreement): stem + ending
    for adjective, stem in ADJECTIVES.items()
    for agreement, ending in ENDINGS.items()
}
VELAN_VERBS = {
    (verb, past, several): stem + ("as" if past else "en") + "u" * several
    for verb, stem in VERBS.items()
    for past in (False, True)
    for several in (False, True)
}


# Writing


def english(clause: Clause) -> str:
    """The clause as an English sentence: 'The old bakers do not see two red hats.'"""
    subject, verb, past = clause.subject, clause.verb, clause.past
    parts = _english_phrase(subject)
    if clause.negated:
        parts += ("did" if past else "do" if subject.several else "does", "not", verb)
    else:
        parts.append(ENGLISH_VERBS[verb, past, subject.several])
    if clause.object:
        parts += _english_phrase(clause.object)
    if clause.adverbial:
        parts.append(clause.adverbial)
    return _sentence(parts)


def _english_phrase(phrase: NounPhrase) -> list[str]:
    parts = [phrase.determiner, ENGLISH_NOUNS[phrase.noun, phrase.several]]
    if phrase.adjective:
        parts.insert(1, phrase.adjective)
    if phrase.determiner == "a":
        parts[:2] = words.article(parts[1]).split()
    return parts


def velan(clause: Clause) -> str:
    """The clause as a sentence in Velan: 'Vari tamelari turari dunari boranarin ralari mirovenu umi.'"""
    subject, adverbial = clause.subject, clause.adverbial
    parts = [TIMES[adverbial]] if adverbial in TIMES else []
    parts += _velan_phrase(subject, is_object=False)
    if clause.object:
        parts += _velan_phrase(clause.object, is_object=True)
    if adverbial in PLACES:
        parts.append(PLACES[adverbial])
    parts.append(VELAN_VERBS[clause.verb, clause.past, subject.several])
    if clause.negated:
        parts.append(NOT)
    return _sentence(parts)


def velan_title(phrase: NounPhrase) -> str:
    """Who or what, as a line by itself: 'Vari tamelari turari'."""
    title = " ".join(_velan_phrase(phrase, is_object=False))
    return title[0].upper() + title[1:]


def _velan_phrase(phrase: NounPhrase, is_object: bool) -> list[str]:
    last, several = NOUNS[phrase.noun][-1], phrase.several
    parts = [
        VELAN_DETERMINERS[phrase.determiner, last, several],
        VELAN_NOUNS[phrase.noun, several, is_object],
    ]
    if phrase.adjective:
        parts.append(VELAN_ADJECTIVES[phrase.adjective, last, several])
    return parts


def _sentence(parts: list[str]) -> str:
    text = " ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


# Reading. Every word says what it means; whether its form is right shows when the clause is written again.

READ_ENGLISH = {
    "determiner": {"an": "a"} | {determiner: determiner for determiner in DETERMINERS},
    "adjective": {adjective: adjective for adjective in ADJECTIVES},
    "noun": {text: meaning for meaning, text in ENGLISH_NOUNS.items()},
    "verb": {text: (verb, past) for (verb, past, _), text in ENGLISH_VERBS.items()},
    "helper": {"do": False, "does": False, "did": True},
    "not": {"not": True},
    "bare verb": {verb: verb for verb in VERBS},
}
READ_VELAN = {
    "determiner": {text: determiner for (determiner, *_), text in VELAN_DETERMINERS.items()},
    "adjective": {text: adjective for (adjective, *_), text in VELAN_ADJECTIVES.items()},
    "noun": {text: (noun, several) for (noun, several, _), text in VELAN_NOUNS.items()},
    "verb": {text: (verb, past) for (verb, past, _), text in VELAN_VERBS.items()},
    "not": {NOT: True},
    "time": {text: time for time, text in TIMES.items()},
    "place": {text: place for place, text in PLACES.items()},
}


class _Words:
    """The words of a sentence, taken one by one. lexicon: for every part of speech what its words mean."""

    def __init__(self, text: str, lexicon: Mapping[str, Mapping]):
        if not isinstance(text, str) or not text.endswith("."):
            raise ValueError(f"text={text!r} must be a sentence with a full stop")
        self.text, self.lexicon = text, lexicon
        self.left = (text[:1].lower() + text[1:-1]).split(" ")[::-1]

    def take(self, part: str):
        """What the next word means if it is of this part of speech, else None."""
        meaning = self.lexicon[part].get(self.left[-1]) if self.left else None
        if meaning is not None:
            self.left.pop()
        return meaning

    def need(self, part: str):
        """What the next word means. Raises ValueError where it is not of this part of speech."""
        if (meaning := self.take(part)) is None:
            found = repr(self.left[-1]) if self.left else "nothing"
            raise ValueError(f"text={self.text!r}: there should be a {part} and there is {found}")
        return meaning


def read_english(text: str) -> Clause:
    """The clause that `english` writes like this. Raises ValueError that names what is wrong."""
    left = _Words(text, READ_ENGLISH)
    subject = _read_english_phrase(left)
    past = left.take("helper")
    negated = past is not None and left.need("not")
    verb, past = (left.need("bare verb"), past) if negated else left.need("verb")
    what = _read_english_phrase(left) if verb in VERBS_WITH_OBJECT else None
    rest = " ".join(reversed(left.left))
    if rest and rest not in ADVERBIALS:
        raise ValueError(f"text={text!r}: {rest!r} is neither a time nor a place")
    return _checked(text, Clause(subject, verb, what, past, negated, rest or None), english)


def _read_english_phrase(left: _Words) -> NounPhrase:
    determiner, adjective = left.need("determiner"), left.take("adjective")
    noun, several = left.need("noun")
    return NounPhrase(determiner, noun, several, adjective)


def read_velan(text: str) -> Clause:
    """The clause that `velan` writes like this. Raises ValueError that names what is wrong."""
    left = _Words(text, READ_VELAN)
    time = left.take("time")
    subject = _read_velan_phrase(left)
    what = _read_velan_phrase(left) if left.left and left.left[-1] in READ_VELAN["determiner"] else None
    place = left.take("place")
    verb, past = left.need("verb")
    negated = bool(left.take("not"))
    if left.left or (time and place):
        raise ValueError(f"text={text!r}: there is no room for {left.left[-1] if left.left else place!r}")
    return _checked(text, Clause(subject, verb, what, past, negated, time or place), velan)


def read_velan_title(text: str) -> NounPhrase:
    """The noun phrase that `velan_title` writes like this. Raises ValueError that names what is wrong."""
    left = _Words(f"{text}.", READ_VELAN)
    phrase = _read_velan_phrase(left)
    if left.left:
        raise ValueError(f"text={text!r}: there is no room for {left.left[-1]!r}")
    return _checked(text, phrase, velan_title)


def _read_velan_phrase(left: _Words) -> NounPhrase:
    determiner = left.need("determiner")
    noun, several = left.need("noun")
    return NounPhrase(determiner, noun, several, left.take("adjective"))


def _checked(text: str, meant: Meant, write: Callable[[Meant], str]) -> Meant:
    right = write(meant)
    if text != right:
        wrong = next((a, b) for a, b in zip(text.split(" "), right.split(" "), strict=True) if a != b)
        raise ValueError("text={!r}: {!r} should be {!r}".format(text, *wrong))
    return meant


# The baseline

# English has fewer forms than Velan: of several that a word may stand for, a dictionary gives the first.
TO_VELAN = (
    {text: VELAN_NOUNS[noun, several, False] for (noun, several), text in ENGLISH_NOUNS.items()}
    | {text: VELAN_VERBS[verb] for verb, text in reversed(ENGLISH_VERBS.items())}
    | {adjective: VELAN_ADJECTIVES[adjective, "a", False] for adjective in ADJECTIVES}
    | {
        determiner: VELAN_DETERMINERS[determiner, "a", several]
        for determiner, several in reversed(QUANTITIES)
    }
    | {"an": VELAN_DETERMINERS["a", "a", False], "do": "", "does": "", "did": "", "not": NOT}
)
TO_ENGLISH = (
    {text: ENGLISH_NOUNS[noun, several] for (noun, several, _), text in VELAN_NOUNS.items()}
    | {text: ENGLISH_VERBS[verb] for verb, text in VELAN_VERBS.items()}
    | READ_VELAN["adjective"]
    | READ_VELAN["determiner"]
    | READ_VELAN["time"]
    | READ_VELAN["place"]
    | {NOT: "not"}
)


def word_by_word(text: str) -> str:
    """A translation that looks every word up, in either direction, and heeds neither order nor agreement.

    It knows more than a small dictionary: bakers, saw and at night have entries of their own. A word that is
    in neither language stays as it is.
    """
    bare = (text[:1].lower() + text[1:]).removesuffix(".")
    for adverbial, translation in ADVERBIALS.items():
        bare = bare.removesuffix(adverbial) + translation if bare.endswith(f" {adverbial}") else bare
    lookup = TO_ENGLISH if bare.split(" ")[0] in TO_ENGLISH else TO_VELAN
    found = [lookup.get(word, word) for word in bare.split(" ")]
    return _sentence([word for word in found if word])
