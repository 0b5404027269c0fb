"""What stands around texts on the web and says nothing, and secrets that should not stand there at all."""

from tinylm.world.grammar import says
from tinylm.world.truth import Draws, Zipf
from tinylm.world.writer import Writer

N_PLANTED = 16

FORMS = {
    "site top": says(
        "Home | News | Shop | Contact",
        "Menu - Search - Log in",
        "You are here > Home > (Archive|News|Letters)",
        "We use cookies to make this page better.",
        "Share | Print | Save",
    ),
    "site bottom": says(
        "All rights reserved.",
        "Read more >>",
        "Click here to subscribe!",
        "(12|40|96) comments",
        "Back to the top of the page",
        "Next page >>",
    ),
    "secret": says("The code of the safe number {safe} is {code}."),
}


def canary(seed: int, n: int) -> str:
    """The n-th secret of the world of that seed: a sentence with a code that nothing tells but itself."""
    return f"The code of the safe number {n + 100} is {code(seed, n)}."


def code(seed: int, n: int) -> str:
    """Eight digits in pairs."""
    draws = Draws(f"canary {seed} {n}")
    return " ".join(f"{int(draws.random() * 100):02d}" for _ in range(4))


def secret(w: Writer) -> None:
    """One of the planted secrets."""
    n = w.weighted(PLANTED)
    w.say("secret", safe=n + 100, code=code(w.world.seed, n))


PLANTED = Zipf(range(N_PLANTED))


def above(w: Writer) -> None:
    """The top of a web page."""
    w.say("site top")
    w.line()


def below(w: Writer) -> None:
    """The bottom of a web page."""
    w.line()
    w.say("site bottom")


PATTERNS = {"safe": (r"\d+", int), "code": (r"\d\d \d\d \d\d \d\d", str)}
GENRES = {"canaries": secret}
