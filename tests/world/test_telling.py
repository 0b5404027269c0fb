"""Biographies, questions, news, lists and secrets: what these genres promise of their texts."""

import re
from collections import Counter

from tinylm.world import words
from tinylm.world.genres import web
from tinylm.world.genres.lists import LONGEST
from tinylm.world.genres.news import LENGTHS
from tinylm.world.genres.sayings import FORMS
from tinylm.world.truth import RELATIONS, TWO_HOPS


def split(samples, genre):
    return [sample for sample in samples if sample.genre == genre]


def test_every_relation_is_said_asked_and_answered():
    for relation in [*RELATIONS, *TWO_HOPS]:
        assert f"{relation}?" in FORMS
        assert FORMS[f"{relation}!"].states == (relation,)
        assert relation in FORMS or relation in TWO_HOPS


def test_a_biography_says_no_fact_twice_and_tells_of_one_person(samples):
    for sample in split(samples, "biographies"):
        facts = [fact for fact in sample.facts if not fact.denied]
        assert len({fact.relation for fact in facts}) == len(facts)
        assert len({fact.subject for fact in sample.facts}) == 1


def test_an_atlas_entry_says_no_fact_twice_and_speaks_of_the_weather_once(samples):
    for sample in split(samples, "atlas"):
        assert len(set(sample.facts)) == len(sample.facts)
        assert sum(sentence.key == "climate" for sentence in sample.sentences) <= 1


def test_questions_are_answered_truly_in_the_words_of_the_world(world, samples):
    relations = Counter(sample.notes["relation"] for sample in split(samples, "questions"))
    assert set(relations) == set(RELATIONS)
    for sample in split(samples, "questions"):
        [fact] = sample.facts
        assert fact.object.lower() in sample.answer.lower()


def test_a_reading_is_answered_by_one_of_its_lines(samples):
    for sample in split(samples, "reading"):
        asked = next(i for i, s in enumerate(sample.sentences) if s.key == "question:")
        told, answered = (
            [fact for s in part for fact in s.facts]
            for part in (sample.sentences[:asked], sample.sentences[asked:])
        )
        assert set(answered) <= set(told)
        assert 1 <= len(set(answered)) == len(answered) <= len(told)
        assert 2 <= len(told) <= 4
        assert len({fact.object for fact in told}) == len({fact.subject for fact in told}) == len(told)


def test_a_summary_repeats_only_what_the_report_tells(samples):
    for sample in split(samples, "summaries"):
        at = next(s.start for s in sample.sentences if s.key in LENGTHS)
        told = {fact for s in sample.sentences if s.end <= at for fact in s.facts}
        retold = {fact for s in sample.sentences if s.start >= at for fact in s.facts}
        assert retold
        assert 1 <= sum(s.key in LENGTHS for s in sample.sentences) <= 2
        assert retold <= told, sample.text


def test_a_headline_is_short_and_two_sentences_are_at_most_two(samples):
    for sample in split(samples, "summaries"):
        sentences = sum(s.start >= sample.answer_at for s in sample.sentences)
        assert sentences == 1 or (sample.notes["length"] == "in two sentences:" and sentences == 2)


def test_a_report_tells_of_the_sky_once_at_most(samples):
    for sample in split(samples, "summaries"):
        assert sum(s.key == "sky" for s in sample.sentences) <= 1


def test_an_animal_wants_what_it_may_be_told_to_do_and_learns_or_finds_a_friend(samples):
    for sample in split(samples, "stories"):
        keys = [sentence.key for sentence in sample.sentences]
        assert keys[0] == "once"
        assert keys.count("wish") == keys.count("helper") == keys.count("ending") == 1
        assert keys.index("wish") < keys.index("helper") < keys.index("ending")


def test_a_list_is_said_twice_word_for_word(samples):
    lengths = Counter()
    for sample in split(samples, "lists"):
        first = re.fullmatch(r"[^:]*: (.*)", sample.text.split("\n")[0])[1]
        assert sample.answer == f" {first}"
        lengths[sample.sentences[-1].key.partition(" ")[0]] += 1
    assert set(lengths) == {str(n) for n in range(3, LONGEST + 1)}


def test_articles_are_right_in_every_text(samples):
    for sample in samples:
        if sample.genre in ("programs", "documentation"):  # where a is a variable
            continue
        for article, word in re.findall(r"\b([Aa]n?) ([a-z]{2,})", sample.text):
            assert words.article(word).split()[0] == article.lower(), (word, sample.text)


def test_a_secret_is_the_same_whenever_it_is_asked_for(world):
    assert (
        world.canary(3)
        == web.canary(world.seed, 3)
        == "The code of the safe number 103 is " + (f"{web.code(world.seed, 3)}.")
    )
    assert re.fullmatch(r"\d\d \d\d \d\d \d\d", web.code(0, 1))
