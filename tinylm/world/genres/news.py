"""What happens: news, stories, and reports with summaries of several lengths."""

from tinylm.world import words
from tinylm.world.genres.scenes import ALLOWED
from tinylm.world.grammar import says, states
from tinylm.world.writer import Writer

HOURS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
DEEDS = ["found", "lost", "bought", "sold", "mended"]
NOW = {"found": "finds", "lost": "loses", "bought": "buys", "sold": "sells", "mended": "mends"}

FORMS = {
    "dateline": says("{city}, {weekday}", "{weekday}, {city}", "News from {city}"),
    "weather report": says(
        "It (will be|stays) {skies} until {weekday}.",
        "{weekday} will be {skies}.",
        "After a {weather} week, {weekday} will be {weather2}.",
    ),
    "crowd": says(
        "(Many|Hundreds of) people (came to watch|waited near the {place}|stood in the road).",
        "Nobody was hurt.",
        "The {place} (will stay|stays|was) closed until {weekday}.",
        "{job:a} (said|explained) that everyone was {mood}.",
        "Even the {job:s} came to look.",
        "Two {animal:s} crossed the {place}.",
    ),
    "quote": says(
        '"I (could not|cannot) believe it," {person} (says|said).',
        '"It was a {weather} day," {person} (told us|remembers|said).',
        '"I am {mood}," {person} said, "and a little (hungry|late|surprised)."',
    ),
    "to see": says("Everyone is welcome.", "Children pay nothing.", "Come (early|in time)!"),
    "to bring": says(
        "Bring {thing:a} and a coat.", "There will be {food}.", "There will be {food} and {food2}."
    ),
    "sky": says("The (day|morning) was {weather}.", "It was {skies}."),
    "on the road": says(
        "The road was (long|narrow|wide) and (dry|empty|muddy).",
        "The {animal:s} near the road (came closer|hid|looked up).",
        "The market was (closed|full of people).",
    ),
    "meanwhile": says(
        "(Far away|Somewhere), {animal:a} was calling.",
        "There was nothing to hear but the wind.",
        "(A bell|The clock of the {place}) struck {hour}.",
    ),
    "went": states(
        "day went",
        "On {weekday}, {person} (went|walked) to the {place}.",
        "{person} (went|walked) to the {place} on {weekday}.",
        "It was {weekday} when {person} (came to|set out for) the {place}.",
    ),
    "met": states(
        "met",
        "There {person} met {other:full}.",
        "{person} (ran into|met) {other:full} there.",
        "Who was waiting there for {person:him}, if not {other:full}?",
    ),
    "felt": states(
        "felt",
        "In the evening, {person} was {mood}.",
        "At the end of the day {person} felt {mood}.",
        "(It made|This left) {person:him} {mood}.",
    ),
    "report:": says("Report:", "Read this:"),
    "headline:": says("Headline:"),
    "in one sentence:": says("In one sentence:"),
    "in two sentences:": says("In two sentences:"),
    "key points:": says("Key points:"),
    "who felt": states("felt", "{person} felt {mood}.", retold=True),
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
FORMS |= {
    f"{deed} headline": states(deed, f"{{person:full}} {NOW[deed]} {{item:a}}.", retold=True)
    for deed in DEEDS
}
FORMS |= {
    f"{deed} short": states(
        f"day went {deed}",
        f"On {{weekday}}, {{person:full}} went to the {{place}} and {deed} {{item:a}}.",
        retold=True,
    )
    for deed in DEEDS
}
FORMS |= {
    f"{deed} points": states(
        f"day went {deed}", f"{{person:full}}, {{weekday}}, {{place}}, {deed} {{item}}.", retold=True
    )
    for deed in DEEDS
}
TOLD = {"day": ("person", "weekday"), "went": ("person", "place"), "met": ("person", "other")}
TOLD |= {"felt": ("person", "mood")} | {deed: ("person", "item") for deed in DEEDS}


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
        w.say("on the road")
    if w.chance(0.5):
        known["other"] = w.person(but=[person])
        w.say("met", person=person, other=known["other"])
    deed = known["deed"] = w.one_of(DEEDS)
    known |= w.say(deed, person=person)
    if w.chance(0.5):
        w.say("meanwhile")
    if w.chance(0.5):
        known["mood"] = w.say("felt", person=person)["mood"]
    return known


def report(w: Writer) -> None:
    """A report, and one or two summaries of the lengths that are asked for; what they leave out was not the
    point."""
    w.say("report:")
    if w.chance(0.3):
        w.say("sky")
    person = w.person()
    known = episode(w, person)
    for length in w.several(LENGTHS, 1 + w.chance(0.5)):
        w.line()
        summary(w, length, person, known)


LENGTHS = ["headline:", "in one sentence:", "in two sentences:", "key points:"]


def summary(w: Writer, length: str, person: str, known: dict) -> None:
    """What an episode comes down to, in so many words."""
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
            if "mood" in known:
                w.say("who felt", person=person, mood=known["mood"])
            elif "other" in known:
                w.say("who met", person=person, other=known["other"])


def story(w: Writer) -> None:
    """A tale of an animal that wanted something, and how it ended."""
    hero = w.one_of(words.ANIMALS)
    friend = w.one_of([animal for animal in words.ANIMALS if animal != hero])
    wish = w.one_of(SKILLS[hero])
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
        w.say("moral", animal=hero, adjective=trait)


FORMS |= {
    "once": says(
        "Once[ upon a time] there was {adjective:a} {animal}.",
        "In a {room} there lived {adjective:a} {animal}.",
        "Long ago, {adjective:a} {animal} lived in a {room}.",
        "This is the story of {adjective:a} {animal}.",
    ),
    "as they do": states(
        "diet", "Like all {animal:s}, it loved {food}.", "It lived on {food}, as {animal:s} do."
    ),
    "wish": says(
        "The {animal} (had never learned|wanted) to {verb}.",
        "More than anything, the {animal} wanted to {verb}.",
        "Every {weekday} the {animal} tried to {verb}, and every {weekday} it failed.",
    ),
    "on the way": says(
        "One {weather} (day|morning) it (went|walked) to the {place}.",
        "It looked for help (near|behind) the {place}, but {job:a} chased it away.",
        "It asked {job:a}, but the answer was no.",
        "It sat down and waited (alone|all night|until noon).",
        "It rained, and the {animal} (felt|was) (cold|lost|sad|wet).",
    ),
    "helper": says(
        "Then (came {animal2:a}|it met {animal2:a}).",
        "{animal2:a} had been watching.",
        "At last {animal2:a} came (along|by).",
        "Behind the {place} sat {animal2:a} with {thing:a}.",
    ),
    "advice": says(
        '"You must be {virtue}," said the {animal}.',
        '"Take this {thing}," the {animal} said.',
        '"Come with me," said the {animal}, "and bring your {thing}."',
        '"Nothing is easier," said the {animal}.',
    ),
    "ending": says(
        "And so the {animal} learned to {verb}.",
        "From that day on the {animal} and the {animal2} were friends, and they {verb:ed} together.",
        "In the end the {animal} could {verb}, and the {animal2} was (glad|proud|surprised).",
        "The {animal} never learned to {verb}, but it had found a friend.",
    ),
    "moral": says(
        "Even {adjective:a} {animal} needs a friend.",
        "Two can do more than one.",
        "It is good (not to be alone|to have friends).",
        "If they have not parted, they are together still.",
    ),
}
SKILLS = {  # what an animal may want to learn
    animal: [verb for verb in words.PASTIMES if verb in ALLOWED[animal]] for animal in words.ANIMALS
}
WORDS = {"hour": HOURS}
GENRES = {"news": news, "stories": story, "summaries": report}
