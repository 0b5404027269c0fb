"""Models in the format of Hugging Face Transformers: the door to and from other libraries.

`save_pretrained` writes a folder that Transformers, and what reads its format, opens at once.
`from_pretrained` reads such a folder, or downloads a published one first: Llama (Touvron et al. 2023),
Mistral (Jiang et al. 2023) and Qwen3 (Yang et al. 2025) are our model with other sizes. Weights are read from
safetensors only: numbers, and nothing that can run.
"""

import json
import re
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

import huggingface_hub
import safetensors.torch
import torch
from huggingface_hub.errors import RepositoryNotFoundError

from tinylm import folders, tokens
from tinylm.checkpoints import Trained
from tinylm.tokens import Tokenizer
from tinylm.transformer import Config, Transformer

# Our names, and Transformers': of the sizes, of the weights outside of the blocks, and of those in each.
SIZES = {
    "vocab_size": "vocab_size",
    "context": "max_position_embeddings",
    "n_layers": "num_hidden_layers",
    "d_model": "hidden_size",
    "n_heads": "num_attention_heads",
    "n_kv_heads": "num_key_value_heads",
    "d_head": "head_dim",
    "d_feedforward": "intermediate_size",
}
OUTSIDE = {"embedding": "model.embed_tokens", "norm": "model.norm", "readout": "lm_head"}
IN_A_BLOCK = {
    "attention_norm": "input_layernorm",
    "attention.query": "self_attn.q_proj",
    "attention.key": "self_attn.k_proj",
    "attention.value": "self_attn.v_proj",
    "attention.output": "self_attn.o_proj",
    "attention.query_norm": "self_attn.q_norm",
    "attention.key_norm": "self_attn.k_norm",
    "feedforward_norm": "post_attention_layernorm",
    "feedforward.gate": "mlp.gate_proj",
    "feedforward.up": "mlp.up_proj",
    "feedforward.down": "mlp.down_proj",
}
UNDERSTOOD = {  # settings that may ask for another model, and the values that ask for ours
    "model_type": ["llama", "mistral", "qwen3"],
    "hidden_act": ["silu"],
    "attention_bias": [False],
    "mlp_bias": [False],
    "partial_rotary_factor": [None, 1],
    "rope_type": [None, "default"],
    "type": [None, "default"],
    "quantization_config": [None],
    "tie_word_embeddings": [True, False],
}
ENDS = "<|endoftext|>", "</s>", "<end>"  # what a tokenizer's end-of-text token may be called
WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
FILES = ["config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", WEIGHTS]
LARGEST = 2**24  # of any size of a model, and of a file of settings in bytes: above is damage, or malice


def save_pretrained(model: Transformer, folder: str | Path, tokenizer: Tokenizer | None = None) -> None:
    """Write `model` to `folder` as Transformers does: as Qwen3 where it has query-key norm, else as Llama.

    `AutoModelForCausalLM.from_pretrained(folder)` reads it, and with a tokenizer so do `AutoTokenizer` and
    `pipeline("text-generation", model=folder)`. Where <|endoftext|>, </s> or <end> is a special token of the
    tokenizer, it is said to end a text. A model that is there is replaced once the new one is complete.

    Raises ValueError for a model that neither family can hold, or with fewer tokens than the tokenizer;
    FileExistsError where `folder` holds anything else; OSError (a full disk, say), the old model untouched.
    """
    config, folder = model.config, Path(folder).resolve()
    check_fits_a_family(config)
    if others := sorted({path.name for path in folder.iterdir()} - set(FILES)) if folder.exists() else []:
        raise FileExistsError(f"{folder} holds {others[0]}, which would be lost: choose an empty folder")
    end = end_of_text(tokenizer) if tokenizer else None
    stops = {"bos_token_id": None, "eos_token_id": tokenizer.backend.token_to_id(end) if end else None}
    family = "qwen3" if config.qk_norm else "llama"
    settings = {
        "architectures": [f"{family.capitalize()}ForCausalLM"],
        "model_type": family,
        **{theirs: getattr(config, ours) for ours, theirs in SIZES.items()},
        **{"hidden_act": "silu", "rms_norm_eps": config.norm_eps, "tie_word_embeddings": config.tied},
        "rope_theta": config.rope_theta,  # as Transformers 4 spells it, and below as 5 does
        "rope_parameters": {"rope_type": "default", "rope_theta": config.rope_theta},
        "dtype": str(model.embedding.weight.dtype).removeprefix("torch."),
    }
    state = model.state_dict()
    weights = {theirs: state[ours].contiguous() for ours, theirs in weight_names(config).items()}
    written = {"config.json": settings | stops, "generation_config.json": stops}
    if tokenizer:
        check_fits_tokenizer(config, tokenizer)
        written["tokenizer_config.json"] = {
            "tokenizer_class": "PreTrainedTokenizerFast",  # the one that does as tokenizer.json says
            **{"bos_token": None, "eos_token": end, "unk_token": None},
            "clean_up_tokenization_spaces": False,
            "model_max_length": config.context,
        }
    with folders.swapped_in(folder) as aside:
        safetensors.torch.save_file(weights, aside / WEIGHTS, metadata={"format": "pt"})
        if tokenizer:
            tokenizer.save(aside / "tokenizer.json")
        for name, content in written.items():
            (aside / name).write_text(json.dumps(content, indent=2), encoding="utf-8")


def from_pretrained(
    folder_or_name: str | Path, dtype: torch.dtype = torch.float32, context: int | None = 2048
) -> Trained:
    """Read a model of the Llama family from a folder, or download it by its name on the Hugging Face Hub.

    dtype: what the weights are converted to, however they are stored. context: the most positions to look
    back over, since a `tinylm.decoding.Cache` takes room for all; None for all that the model was made for.

    The tokenizer (None without a tokenizer.json) encodes as the model was trained: where tokenizer.json has
    each text begin with a special token, `encode` puts it there, and `decode` shows it. `extra["generation"]`
    holds the published settings for generating, among them `eos_token_id`: a number, or a list of them.

    Raises FileNotFoundError where there is no such folder, name or file; ConnectionError where a download
    fails; ValueError, naming the field or weight, for damage and for what our model does not do.
    """
    folder = _find(folder_or_name)
    try:
        settings = _read(folder / "config.json")
        config = _config(settings, context)
        model = _model(config, _shards(folder), dtype)
        tokenizer = tokens.load(folder / "tokenizer.json") if (folder / "tokenizer.json").exists() else None
        if tokenizer:
            check_fits_tokenizer(config, tokenizer)
            tokenizer.backend.no_truncation()  # some files keep the settings of a training run
            tokenizer.backend.no_padding()
        generation = {name: settings[name] for name in settings if name.endswith("_token_id")}
        if (folder / "generation_config.json").exists():
            generation |= _read(folder / "generation_config.json")
        return Trained(model.eval(), tokenizer, {"generation": generation})
    except (ValueError, RuntimeError, safetensors.SafetensorError) as error:
        raise ValueError(f"the model {folder_or_name} cannot be read: {error}") from None


def weight_names(config: Config) -> dict[str, str]:
    """Our name of every weight that is stored, and Transformers' name for it."""
    names = dict(OUTSIDE)
    for i in range(config.n_layers):
        names |= {f"blocks.{i}.{ours}": f"model.layers.{i}.{theirs}" for ours, theirs in IN_A_BLOCK.items()}
    absent = ("readout",) if config.tied else ()
    absent += () if config.qk_norm else ("query_norm", "key_norm")
    return {f"{a}.weight": f"{b}.weight" for a, b in names.items() if not a.endswith(absent)}


def check_fits_a_family(config: Config) -> None:
    """Raises ValueError for sizes that neither a Llama nor a Qwen3 can have."""
    if not config.causal:
        raise ValueError("causal=False: Llama and Qwen3 only look back; keep the model with checkpoints.save")
    if config.d_model % config.n_heads and not config.qk_norm:
        sizes = f"d_model={config.d_model} is not a multiple of n_heads={config.n_heads}"
        raise ValueError(f"{sizes}, as a Llama's is: choose other sizes, or qk_norm=True to make it a Qwen3")


def check_fits_tokenizer(config: Config, tokenizer: Tokenizer) -> None:
    """Raises ValueError where the tokenizer gives ids that the model has no embedding for."""
    n_tokens = max(tokenizer.backend.get_vocab().values(), default=-1) + 1
    if n_tokens > config.vocab_size:
        problem = f"the tokenizer has {n_tokens} tokens, more than the model's vocab_size={config.vocab_size}"
        raise ValueError(f"{problem}: give the tokenizer that the model was trained with")


def end_of_text(tokenizer: Tokenizer) -> str | None:
    """The special token that ends a text, if there is one."""
    added = tokenizer.backend.get_added_tokens_decoder().values()
    return next((end for end in ENDS if any(token.special and token.content == end for token in added)), None)


# From here on: reading what was downloaded, which may have been made to do harm.


def _find(folder_or_name: str | Path) -> Path:
    """The folder of that path, else the one that the model of that name was downloaded to."""
    if Path(folder_or_name).is_dir():
        return Path(folder_or_name)
    is_path = isinstance(folder_or_name, Path) or Path(folder_or_name).exists()
    if is_path or not re.fullmatch(r"\w[\w.-]*(/\w[\w.-]*)?", folder_or_name):
        raise FileNotFoundError(f"there is no folder {folder_or_name}")
    try:
        wanted = [*FILES, INDEX, "model-*.safetensors"]
        return Path(huggingface_hub.snapshot_download(folder_or_name, allow_patterns=wanted))
    except RepositoryNotFoundError:
        problem = f"{folder_or_name} is neither a folder nor a public model on the Hugging Face Hub"
        raise FileNotFoundError(f"{problem}: check the spelling, or log in with `hf auth login`") from None
    except Exception as error:  # noqa: BLE001  the libraries below raise many kinds
        reason = str(error).strip().partition("\n")[0]
        problem = f"{folder_or_name} is no folder, and downloading it failed ({reason})"
        raise ConnectionError(f"{problem}: check the network, or give a folder you have") from None


def _read(path: Path) -> dict:
    """The settings in a JSON file."""
    if not path.exists():
        raise FileNotFoundError(f"there is no {path.name} in {path.parent}")
    if path.stat().st_size > LARGEST:
        raise ValueError(f"{path.name} has {path.stat().st_size} bytes, more than settings can need")
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path.name} is damaged: {error}") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path.name} is damaged: it holds no settings")
    return content


def _config(settings: dict, context: int | None) -> Config:
    """Our sizes from Transformers' settings; one that is left out has the value it has there."""
    _check_understood({"model_type": None} | settings)
    family = settings["model_type"]
    published = {"max_position_embeddings": 2048, "num_key_value_heads": settings.get("num_attention_heads")}
    published |= {name: value for name, value in settings.items() if value is not None}
    sizes = {ours: _number(published, theirs, int) for ours, theirs in SIZES.items() if theirs != "head_dim"}
    if context is not None:
        sizes["context"] = min(context, sizes["context"])
    head = {"head_dim": 128 if family == "qwen3" else sizes["d_model"] // sizes["n_heads"]}
    _check_window(settings, sizes["context"])
    return Config(
        **sizes,
        d_head=_number(head | published, "head_dim", int),
        qk_norm=family == "qwen3",
        tied=bool(published.get("tie_word_embeddings", False)),
        rope_theta=_rope_theta(published),
        norm_eps=_number({"rms_norm_eps": 1e-6} | published, "rms_norm_eps", float),
    )


def _check_understood(settings: dict) -> None:
    for field, values in UNDERSTOOD.items():
        if field in settings and settings[field] not in values:
            problem = f"{field}={settings[field]!r:.80} is not understood, only {values}"
            raise ValueError(f"{problem}: choose another model, or use this one in Transformers")


def _check_window(settings: dict, context: int) -> None:
    """A window as long as the context hides nothing of it."""
    used = settings["model_type"] == "mistral" or settings.get("use_sliding_window")
    window = settings.get("sliding_window", 4096) if used else None
    if window is not None and (type(window) is not int or window < context):
        problem = f"sliding_window={window!r:.80} is less than context={context}"
        raise ValueError(f"{problem}: pass context={window!r:.80}")


def _rope_theta(settings: dict) -> float:
    """From `rope_theta` and `rope_scaling` of Transformers 4, or from `rope_parameters` of 5."""
    theta = {"rope_theta": settings.get("rope_theta", 10_000)}
    for field in ("rope_parameters", "rope_scaling"):
        rope = settings.get(field, {})
        if not isinstance(rope, dict) or any(isinstance(value, dict) for value in rope.values()):
            raise ValueError(f"{field}={rope!r:.80} is not one rotation's settings: choose another model")
        _check_understood(rope)
        theta |= rope
    return _number(theta, "rope_theta", float)


def _number(settings: dict, field: str, kind: type) -> int | float:
    value = settings.get(field)
    if type(value) not in (int, kind) or not 0 < value <= (LARGEST if kind is int else 1e12):
        raise ValueError(f"{field}={value!r:.80} must be {'a size' if kind is int else 'a number'} above 0")
    return kind(value)


def _shards(folder: Path) -> list[Path]:
    """The files with the weights: one, or those that an index names."""
    if (folder / WEIGHTS).exists():
        return [folder / WEIGHTS]
    if not (folder / INDEX).exists():
        problem = (
            f"there is no {WEIGHTS} in {folder}, and .bin or .pt files are not read, as they can run code"
        )
        raise FileNotFoundError(f"{problem}: choose a model with safetensors")
    where = _read(folder / INDEX).get("weight_map")
    names = sorted({str(name) for name in where.values()}) if isinstance(where, dict) and where else [""]
    for name in names:
        if not re.fullmatch(r"\w[\w.-]*\.safetensors", name):  # a path would lead out of the folder
            raise ValueError(f"{INDEX} names {name!r:.80}, no safetensors file: choose another model")
    return [folder / name for name in names]


def _model(config: Config, shards: list[Path], dtype: torch.dtype) -> Transformer:
    """The model with the weights in `shards`, which must be exactly its own."""
    with ExitStack() as opened:
        files = [opened.enter_context(safetensors.safe_open(path, framework="pt")) for path in shards]
        stored = {name: file for file in files for name in file.keys()}  # noqa: SIM118  it is no dict
        if config.n_layers > len(stored):  # said before so many layers are made
            raise ValueError(f"num_hidden_layers={config.n_layers}, but there are only {len(stored)} weights")
        names = weight_names(config)
        _check_names(set(names.values()), stored.keys(), config.tied)
        with torch.device("meta"):  # shapes without memory, to compare before any is taken
            model = Transformer(config)
        shapes = {ours: tuple(weight.shape) for ours, weight in model.state_dict().items()}
        weights = {a: _weight(stored[b], b, shapes[a], dtype) for a, b in names.items()}
        if config.tied:
            weights["readout.weight"] = weights["embedding.weight"]
            if "lm_head.weight" in stored:  # some files hold it twice
                head = _weight(stored["lm_head.weight"], "lm_head.weight", shapes["readout.weight"], dtype)
                if not torch.equal(head, weights["embedding.weight"]):
                    raise ValueError("lm_head.weight is not the embedding, as tie_word_embeddings=True says")
    model.load_state_dict(weights, assign=True)
    if config.tied:
        model.readout.weight = model.embedding.weight
    return model


def _check_names(expected: set[str], found: Iterable[str], tied: bool) -> None:
    surplus = {name for name in found if not name.endswith(".rotary_emb.inv_freq")}  # follows from rope_theta
    surplus -= expected | ({"lm_head.weight"} if tied else set())
    for names, problem in (expected - set(found), "missing"), (surplus, "more than config.json asks for"):
        if names:
            raise ValueError(f"{len(names)} weights are {problem}: {min(names)}, say; choose another model")


def _weight(file, name: str, shape: tuple, dtype: torch.dtype) -> torch.Tensor:
    stored = file.get_slice(name)
    if (found := tuple(stored.get_shape())) != shape:
        raise ValueError(f"{name} has the shape {found}, but config.json asks for {shape}")
    if stored.get_dtype() not in ("F32", "F16", "BF16"):
        raise ValueError(f"{name} is stored as {stored.get_dtype()}: choose a model in float32 or bfloat16")
    return file.get_tensor(name).to(dtype, copy=True)  # a copy, since a tensor read may stay tied to its file
