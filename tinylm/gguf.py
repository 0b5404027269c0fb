"""Models as one file for llama.cpp, and for the programs that are built on it: the GGUF format.

llama.cpp has a converter of its own, which refuses a tokenizer that it has not seen before, and so every one
that is trained here. This module writes what the converter writes for a tokenizer that it knows.
"""

import json
import os
from pathlib import Path

from torch import Tensor

from tinylm import hub, tokens
from tinylm.transformer import Config, Transformer

SIZES = [  # our names and the format's; three of them are one size here
    ("vocab_size", "vocab_size"),
    ("context", "context_length"),
    ("n_layers", "block_count"),
    ("d_model", "embedding_length"),
    ("d_feedforward", "feed_forward_length"),
    ("n_heads", "attention.head_count"),
    ("n_kv_heads", "attention.head_count_kv"),
    ("d_head", "attention.key_length"),
    ("d_head", "attention.value_length"),
    ("d_head", "rope.dimension_count"),
]
CUT = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
NORMAL, CONTROL, ADDED, UNUSED = 1, 3, 4, 5  # kinds of tokens


def save_gguf(model: Transformer, path: str | Path, tokenizer: tokens.Tokenizer) -> None:
    """Write `model` and its tokenizer to the file `path`, in float32; `llama-quantize` makes it smaller.

    Raises ImportError without the library `gguf`; ValueError for a model that is neither a Llama nor a Qwen3,
    for a tokenizer that `tokens.train` has not made, and for one without a special token that ends a text.
    """
    try:
        from gguf import MODEL_ARCH, GGUFWriter, get_tensor_name_map
    except ModuleNotFoundError:
        raise ImportError("this format needs a library: `pip install gguf`, then run it again") from None
    config, path, state = model.config, Path(path), model.state_dict()
    hub.check_fits_a_family(config)
    family, arch = ("qwen3", MODEL_ARCH.QWEN3) if config.qk_norm else ("llama", MODEL_ARCH.LLAMA)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}-{os.getpid()}")
    writer = GGUFWriter(aside, family)
    for ours, key in SIZES:
        writer.add_uint32(f"{family}.{key}", getattr(config, ours))
    writer.add_rope_freq_base(config.rope_theta)
    writer.add_layer_norm_rms_eps(config.norm_eps)
    _add_tokenizer(writer, config, tokenizer)
    names = get_tensor_name_map(arch, config.n_layers)
    for ours, theirs in hub.weight_names(config).items():
        weight = _in_pairs(state[ours], ours, config).float().cpu().numpy()
        writer.add_tensor(names.get_name(theirs, [".weight"]), weight)
    try:
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _add_tokenizer(writer, config: Config, tokenizer: tokens.Tokenizer) -> None:
    hub.check_fits_tokenizer(config, tokenizer)
    content, end = json.loads(tokenizer.backend.to_str()), hub.end_of_text(tokenizer)
    steps = [content[step] for step in ("normalizer", "pre_tokenizer", "post_processor")]
    if content["model"]["type"] != "BPE" or steps != [None, CUT, None]:
        raise ValueError("the tokenizer is not of tokens.train: convert the model's original with llama.cpp")
    if end is None:  # llama.cpp would take an ordinary token for it
        raise ValueError(f"no token ends a text: train the tokenizer with specials=[{hub.ENDS[0]!r}], say")
    vocabulary = {i: token for token, i in tokenizer.backend.get_vocab().items()}
    kinds = dict.fromkeys(vocabulary, NORMAL)
    kinds |= {token["id"]: CONTROL if token["special"] else ADDED for token in content["added_tokens"]}
    all_ids = range(config.vocab_size)
    writer.add_tokenizer_model("gpt2")  # bytes spelt as letters, as in Radford et al. 2019
    writer.add_tokenizer_pre("gpt-2")  # its way to cut a text before merging
    writer.add_token_list([vocabulary.get(i, f"<unused {i}>") for i in all_ids])
    writer.add_token_types([kinds.get(i, UNUSED) for i in all_ids])
    writer.add_token_merges([" ".join(pair) for pair in content["model"]["merges"]])
    writer.add_bos_token_id(tokenizer.backend.token_to_id(end))  # what ends a text comes before the next
    writer.add_eos_token_id(tokenizer.backend.token_to_id(end))
    writer.add_add_bos_token(False)


def _in_pairs(weight: Tensor, name: str, config: Config) -> Tensor:
    """llama.cpp's Llama turns channels 0 and 1 together, 2 and 3, and so on: ours i and i + D/2."""
    if config.qk_norm or not name.endswith(("query.weight", "key.weight")):
        return weight
    return weight.view(-1, 2, config.d_head // 2, config.d_model).transpose(1, 2).reshape(weight.shape)
