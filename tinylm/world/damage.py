"""What happens to texts on their way: letters garbled, whole texts repeated."""

from tinylm.world.writer import Sample, Sentence

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def garbled(sample: Sample, share: float, random) -> Sample:
    """The sample with that share of its characters lost, doubled, swapped with the next or replaced."""
    parts, sentences, length, ends = [], [], 0, [0]
    for sentence in sample.sentences:
        gap = sample.text[ends[-1] : sentence.start]
        text = _garble(sample.text[sentence.start : sentence.end], share, random)
        start = length + len(gap)
        parts += (gap, text)
        length = start + len(text)
        sentences.append(Sentence(start, length, sentence.key, sentence.facts))
        ends.append(sentence.end)
    moved = dict(zip(ends, [0, *(sentence.end for sentence in sentences)], strict=True))
    places = [None if at is None else moved[at] for at in (sample.answer_at, sample.answer_end)]
    return Sample(sample.genre, "".join(parts), sentences, None, *places, sample.notes)


def _garble(text: str, share: float, random) -> str:
    characters, i = [], 0
    while i < len(text):
        here = text[i]
        if random() < share:
            damage = int(random() * 4)
            following = text[i + 1 : i + 2]
            here = ("", here * 2, following + here, LETTERS[int(random() * 26)])[damage]
            i += damage == 2 and bool(following)
        characters.append(here)
        i += 1
    return "".join(characters)


def repeated(sample: Sample, random) -> Sample:
    """The sample once more: as it was, or with one character in fifty changed."""
    share = 0.02 if random() < 0.5 else 0.0
    return garbled(sample, share, random)
