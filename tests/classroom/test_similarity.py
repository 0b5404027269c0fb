"""Copies are found whatever their names and comments, and what everybody writes is none."""

import random

from classroom import similarity

GIVEN = "def attention(q, k, v):\n    raise NotImplementedError()\n"
OWN = """
def attention(q, k, v):
    # compare all pairs
    length = q.shape[-2]
    scores = q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5
    for row in range(length):
        for column in range(row + 1, length):
            scores[..., row, column] = float("-inf")
    weights = scores - scores.max(-1, keepdim=True).values
    weights = weights.exp()
    weights = weights / weights.sum(-1, keepdim=True)
    return weights @ v
"""
OTHER = """
def attention(q, k, v):
    size = q.size(-1)
    mask = torch.tril(torch.ones(q.size(-2), q.size(-2), dtype=torch.bool))
    logits = torch.einsum("bhid,bhjd->bhij", q, k).div(size**0.5)
    logits = torch.where(mask, logits, torch.full_like(logits, -1e30))
    return torch.einsum("bhij,bhjd->bhid", logits.softmax(dim=-1), v)
"""


def renamed(source: str) -> str:
    for old, new in ("length", "n"), ("scores", "s"), ("weights", "w"), ("row", "i"), ("column", "j"):
        source = source.replace(old, new)
    return source.replace("# compare all pairs", "# mine, all mine")


def test_a_copy_with_other_names_and_comments_is_found():
    assert [
        pair[:2] for pair in similarity.pairs({"anna": OWN, "ben": renamed(OWN), "cleo": OTHER}, [GIVEN])
    ] == [("anna", "ben")]


def test_answers_that_are_different_are_no_pair():
    assert similarity.pairs({"anna": OWN, "ben": OTHER}, [GIVEN]) == []


def test_what_was_handed_out_or_is_right_says_nothing():
    assert similarity.pairs({"anna": OWN, "ben": renamed(OWN)}, [GIVEN, OWN]) == []


def test_what_many_write_says_nothing():
    answers = {f"learner{i}": OWN for i in range(20)}
    assert similarity.pairs(answers, [GIVEN]) == []


def test_short_answers_are_alike_by_nature():
    assert (
        similarity.pairs({"anna": "def f(x):\n    return 2 * x", "ben": "def f(y):\n    return 2 * y"}, [])
        == []
    )


def test_fingerprints_do_not_depend_on_layout():
    assert similarity.fingerprints(OWN) == similarity.fingerprints(
        OWN.replace("    # compare all pairs\n", "\n\n")
    )


def test_what_is_no_python_is_compared_as_far_as_it_goes():
    for _ in range(50):
        text = "".join(random.choices(OWN + "\"'\\([{\x00", k=200))
        assert similarity.pairs({"anna": text, "ben": text[:-1]}, []) is not None
