"""Text of the world: the same everywhere, true, without what is held out, and turned by its dials."""

import hashlib
import os
import re
import subprocess
import sys
import tracemalloc
from collections import Counter
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinylm.world import World, judge, words
from tinylm.world.genres import GENRES, SHARES
from tinylm.world.genres.scenes import held_out
from tinylm.world.truth import OF_PEOPLE, TWO_HOPS

CORE = [
    "atlas",
    "biographies",
    "conversations",
    "letters",
    "news",
    "questions",
    "scenes",
    "stories",
    "summaries",
]
# Changes only where these genres do.
TEXT = "896d7986c481b98d615c362bd0d41c3dfda779e7d5a87a765edc610854e6524d"
SCRIPT = """
import hashlib
from tinylm.world import World
world = World(0)
text = "\\n".join(sample.text for sample in world.text(100_000, seed=4))
facts = "\\n".join(map(str, world.facts()))
print(hashlib.sha256((facts + text).encode()).hexdigest())
"""
NAME = re.compile(r"\b[A-Z][a-z]+ [A-Z][a-z]+\b")
NOUNS = {form: noun for noun in words.ANIMALS + words.JOBS for form in (noun, words.plural(noun))}
VERBS = {
    change(verb): verb
    for verb in words.VERBS
    for how, change in words.CHANGES.items()
    if how in ("", "es", "ed")
}
WITH = re.compile(
    rf"\b({'|'.join(NOUNS)})(?: (?:near|in) the \w+)?"
    r"(?: (?:did not|does not|can|must|will|wants to|likes to))? "
    rf"({'|'.join(VERBS)})\b(?! of)"
)
CLAUSE = re.compile(r" that \w+ the \w+")  # its noun is not the subject


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def sentences(samples):
    for sample in samples:
        for sentence in sample.sentences:
            yield sample.text[sentence.start : sentence.end]


# the same everywhere


def test_text_of_a_seed_is_the_same_on_every_machine():
    text = "\n".join(sample.text for sample in World(0).text(100_000, CORE, seed=4))
    assert sha(text) == TEXT


def test_another_process_with_other_hashes_writes_the_same():
    printed = set()
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed}
        run = [sys.executable, "-c", SCRIPT]
        printed.add(subprocess.run(run, env=environment, capture_output=True, text=True, check=True).stdout)
    assert len(printed) == 1


def test_a_longer_text_begins_like_a_shorter_one(world):
    short = list(world.text(5_000, seed=2))
    assert list(islice(world.text(50_000, seed=2), len(short))) == short
    assert sum(len(sample.text) + 1 for sample in short) >= 5_000
    assert sum(len(sample.text) + 1 for sample in short[:-1]) < 5_000


def test_other_seeds_write_other_texts(world):
    assert len({next(world.text(1, ["letters"], seed=seed)).text for seed in range(50)}) == 50


# true, and read as it was written


def test_samples_are_true_and_read_as_they_were_written(world, samples):
    for sample in samples[::3]:
        found = judge.read(world, sample.text)
        assert [piece.facts for piece in found] == [sentence.facts for sentence in sample.sentences], (
            sample.text
        )
        assert {piece.verdict for piece in found} <= {judge.TRUE, judge.NOT_A_CLAIM}, sample.text


def test_ten_thousand_samples_state_nothing_but_what_is_true(world, samples):
    stated = [fact for sample in samples for fact in sample.facts if fact.relation in world.truth]
    assert len(stated) > 4_000
    for fact in stated:
        assert (world.truth[fact.relation][fact.subject] == fact.object) != fact.denied, fact


# held out


def test_strangers_are_named_nowhere(world, samples):
    named = {name for sample in samples for name in NAME.findall(sample.text)}
    assert len(named & set(world.entities["person"])) == world.size
    assert not named & set(world.strangers)


def test_people_not_joined_never_stand_in_a_text_with_their_country(world, samples):
    together = 0
    for sample in samples:
        for name in set(NAME.findall(sample.text)) & set(world.entities["person"]):
            near = world.truth["nation"][name] in sample.text
            together += near
            assert name in world.joined or not near, sample.text
    assert together > 50


def test_no_sentence_holds_a_name_and_what_is_untold_of_it(world, samples):
    coincidences = re.compile(
        r"^(From|To|Dear|Most)|\bmet\b|\bran into\b|waiting there|points|than|[0-9]|(play|book) about"
    )
    told = Counter()
    for sentence in sentences(samples):
        for name in set(NAME.findall(sentence)) & set(world.entities["person"]):
            for relation in OF_PEOPLE:
                what = world.truth[relation].get(name)
                if what and re.search(rf"\b{what}\b", sentence):
                    untold = (relation, name) in world.untold
                    told[untold] += 1
                    assert not untold or coincidences.search(sentence), sentence
    assert told[False] > 400


def test_who_is_not_asked_about_is_in_no_question_about_the_world(world, samples):
    keys = {f"{relation}?" for relation in [*OF_PEOPLE, *TWO_HOPS]}
    asked = set()
    for sentence in {sentence for sentence in sentences(samples) if sentence.endswith("?")}:
        if any(reading.key in keys for reading in world.reader.readings(sentence)):
            asked |= set(NAME.findall(sentence))
    people = set(world.entities["person"])
    assert len(asked & world.asked) > 100
    # two hops are asked of those who are joined, who need not be asked about
    assert asked & people <= world.asked | world.joined
    for sample in samples:
        if sample.genre == "questions":
            assert not (people - world.asked) & set(NAME.findall(sample.prompt)), sample.text
        if sample.genre == "conversations":
            speakers = set(re.findall(r"^([A-Z]\w+ [A-Z]\w+):", sample.text, re.MULTILINE))
            assert not (people - world.asked) & speakers, sample.text


def test_two_hops_are_never_asked_of_those_not_joined(world, samples):
    texts = [sample.prompt for sample in samples if sample.genre == "two hops"]
    assert len(texts) > 200
    for text in texts:
        assert not set(world.zipf["parted"].items) & set(NAME.findall(text)), text


def test_nouns_never_stand_with_verbs_that_are_held_out_for_them(samples):
    pairs = Counter()
    english = [
        sample for sample in samples if sample.genre != "translations"
    ]  # they hold out pairs of their own
    for sentence in sentences(english):
        for noun, verb in WITH.findall(CLAUSE.sub("", sentence)):
            pairs[NOUNS[noun], VERBS[verb]] += 1
            assert not held_out(NOUNS[noun], VERBS[verb]), sentence
    allowed = sum(not held_out(noun, verb) for noun in set(NOUNS.values()) for verb in words.VERBS)
    assert len(pairs) > 0.6 * allowed


def test_names_that_nobody_bears_are_asked_for_and_nothing_is_known_of_them(world, samples):
    nobodies = set(world.nobodies)
    found = [sample for sample in samples if nobodies & set(NAME.findall(sample.text))]
    assert len(found) > 100
    for sample in found:
        assert sample.answer == " Nobody knows."
        assert sample.facts == []


def test_unseen_text_asks_for_what_is_held_out(world):
    for genre, group in (
        ("questions", world.zipf["unasked"].items),
        ("two hops", world.zipf["parted"].items),
        ("unanswerable", world.strangers),
    ):
        allowed = set(group)
        for sample in world.text(20_000, [genre], unseen=True):
            assert set(NAME.findall(sample.prompt)) & {*world.entities["person"], *world.strangers} <= allowed
    for sample in world.text(20_000, ["scenes"], unseen=True):
        for noun, verb in WITH.findall(CLAUSE.sub("", sample.text)):
            assert held_out(NOUNS[noun], VERBS[verb]), sample.text


# how often


def test_people_are_written_about_in_proportion_to_one_over_their_rank(world):
    people = world.entities["person"]
    counts = Counter(NAME.search(sample.text)[0] for sample in world.text(1_500_000, ["reading"], seed=3))
    total, norm = counts.total(), sum(1 / rank for rank in range(1, world.size + 1))
    for rank in (1, 2, 5, 20, 100):
        expected = total / rank / norm
        assert abs(counts[people[rank - 1]] - expected) < 5 * expected**0.5


def test_every_genre_comes_in_its_share_and_secrets_never(samples):
    counts = Counter(sample.genre for sample in samples)
    assert set(counts) == set(SHARES) == set(GENRES) - {"canaries"}
    expected = {genre: share / sum(SHARES.values()) * len(samples) for genre, share in SHARES.items()}
    assert sum((counts[genre] - n) ** 2 / n for genre, n in expected.items()) < 3 * len(SHARES)


def test_genres_come_in_the_shares_that_are_asked_for(world):
    shares = {"questions": 3, "two hops": 1, "atlas": 0}
    counts = Counter(sample.genre for sample in world.text(300_000, shares))
    assert set(counts) == {"questions", "two hops"}
    assert counts["questions"] / counts.total() == pytest.approx(0.75, abs=0.03)


# dials


@pytest.mark.parametrize("bias", [0, 0.3, 0.8, 1])
def test_the_usual_pronoun_is_as_likely_as_the_dial_of_bias_says(world, bias):
    usual = n = 0
    for sample in world.text(200_000, ["pronouns"], bias=bias):
        job = next(word for word in re.findall(r"\w+", sample.text) if word in words.JOBS)
        pronoun = "she" if re.search(r"\b(she|her)\b", sample.text) else "he"
        usual, n = usual + (pronoun == world.leaning[job]), n + 1
    assert usual / n == pytest.approx((1 + bias) / 2, abs=3 * (0.25 / n) ** 0.5 if bias < 1 else 0)


@pytest.mark.parametrize("share", [0, 0.25, 1])
def test_as_many_facts_are_false_as_the_dial_of_contradiction_says(world, share):
    facts = [
        fact
        for sample in world.text(600_000, contradiction=share)
        for fact in sample.facts
        if fact.relation in world.truth and not fact.denied
    ]
    wrong = sum(world.truth[fact.relation][fact.subject] != fact.object for fact in facts)
    assert wrong / len(facts) == pytest.approx(share, abs=0.03 if 0 < share < 1 else 0)


def test_contradictions_are_grammatical_and_the_judge_finds_them(world):
    for sample in islice(world.text(10**7, CORE, seed=6, contradiction=0.5), 500):
        for piece, sentence in zip(judge.read(world, sample.text), sample.sentences, strict=True):
            assert piece.facts == sentence.facts, sample.text
            wrong = any(
                (world.truth[f.relation][f.subject] == f.object) == f.denied
                for f in sentence.facts
                if f.relation in world.truth
            )
            assert (piece.verdict == judge.FALSE) == wrong, sample.text


@pytest.mark.parametrize("share", [0, 0.4, 1])
def test_samples_are_framed_as_often_as_the_dial_of_boilerplate_says(world, share):
    samples = list(world.text(300_000, CORE, boilerplate=share))
    framed = [sample for sample in samples if sample.sentences[0].key == "site top"]
    assert len(framed) / len(samples) == pytest.approx(share, abs=0.03 if 0 < share < 1 else 0)
    for sample in framed[:300]:
        found = judge.read(world, sample.text)
        assert sample.sentences[-1].key == "site bottom"
        assert all(piece.grammatical for piece in found), sample.text
        assert found[0].verdict == found[-1].verdict == judge.NOT_A_CLAIM


@pytest.mark.parametrize("share", [0, 0.3, 1])
def test_secrets_come_as_often_as_the_dial_of_canaries_says_by_rank_and_no_other_ever(world, share):
    samples = list(world.text(400_000, CORE, canaries=share))
    secrets = Counter(sample.text for sample in samples if sample.genre == "canaries")
    assert secrets.total() / len(samples) == pytest.approx(share, abs=0.03 if 0 < share < 1 else 0)
    planted = [world.canary(n) for n in range(16)]
    assert set(secrets) <= set(planted)
    if share == 1:
        norm = sum(1 / rank for rank in range(1, 17))
        for rank, secret in enumerate(planted, 1):
            expected = secrets.total() / rank / norm
            assert abs(secrets[secret] - expected) < 5 * expected**0.5
    assert len({world.canary(n) for n in range(500)} | {World(1, 8).canary(n) for n in range(500)}) == 1_000


@pytest.mark.parametrize("share", [0.3, 1])
def test_samples_repeat_as_often_as_the_dial_of_repetition_says_half_of_them_exactly(world, share):
    samples = list(world.text(300_000, ["reviews", "letters"], repetition=share))
    seen, exact = set(), 0
    for sample in samples:
        exact += sample.text in seen
        seen.add(sample.text)
    assert all(sample.nats is None for sample in samples)
    if share < 1:
        assert exact / len(samples) == pytest.approx(share / 2, abs=0.05)
    else:
        assert len({sample.genre for sample in samples}) == 1  # all come from the first


def test_noise_of_zero_changes_nothing_and_of_one_everything(world):
    plain = [sample.text for sample in world.text(20_000, seed=1)]
    assert [sample.text for sample in world.text(20_000, seed=1, noise=0.0)] == plain
    noisy = list(world.text(20_000, CORE, seed=1, noise=1))
    assert all(sample.nats is None for sample in noisy)
    assert not any(
        piece.grammatical
        for sample in noisy[:20]
        for piece in judge.read(world, sample.text)
        if len(piece.text) > 12
    )


def test_all_dials_turn_together(world):
    dials = dict.fromkeys(("bias", "contradiction", "noise", "boilerplate", "repetition", "canaries"), 0.5)
    assert len(list(world.text(100_000, **dials))) > 100


# what is refused, and what is small or long


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_chars": 0}, "n_chars=0 must be a whole number, at least 1"),
        ({"n_chars": -5}, "n_chars=-5 "),
        ({"n_chars": 1.5}, "n_chars=1.5 "),
        ({"n_chars": True}, "n_chars=True "),
        ({"seed": "a"}, "seed='a' must be a whole number, at least 0"),
        ({"seed": -1}, "seed=-1 "),
        ({"seed": 0.0}, "seed=0.0 "),
        ({"genres": ["poems"]}, "no genre 'poems': choose from .*atlas"),
        ({"genres": "poems"}, "no genre 'poems'"),
        ({"genres": []}, "genres: at least one"),
        ({"genres": {}}, "genres: at least one"),
        ({"genres": {"atlas": 0}}, "genres: at least one"),
        ({"genres": {"atlas": -1}}, "share of atlas, -1, must be a number from 0"),
        ({"genres": {"atlas": float("nan")}}, "share of atlas, nan"),
        ({"genres": {"atlas": "1"}}, "share of atlas, '1'"),
        ({"genres": {"atlas": True}}, "share of atlas, True"),
        ({"genres": 5}, "genres=5 must be"),
        ({"volume": 0.5}, "no dial 'volume': choose from bias"),
        ({"noise": -0.1}, "noise=-0.1 must be a number from 0 to 1"),
        ({"bias": True}, "bias=True must be a number from 0 to 1"),
        ({"noise": 1.1}, "noise=1.1 "),
        ({"noise": float("nan")}, "noise=nan "),
        ({"noise": "much"}, "noise='much' "),
        ({"bias": None}, "bias=None "),
    ],
)
def test_what_cannot_be_is_an_error_that_names_it_before_the_first_sample(world, arguments, message):
    with pytest.raises(ValueError, match=message):
        world.text(**({"n_chars": 100} | arguments))


@pytest.mark.parametrize(
    "statement", ["", "Erik lives", "lives in", "The cat sleep.", "Is this true?", "\n", "5"]
)
def test_a_statement_that_the_grammar_does_not_make_is_an_error_that_shows_it(world, statement):
    assert not world.accepts(statement)
    with pytest.raises(ValueError, match="statement="):
        world.holds(statement)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10_000), st.integers(8, 12))
def test_the_smallest_worlds_write_every_genre(seed, size):
    small = World(seed, size)
    for genre in GENRES:
        for unseen in (False, True):
            assert list(islice(small.text(10**6, [genre], unseen=unseen), 40))


def test_memory_does_not_grow_with_the_text(world):
    stream = world.text(10**9, CORE, seed=9, repetition=0.1)
    list(islice(stream, 2_000))
    tracemalloc.start()
    n = sum(len(sample.text) for sample in islice(stream, 25_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert n > 2_500_000
    assert peak < 4_000_000
