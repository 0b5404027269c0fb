"""The truth of a world: who and what there is, that it fits together, and what is held out."""

import hashlib
import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinylm.world import words
from tinylm.world.truth import OF_PEOPLE, RELATIONS, TWO_HOPS, UNTOLD, Truth, Zipf

SIZES = [8, 9, 50, 200, 2_000]
# Changes only where words or truths do.
FACTS = "5c0fb2a03a697eb2c9150bbf27e56b944296182640a72af066edac88731ee782"
worlds = st.builds(Truth, st.integers(0, 2**63 - 1), st.integers(8, 300))


@pytest.fixture(scope="module", params=SIZES)
def truth(request) -> Truth:
    return Truth(3, request.param)


def test_the_truth_of_a_seed_is_the_same_on_every_machine():
    facts = "\n".join(" | ".join(map(str, fact)) for fact in Truth(0, 200).facts())
    assert hashlib.sha256(facts.encode()).hexdigest() == FACTS


def test_other_seeds_make_other_worlds():
    assert len({tuple(Truth(seed, 50).facts()) for seed in range(20)}) == 20


@settings(max_examples=60, deadline=None)
@given(worlds)
def test_a_world_fits_together(truth):
    people = truth.entities["person"] + truth.strangers
    facts = truth.truth
    for relation in OF_PEOPLE:
        assert set(facts[relation]) == set(people) or relation == "workplace"
    for person in people:
        employer = facts["workplace"].get(person)
        kind = employer.rpartition(" ")[2].lower() if employer else ""
        assert facts["job"][person] in words.TRADES[kind]
        if employer:
            assert facts["seat"][employer] == facts["home"][person]
        assert facts["nation"][person] == facts["land"][facts["home"][person]]
        assert facts["friend-home"][person] == facts["home"][facts["friend"][person]]
        assert facts["friend"][person] != person
    for country, city in facts["capital"].items():
        assert facts["land"][city] == country
    assert set(facts["capital"]) == set(truth.entities["country"])
    assert set(facts["land"]) == set(truth.entities["city"])


@settings(max_examples=30, deadline=None)
@given(worlds)
def test_who_is_held_out_is_nobody_else(truth):
    people, strangers, nobodies = map(set, (truth.entities["person"], truth.strangers, truth.nobodies))
    assert len(people) == truth.size
    assert len(strangers) >= 2
    assert len(nobodies) == min(5 * truth.size, 20_000)
    assert not people & strangers
    assert not (people | strangers) & nobodies
    for group in (people, strangers):
        assert {truth.truth["friend"][person] for person in group} == group
    assert truth.asked < people
    assert truth.joined < people


def test_subjects_and_objects_are_of_their_kinds(truth):
    known = truth.entities | {
        "friend": truth.entities["person"],
        "job": words.JOBS,
        "food": words.FOODS,
        "goods": words.GOODS,
        "month": words.MONTHS,
        "material": words.MATERIALS,
        "year": [str(year) for year in range(1930, 2000)],
        "pet": [f"{colour} {animal}" for colour in words.COLOURS for animal in words.ANIMALS],
    }
    strangers = set(truth.strangers)
    for relation, (subject, what) in (RELATIONS | {r: hops[2] for r, hops in TWO_HOPS.items()}).items():
        assert truth.truth[relation]
        assert set(truth.truth[relation]) - strangers <= set(known[subject])
        assert set(truth.truth[relation].values()) - strangers <= set(known[what])


def test_names_of_one_kind_never_stand_for_two(truth):
    for names in truth.entities.values():
        assert len(set(names)) == len(names) > 1
    assert len({city[:3] for city in truth.entities["country"]}) == len(truth.entities["country"])


def test_names_and_pronouns_agree(truth):
    for person in truth.entities["person"] + truth.strangers + truth.nobodies:
        assert person.partition(" ")[0] in words.GIVEN[truth.pronoun[person]]


def test_about_the_stated_share_of_facts_is_untold():
    truth = Truth(5, 4_000)
    facts = [
        (relation, person)
        for person in truth.entities["person"]
        for relation in OF_PEOPLE
        if person in truth.truth[relation]
    ]
    assert truth.untold <= set(facts)
    assert len(truth.untold) == pytest.approx(UNTOLD * len(facts), rel=0.06)
    person = truth.entities["person"][0]
    assert set(truth.tellable(person)) | {r for r, who in truth.untold if who == person} <= set(OF_PEOPLE)
    assert not any((relation, person) in truth.untold for relation in truth.tellable(person))


def test_a_quarter_is_never_asked_about_and_half_never_joined_with_a_country():
    truth = Truth(0, 200)
    assert len(truth.asked) == 150
    assert len(truth.joined) == 100
    assert set(truth.zipf["asked"].items) | set(truth.zipf["unasked"].items) == set(truth.entities["person"])
    assert set(truth.zipf["joined"].items) | set(truth.zipf["parted"].items) == set(truth.entities["person"])


def test_who_is_mentioned_exists_and_strangers_exist_unmentioned():
    truth = Truth(0, 50)
    assert truth.exists(truth.entities["person"][0])
    assert truth.exists(truth.strangers[0])
    assert truth.unknown(truth.strangers[0])
    assert not truth.exists(truth.nobodies[0])
    assert not truth.unknown(truth.entities["city"][0])


def test_half_of_the_jobs_lean_each_way():
    assert Counter(Truth(1, 50).leaning.values()) == {"she": len(words.JOBS) / 2, "he": len(words.JOBS) / 2}


@given(st.lists(st.integers(), min_size=1, max_size=50, unique=True))
def test_weights_fall_as_one_over_the_rank(items):
    zipf = Zipf(items)
    assert [zipf.weight[item] * (rank + 1) for rank, item in enumerate(items)] == pytest.approx(
        [1] * len(items)
    )
    assert zipf.sums[-1] == pytest.approx(sum(zipf.weights))


@pytest.mark.parametrize("size", [0, -1, 7, 10_001, 10**9, True, 8.0, 200.5, "200", None, float("nan")])
def test_a_size_out_of_range_is_an_error_that_names_it_and_the_range(size):
    with pytest.raises(ValueError, match=rf"size={re.escape(repr(size))} .* from 8 to 10,000"):
        Truth(0, size)


@pytest.mark.parametrize("seed", [-1, 2**63, 1.0, "0", None, True])
def test_a_seed_that_is_no_whole_number_from_0_is_an_error_that_names_it(seed):
    with pytest.raises(ValueError, match=rf"seed={re.escape(repr(seed))} .* from 0"):
        Truth(seed)


def test_the_largest_world_is_made():
    assert len(Truth(0, 10_000).entities["person"]) == 10_000
