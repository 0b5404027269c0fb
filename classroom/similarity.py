"""Answers that are nearly the same as another learner's, found by their fingerprints.

Names are replaced by the order in which they appear, comments and layout go. Of the hashes of all runs of
`RUN` tokens the smallest of each window are kept (winnowing: Schleimer, Wilkerson and Aiken 2003, "Winnowing:
local algorithms for document fingerprinting"). What many wrote, or what was handed out, says nothing and is
left out.
"""

import io
import keyword
import tokenize
import zlib
from collections import Counter, defaultdict
from itertools import combinations

RUN, WINDOW = 8, 4  # tokens; hashes
SHORTEST = (
    12  # fingerprints that an answer needs to be compared: a line that everybody writes alike has fewer
)
ALIKE = 0.85  # of the smaller answer's fingerprints
USUAL = 0.1  # share of the class from which on a fingerprint is what people write


def pairs(answers: dict[str, str], given: list[str]) -> list[tuple[str, str, float]]:
    """Pairs of learners whose answers to one task are alike, with the share that they have in common.

    `answers` are sources by learner; `given` are sources that everybody has seen, or that are right.
    """
    prints = {learner: fingerprints(source) for learner, source in answers.items()}
    known = set().union(*map(fingerprints, given)) if given else set()
    spread = Counter(mark for marks in prints.values() for mark in marks)
    usual = {mark for mark, n in spread.items() if n > max(3, USUAL * len(answers))}
    prints = {learner: marks - known - usual for learner, marks in prints.items()}
    prints = {learner: marks for learner, marks in prints.items() if len(marks) >= SHORTEST}
    who = defaultdict(list)
    for learner, marks in prints.items():
        for mark in marks:
            who[mark].append(learner)
    shared = Counter(pair for learners in who.values() for pair in combinations(learners, 2))
    found = [(a, b, n / min(len(prints[a]), len(prints[b]))) for (a, b), n in shared.items()]
    return sorted((pair for pair in found if pair[2] >= ALIKE), key=lambda pair: (-pair[2], pair[:2]))


def fingerprints(source: str) -> set[int]:
    """The winnowed hashes of a source's tokens."""
    tokens = normal(source)
    hashes = [zlib.crc32(" ".join(tokens[i : i + RUN]).encode()) for i in range(len(tokens) - RUN + 1)]
    return {min(hashes[i : i + WINDOW]) for i in range(max(0, len(hashes) - WINDOW + 1))}


def normal(source: str) -> list[str]:
    """Tokens without comments and layout, and with names numbered."""
    numbers: dict[str, str] = {}
    tokens = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.NAME and not keyword.iskeyword(token.string):
                tokens.append(numbers.setdefault(token.string, f"n{len(numbers)}"))
            elif token.type in (tokenize.NAME, tokenize.OP, tokenize.NUMBER):
                tokens.append(token.string)
            elif token.type == tokenize.STRING:
                tokens.append("text")
    except (tokenize.TokenError, SyntaxError):
        pass  # what was read so far is compared
    return tokens
