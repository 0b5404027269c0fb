"""Lists that are said twice: nothing but attention to what stands above can tell how they go on."""

from tinylm.world import words
from tinylm.world.grammar import says
from tinylm.world.writer import Writer

LONGEST = 12
LISTED = {  # of each kind: what introduces the list, and what its repetition
    "thing": ("To buy:", "Bought:"),
    "animal": ("Seen near the lake:", "Seen again:"),
    "item": ("Lost:", "Found:"),
    "anything": ("Say after me:", "You said:"),
    "guest": ("Invited:", "Came:"),
}
WORDS = {
    "anything": sorted(
        {*words.THINGS, *words.ANIMALS, *words.FOODS, *words.PLACES, *words.ADJECTIVES, *words.JOBS}
    ),
    "guest": sorted([*words.GIVEN["she"], *words.GIVEN["he"]]),
}
FORMS = {label: says(label) for labels in LISTED.values() for label in labels} | {
    f"{n} of {kind}": says(" ".join(f"{{{kind}{i}}}" for i in range(1, n + 1)) + ".")
    for kind in LISTED
    for n in range(3, LONGEST + 1)
}


def twice(w: Writer) -> None:
    """A list, and the same list again."""
    kind = w.one_of(list(LISTED))
    first, again = LISTED[kind]
    w.say(first)
    length = w.number(3, LONGEST)
    known = w.say(f"{length} of {kind}")
    w.line()
    w.say(again)
    w.ask()
    w.say(f"{length} of {kind}", **known)


GENRES = {"lists": twice}
