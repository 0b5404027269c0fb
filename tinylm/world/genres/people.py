"""Who is who, and what is where: biographies of people, and entries of an atlas."""

from tinylm.world.grammar import says
from tinylm.world.writer import Writer

PORTRAITS = ["home", "job", "workplace", "pet", "food", "friend", "born"]
DENIED = ["home", "job", "pet", "food"]
PORTRAITS += ["home job", "born home", "job workplace", "pet food"]

FORMS = {
    "portrait title": says("{person:full}", "About {person:full}", "Who is {person:full}?"),
    "character": says(
        "{person} is (known to be|said to be|usually|nearly always) {mood} and {virtue}.",
        "(Friends|Neighbours) (call|find) {person:him} (|rather |very ){virtue}.",
        "Those who know {person:him} say that {person:she} is {mood}, but {virtue}.",
        "(Nobody|No neighbour) has ever seen {person:him} {pastime:ing}.",
        "On (Sundays|holidays|long evenings) {person} likes to {pastime}.",
    ),
    "atlas title": says("{city}", "A guide to {city}", "{city} in brief"),
    "climate": says(
        "The (winters|summers|mornings) (here|there) are {skies}.",
        "There is a {size} {place} and a {size2} {place2}.",
        "(Visitors|Guests) should not miss the {place}.",
        "Behind the {place} (begins|lies) a {place2}.",
    ),
}


def relations(key: str) -> set[str]:
    return set(key.split())


def biography(w: Writer) -> None:
    """Some of what is true of one person, in any order."""
    person = w.person()
    left, described = set(w.world.tellable(person)), False
    if w.chance(0.25):
        w.say("portrait title", person=person)
        w.line()
    for _ in range(w.number(2, 5)):
        keys = [key for key in PORTRAITS if relations(key) <= left]
        if not keys:
            break
        key = w.one_of(keys)
        left -= relations(key)
        w.state(key, person)
        if not described and w.chance(0.25):
            w.say("character", person=person)
            described = True
    if w.chance(0.1):
        denial(w, person)


def denial(w: Writer, person: str) -> None:
    """What is not true of someone."""
    relation = w.one_of([relation for relation in DENIED if relation in w.world.tellable(person)] or ["job"])
    what = w.world.signature(relation)[1]
    true = w.world.truth[relation][person]
    w.say(
        f"not {relation}", **{"person": person, what: w.one_of([v for v in w.world.kinds[what] if v != true])}
    )


def atlas(w: Writer) -> None:
    """What there is to know of a city, a country, an employer, an event, an animal or a thing."""
    kind, described = w.one_of(list(ENTRIES)), False
    subject = w.entity(kind)
    if kind == "city" and w.chance(0.25):
        w.say("atlas title", city=subject)
        w.line()
    keys = ENTRIES[kind]
    if kind == "city" and subject not in w.world.truth["capital"].values():
        keys = [key for key in keys if key != "capital"]
    for key in w.several(keys, w.number(1, len(keys))):
        if key == "capital":
            w.state(key, w.world.truth["land"][subject])
        else:
            w.state(key, subject)
        if kind == "city" and not described and w.chance(0.4):
            w.say("climate")
            described = True


ENTRIES = {
    "city": ["land", "famous", "capital"],
    "event": ["venue", "month"],
    "employer": ["seat"],
    "animal": ["diet"],
    "thing": ["material"],
}
GENRES = {"biographies": biography, "atlas": atlas}
