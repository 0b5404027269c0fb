"""Vectors for words, learned or counted, and who is near whom among them.

Explained in chapters/embeddings.md.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import permutations

import torch
from torch import Tensor

from tinylm.tokens import Tokenizer
from tinylm.transformer import Transformer
from tinylm.world import World

# kinds of words that the world has lists of; given names and surnames are added to them
KINDS = "animal", "job", "colour", "food", "thing", "place", "adjective", "weekday", "weather", "city", "verb"


def words_by_kind(world: World, tokenizer: Tokenizer) -> dict[str, dict[str, int]]:
    """The world's words by kind, each with its id, as `one_token_words` finds them.

    Explained in chapters/embeddings.md.
    """
    given, surnames = zip(*(name.split() for name in world.entities["person"]), strict=True)
    kinds = {kind: world.kinds[kind] for kind in KINDS} | {"given name": given, "surname": surnames}
    kinds["verb"] = [*kinds["verb"], *world.kinds["action"]]
    return one_token_words(tokenizer, kinds)


def flat(found: Mapping[str, Mapping[str, int]]) -> tuple[Tensor, Tensor]:
    """The ids of all words of `words_by_kind`, and the number of each one's kind: (N,) and (N,)."""
    ids = [i for group in found.values() for i in group.values()]
    kinds = [n for n, group in enumerate(found.values()) for _ in group]
    return torch.tensor(ids), torch.tensor(kinds)


def one_token_words(
    tokenizer: Tokenizer, kinds: Mapping[str, Iterable[str]], at_least: int = 6
) -> dict[str, dict[str, int]]:
    """Of each kind the words that are a single token after a space, with their ids.

    Words of several kinds are left out, and then kinds of fewer than `at_least` words. Explained in
    chapters/embeddings.md.
    """
    n_kinds = Counter(word for words in kinds.values() for word in set(words))
    found = {}
    for kind, words in kinds.items():
        ids = {word: tokenizer.encode(f" {word}") for word in dict.fromkeys(words) if n_kinds[word] == 1}
        ids = {word: tokens[0] for word, tokens in ids.items() if len(tokens) == 1}
        if len(ids) >= at_least:
            found[kind] = ids
    return found


def whole_words(tokenizer: Tokenizer) -> dict[str, int]:
    """All tokens of a space and letters, without the space, with their ids; some are only beginnings."""
    texts = [tokenizer.decode([i]) for i in range(tokenizer.vocab_size)]
    return {text[1:]: i for i, text in enumerate(texts) if text[:1] == " " and text[1:].isalpha()}


def unit(vectors: Tensor) -> Tensor:
    """The rows of vectors (N, C) at length one, so that their products are cosines; zeros stay zeros."""
    return vectors / vectors.norm(dim=-1, keepdim=True).clamp_min(1e-12)


def closest(vectors: Tensor, queries: Tensor, exclude: Tensor | None = None) -> Tensor:
    """For each query (M, C) the row of vectors (N, C) with the highest cosine: indices (M,).

    exclude: (M, E), rows that are no answer to each query. Explained in chapters/embeddings.md.
    """
    cosines = unit(queries) @ unit(vectors).T  # (M, N)
    if exclude is not None:
        cosines = cosines.scatter(1, exclude, -torch.inf)
    return cosines.argmax(1)


def neighbours(vectors: Tensor, k: int) -> Tensor:
    """For each row of vectors (N, C) the k other rows with the highest cosine, nearest first: (N, k).

    Raises ValueError where k is not between 1 and N - 1. Explained in chapters/embeddings.md.
    """
    if not 1 <= k < len(vectors):
        raise ValueError(f"k={k} must lie between 1 and {len(vectors) - 1}, the number of other rows")
    cosines = unit(vectors) @ unit(vectors).T
    return cosines.fill_diagonal_(-torch.inf).topk(k).indices


def alike(vectors: Tensor, kinds: Tensor, k: int) -> Tensor:
    """The share of each row's k neighbours that are of its own kind, from 0 to 1: (N,).

    vectors: (N, C). kinds: (N,), a number for each row's kind. Explained in chapters/embeddings.md.
    """
    return _alike(kinds, neighbours(vectors, k))


def _alike(kinds: Tensor, near: Tensor) -> Tensor:
    return (kinds[near] == kinds[:, None]).float().mean(1)


def alike_by_chance(kinds: Tensor) -> float:
    """What `alike` gives on average where neighbours are drawn from the other rows at random."""
    same = (kinds[:, None] == kinds).sum(1) - 1  # (N,): the others of each row's kind
    return (same / (len(kinds) - 1)).mean().item()


def beside_shuffled(
    vectors: Tensor, labels: Iterable, k: int, n_shuffles: int = 1000
) -> tuple[float, float, float]:
    """`alike` by these labels on average, and where 19 of 20 shuffles of them lie: (share, low, high).

    vectors: (N, C). labels: one for each row, of any type that compares. Explained in chapters/embeddings.md.
    """
    labels = list(labels)
    kinds, near = torch.tensor([labels.index(label) for label in labels]), neighbours(vectors, k)
    generator = torch.Generator().manual_seed(0)
    orders = [torch.arange(len(kinds))]
    orders += [torch.randperm(len(kinds), generator=generator) for _ in range(n_shuffles)]
    same = [_alike(kinds[order], near).mean() for order in orders]
    low, high = torch.stack(same[1:]).quantile(torch.tensor([0.025, 0.975])).tolist()
    return same[0].item(), low, high


def analogy(vectors: Tensor, a: Tensor, b: Tensor, c: Tensor, exclude: bool = True) -> Tensor:
    """a is to b as c is to which row? The row nearest to b - a + c, for many questions at once: (M,).

    vectors: (N, C). a, b, c: (M,), rows. exclude: whether the three themselves are no answers.

    The vector offset method of Mikolov et al. 2013. Explained in chapters/embeddings.md.
    """
    v = unit(vectors)
    return closest(v, v[b] - v[a] + v[c], torch.stack((a, b, c), 1) if exclude else None)


def analogies(vectors: Tensor, pairs: Iterable[tuple[int, int]]) -> dict[str, float]:
    """The share of right answers of four rules, over all questions that any two of the pairs make.

    vectors: (N, C). pairs: of rows. The rules: the row nearest to b - a + c, to b + c, and to c, never one of
    the three; and the one nearest to b - a + c, with nothing left out. Raises ValueError for fewer than two
    pairs. The baselines follow Linzen 2016. Explained in chapters/embeddings.md.
    """
    pairs = list(pairs)
    if len(pairs) < 2:
        raise ValueError(f"{len(pairs)} pairs make no question: give at least two")
    a, b, c, d = torch.tensor([one + other for one, other in permutations(pairs, 2)]).T
    v, three = unit(vectors), torch.stack((a, b, c), 1)
    rules = {
        "b - a + c": analogy(v, a, b, c),
        "b + c": closest(v, v[b] + v[c], three),
        "c alone": closest(v, v[c], three),
        "nothing left out": analogy(v, a, b, c, exclude=False),
    }
    return {name: (rule == d).float().mean().item() for name, rule in rules.items()}


def counts(ids: Tensor, n_tokens: int, window: int) -> Tensor:
    """How often each token stands at each distance from each other one: (V, 2 · window · V).

    ids: (N,), a text. n_tokens: V. Column blocks of V: the token 1 after, 1 before, 2 after, 2 before, ...
    Raises ValueError for a window below 1. Explained in chapters/embeddings.md.
    """
    if window < 1:
        raise ValueError(f"window={window} must be at least 1 token")
    blocks = []
    for distance in range(1, window + 1):
        first, second = ids[:-distance], ids[distance:]
        pairs = torch.bincount(first * n_tokens + second, minlength=n_tokens**2)
        blocks += [pairs.view(n_tokens, n_tokens), pairs.view(n_tokens, n_tokens).T]
    return torch.cat(blocks, 1)


def ppmi(pairs: Tensor, smoothing: float = 0.75) -> Tensor:
    """Positive pointwise mutual information of words and contexts, in nats: counts (V, W) to (V, W).

    max(0, ln P(word, context) / (P(word) P(context))): how much more often than by chance the two meet.
    smoothing: the power to which contexts' counts are raised, so that rare ones weigh less.

    Church and Hanks 1990; positive and smoothed: Levy et al. 2015. Explained in chapters/embeddings.md.
    """
    pairs = pairs.float()
    joint = pairs / pairs.sum()
    context = joint.sum(0) ** smoothing
    by_chance = joint.sum(1, keepdim=True) * (context / context.sum())
    return torch.where(joint > 0, (joint / by_chance.clamp_min(1e-30)).log(), 0.0).clamp_min(0)


def reduced(matrix: Tensor, n: int) -> Tensor:
    """The rows of matrix (V, W) in n numbers each, their products kept as well as n allow: (V, n).

    Left singular vectors times the root of the singular values, after Levy and Goldberg 2014. Raises
    ValueError where n is not between 1 and the matrix's smaller side. Explained in chapters/embeddings.md.
    """
    if not 1 <= n <= min(matrix.shape):
        raise ValueError(f"n={n} must lie between 1 and {min(matrix.shape)}, the matrix's smaller side")
    with torch.random.fork_rng(devices=[]):  # it starts from random directions: always from the same
        torch.manual_seed(0)
        left, sizes, _ = torch.svd_lowrank(matrix, q=n, niter=4)
    return left * sizes.sqrt()


@torch.inference_mode()
def states(model: Transformer, ids: Tensor) -> Tensor:
    """What stands at the last of ids (T,) before the first layer and after each: (L + 1, C).

    Explained in chapters/embeddings.md.
    """
    x, rotation = model.embedding(ids[None]), model.rotation(len(ids))
    layers = [x] + [x := block(x, rotation) for block in model.blocks]
    return torch.cat(layers)[:, -1]
