"""What happens: news, stories, and reports with summaries of several lengths."""

from tinylm.world import words
from tinylm.world.grammar import says, states
from tinylm.world.writer import Writer

DEEDS = ["found", "lost", "bought", "sold", "mended"]
NOW = {"found": "finds", "lost": "loses", "bought": "buys", "sold": "sells", "mended": "mends"}

FORMS = {
    "dateline": says("{city}, {weekday}", "{weekday}, {city}", "News from {city}"),
    "weather report": says(
        "It (will be|stays) {weather} and {warmth} until {weekday}.",
        "{weekday} will be {warmth} and {weather}.",
        "After a {weather} week, {weekday} will be {weather2}.",
    ),
    "crowd": says(
        "(Many|Hundreds of) people (came to watch|waited near the {place}|stood in the road).",
        "Nobody was hurt.",
        "The {place} (will stay|stays|was) closed until {weekday}.",
        "A {job} (said|explained) that everyone was {adjective}.",
        "Even the {job:s} stopped to look.",
        "Two {animal:s} ran across the {place}.",
    ),
    "quote": says(
        '"I (could not|cannot) believe it," {person} (says|said).',
        '"It was a {weather} day," {person} (told us|remembers|said).',
        '"I am {adjective}," {person} said, "and a little {adjective2}."',
    ),
    "to see": says("Everyone is welcome.", "Children pay nothing.", "Come (early|in time)!"),
    "to bring": says("Bring {thing:a} and a coat.", "There will be {food}.", "There will be {food} and {food2}."),
    "filler": says(
        "The (day|morning) was {weather}.",
        "It was {weather} and {warmth}.",
        "(Far away|Somewhere), {animal:a} was {verb:ing}.",
        "The road was {size} and {weather}.",
        "Nobody else was there.",
        "The {animal:s} near the road {verb:ed} {adverb}.",
        "There was nothing to hear but the wind.",
    ),
    "went": states(
        "day went",
        "On {weekday}, {person} (went|walked) to the {place}.",
        "{person} (went|walked) to the {place} on {weekday}.",
        "It was {weekday} when {person} (came|set out) to the {place}.",
    ),
    "met": states(
        "met",
        "There {person} met {other:full}.",
        "{person} (ran into|met) {other:full} there.",
        "Who was waiting there for {person:him}, if not {other:full}?",
    ),
    "felt": states(
        "felt",
        "In the evening, {person} was {adjective}.",
        "At the end of the day {person} felt {adjective}.",
        "(It made|This left) {person:him} {adjective}.",
    ),
    "report:": says("Report:", "Read this:"),
    "headline:": says("Headline:"),
    "in one sentence:": says("In one sentence:"),
    "in two sentences:": says("In two sentences:"),
    "key points:": says("Key points:"),
    "who felt": states("felt", "{person} felt {adjective}.", retold=True),
    "who met": states("met", "{person} met {other:full}.", retold=True),
}
FORMS |= {
    deed: states(
        deed,
        f"{{person}} {deed} {{item:a}}.",
        f"{{person}} (stopped|stayed) for an hour and {deed} {{item:a}}.",
        f"Before noon, {{person}} {deed} {{item:a}}.",
        f"Then, quite by chance, {{person}} {deed} {{item:a}}.",
    )
    for deed in DEEDS
}
FORMS |= {f"{deed} headline": states(deed, f"{{person:full}} {NOW[deed]} {{item:a}}.", retold=True) for deed in DEEDS}
FORMS |= {
    f"{deed} short": states(
        f"day went {deed}",
        f"On {{weekday}}, {{person:full}} went to the {{place}} and {deed} {{item:a}}.",
        retold=True,
    )
    for deed in DEEDS
}
FORMS |= {
    f"{deed} points": states(f"day went {deed}", f"{{person:full}}, {{weekday}}, {{place}}, {deed} {{item}}.", retold=True)
    for deed in DEEDS
}
TOLD = {"day": ("person", "weekday"), "went": ("person", "place"), "met": ("person", "other")}
TOLD |= {"felt": ("person", "adjective")} | {deed: ("person", "item") for deed in DEEDS}


def news(w: Writer) -> None:
    """A portrait of the day, an announcement, or an incident."""
    kind = w.one_of(["portrait", "announcement", "incident"])
    if kind == "announcement":
        event = w.entity("event")
        w.say("dateline", city=w.world.truth["venue"][event])
        w.line()
        w.state("venue month", event)
        for key in w.several(["to see", "to bring"], w.number(1, 2)):
            w.say(key)
        w.say("weather report")
        return
    person = w.person()
    told = w.world.tellable(person)
    w.say("dateline")
    w.line()
    if kind == "portrait":
        for relation in w.several(told, min(len(told), w.number(1, 2))):
            w.state(relation, person)
        w.say(w.one_of(DEEDS), person=person)
    else:
        w.say("went", person=person)
        w.say("crowd")
        w.say(w.one_of(DEEDS), person=person)
    if w.chance(0.7):
        w.say("quote", person=person)
    if w.chance(0.5):
        w.say("weather report")


def episode(w: Writer, person: str) -> dict:
    """Where someone went, whom they met, what they did and felt: some of it, in this order."""
    known = w.say("went", person=person)
    if w.chance(0.5):
        w.say("filler")
    if w.chance(0.5):
        known["other"] = w.person(but=[person])
        w.say("met", person=person, other=known["other"])
    deed = known["deed"] = w.one_of(DEEDS)
    known |= w.say(deed, person=person)
    if w.chance(0.5):
        w.say("filler")
    if w.chance(0.5):
        known["adjective"] = w.say("felt", person=person)["adjective"]
    return known


def report(w: Writer) -> None:
    """A report, and a summary of the length that is asked for; what it leaves out was not the point."""
    w.say("report:")
    if w.chance(0.3):
        w.say("filler")
    person = w.person()
    known = episode(w, person)
    w.line()
    length = w.one_of(["headline:", "in one sentence:", "in two sentences:", "key points:"])
    w.say(length)
    w.ask()
    deed = known["deed"]
    slots = {name: known[name] for name in ("person", "weekday", "place", "item")}
    w.notes |= {"length": length, "deed": deed, **slots}
    if length == "headline:":
        w.say(f"{deed} headline", person=person, item=known["item"])
    elif length == "key points:":
        w.say(f"{deed} points", **slots)
    else:
        w.say(f"{deed} short", **slots)
        if length == "in two sentences:":
            if "adjective" in known:
                w.say("who felt", person=person, adjective=known["adjective"])
            elif "other" in known:
                w.say("who met", person=person, other=known["other"])


def story(w: Writer) -> None:
    """A tale of an animal that wanted something, and how it ended."""
    hero = w.one_of(words.ANIMALS)
    friend = w.one_of([animal for animal in words.ANIMALS if animal != hero])
    wish = w.one_of(words.VERBS)
    known = w.say("once", animal=hero, animal2=friend)
    trait = known["adjective"]
    if w.chance(0.4):
        w.state("as they do", hero)
    w.say("wish", animal=hero, verb=wish, adjective=trait)
    for _ in range(w.number(1, 2)):
        w.say("on the way", animal=hero)
    w.say("helper", animal=hero, animal2=friend)
    if w.chance(0.6):
        w.say("advice", animal=friend)
    w.say("ending", animal=hero, animal2=friend, verb=wish)
    if w.chance(0.3):
        w.say("moral", adjective=trait)


FORMS |= {
    "once": says(
        "Once[ upon a time] there was {adjective:a} {animal}.",
        "In a {room} there lived {adjective:a} {animal}.",
        "Long ago, {adjective:a} {animal} lived in a {room}.",
        "This is the story of {adjective:a} {animal}.",
    ),
    "as they do": states("diet", "Like all {animal:s}, it loved {food}.", "It lived on {food}, as {animal:s} do."),
    "wish": says(
        "The {animal} (had never learned|wanted) to {verb}.",
        "More than anything, the {animal} wanted to {verb}.",
        "Every {weekday} the {animal} tried to {verb}, and every {weekday} it failed.",
    ),
    "on the way": says(
        "One {weather} (day|morning) it (went|walked) to the {place}.",
        "It looked for help (near|behind) the {place}, but {job:a} chased it away.",
        "It asked {job:a}, but the answer was no.",
        "It sat down and waited {adverb}.",
        "It rained, and the {animal} (felt|was) {adjective}.",
    ),
    "helper": says(
        "Then (came {animal2:a}|it met {animal2:a}).",
        "{animal2:a} had been watching.",
        "At last {animal2:a} (came by|stopped).",
        "Behind the {place} sat {animal2:a} with {thing:a}.",
    ),
    "advice": says(
        '"You must be {adjective}," said the {animal}.',
        '"Take this {thing}," the {animal} said.',
        '"Come with me," said the {animal}, "and bring your {thing}."',
        '"Nothing is easier," said the {animal}.',
    ),
    "ending": says(
        "And so the {animal} learned to {verb}.",
        "From that day on the {animal} and the {animal2} {verb:ed} together.",
        "In the end the {animal} could {verb}, and the {animal2} was {adjective}.",
        "The {animal} never learned to {verb}, but it had found a friend.",
    ),
    "moral": says(
        "Who is {adjective} finds a friend.",
        "It is good to be {adjective}.",
        "(Even|Only) the {adjective} can learn.",
    ),
}
GENRES = {"news": news, "stories": story, "summaries": report}
