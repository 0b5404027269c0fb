"""Questions and answers: about the world by heart, about a text that stands above, and without an answer."""

from tinylm.world.grammar import says, states
from tinylm.world.truth import OF_PEOPLE
from tinylm.world.writer import Writer

FORMS = {
    "question:": says("Question:"),
    "answer:": says("Answer:"),
    "read:": says("Read this:", "Text:"),
    "has": states(
        "has",
        "{person} (has|keeps|owns) {item:a}.",
        "{item:a} belongs to {person:him}.",
        "In {person:'s} house there is {item:a}.",
    ),
    "is at": states(
        "is-at",
        "{person} is (close to|near) the {place}.",
        "{person} (waits|stands) near the {place}.",
        "You can see {person:him} near the {place}.",
    ),
    "has?": says("What does {person} have?", "What belongs to {person:him}?"),
    "is at?": says("Where is {person}?", "Where can you see {person:him}?"),
    "has!": states("has", "{item:a}.", retold=True),
    "is at!": states("is-at", "Near the {place}.", retold=True),
}
TOLD = {"has": ("person", "item"), "is-at": ("person", "place")}
OF_PLACES = {
    "land": "city",
    "famous": "city",
    "capital": "country",
    "seat": "employer",
    "venue": "event",
    "month": "event",
    "diet": "animal",
    "material": "thing",
}


def question(w: Writer) -> None:
    """One question that the world answers."""
    if w.chance(0.7):
        person = w.entity("unasked" if w.unseen else "asked")
        answerable = w.world.tellable(person)
        relation = w.one_of(answerable) if answerable else "nation"
        put(w, relation, person)
    else:
        relation = w.one_of(list(OF_PLACES))
        put(w, relation, w.entity(OF_PLACES[relation]))


def two_hops(w: Writer) -> None:
    """One question whose answer takes two facts."""
    put(w, w.one_of(["nation", "friend-home"]), w.entity("parted" if w.unseen else "joined"))


def put(w: Writer, relation: str, subject: str) -> None:
    """Ask for what is true of `subject`, and answer."""
    who, what = w.world.signature(relation)
    ask(w, f"{relation}?", f"{relation}!", **{who: subject, what: w.world.truth[relation][subject]})


def ask(w: Writer, asks: str, answers: str, **bound: str) -> None:
    w.say("question:")
    w.say(asks, **bound)
    w.line()
    w.say("answer:")
    w.ask()
    w.say(answers, **bound)
    w.notes["relation"] = asks[:-1]


def unanswerable(w: Writer) -> None:
    """A question about someone of whom nobody has ever heard."""
    nobody = w.one_of(w.world.strangers if w.unseen else w.world.nobodies)
    ask(w, f"{w.one_of(OF_PEOPLE)}?", "unknown!", person=nobody)


def reading(w: Writer) -> None:
    """A few lines about several people, and questions that only these lines answer."""
    w.say("read:")
    n = w.number(2, 4)
    people = []
    for _ in range(n):
        people.append(w.person(but=people))
    topic = w.one_of(["has", "is at"])
    what = "item" if topic == "has" else "place"
    told = w.several(w.world.kinds[what], n)
    for person, value in zip(people, told, strict=True):
        w.say(topic, **{"person": person, what: value})
    for chosen in w.several(range(n), w.number(1, n)):
        w.name_anew()
        w.line()
        ask(w, f"{topic}?", f"{topic}!", **{"person": people[chosen], what: told[chosen]})


GENRES = {"questions": question, "two hops": two_hops, "unanswerable": unanswerable, "reading": reading}
