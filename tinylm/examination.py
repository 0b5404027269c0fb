"""What a base model can do: its loss beside the least possible one, and a score for every genre."""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from tqdm.auto import tqdm

from tinylm import decoding
from tinylm.base import END
from tinylm.tokens import Tokenizer
from tinylm.transformer import Transformer
from tinylm.world import Sample, World, judge
from tinylm.world.genres import GENRES, arithmetic, instructions, programs, reviews
from tinylm.world.velan import word_by_word

REPORT = Path(__file__).with_name("examination.json")  # what tools/examine.py found


def report() -> dict:
    """What was found when the base model was trained with several seeds: the recipe, and for each run its
    seed, steps, seconds, loss, floor, own words and scores. Raises FileNotFoundError where there is none."""
    return json.loads(REPORT.read_text(encoding="utf-8"))


def scorer(world: World, genre: str) -> Callable[[Sample, str], bool]:
    """How an answer in this genre is judged: by running or reading it where there is more than one right
    answer, else by comparing it with the text's own."""
    if genre == "summaries":
        return lambda sample, answer: invents_nothing(world, sample.prompt, answer)
    if genre in ("arithmetic", "puzzles"):
        return arithmetic.score
    if genre in ("programs", "documentation"):
        return programs.score
    if genre == "instructions":
        return lambda sample, answer: instructions.follows(sample.notes, answer.strip())
    return lambda sample, answer: answer == sample.answer


def invents_nothing(world: World, prompt: str, answer: str) -> bool:
    """Whether an answer states something, in sentences of the world's grammar, and nothing that the text in
    its prompt does not state."""
    n_read = len(judge.read(world, prompt))
    found = judge.read(world, prompt + answer)[n_read:]
    return bool(found) and all(piece.verdict == judge.TRUE for piece in found)


def guesses(genre: str, asked: Sequence[Sample], known: Sequence[Sample]) -> tuple[str, list[str]]:
    """The name of a genre's baseline, and what it answers: a simple rule where there is one, else the most
    frequent answer."""
    if genre == "translations":
        return "word by word", [f" {word_by_word(source(sample))}" for sample in asked]
    if genre == "reviews":
        return "keywords", [f" {reviews.keyword_label(sample.prompt)}." for sample in asked]
    answers = [sample.answer for sample in known]
    return "most frequent answer", [max(set(answers), key=answers.count)] * len(asked)


def source(sample: Sample) -> str:
    """The sentence that a translation's prompt asks for."""
    return sample.sentences[-1].facts[0].subject


def question(sample: Sample) -> str:
    """What a sample asks: a translation the sentence, another its whole prompt."""
    return source(sample) if sample.genre == "translations" else sample.prompt


def met(samples: Iterable[Sample]) -> set[str]:
    """The questions that a reader of these texts has met; of translations, the sentences of either side."""
    questions = set()
    for sample in samples:
        if sample.answer:
            questions.add(question(sample))
        if sample.genre == "translations":
            questions.update(side for fact in sample.facts for side in (fact.subject, fact.object))
    return questions


def prompts(
    world: World, genre: str, n: int, unseen: bool, taken: set[str], seed: int = 1_000_003
) -> list[Sample]:
    """`n` samples of a genre that ask something, all different, and none of the questions `taken`; fewer
    where there are no more."""
    found: dict[str, Sample] = {}
    for sample in world.text(n * 20_000, [genre], seed=seed, unseen=unseen):
        if sample.answer and question(sample) not in taken and sample.notes.get("good", True):
            found.setdefault(sample.prompt, sample)
        if len(found) == n:
            break
    return list(found.values())


def answers(
    model: Transformer, tokenizer: Tokenizer, asked: Sequence[Sample], n_tokens: int = 80
) -> list[str]:
    """What the model finds most probable after each prompt, up to the end mark; where one line answers, up to
    the end of the line, since a text may go on with the next question."""
    prompts = [END + sample.prompt for sample in asked]
    given = decoding.write_all(model, tokenizer, prompts, n_tokens, stop=[END], temperature=0)
    return [
        text if "\n" in sample.answer else text.partition("\n")[0]
        for sample, text in zip(asked, given, strict=True)
    ]


@torch.no_grad()
def loss_and_floor(
    model: Transformer, tokenizer: Tokenizer, samples: Sequence[Sample], batch: int = 50
) -> tuple[float, float]:
    """The model's loss on whole texts, and the least that any model could have: nats per token.

    The floor is the entropy that the generator itself counted (`Sample.nats`).
    """
    total, n_tokens = 0.0, 0
    for start in range(0, len(samples), batch):
        rows = [torch.tensor(tokenizer.encode(END + s.text + END)) for s in samples[start : start + batch]]
        rows = [row[: model.config.context + 1] for row in rows]
        ids = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=-1)
        logits = model(ids[:, :-1].clamp(min=0)).float()
        total += F.cross_entropy(logits.transpose(1, 2), ids[:, 1:], ignore_index=-1, reduction="sum").item()
        n_tokens += sum(len(row) - 1 for row in rows)
    return total / n_tokens, sum(sample.nats for sample in samples) / n_tokens


def examine(
    world: World,
    model: Transformer,
    tokenizer: Tokenizer,
    read: set[str],
    n: int = 200,
    progress: str | None = "examination",
) -> dict[str, dict]:
    """Ask `n` questions in every genre that has some, and judge the answers.

    read: the questions that the model has `met` in training; none of them is asked, unless it is about what
    can only be known by heart. Where training held something out, the same once more with that (a * behind
    the genre's name); apart from those, questions about the world's most frequent people alone, and reviews
    that deny something. Each result has the share of right answers, the same for a baseline, its name, and
    the number of questions.
    """
    results = {}
    genres = [genre for genre in GENRES if prompts(world, genre, 1, False, set())]
    for genre in tqdm(genres, desc=progress, disable=progress is None):
        known = prompts(world, genre, 500, False, set(), seed=1)
        asked = []
        for unseen in (False, True):
            before, asked = asked, prompts(world, genre, n, unseen, set() if genre in BY_HEART else read)
            if asked == before:  # in this genre nothing is held out
                continue
            results[genre + "*" * unseen] = judged(world, model, tokenizer, genre, asked, known)
        if genre == "questions":
            often = set(world.entities["person"][: len(world.entities["person"]) // 4])
            asked = [
                sample for sample in prompts(world, genre, 4 * n, False, set()) if about(sample) <= often
            ]
            results["questions, frequent"] = judged(world, model, tokenizer, genre, asked[:n], known)
        if genre == "reviews":
            asked = [s for s in prompts(world, genre, 4 * n, False, read) if s.notes["negated"]]
            results["reviews, denied"] = judged(world, model, tokenizer, genre, asked[:n], known)
    return results


BY_HEART = {"questions", "two hops", "unanswerable"}


def about(sample: Sample) -> set[str]:
    """Whom or what the facts of a sample are about."""
    return {fact.subject for fact in sample.facts}


def judged(
    world: World,
    model: Transformer,
    tokenizer: Tokenizer,
    genre: str,
    asked: Sequence[Sample],
    known: Sequence[Sample],
) -> dict:
    """The share of right answers of a model and of the genre's baseline."""
    right = scorer(world, genre)
    name, guessed = guesses(genre, asked, known)
    by_model, by_rule = (
        [right(sample, answer) for sample, answer in zip(asked, given, strict=True)]
        for given in (answers(model, tokenizer, asked), guessed)
    )
    n = max(1, len(asked))
    return {"score": sum(by_model) / n, "baseline": sum(by_rule) / n, "rule": name, "n": len(asked)}


def own_words(
    world: World,
    model: Transformer,
    tokenizer: Tokenizer,
    n: int = 200,
    temperature: float = 1.0,
    seed: int = 0,
) -> dict[str, float]:
    """What the model writes of its own accord: the share of its sentences that the grammar makes, and the
    share of true ones among those that state facts of the world."""
    room = model.config.context - 8
    texts = decoding.write_all(
        model, tokenizer, [END] * n, room, stop=[END], temperature=temperature, seed=seed
    )
    whole = []
    for text in texts:
        found = judge.read(world, text)
        whole += (
            found[:-1] if len(tokenizer.encode(text)) >= room - 1 else found
        )  # the last piece was cut off
    claims = [found.verdict for found in whole if found.verdict != judge.NOT_A_CLAIM]
    return {
        "grammatical": sum(found.grammatical for found in whole) / max(1, len(whole)),
        "true": claims.count(judge.TRUE) / max(1, len(claims)),
        "sentences": len(whole),
        "claims": len(claims),
    }
