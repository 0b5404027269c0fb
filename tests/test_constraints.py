"""tinylm.constraints: what comes out is always allowed, and all that is allowed can come out."""

import json
import re
from functools import reduce

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tinylm import constraints, decoding, tokens
from tinylm.constraints import Constraint, after, either, many, matches, may_end, one_of, record, string, then
from tinylm.transformer import Config, Transformer

END = "<|end|>"
TOKENIZER = tokens.train(["abab abba aéb né abc bca" * 20, '{"ab": "ba"}' * 20], 290, specials=[END])


def patterns() -> st.SearchStrategy:
    """Pairs of a pattern of ours and a regular expression that means the same."""
    leaves = st.one_of(
        st.text("abé", max_size=3).map(lambda t: (constraints.text(t), f"(?:{t})")),
        st.sampled_from(["a", "ab", "bc"]).map(lambda t: (one_of(t), f"[{t}]")),
    )

    def grow(inner):
        return st.one_of(
            st.lists(inner, min_size=1, max_size=3).map(
                lambda p: (then(*(a for a, _ in p)), "".join(b for _, b in p))
            ),
            st.lists(inner, min_size=1, max_size=3).map(
                lambda p: (either(*(a for a, _ in p)), f"(?:{'|'.join(b for _, b in p)})")
            ),
            st.tuples(inner, st.integers(0, 2)).map(
                lambda p: (many(p[0][0], p[1]), f"(?:{p[0][1]}){{{p[1]},}}")
            ),
        )

    return st.recursive(leaves, grow, max_leaves=6)


@settings(deadline=None, max_examples=200)
@given(patterns(), st.text("abcé", max_size=6))
def test_a_pattern_allows_what_the_same_regular_expression_matches(pair, word):
    pattern, expression = pair
    assert matches(pattern, word) == bool(re.fullmatch(expression, word))


@settings(deadline=None, max_examples=100)
@given(patterns(), st.text("abé", max_size=4))
def test_what_is_allowed_so_far_can_always_be_completed(pair, word):
    state = reduce(after, word.encode(), pair[0])
    if state == constraints.NOTHING:
        return
    seen, waiting = {state}, [state]
    while waiting:  # every state that can be reached
        state = waiting.pop()
        if may_end(state):
            return
        new = {after(state, byte) for byte in "abcé".encode()} - seen - {constraints.NOTHING}
        seen |= new
        waiting += new
    raise AssertionError(f"{pair[1]} is stuck after {word!r}")


def model_of(seed: int) -> Transformer:
    torch.manual_seed(seed)
    return Transformer(Config(TOKENIZER.vocab_size, context=24, d_model=16, n_heads=2)).eval()


def naive_allowed(pattern, written: list[int], end: int) -> list[bool]:
    """For each token: is there, after these, a string that the pattern allows? Bytes go one by one."""
    if end in written:
        return [token == end for token in range(TOKENIZER.vocab_size)]
    pieces = constraints.token_bytes(TOKENIZER)
    before = b"".join(pieces[token] for token in written)
    whole = [reduce(after, before + piece, pattern) for piece in pieces]
    states = [
        state != constraints.NOTHING and piece != b"" for state, piece in zip(whole, pieces, strict=True)
    ]
    states[end] = may_end(reduce(after, before, pattern))
    return states


@settings(deadline=None, max_examples=30)
@given(patterns(), st.integers(0, 100))
def test_the_mask_allows_what_trying_each_token_allows(pair, seed):
    constraint, model = Constraint(pair[0], TOKENIZER, END), model_of(seed)
    rows = decoding.generate(model, [[0], [1]], 6, seed=seed, steer=constraint)
    for row in rows:
        for n in range(1, len(row) + 1):
            logits = constraint(
                torch.zeros(1, TOKENIZER.vocab_size), torch.tensor([row[1:n]], dtype=torch.long)
            )
            allowed = naive_allowed(pair[0], row[1:n], constraint.end)
            assert (logits[0] == 0).tolist() == allowed
            assert n == len(row) or allowed[row[n]]


@pytest.mark.parametrize("temperature", [0, 1, 5])
def test_every_text_is_json_of_the_wanted_fields(temperature):
    letters = then(one_of("ABC"), one_of("abc"), one_of("abc"))
    pattern = record(
        name=string(letters), home=either(string(constraints.text("é b")), constraints.text("null"))
    )
    texts = decoding.write_all(
        model_of(1),
        TOKENIZER,
        ["a"] * 20,
        60,
        stop=[END],
        temperature=temperature,
        seed=0,
        steer=Constraint(pattern, TOKENIZER, END),
    )
    for found in map(json.loads, texts):
        assert list(found) == ["name", "home"]
        assert found["home"] in ("é b", None)
    assert len(set(texts)) > 3 or temperature == 0


def test_the_bytes_of_the_tokens_are_those_of_the_text():
    pieces = constraints.token_bytes(TOKENIZER)
    for words in ("né abba", '{"ab": "é"}', "\x00 €"):
        assert b"".join(pieces[token] for token in TOKENIZER.encode(words)) == words.encode()
    assert pieces[TOKENIZER.backend.token_to_id(END)] == b""


def test_an_end_that_is_no_token_is_refused():
    with pytest.raises(ValueError, match="end='<stop>': the tokenizer has no such token"):
        Constraint(constraints.text("a"), TOKENIZER, "<stop>")
