"""What a transformer costs, counted from its sizes alone: parameters, operations, memory.

Nothing is built and nothing is run; tests/test_costs.py holds every formula against a real model.
Explained in chapters/transformer.md.
"""

from tinylm.transformer import Config

OPTIMIZERS = "muon", "adamw"  # "muon" as in tinylm.pretraining: for the blocks' matrices, AdamW for the rest


def parameters(config: Config) -> dict[str, int]:
    """How many numbers training may change, by part of the model, and in total.

    `readout` is zero where it is tied: it is the embedding, which is counted once. Explained in
    chapters/transformer.md.
    """
    c = config
    norms = c.n_layers * (2 * c.d_model + (2 * c.d_head if c.qk_norm else 0)) + c.d_model
    parts = {
        "embedding": c.vocab_size * c.d_model,
        "attention": c.n_layers * 2 * c.d_model * (c.n_heads + c.n_kv_heads) * c.d_head,
        "feedforward": c.n_layers * 3 * c.d_model * c.d_feedforward,
        "norms": norms,
        "readout": 0 if c.tied else c.vocab_size * c.d_model,
    }
    return parts | {"total": sum(parts.values())}


def forward_flops(config: Config, length: int, batch_size: int = 1) -> int:
    """Operations on numbers that the way forward takes, for `batch_size` texts of `length` tokens.

    Those of matrix products; a multiplication and an addition are two. Each weight of a matrix does both once
    for each token, the readout too, tied or not; the embedding is looked up. Attention compares all positions
    with all, and mixes as many: the whole square, as `torch.utils.flop_counter` counts it. A kernel that
    skips what a causal mask forbids does little more than half of the square. Left out are norms, softmax and
    other functions of single numbers: a few in a hundred here, fewer in wider models. Section 2.1 of Kaplan
    et al. 2020. Raises ValueError for a length or batch size below 1. Explained in chapters/transformer.md.
    """
    _check(length, batch_size)
    count = parameters(config)
    weights = count["attention"] + count["feedforward"] + config.vocab_size * config.d_model
    square = 2 * config.n_layers * config.n_heads * config.d_head * length  # of each token: compare, mix
    return 2 * batch_size * length * (weights + square)


def training_flops(config: Config, n_tokens: int) -> int:
    """Operations that training on `n_tokens` tokens takes, in windows of the context: three times those of
    the way forward.

    The way back takes two products where the way forward takes one: for the gradient of the weights, and for
    that of what went in. The rule of thumb 6·N·D (Kaplan et al. 2020; Hoffmann et al. 2022), with N
    parameters and D tokens, is this without attention's square; where the readout is not tied, N leaves the
    embedding out. Explained in chapters/transformer.md.
    """
    return 3 * n_tokens * forward_flops(config, config.context) // config.context


def memory(
    config: Config,
    batch_size: int = 1,
    length: int | None = None,
    optimizer: str = "muon",
    bytes_per_number: int = 4,
) -> dict[str, int]:
    """Bytes that a model needs: `weights`; to train also `gradients`, `optimizer` and `activations`; to write
    also `cache`.

    length: tokens of each of the `batch_size` texts; None for the model's context. optimizer: "adamw" keeps
    two numbers for each weight; "muon" one for each of a matrix in the blocks, and AdamW the rest (see
    `tinylm.pretraining.optimizers`); their counters of steps are left out. activations: what a step keeps for
    the way back, the loss included, with the attention of one kernel that does not keep its square (Dao et
    al. 2022), in float32. cache: keys and values of all positions. Raises ValueError for other settings.
    Explained in chapters/transformer.md.
    """
    length = config.context if length is None else length
    _check(length, batch_size)
    if optimizer not in OPTIMIZERS:
        raise ValueError(f"optimizer={optimizer!r} is not one of {', '.join(OPTIMIZERS)}")
    count, n_tokens = parameters(config), batch_size * length
    in_matrices = count["attention"] + count["feedforward"] if optimizer == "muon" else 0
    numbers = {
        "weights": count["total"],
        "gradients": count["total"],
        "optimizer": 2 * count["total"] - in_matrices,
        "cache": 2 * config.n_layers * config.n_kv_heads * config.d_head * n_tokens,
    }
    kept = n_tokens * _kept(config) + 2 * length * config.d_head  # and the cosines and sines of positions
    ids = 2 * 8 * n_tokens  # the tokens and those that followed are integers of eight bytes
    return {name: bytes_per_number * n for name, n in numbers.items()} | {
        "activations": bytes_per_number * kept + ids
    }


def _kept(config: Config) -> int:
    """How many numbers the way back needs of each token."""
    queries, keys = config.n_heads * config.d_head, config.n_kv_heads * config.d_head
    norm = 3 * config.d_model + 1  # what comes in, its size, and it divided by its size, scaled and not
    head_norms = queries + keys + queries + keys + config.n_heads + config.n_kv_heads
    attention = queries + 2 * keys + queries + config.n_heads + (head_norms if config.qk_norm else 0)
    feedforward = 4 * config.d_feedforward  # gate, its silu, up, and their product
    return config.n_layers * (2 * norm + attention + feedforward) + norm + config.vocab_size


def _check(length: int, batch_size: int) -> None:
    for name, value in {"length": length, "batch_size": batch_size}.items():
        if value < 1:
            raise ValueError(f"{name}={value} must be at least 1")
