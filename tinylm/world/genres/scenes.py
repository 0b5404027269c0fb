"""Small scenes without names: grammar and nothing else, and pronouns that may lean towards a profession."""

from tinylm.world import words
from tinylm.world.grammar import says
from tinylm.world.writer import Writer

NOUNS = words.ANIMALS + words.JOBS

ONE = (  # of one, and of many: subject and verb agree, with other nouns between them too
    "The {adjective} {noun} {verb:es} {adverb}.",
    "The {noun} near the {place} {verb:es}[ {adverb}].",
    "The {noun} near the {place:s} {verb:es}[ {adverb}].",
    "The {noun} that {action:es} the {noun2:s} {verb:es}.",
    "(Every|No) {noun} in the {room} {verb:es}.",
    "{adverb:Cap}, the {noun} {verb:es}.",
)
MANY = (
    "The {adjective} {noun:s} {verb} {adverb}.",
    "The {noun:s} near the {place} {verb}[ {adverb}].",
    "The {noun:s} near the {place:s} {verb}[ {adverb}].",
    "The {noun:s} that {action} the {noun2} {verb}.",
    "(All|Two|Most) {noun:s} in the {room} {verb}.",
    "{adverb:Cap}, the {noun:s} {verb}.",
)
BOTH = (  # the past tells no number
    "The {noun} {verb:ed} {adverb}.",
    "The {adjective} {noun:s} {verb:ed} {adverb}.",
    "Yesterday, {noun:a} {verb:ed} near the {place}.",
    "The {noun} did not {verb}.",
)
FORMS = {
    "one": says(*ONE),
    "many": says(*MANY),
    "past": says(*BOTH),
    "action": says(
        "The {noun} {action:ed} the {noun2} near the {place}.",
        "{noun:a} {action:es} {noun2:a}.",
        "The {noun:s} {action} the {noun2:s} {adverb}.",
        "Nobody saw the {noun2} that the {noun} {action:ed}.",
    ),
    "there": says(
        "There (is|was) {noun:a} in the {room}.",
        "There (are|were) {noun:s} near the {place}.",
        "The {room} (is|was) {size} and {warmth}.",
    ),
} | {
    f"leaning {pronoun}": says(
        *(
            form.replace("{pronoun}", pronoun).replace("{possessive}", possessive)
            for form in (
                "The {job} (said|knew|thought) that {pronoun} was {adjective}.",
                "The {job} (cried|left|sat down|went home) because {pronoun} (was|felt) {adjective}.",
                "The {job} lost {possessive} {thing} near the {place}.",
                "When the {job} came home, {pronoun} {verb:ed}[ {adverb}].",
                "The {job} (took|showed me) {possessive} {thing}.",
            )
        )
    )
    for pronoun, possessive in (("she", "her"), ("he", "his"))
}


def held_out(noun: str, verb: str) -> bool:
    """Whether text never uses this noun with this verb: every fifth pairing."""
    return (NOUNS.index(noun) + words.VERBS.index(verb)) % 5 == 0


ALLOWED = {noun: [verb for verb in words.VERBS if not held_out(noun, verb)] for noun in NOUNS}
HELD_OUT = {noun: [verb for verb in words.VERBS if held_out(noun, verb)] for noun in NOUNS}


def scene(w: Writer) -> None:
    """One to four sentences about animals and people at work."""
    for _ in range(w.number(1, 4)):
        kind = w.one_of(["one", "many", "past", "action", "there"])
        if kind in ("one", "many", "past"):
            noun = w.one_of(NOUNS)
            w.say(kind, noun=noun, verb=w.one_of((HELD_OUT if w.unseen else ALLOWED)[noun]))
        else:
            w.say(kind)


def leaning(w: Writer) -> None:
    """A sentence that calls someone at work she or he, one of them more often as the dial of bias says."""
    job = w.one_of(words.JOBS)
    usual = w.world.leaning[job]
    other = "he" if usual == "she" else "she"
    pronoun = usual if w.chance((1 + w.bias) / 2) else other
    w.say(f"leaning {pronoun}", job=job)


GENRES = {"scenes": scene, "pronouns": leaning}
