"""Who is who, and what is where: biographies of people, and entries of an atlas."""

from tinylm.world.grammar import says, states
from tinylm.world.writer import Writer

PORTRAITS = ["home", "job", "workplace", "pet", "food", "friend", "born"]
PORTRAITS += ["home job", "born home", "job workplace", "pet food"]

FORMS = {
    "portrait title": says("{person:full}", "About {person:full}", "Who is {person:full}?"),
    "character": says(
        "{person} is (known to be|said to be|usually|nearly always) {adjective} and {adjective2}.",
        "(Friends|Neighbours|Those who know {person:him}) (call|find) {person:him} {adjective}[, even {adjective2}].",
        "(Nobody|No neighbour) has ever seen {person:him} {verb:ing}.",
        "On (Sundays|holidays|long evenings) {person} likes to {verb}.",
    ),
    "shared": states("home", "Like many others, {person} lives in {city}.", "{city} has long been {person:'s} home."),
    "atlas title": says("{city}", "A guide to {city}", "{city} in brief"),
    "climate": says(
        "The (winters|summers|mornings) (here|there) are {weather} and {warmth}.",
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
    left = set(w.world.tellable(person))
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
        if w.chance(0.2):
            w.say("character", person=person)


def atlas(w: Writer) -> None:
    """What there is to know of a city, a country, an employer, an event, an animal or a thing."""
    kind = w.one_of(list(ENTRIES))
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
        if kind == "city" and w.chance(0.3):
            w.say("climate")


ENTRIES = {
    "city": ["land", "famous", "capital"],
    "event": ["venue", "month"],
    "employer": ["seat"],
    "animal": ["diet"],
    "thing": ["material"],
}
GENRES = {"biographies": biography, "atlas": atlas}
