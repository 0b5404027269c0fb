"""Reviews of inns, suppers, plays, books and shops, and whether whoever wrote them was pleased.

The rule of a feeling: what follows 'but' or 'still', and what 'although' gives way to, outweighs the rest.
Where nothing outweighs and the opinions differ, the feeling is mixed. A word of praise says little by itself:
one in four opinions is a denial ('not dirty', 'far from funny').
"""

import re
from typing import NamedTuple

from tinylm.world import words
from tinylm.world.grammar import says
from tinylm.world.writer import Writer


class Area(NamedTuple):
    """Things of one sort, and what may be said for and against each of them."""

    aspects: list[str]
    praise: list[str]
    blame: list[str]


def _area(*lists: str) -> Area:
    return Area(*(together.split() for together in lists))


TALENT = ("clever funny lively moving charming", "boring dull confusing silly weak")
AREAS = {
    "staff": _area(
        "waiter cook clerk host owner",
        "kind polite patient helpful friendly",
        "rude lazy careless slow cross",
    ),
    "meal": _area(
        "soup bread cake fish salad",
        "fresh tasty good fine rich",
        "cold salty burnt bitter stale",
    ),
    "house": _area(
        "room bed bath table hall",
        "clean comfortable warm pretty cosy",
        "dirty damp dusty shabby narrow",
    ),
    "stage": _area("music singing acting dancing story", *TALENT),
    "book": _area("beginning ending title hero language", *TALENT),
    "ware": _area(
        "clock lamp chair coat knife",
        "strong useful handsome reliable beautiful",
        "ugly useless heavy flimsy dear",
    ),
}
TOPICS = {  # what is reviewed, and what there is to say something about
    "an inn": ["waiter", "host", "room", "bed", "bath", "table", "hall", "soup", "bread"],
    "a supper": ["waiter", "cook", "soup", "bread", "cake", "fish", "salad"],
    "a play": AREAS["stage"].aspects,
    "a book": AREAS["book"].aspects,
    "a shop": ["clerk", "owner", "clock", "lamp", "chair", "coat", "knife"],
}


def held_out(aspect: str, quality: str) -> bool:
    """Whether no training text says this of that, with or without a denial: one in five, of each thing one
    praise and one blame."""
    area = next(area for area in AREAS.values() if aspect in area.aspects)
    qualities = area.praise if quality in area.praise else area.blame
    return (area.aspects.index(aspect) + qualities.index(quality)) % 5 == 0


def _qualities() -> dict:
    return {
        (aspect, praising, unseen): [q for q in qualities if held_out(aspect, q) == unseen]
        for area in AREAS.values()
        for aspect in area.aspects
        for praising, qualities in ((True, area.praise), (False, area.blame))
        for unseen in (False, True)
    }


QUALITIES = _qualities()
PRAISE = sorted({quality for area in AREAS.values() for quality in area.praise})
BLAME = sorted({quality for area in AREAS.values() for quality in area.blame})
WORDS = {
    "aspect": sorted({aspect for area in AREAS.values() for aspect in area.aspects}),
    "praise": PRAISE,
    "blame": BLAME,
    "landmark": [place for place in words.PLACES if place not in ("cellar", "garden", "kitchen")],
}


class Tone(NamedTuple):
    """An opinion: is it a good one, and is it put as a denial of the opposite?"""

    good: bool
    denied: bool

    @property
    def praising(self) -> bool:
        """Whether it uses a word of praise."""
        return self.good != self.denied

    def __str__(self) -> str:
        return ("good" if self.good else "bad") + (" denied" if self.denied else "")


TONES = [Tone(good, denied) for good in (True, False) for denied in (False, True)]
LOUD = {  # clauses that stand alone
    Tone(True, False): ["the {aspect} was [very|really] {praise}", "I found the {aspect} {praise}"],
    Tone(True, True): [
        "the {aspect} was (not {blame}[ at all]|never {blame}|anything but {blame}|far from {blame})",
        "(nobody could|I would not) call the {aspect} {blame}",
    ],
    Tone(False, False): ["the {aspect} was [rather|very] {blame}", "I found the {aspect} {blame}"],
    Tone(False, True): [
        "the {aspect} was (not {praise}[ at all]|never {praise}|anything but {praise}|far from {praise})",
        "(nobody could|I would not) call the {aspect} {praise}",
    ],
}
SOFT = {  # clauses that stand beside another
    Tone(True, False): "the {aspect} was [very] {praise}",
    Tone(True, True): "the {aspect} was (not|never) {blame}",
    Tone(False, False): "the {aspect} was [rather] {blame}",
    Tone(False, True): "the {aspect} was (not|never) {praise}",
}
VERDICTS = {
    Tone(True, False): [
        "I (liked|enjoyed|loved) it[ from beginning to end].",
        "it was worth (the money|every coin).",
        "I would (gladly|happily) pay for it again.",
        "I am glad that (we|I) tried it.",
    ],
    Tone(True, True): [
        "I cannot say that I (regret|disliked) it.",
        "it was no waste of (time|money).",
        "I would not have missed it for anything.",
        "nobody who tries it will be sorry.",
        "I do not regret a single coin.",
    ],
    Tone(False, False): [
        "I (regret|disliked) it[ from beginning to end].",
        "it was a waste of (time|money).",
        "I want my money back.",
        "I am sorry that (we|I) tried it.",
    ],
    Tone(False, True): [
        "I cannot say that I (liked|enjoyed|loved) it.",
        "it was not worth (the money|a single coin).",
        "I would not pay for it again.",
        "nobody who tries it will be glad.",
        "I did not (like|enjoy) it.",
    ],
}


STILL = "(Still|All the same|Even so)"


def _capital(text: str) -> str:
    at = text.startswith("(")  # the first alternative begins the sentence
    return text[:at] + text[at].upper() + text[at + 1 :]


def _second(clause: str) -> str:
    return re.sub(r"\{(\w+)\}", r"{\g<1>2}", clause)


def _joined(first: Tone, second: Tone) -> list[str]:
    """Two clauses in one sentence, of which the second counts where they differ."""
    a, b = SOFT[first], _second(SOFT[second])
    if first.good == second.good:
        return [f"{_capital(a)}, and {b}."]
    return [
        f"{_capital(a)}, but {b}.",
        f"Although {a}, {b}.",
        f"{_capital(b)}, although {a}.",
        f"{_capital(a)}, and yet {b}.",
    ]


def _opinions() -> dict:
    tables = {}
    for tone in TONES:
        tables[f"review claim {tone}"] = says(*(_capital(f"{clause}.") for clause in LOUD[tone]))
        tables[f"review verdict {tone}"] = says(*(_capital(form) for form in VERDICTS[tone]))
        tables[f"review still claim {tone}"] = says(f"{STILL}, {SOFT[tone]}.")
        tables[f"review still verdict {tone}"] = says(*(f"{STILL}, {form}" for form in VERDICTS[tone]))
        for other in TONES:
            tables[f"review {tone}, {other}"] = says(*_joined(tone, other))
    return tables


def _titles() -> dict:
    return {
        f"review title {topic}": says(
            f"(A review|Review) of {topic} by {{person:full}}",
            f"{topic.capitalize()}, (reviewed|judged|tried) by {{person:full}}",
            f"{{person:full}} on {topic}",
        )
        for topic in TOPICS
    } | {
        f"review remarks {topic}": says(f"(Guests|Visitors) on {topic}", f"(Short|Some) remarks on {topic}")
        for topic in TOPICS
    }


FORMS = (
    _opinions()
    | _titles()
    | {
        "review opening an inn": says(
            "(I|We) (spent the night|slept|stayed for a week) at the {colour:Cap} {animal:Cap}.",
            "There is an inn near the {landmark}.",
            "We (found|chose) the inn (by|near) the {landmark}.",
        ),
        "review company an inn": says(
            "{person} and I stayed at the {colour:Cap} {animal:Cap}.",
            "On {weekday}, {person} showed us the inn near the {landmark}.",
        ),
        "review opening a supper": says(
            "On {weekday} (I|we) ate at the {colour:Cap} {animal:Cap}.",
            "We had supper near the {landmark}.",
            "After a long walk to the {landmark} we were hungry.",
        ),
        "review company a supper": says(
            "{person} took (me|us) out for supper.",
            "{person} and I (had supper|ate) at the {colour:Cap} {animal:Cap}.",
        ),
        "review opening a play": says(
            "On {weekday} (I|we) saw (a|the) play about {noun:a}.",
            "The play was about {noun:a} and {noun2:a}.",
            "In {month} there was a new play about {noun:a}.",
        ),
        "review company a play": says(
            "{person} and I saw the play about {noun:a}.",
            "{person} had a seat left for the play.",
        ),
        "review opening a book": says(
            "(I|We) read a book about {noun:a} who wanted to {verb}.",
            "The book is about {noun:a} and {noun2:a}.",
            "For a week in {month} I read about {noun:a}.",
        ),
        "review company a book": says(
            "{person} lent me (a|the) book about {noun:a}.",
            "Like {person}, I read the book about {noun:a}.",
        ),
        "review opening a shop": says(
            "On {weekday} (I|we) went to the shop (by|near) the {landmark}.",
            "There is a new shop near the {landmark}.",
            "I (needed|looked for) a present and found a shop near the {landmark}.",
        ),
        "review company a shop": says(
            "{person} told (me|us) about the shop near the {landmark}.",
            "{person} and I went to the shop near the {landmark}.",
        ),
        "feeling:": says("Feeling:"),
        "feeling positive": says("positive."),
        "feeling negative": says("negative."),
        "feeling mixed": says("mixed."),
    }
)


class Critic:
    """Whoever writes a review: speaks of each thing once, and gives one verdict at most."""

    def __init__(self, w: Writer, topic: str):
        self.w, self.left = w, list(TOPICS[topic])
        self.used: list[str] = []
        self.decided = False
        self.start()

    @property
    def may_choose(self) -> bool:
        """Whether there is more left to say than one plain sentence."""
        return len(self.left) > 1 or not self.decided

    def start(self) -> None:
        """Begin what has a feeling of its own."""
        self.goods: set[bool] = set()
        self.denied = False

    def tone(self, good: bool) -> Tone:
        tone = Tone(good, self.w.chance(0.25))
        self.goods.add(good)
        self.denied |= tone.denied
        return tone

    def about(self, tone: Tone, n: str = "") -> dict[str, str]:
        """A thing and its quality, for the slots of the n-th clause."""
        aspect = self.left.pop(self.w.one_of(range(len(self.left))))
        options = [q for q in QUALITIES[aspect, tone.praising, self.w.unseen] if q not in self.used[-3:]]
        quality = self.w.one_of(options)
        self.used.append(quality)
        return {f"aspect{n}": aspect, f"{'praise' if tone.praising else 'blame'}{n}": quality}

    def claim(self, good: bool) -> None:
        tone = self.tone(good)
        self.w.say(f"review claim {tone}", **self.about(tone))

    def pair(self, good: bool, other: bool) -> None:
        """Two clauses, of which the second counts and is `good`; the first is as good, or `other` than it."""
        first, second = self.tone(good != other), self.tone(good)
        self.w.say(f"review {first}, {second}", **self.about(first), **self.about(second, "2"))

    def opinion(self, good: bool, *more: str) -> None:
        """One sentence that comes out as good or bad; `more` kinds are drawn with the others."""
        kinds = [*more] + ["pair", "contrast"] * (len(self.left) > 1) + ["verdict"] * (not self.decided)
        kind = self.w.one_of(kinds)
        if kind == "claim":
            self.claim(good)
        elif kind == "verdict":
            self.decided = True
            self.w.say(f"review verdict {self.tone(good)}")
        else:
            self.pair(good, kind == "contrast")

    def still(self, good: bool) -> None:
        """A last sentence that outweighs those before."""
        tone = self.tone(good)
        if self.w.chance(0.5):
            self.w.say(f"review still claim {tone}", **self.about(tone))
        else:
            self.w.say(f"review still verdict {tone}")


def agreeing(critic: Critic, good: bool) -> str:
    """One to three sentences that all come out alike."""
    for _ in range(critic.w.number(1, 3)):
        critic.opinion(good, "claim")
    return "positive" if good else "negative"


def overturned(critic: Critic, good: bool) -> str:
    """What is said first is outweighed by the last sentence."""
    for _ in range(critic.w.number(1, 2)):
        critic.claim(not good)
    critic.still(good)
    return "positive" if good else "negative"


def undecided(critic: Critic, good: bool) -> str:
    """Two or three opinions that differ, and nothing that outweighs."""
    critic.claim(good)
    critic.claim(not good)
    if critic.w.chance(0.4):
        critic.claim(critic.w.chance(0.5))
    return "mixed"


def reviews(w: Writer) -> None:
    """One review, or the remarks of several visitors."""
    topic = w.one_of(list(TOPICS))
    if w.chance(0.8):
        remarks(w, topic)
    else:
        review(w, topic)


def remarks(w: Writer, topic: str) -> None:
    """Two or three sentences about one topic, each with its feeling."""
    w.say(f"review remarks {topic}")
    critic = Critic(w, topic)
    for _ in range(w.number(2, 3)):
        w.line()
        critic.start()
        good = w.chance(0.5)
        if not critic.may_choose or w.chance(0.6):
            critic.claim(good)
        else:
            critic.opinion(good)
        feeling(w, critic, "positive" if good else "negative")


def review(w: Writer, topic: str) -> None:
    """A review of one to five sentences, and its feeling."""
    author = [w.person()] if w.chance(0.4) else []
    if author:
        w.say(f"review title {topic}", person=author[0])
        w.line()
    opening = w.one_of(OPENINGS if author else OPENINGS[1:])  # something must tell what the review is of
    if opening == "opening":
        w.say(f"review opening {topic}")
    elif opening == "company":
        w.say(f"review company {topic}", person=w.person(but=author))
    critic = Critic(w, topic)
    plan = w.one_of(PLANS)
    feeling(w, critic, plan(critic, w.chance(0.5)))


def feeling(w: Writer, critic: Critic, label: str) -> None:
    """Whether whoever wrote this was pleased."""
    w.line()
    w.say("feeling:")
    w.ask()
    w.say(f"feeling {label}")
    w.notes |= {"label": label, "negated": critic.denied, "mixed": len(critic.goods) == 2}


OPENINGS = ["", "opening", "company"]
PLANS = [agreeing, overturned, undecided]
PRAISING = {*PRAISE, "liked", "like", "enjoyed", "enjoy", "loved", "glad", "gladly", "happily", "worth"}
BLAMING = {*BLAME, "regret", "disliked", "waste", "sorry", "missed", "back"}


def keyword_label(text: str) -> str:
    """The feeling by counting words of praise and of blame alone: a baseline that no denial reaches."""
    found = re.findall(r"[a-z]+", text.removesuffix("Feeling:").rpartition("Feeling:")[2])
    praise, blame = (sum(word in known for word in found) for known in (PRAISING, BLAMING))
    return "mixed" if praise == blame else "positive" if praise > blame else "negative"


GENRES = {"reviews": reviews}
