"""Text to train on: read on the reader's own machine, cleaned, filtered, deduplicated, mixed, split, checked.

No download, no account. Explained in chapters/corpora.md. MinHash is written out because the chapter is about
it; for more text than fits in memory take the library datasketch.
"""

import hashlib
import re
import sysconfig
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from tinylm.language_models import LanguageModel, NGram

MINIMUM = 1_000  # characters: less than this trains nothing, and is nearly always the wrong file


def python_docs() -> str:
    """The language reference that `help("for")` reads: English prose, part of every Python installation.

    About half a million characters; they differ a little from one Python version to the next.
    """
    from pydoc_data.topics import topics  # here, because few who import this module want half a megabyte read

    return "\n".join(topics[name] for name in sorted(topics))


def python_code() -> str:
    """The source of the standard library's modules, as written for this Python: real code, some megabytes.

    Raises FileNotFoundError where a Python installation came without it.
    """
    folder = Path(sysconfig.get_path("stdlib"))
    files = sorted(folder.glob("*.py"))
    if not files:
        raise FileNotFoundError(f"there is no source of the standard library in {folder}")
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


def read_text(path: str | Path) -> str:
    """A reader's own text file, UTF-8.

    Raises FileNotFoundError, IsADirectoryError, or ValueError for a file that is empty, binary, not UTF-8,
    or shorter than 1,000 characters; each message says what to do.
    """
    path = Path(path).expanduser()
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder: give the path of one text file")
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path} (looked in {Path.cwd()})")
    data = path.read_bytes()
    if not data.strip():
        raise ValueError(f"{path} is empty: give a file with at least {MINIMUM:,} characters of text")
    if b"\0" in data:
        raise ValueError(f"{path} is not text (it holds zero bytes): save it as plain UTF-8 text first")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ValueError(f"{path} is not UTF-8 (line {line}): save it with the encoding UTF-8") from None
    text = text.replace("\r\n", "\n")
    if len(text) < MINIMUM:
        raise ValueError(f"{path} has {len(text):,} characters: at least {MINIMUM:,} are needed")
    return text


def split(text: str, validation: float = 0.1) -> tuple[str, str]:
    """The text in two, cut at a line end: the first part to train on, the last `validation` to judge by.

    Neighbouring sentences repeat each other, so a cut in one place leaks less than drawing lines at random.
    Raises ValueError where `validation` is not between 0 and 1, or a part would be empty.
    """
    if not 0 < validation < 1:
        raise ValueError(f"validation={validation} must lie between 0 and 1")
    target = int(len(text) * (1 - validation))
    cut = text.find("\n", target, -1) + 1 or target  # the last line end would leave nothing to judge by
    if cut == 0 or cut >= len(text):
        raise ValueError(
            f"a text of {len(text):,} characters is too short to hold back a share of {validation}"
        )
    return text[:cut], text[cut:]


NAVIGATION = re.compile(
    r"\b(?:log in|sign up|click here|read more|next page|back to (?:the )?top|all rights reserved)\b"
    r"|\b(?:use|accept)\w* cookies\b|\bsubscribe\b.*!|^\d+ comments$"
    r"|^\w+(?: \w+){0,2}(?: ?[|>] ?\w+(?: \w+){0,2}){2,}$",
    re.IGNORECASE,
)
INVISIBLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b\ufeff]")
LONGEST_NAVIGATION = 12  # words: a longer line says something


def clean(text: str) -> str:
    """The text without what stands around it: navigation lines, invisible characters, needless space.

    Line ends become newlines, and Unicode takes its composed normal form, so that one letter is written in
    one way. Indentation stays, because in code it has a meaning. Cleaning twice is cleaning once. Lines are
    judged in the manner of C4 (Raffel et al. 2020, section 2.2).
    """
    text = INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    lines = []
    for line in unicodedata.normalize("NFC", text).split("\n"):
        words = line.split()
        indentation = re.match(r"[ \t]*", line)[0] if words else ""
        line = indentation + " ".join(words)
        if len(words) > LONGEST_NAVIGATION or not NAVIGATION.search(line.strip()):
            lines.append(line)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


# What ordinary prose has, lowest and highest: limits in the manner of Gopher (Rae et al. 2021, appendix A),
# with fewer words asked for, because our texts are short, and C4's rule that lines end as sentences do.
LIMITS = {
    "words": (3, 100_000),
    "mean word length": (3, 10),
    "share of words with a letter": (0.8, 1),
    "symbols per word": (0, 0.1),
    "share of lines that repeat another": (0, 0.3),
    "share of words that repeat the one before": (0, 0.1),
    "share of lines that end like a sentence": (0.5, 1),
}


def measures(text: str) -> dict[str, float]:
    """What the rules of `quality` look at, by the names in LIMITS. An empty text has zeros."""
    words, lines = text.split(), [line.strip() for line in text.split("\n") if line.strip()]
    n, n_lines = max(1, len(words)), max(1, len(lines))
    return {
        "words": len(words),
        "mean word length": sum(map(len, words)) / n,
        "share of words with a letter": sum(any(c.isalpha() for c in word) for word in words) / n,
        "symbols per word": sum(c in "#{}<>|*_~^\\@" for c in text) / n,
        "share of lines that repeat another": (len(lines) - len(set(lines))) / n_lines,
        "share of words that repeat the one before": sum(map(str.__eq__, words, words[1:])) / n,
        "share of lines that end like a sentence": sum(line[-1] in '.!?:"' for line in lines) / n_lines,
    }


def quality(text: str) -> list[str]:
    """Why a text should not be trained on, one reason for each limit that it breaks; none for a good one.

    The rules are those of LIMITS: crude, quick, and each can be read and argued with.
    """
    found = measures(text)
    return [
        f"{name}: {found[name]:.2g} is not within {low:g} to {high:,g}"
        for name, (low, high) in LIMITS.items()
        if not low <= found[name] <= high
    ]


def unlike(documents: Sequence[str], trusted: Sequence[str], share: float = 0.95) -> list[bool]:
    """Whether each document surprises more than that share of trusted ones do: then it is not like them.

    A 6-gram model of bytes reads nine tenths of the trusted documents; the others set the limit. In the
    manner of Wenzek et al. 2020. Raises ValueError where `share` is not between 0 and 1, or there are fewer
    than 10 trusted documents.
    """
    if not 0 < share < 1:
        raise ValueError(f"share={share} must lie between 0 and 1")
    if len(trusted) < 10:
        raise ValueError(f"trusted holds {len(trusted)} documents: at least 10 are needed")
    others = trusted[::10]
    reading = [document for i, document in enumerate(trusted) if i % 10]
    model = NGram(6, 256).fit(_bytes(reading))
    limit = float(np.quantile(surprises(model, others), share))
    return [nats > limit for nats in surprises(model, documents)]


def surprises(model: LanguageModel, documents: Sequence[str]) -> list[float]:
    """The mean surprise of a model of bytes at each document, with the newline after it, in nats per byte."""
    if not documents:
        return []
    nats = -model.likelihoods(_bytes(documents)).log()
    lengths = [len(document.encode("utf-8", "surrogatepass")) + 1 for document in documents]
    return [part.mean().item() for part in nats.split(lengths)]


def _bytes(documents: Sequence[str]) -> torch.Tensor:
    text = "".join(f"{document}\n" for document in documents)
    return torch.tensor(list(text.encode("utf-8", "surrogatepass")))


def normalised(text: str) -> str:
    """The text in small letters with single spaces: what two copies share though their layout differs."""
    return " ".join(unicodedata.normalize("NFC", text).lower().split())


def shingles(text: str, size: int = 5) -> np.ndarray:
    """The set of all runs of `size` characters of the normalised text, each hashed to 32 bits: sorted (S,).

    A text shorter than that is one shingle. Raises ValueError where `size` is less than 1. Broder 1997, with
    characters in place of words.
    """
    if size < 1:
        raise ValueError(f"size={size} must be at least 1")
    letters = np.frombuffer(normalised(text).encode("utf-32-le", "surrogatepass"), np.uint32)
    letters = np.pad(letters, (0, max(0, size - len(letters))))
    runs = np.zeros(len(letters) - size + 1, np.uint64)
    for i in range(size):  # multiplied and folded, so that every bit of every letter counts
        runs = (runs + letters[i : len(runs) + i] + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        runs ^= runs >> np.uint64(29)
    return np.unique((runs >> np.uint64(32)).astype(np.uint64))


def jaccard(a: np.ndarray, b: np.ndarray) -> float:
    """How much two sets share: the size of their intersection over that of their union, from 0 to 1."""
    both = len(np.intersect1d(a, b, assume_unique=True))
    return both / (len(a) + len(b) - both)


PRIME = 2**32 + 15  # the first above all hashes; a product of two numbers below it fits into 64 bits


def minhash(sets: Sequence[np.ndarray], n_hashes: int = 100, seed: int = 0) -> np.ndarray:
    """A signature for each set: its smallest value under each of `n_hashes` random functions, (N, n_hashes).

    Two signatures agree at a place with a probability that is the sets' Jaccard similarity, if the sets hold
    numbers without order, as `shingles` does: the functions are linear. Broder 1997.
    Raises ValueError where `n_hashes` is less than 1.
    """
    if n_hashes < 1:
        raise ValueError(f"n_hashes={n_hashes} must be at least 1")
    random = np.random.default_rng(seed)
    factor, shift = random.integers(1, 2**32, (2, n_hashes), dtype=np.uint64)
    signatures = np.full((len(sets), n_hashes), PRIME, np.uint64)
    for signature, values in zip(signatures, sets, strict=True):
        for start in range(0, len(values), 4096):  # a long text must not fill the memory
            part = (values[start : start + 4096, None] * factor + shift) % np.uint64(PRIME)
            np.minimum(signature, part.min(0), out=signature)
    return signatures


def bands(signatures: np.ndarray, n_bands: int) -> list[list[bytes]]:
    """Each signature of (N, n_hashes) cut into `n_bands` keys. Texts that share one are worth comparing.

    With r places in a band, texts of similarity s share one with probability 1 - (1 - s^r)^n_bands. Raises
    ValueError where `n_bands` does not divide the number of hashes.
    """
    n, n_hashes = signatures.shape
    if n_bands < 1 or n_hashes % n_bands:
        raise ValueError(f"n_bands={n_bands} must divide the number of hashes, {n_hashes}")
    cut = np.ascontiguousarray(signatures).reshape(n, n_bands, n_hashes // n_bands)
    return [[i.to_bytes(4) + band.tobytes() for i, band in enumerate(row)] for row in cut]


def deduplicate(
    documents: Sequence[str], similarity: float = 1.0, n_bands: int = 20, n_rows: int = 5, seed: int = 0
) -> list[int | None]:
    """For each document the number of an earlier one that it copies, or None where it is to be kept.

    A copy is equal once normalised; with `similarity` below 1 also what has at least that Jaccard similarity,
    among pairs that MinHash finds in `n_bands` bands of `n_rows`. What is found is compared exactly, so no
    less similar text is lost; a few copies may be missed (see `bands`). Time and memory grow with the number
    of documents, not with that of pairs. In the manner of Lee et al. 2022; the first of each group stays.
    Raises ValueError where `similarity` is not above 0 and at most 1.
    """
    if not 0 < similarity <= 1:
        raise ValueError(f"similarity={similarity} must be above 0 and at most 1")
    first: dict[bytes, int] = {}
    copy_of: list[int | None] = []
    for i, document in enumerate(documents):
        key = hashlib.blake2b(normalised(document).encode("utf-8", "surrogatepass"), digest_size=16).digest()
        copy_of.append(first.get(key))
        first.setdefault(key, i)
    if similarity < 1:
        rest = [i for i, original in enumerate(copy_of) if original is None]
        sets = {i: shingles(documents[i]) for i in rest}
        buckets: dict[bytes, list[int]] = {}
        keys = bands(minhash(list(sets.values()), n_bands * n_rows, seed), n_bands)
        for i, here in zip(rest, keys, strict=True):
            met = sorted({j for key in here for j in buckets.get(key, ())})
            copy_of[i] = next((j for j in met if jaccard(sets[i], sets[j]) >= similarity), None)
            if copy_of[i] is None:
                for key in here:
                    buckets.setdefault(key, []).append(i)
        # an exact copy of a near copy is a copy of what was kept
        copy_of = [j if j is None or copy_of[j] is None else copy_of[j] for j in copy_of]
    return copy_of


def mixing_shares(sizes: Mapping[str, float], temperature: float = 1.0) -> dict[str, float]:
    """The share of each source in a mixture: its size to the power 1/temperature, over the sum of all.

    sizes: in any unit, above 0. Temperature 1 takes sources as they come, a higher one brings rare ones up
    (Conneau and Lample 2019, equation 1, whose exponent is 1/temperature). Raises ValueError for a size or a
    temperature that is not above 0.
    """
    if not temperature > 0:
        raise ValueError(f"temperature={temperature} must be above 0")
    for name, size in sizes.items():
        if not size > 0:
            raise ValueError(f"sizes: {name} has {size}, which must be above 0")
    powers = {name: size ** (1 / temperature) for name, size in sizes.items()}
    return {name: power / sum(powers.values()) for name, power in powers.items()}


def mix(
    sources: Mapping[str, Sequence[str]], shares: Mapping[str, float], n_chars: int, seed: int = 0
) -> list[str]:
    """Documents of all sources, `n_chars` characters or a little more, each source with its share of them.

    Always the source that lags furthest behind its share gives the next document; each is gone through in
    random order, and again when it is used up. Raises ValueError where a source has no text, a share is
    below 0, or none is above.
    """
    total = sum(shares.values())
    if not total > 0 or any(not share >= 0 for share in shares.values()):
        raise ValueError(f"shares={dict(shares)} must be numbers from 0, at least one of them above")
    if missing := [name for name, share in shares.items() if share and not any(sources.get(name, ()))]:
        raise ValueError(f"sources: {missing[0]} has a share of the mixture but no text")
    random, taken, queues = np.random.default_rng(seed), dict.fromkeys(shares, 0), {}
    mixed, length = [], 0
    while length < n_chars:
        name = max(shares, key=lambda name: shares[name] / total * (length + 1) - taken[name])
        if not queues.get(name):
            queues[name] = random.permutation(len(sources[name])).tolist()
        document = sources[name][queues[name].pop()]
        mixed.append(document)
        taken[name] += len(document)
        length += len(document)
    return mixed


def split_by_entity(
    documents: Sequence[str], entities: Sequence[str], validation: float = 0.1, seed: int = 0
) -> tuple[list[str], list[str], list[str]]:
    """Documents to train on, documents to judge by, and the entities that only the latter name.

    Entities are held out whole, in random order, for as long as the documents that name one are at most
    `validation` of all; so no fact about them is trained on. Of two names that begin alike, a document names
    the longer. Raises ValueError where `validation` is not between 0 and 1, or no entity can be held out.
    """
    if not 0 < validation < 1:
        raise ValueError(f"validation={validation} must lie between 0 and 1")
    if not any(entities):
        raise ValueError("entities is empty: name at least one to hold out")
    either = "|".join(re.escape(entity) for entity in sorted(entities, key=len, reverse=True))
    names = re.compile(rf"(?<!\w)(?:{either})(?!\w)")
    named: dict[str, set[int]] = {entity: set() for entity in entities}
    for i, document in enumerate(documents):
        for entity in set(names.findall(document)):
            named[entity].add(i)
    held_out, chosen = set(), []
    for at in np.random.default_rng(seed).permutation(len(entities)):
        grown = held_out | named[entities[at]]
        if len(held_out) < len(grown) <= validation * len(documents):
            held_out, chosen = grown, [*chosen, entities[at]]
    if not chosen:
        raise ValueError(f"entities: none can be held out with a share of {validation} of the documents")
    training = [document for i, document in enumerate(documents) if i not in held_out]
    return training, [documents[i] for i in sorted(held_out)], chosen


def ngrams(text: str, n: int) -> list[str]:
    """All runs of n words of the normalised text, punctuation left out; none where it is shorter."""
    words = re.findall(r"\w+", normalised(text))
    return [" ".join(words[i : i + n]) for i in range(len(words) - n + 1)]


def overlap(tests: Sequence[str], training: Iterable[str], n: int = 8) -> list[float]:
    """For each test the share of its runs of n words that some training document holds too, from 0 to 1.

    A share near 1 means that the test was trained on. A test of fewer than n words has none, and counts as 0.
    Raises ValueError where n is less than 1. After Brown et al. 2020, appendix C, where n is 8 to 13.
    """
    if n < 1:
        raise ValueError(f"n={n} must be at least 1")
    asked = [ngrams(test, n) for test in tests]
    wanted = set().union(*asked)
    seen = {run for document in training for run in ngrams(document, n) if run in wanted}
    return [sum(run in seen for run in runs) / max(1, len(runs)) for runs in asked]


def memorised(
    likelihoods: Callable[[torch.Tensor], torch.Tensor],
    encode: Callable[[str], list[int]],
    prompt: str,
    secret: str,
    others: Sequence[str],
) -> tuple[float, bool]:
    """How much less a secret surprises after a prompt than `others` in its place do on average, in nats, and
    whether it surprises less than every one of them.

    likelihoods: of ids (N,), the probability that a model gave to each from those before it, (N,) or without
    the first, (N - 1,). Carlini et al. 2019 rank a secret among others in this way. Raises ValueError where
    there are no others.
    """
    if not others:
        raise ValueError("others is empty: a secret is compared with at least one")
    start, nats = len(encode(prompt)), []
    for text in (secret, *others):
        ids = torch.tensor(encode(prompt + text))
        nats.append(-likelihoods(ids)[start - len(ids) :].log().sum().item())
    return sum(nats[1:]) / len(others) - nats[0], nats[0] < min(nats[1:])
