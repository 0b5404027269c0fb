"""tinylm.hub: what we save Transformers runs, what it saves we run, and nothing unfit or hostile gets in."""

import fnmatch
import json
import os
import pickle
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import huggingface_hub
import pytest
import safetensors.torch
import tokenizers
import torch
import transformers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

from tinylm import decoding, hub, tokens
from tinylm.transformer import Config, Transformer

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()

few = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXT = "some text, some more text, and a text that is longer than the others. " * 9
TOKENIZER = tokens.train(TEXT, 290, ["<pad>", "<end>"])

# What is published as config.json, but for fewer layers and tokens.
FEW = {"num_hidden_layers": 2, "vocab_size": 300}
SMOLLM2_135M = FEW | {
    "architectures": ["LlamaForCausalLM"],
    "attention_bias": False,
    "attention_dropout": 0.0,
    "bos_token_id": 0,
    "eos_token_id": 0,
    "hidden_act": "silu",
    "hidden_size": 576,
    "initializer_range": 0.041666666666666664,
    "intermediate_size": 1536,
    "is_llama_config": True,
    "max_position_embeddings": 8192,
    "model_type": "llama",
    "num_attention_heads": 9,
    "num_key_value_heads": 3,
    "pretraining_tp": 1,
    "rms_norm_eps": 1e-05,
    "rope_interleaved": False,
    "rope_scaling": None,
    "rope_theta": 100000,
    "tie_word_embeddings": True,
    "torch_dtype": "bfloat16",
    "transformers_version": "4.40.1",
    "use_cache": True,
}
TINYLLAMA_1_1B = FEW | {
    "architectures": ["LlamaForCausalLM"],
    "attention_bias": False,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "hidden_act": "silu",
    "hidden_size": 2048,
    "initializer_range": 0.02,
    "intermediate_size": 5632,
    "max_position_embeddings": 2048,
    "model_type": "llama",
    "num_attention_heads": 32,
    "num_hidden_layers": 1,
    "num_key_value_heads": 4,
    "pretraining_tp": 1,
    "rms_norm_eps": 1e-05,
    "rope_scaling": None,
    "rope_theta": 10000.0,
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
    "transformers_version": "4.35.0",
    "use_cache": True,
}
QWEN3_0_6B = FEW | {
    "architectures": ["Qwen3ForCausalLM"],
    "attention_bias": False,
    "attention_dropout": 0.0,
    "bos_token_id": 151643,
    "eos_token_id": 151645,
    "head_dim": 128,
    "hidden_act": "silu",
    "hidden_size": 1024,
    "initializer_range": 0.02,
    "intermediate_size": 3072,
    "max_position_embeddings": 40960,
    "max_window_layers": 28,
    "model_type": "qwen3",
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "rms_norm_eps": 1e-06,
    "rope_scaling": None,
    "rope_theta": 1000000,
    "sliding_window": None,
    "tie_word_embeddings": True,
    "torch_dtype": "bfloat16",
    "transformers_version": "4.51.0",
    "use_cache": True,
    "use_sliding_window": False,
}
MISTRAL = {
    "model_type": "mistral",
    "hidden_act": "silu",
    "hidden_size": 32,
    "intermediate_size": 48,
    "max_position_embeddings": 64,
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "num_key_value_heads": 2,
    "rms_norm_eps": 1e-05,
    "rope_theta": 10000.0,
    "sliding_window": 8,
    "vocab_size": 300,
}


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """No test asks the network, so that all pass without one."""

    def fail(*args, **kwargs):
        raise socket.gaierror("no network in tests")

    monkeypatch.setattr(socket, "getaddrinfo", fail)


def shake(model: torch.nn.Module, seed: int = 0) -> torch.nn.Module:
    """Weights of a size at which every part of the model shows in the logits."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for _, weight in sorted(model.named_parameters()):
            if weight.dim() == 1:
                weight.uniform_(0.5, 1.5, generator=generator)
            else:
                weight.normal_(0, weight.shape[1] ** -0.5, generator=generator)
    return model.eval()


def ours(seed: int = 0, **sizes) -> Transformer:
    sizes = {"vocab_size": 300, "context": 32, "d_model": 16, "n_heads": 4, "n_kv_heads": 2} | sizes
    return shake(Transformer(Config(**sizes)), seed)


def theirs(config: dict, seed: int = 0):
    config = transformers.AutoConfig.for_model(**{k: v for k, v in config.items() if k != "torch_dtype"})
    return shake(AutoModelForCausalLM.from_config(config, dtype=torch.float32), seed)


def ids(n_tokens: int = 300, seed: int = 0, length: int = 14) -> torch.Tensor:
    return torch.randint(0, n_tokens, (2, length), generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def assert_same_logits(one: Transformer, other, seed: int = 0, length: int = 14) -> None:
    read = ids(one.config.vocab_size, seed, length)
    torch.testing.assert_close(one(read), other(read).logits, atol=1e-4, rtol=0)


def edit(folder: Path, **changes) -> None:
    """Change settings in config.json; `...` takes one out."""
    config = json.loads((folder / "config.json").read_text()) | changes
    config = {name: value for name, value in config.items() if value is not ...}
    (folder / "config.json").write_text(json.dumps(config))


@st.composite
def configs(draw) -> Config:
    whole = lambda least, most: draw(st.integers(least, most))  # noqa: E731
    n_kv_heads, qk_norm = whole(1, 3), draw(st.booleans())
    n_heads = n_kv_heads * whole(1, 3)
    return Config(
        vocab_size=whole(2, 300),
        context=whole(16, 64),
        n_layers=whole(1, 3),
        d_model=whole(8, 40) if qk_norm else n_heads * whole(-(-8 // n_heads), 9),  # in fewer, rounding shows
        n_heads=n_heads,
        n_kv_heads=n_kv_heads,
        d_head=2 * whole(1, 6),
        d_feedforward=whole(1, 40),
        qk_norm=qk_norm,
        tied=draw(st.booleans()),
        rope_theta=draw(st.floats(10, 1e7)),
        norm_eps=draw(st.floats(1e-6, 1e-2)),
    )


# Both directions


@few
@given(configs(), st.integers(0, 99))
def test_transformers_computes_the_same_logits_and_hands_back_the_same_weights(tmp_path, config, seed):
    model = shake(Transformer(config), seed)
    hub.save_pretrained(model, tmp_path / "model")
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path / "model")
    assert type(loaded).__name__ == ("Qwen3ForCausalLM" if config.qk_norm else "LlamaForCausalLM")
    assert loaded.dtype == torch.float32
    assert_same_logits(model, loaded, seed)

    shutil.rmtree(tmp_path / "theirs", ignore_errors=True)
    loaded.save_pretrained(tmp_path / "theirs")
    again = hub.from_pretrained(tmp_path / "theirs").model
    assert again.config == config
    for name, weight in model.state_dict().items():
        assert torch.equal(weight, again.state_dict()[name])


@few
@given(configs(), st.sampled_from(["llama", "qwen3", "mistral"]), st.integers(0, 99), st.booleans())
def test_a_model_of_transformers_computes_the_same_logits_here(tmp_path, config, family, seed, cut):
    width = config.d_model if family == "qwen3" else config.n_heads * -(-config.d_model // config.n_heads)
    model = theirs(
        {
            "model_type": family,
            "vocab_size": config.vocab_size,
            "hidden_size": width,
            "num_hidden_layers": config.n_layers,
            "num_attention_heads": config.n_heads,
            "num_key_value_heads": config.n_kv_heads,
            "head_dim": config.d_head,
            "intermediate_size": config.d_feedforward,
            "rms_norm_eps": config.norm_eps,
            "tie_word_embeddings": config.tied,
            "rope_parameters": {"rope_type": "default", "rope_theta": config.rope_theta},
        },
        seed,
    )
    shutil.rmtree(tmp_path, ignore_errors=True)
    model.save_pretrained(tmp_path, max_shard_size="3KB" if cut else "1GB")
    assert_same_logits(hub.from_pretrained(tmp_path).model, model, seed)


def test_the_comparison_would_notice_any_weight_and_setting_that_is_wrong(tmp_path):
    """A test of these tests: no part of the model is too quiet to be told from another."""
    model = ours(qk_norm=True, tied=False)
    with torch.no_grad():
        before = model(ids())
        for weight in model.parameters():
            kept = weight.clone()
            weight += 0.2 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(1))
            assert (model(ids()) - before).abs().max() > 1e-2
            weight.copy_(kept)
        hub.save_pretrained(model, tmp_path / "model")
        for changes in (
            {"rms_norm_eps": 1e-2},
            {"rope_parameters": {"rope_type": "default", "rope_theta": 5e3}},
        ):
            edit(tmp_path / "model", **changes)
            assert (hub.from_pretrained(tmp_path / "model").model(ids()) - before).abs().max() > 1e-3
            edit(tmp_path / "model", rms_norm_eps=model.config.norm_eps)


@pytest.mark.parametrize(
    "published", [SMOLLM2_135M, TINYLLAMA_1_1B, QWEN3_0_6B], ids=["smol", "tiny", "qwen"]
)
@pytest.mark.parametrize("shards", ["one file", "several files"])
def test_models_of_published_shapes_load(tmp_path, published, shards):
    model = theirs(published)
    model.save_pretrained(tmp_path, max_shard_size="10MB" if shards == "several files" else "9GB")
    assert (tmp_path / hub.INDEX).exists() == (shards == "several files")
    (tmp_path / "config.json").write_text(json.dumps(published))  # as published, by Transformers 4
    loaded = hub.from_pretrained(tmp_path)
    assert_same_logits(loaded.model, model)
    assert loaded.model.config.context == 2048
    assert loaded.extra["generation"]["eos_token_id"] == published["eos_token_id"]
    assert (
        hub.from_pretrained(tmp_path, context=None).model.config.context
        == published["max_position_embeddings"]
    )


@pytest.mark.parametrize("stored", [torch.float16, torch.bfloat16])
def test_half_precision_is_converted_to_the_type_that_is_asked_for(tmp_path, stored):
    theirs(MISTRAL | {"sliding_window": None}).to(stored).save_pretrained(tmp_path / "half")
    whole = AutoModelForCausalLM.from_pretrained(tmp_path / "half", dtype=torch.float32)
    model = hub.from_pretrained(tmp_path / "half").model
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}
    assert_same_logits(model, whole)

    half = hub.from_pretrained(tmp_path / "half", dtype=stored).model
    assert {weight.dtype for weight in half.parameters()} == {stored}
    hub.save_pretrained(half, tmp_path / "again")
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "again").dtype == stored
    for name, weight in model.state_dict().items():
        assert torch.equal(hub.from_pretrained(tmp_path / "again").model.state_dict()[name], weight)


def test_a_sliding_window_is_right_as_long_as_it_hides_nothing(tmp_path):
    model = theirs(MISTRAL)
    model.save_pretrained(tmp_path)
    assert_same_logits(hub.from_pretrained(tmp_path, context=8).model, model, length=8)
    with torch.no_grad():  # the ninth position no longer sees the first
        far = model(ids(length=9)).logits - hub.from_pretrained(tmp_path, context=8).model(ids(length=9))
    assert far[:, -1].abs().max() > 1e-3
    assert "sliding_window=8 is less than context=64: pass context=8" in refusal(tmp_path)
    assert "sliding_window=8 is less than context=9" in refusal(tmp_path, context=9)


@pytest.mark.parametrize("missing", ["head_dim", "num_key_value_heads", "rms_norm_eps", "rope_parameters"])
def test_settings_that_are_left_out_have_the_values_of_transformers(tmp_path, missing):
    config = {"model_type": "llama", "vocab_size": 300, "hidden_size": 32, "intermediate_size": 48}
    model = theirs(config | {"num_hidden_layers": 1, "num_attention_heads": 4})
    model.save_pretrained(tmp_path)
    edit(tmp_path, **{missing: ...})
    assert_same_logits(hub.from_pretrained(tmp_path).model, model)


def test_a_loaded_model_is_ready_to_be_trained_and_to_be_saved_where_it_was(tmp_path):
    hub.save_pretrained(ours(), tmp_path / "model", TOKENIZER)
    model = hub.from_pretrained(tmp_path / "model").model
    assert model.readout.weight is model.embedding.weight
    assert not model.training
    assert all(weight.requires_grad for weight in model.parameters())
    model(ids()).sum().backward()
    torch.optim.SGD(model.parameters(), lr=0.01).step()
    trained = model(ids())
    hub.save_pretrained(model, tmp_path / "model")
    assert torch.equal(model(ids()), trained)
    assert torch.equal(hub.from_pretrained(tmp_path / "model").model(ids()), trained)
    assert not torch.equal(ours()(ids()), trained)
    assert not (tmp_path / "model" / "tokenizer.json").exists()  # the old model's: this one was saved without


def test_a_loaded_model_keeps_its_weights_whatever_becomes_of_the_file(tmp_path):
    hub.save_pretrained(ours(), tmp_path / "model")
    model = hub.from_pretrained(tmp_path / "model").model
    with (tmp_path / "model" / hub.WEIGHTS).open("r+b") as file:
        file.write(bytes((tmp_path / "model" / hub.WEIGHTS).stat().st_size))
    assert torch.equal(model(ids()), ours()(ids()))


def test_what_older_versions_of_transformers_look_for_is_there(tmp_path):
    hub.save_pretrained(ours(rope_theta=300.0), tmp_path / "model", TOKENIZER)
    with safetensors.safe_open(tmp_path / "model" / hub.WEIGHTS, framework="pt") as file:
        assert file.metadata() == {"format": "pt"}
    config, tokenizer = (
        json.loads((tmp_path / "model" / name).read_text())
        for name in ("config.json", "tokenizer_config.json")
    )
    assert (config["rope_theta"], config["dtype"]) == (300, "float32")
    assert tokenizer["clean_up_tokenization_spaces"] is False


def test_the_library_does_not_need_transformers():
    code = "import sys; sys.modules['transformers'] = None; import tinylm.hub"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


# Tokenizers and generation


@pytest.fixture(scope="module")
def read_back(tmp_path_factory) -> list:
    """One tokenizer, saved with a Llama and with a Qwen3, as Transformers reads it and as we do."""
    found = []
    for qk_norm in False, True:
        folder = tmp_path_factory.mktemp("models") / "model"
        hub.save_pretrained(ours(qk_norm=qk_norm), folder, TOKENIZER)
        found.append((AutoTokenizer.from_pretrained(folder), hub.from_pretrained(folder).tokenizer))
    return found


texts = st.lists(
    st.one_of(st.text(), st.sampled_from(["<end>", "<pad>", "some text", "  ", "\n", " .", " n't"]))
).map("".join)


@settings(deadline=None, max_examples=100)
@given(text=texts)
def test_transformers_reads_and_writes_the_same_tokens(read_back, text):
    read = TOKENIZER.encode(text)
    for in_transformers, here in read_back:
        assert in_transformers(text)["input_ids"] == here.encode(text) == read
        assert in_transformers.decode(read) == here.decode(read) == text


def test_only_a_token_that_is_there_ends_a_text(tmp_path):
    for specials, end in ((), None), (("<other>",), None), (("<other>", "<end>"), "<end>"):
        tokenizer = tokens.train(TEXT, 290, specials)
        hub.save_pretrained(ours(), tmp_path / "model", tokenizer)
        model = AutoModelForCausalLM.from_pretrained(tmp_path / "model")
        loaded = AutoTokenizer.from_pretrained(tmp_path / "model")
        end_id = tokenizer.backend.token_to_id(end) if end else None
        assert loaded.eos_token == end
        assert loaded.bos_token is None
        assert loaded.pad_token is None
        for told in model.config, model.generation_config:
            assert (told.eos_token_id, told.bos_token_id) == (end_id, None)
        extra = hub.from_pretrained(tmp_path / "model").extra
        assert extra == {"generation": {"bos_token_id": None, "eos_token_id": end_id}}


def test_an_ordinary_word_is_no_end_of_text(tmp_path):
    tokenizer = tokens.train(TEXT, 290)
    tokenizer.backend.add_tokens(["<end>"])
    hub.save_pretrained(ours(), tmp_path / "model", tokenizer)
    assert AutoTokenizer.from_pretrained(tmp_path / "model").eos_token is None


@pytest.mark.parametrize("sizes", [{}, {"qk_norm": True, "tied": False, "d_head": 6}], ids=["llama", "qwen3"])
def test_the_pipeline_writes_what_our_decoding_writes(tmp_path, sizes):
    tokenizer = tokens.train(TEXT, 290)
    model = ours(vocab_size=290, context=64, **sizes)
    hub.save_pretrained(model, tmp_path / "model", tokenizer)
    write = transformers.pipeline("text-generation", model=str(tmp_path / "model"))
    for prompt in "some text", "and", "é":
        prompt_ids = torch.tensor([tokenizer.encode(prompt)])
        expected = decoding.generate(model, prompt_ids, 30, temperature=0)[0].tolist()
        answer = write(prompt, max_new_tokens=30, do_sample=False, return_tensors=True)[0]
        assert answer["generated_token_ids"] == expected
        answer = write(prompt, max_new_tokens=30, do_sample=False)[0]
        assert answer["generated_text"] == tokenizer.decode(expected)


def test_the_pipeline_stops_at_the_end_of_a_text(tmp_path):
    model = ours(vocab_size=290, tied=False)
    end = TOKENIZER.backend.token_to_id("<end>")
    with torch.no_grad():  # whatever it reads, this model says <end>
        for block in model.blocks:
            block.attention.output.weight.zero_()
            block.feedforward.down.weight.zero_()
        model.embedding.weight.fill_(1)
        model.readout.weight.zero_()
        model.readout.weight[end] = 1
    hub.save_pretrained(model, tmp_path / "model", TOKENIZER)
    write = transformers.pipeline("text-generation", model=str(tmp_path / "model"))
    answer = write("some text", max_new_tokens=9, do_sample=False, return_tensors=True)[0]
    assert answer["generated_token_ids"] == [*TOKENIZER.encode("some text"), end]


def published_tokenizer(kind: str) -> tokenizers.Tokenizer:
    """A tokenizer like those of Llama 2 (spaces as letters) or 3 (bytes), which open a text with <s>."""
    backend = tokenizers.Tokenizer(tokenizers.models.BPE(byte_fallback=kind == "spaces", unk_token="<unk>"))
    if kind == "spaces":
        backend.normalizer = tokenizers.normalizers.Sequence(
            [tokenizers.normalizers.Prepend("▁"), tokenizers.normalizers.Replace(" ", "▁")]
        )
        backend.decoder = tokenizers.decoders.Sequence(
            [
                tokenizers.decoders.Replace("▁", " "),
                tokenizers.decoders.ByteFallback(),
                tokenizers.decoders.Fuse(),
                tokenizers.decoders.Strip(" ", 1, 0),
            ]
        )
        bytes_too = [f"<0x{byte:02X}>" for byte in range(256)]
    else:
        backend.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
        backend.decoder = tokenizers.decoders.ByteLevel()
        bytes_too = []
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=290,
        show_progress=False,
        special_tokens=["<unk>", "<s>", "</s>", *bytes_too],
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet() if kind == "bytes" else [],
    )
    backend.train_from_iterator([TEXT], trainer)
    backend.post_processor = tokenizers.processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", backend.token_to_id("<s>"))]
    )
    return backend


@pytest.mark.parametrize("kind", ["spaces", "bytes"])
def test_a_published_tokenizer_opens_a_text_as_its_model_expects(tmp_path, kind):
    hub.save_pretrained(ours(vocab_size=600), tmp_path / "theirs")
    backend = published_tokenizer(kind)
    PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    ).save_pretrained(tmp_path / "theirs")
    saved = json.loads((tmp_path / "theirs" / "tokenizer.json").read_text())
    saved["truncation"] = {"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0}
    saved["padding"] = {"strategy": {"Fixed": 3}, "direction": "Left", "pad_to_multiple_of": None}
    saved["padding"] |= {"pad_id": 0, "pad_type_id": 0, "pad_token": "<unk>"}
    (tmp_path / "theirs" / "tokenizer.json").write_text(json.dumps(saved))
    loaded = hub.from_pretrained(tmp_path / "theirs")
    hub.save_pretrained(loaded.model, tmp_path / "again", loaded.tokenizer)
    first, second = (AutoTokenizer.from_pretrained(tmp_path / name) for name in ("theirs", "again"))
    assert second.eos_token == "</s>"
    for text in TEXT, "", "some text</s>", " é\n中", "<s>x":
        read = loaded.tokenizer.encode(text)
        assert read[0] == backend.token_to_id("<s>")
        assert read == first(text)["input_ids"] == second(text)["input_ids"]
        assert loaded.tokenizer.decode(read) == first.decode(read) == second.decode(read)


# What is refused


@pytest.fixture
def saved(tmp_path) -> Path:
    hub.save_pretrained(ours(), tmp_path / "model", TOKENIZER)
    return tmp_path / "model"


def refusal(folder, kind=ValueError, **options) -> str:
    with pytest.raises(kind) as caught:
        hub.from_pretrained(folder, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 500
    return message


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"model_type": "gpt2"}, "model_type='gpt2'"),
        ({"model_type": ...}, "model_type=None"),
        ({"model_type": ["llama"]}, "model_type="),
        ({"hidden_act": "gelu"}, "hidden_act='gelu'"),
        ({"attention_bias": True}, "attention_bias=True"),
        ({"mlp_bias": True}, "mlp_bias=True"),
        ({"partial_rotary_factor": 0.5}, "partial_rotary_factor=0.5"),
        ({"quantization_config": {"bits": 4}}, "quantization_config="),
        ({"rope_scaling": {"type": "linear", "factor": 2.0}}, "type='linear'"),
        ({"rope_scaling": {"rope_type": "llama3", "factor": 8.0}}, "rope_type='llama3'"),
        ({"rope_parameters": {"rope_type": "yarn", "rope_theta": 1e4}}, "rope_type='yarn'"),
        (
            {"rope_parameters": {"rope_type": "default", "partial_rotary_factor": 0.5}},
            "partial_rotary_factor=0.5",
        ),
        ({"rope_parameters": {"full_attention": {"rope_theta": 1.0}}}, "rope_parameters="),
        ({"rope_parameters": [1]}, "rope_parameters="),
        ({"model_type": "mistral", "sliding_window": 4}, "sliding_window=4"),
        ({"use_sliding_window": True, "sliding_window": 4}, "sliding_window=4"),
        ({"model_type": "mistral", "sliding_window": "all"}, "sliding_window='all'"),
        ({"model_type": "qwen3"}, "self_attn.k_norm.weight"),
        ({"tie_word_embeddings": False}, "lm_head.weight"),
        ({"tie_word_embeddings": "yes"}, "tie_word_embeddings='yes'"),
        ({"vocab_size": ...}, "vocab_size=None"),
        ({"vocab_size": "300"}, "vocab_size='300'"),
        ({"vocab_size": 301}, "model.embed_tokens.weight has the shape"),
        ({"vocab_size": 10**30}, "vocab_size=1000"),
        ({"hidden_size": 16.0}, "hidden_size=16.0"),
        ({"hidden_size": True}, "hidden_size=True"),
        ({"num_attention_heads": 0}, "num_attention_heads=0"),
        ({"num_attention_heads": 3}, "n_heads=3 is not a multiple of n_kv_heads=2"),
        ({"hidden_size": 2**20, "intermediate_size": 2**24}, "has the shape"),  # before any memory is taken
        ({"hidden_size": 2**24, "num_attention_heads": 2**24, "head_dim": 2**24}, "cannot be read"),
        ({"num_key_value_heads": 1}, "self_attn.k_proj.weight has the shape"),
        ({"head_dim": 5}, "d_head=5 is odd"),
        ({"intermediate_size": 4}, "mlp.gate_proj.weight has the shape"),
        ({"num_hidden_layers": 3}, "model.layers.2"),
        ({"num_hidden_layers": 1}, "model.layers.1"),
        ({"num_hidden_layers": 9_999_999}, "num_hidden_layers=9999999"),
        ({"rms_norm_eps": -1}, "rms_norm_eps=-1"),
        ({"rms_norm_eps": float("nan")}, "rms_norm_eps=nan"),
        ({"rope_theta": "x" * 10_000, "rope_parameters": None}, "rope_theta='xxx"),
        ({"max_position_embeddings": 0}, "max_position_embeddings=0"),
    ],
    ids=str,
)
def test_a_setting_that_is_not_understood_is_named(saved, changes, told):
    edit(saved, **changes)
    assert told in refusal(saved)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=5,
)
FIELDS = [
    *hub.SIZES.values(),
    *hub.UNDERSTOOD,
    "rope_theta",
    "rope_scaling",
    "rms_norm_eps",
    "sliding_window",
]


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(FIELDS), anything, st.sampled_from(["llama", "mistral", "qwen3"]))
def test_no_setting_whatever_gives_anything_but_a_model_or_one_line(saved, field, value, family):
    content = (saved / "config.json").read_text()
    edit(saved, **({"model_type": family} | {field: value}))
    try:
        hub.from_pretrained(saved)
    except ValueError:
        refusal(saved)
    finally:
        (saved / "config.json").write_text(content)


def change_weights(folder: Path, change) -> None:
    weights = safetensors.torch.load_file(folder / hub.WEIGHTS)
    change(weights)
    safetensors.torch.save_file(weights, folder / hub.WEIGHTS, metadata={"format": "pt"})


def test_weights_too_few_or_too_many_are_named(saved):
    change_weights(
        saved, lambda weights: weights.update({"model.layers.0.self_attn.q_proj.bias": torch.ones(16)})
    )
    assert "1 weights are more than config.json asks for: model.layers.0.self_attn.q_proj.bias" in refusal(
        saved
    )
    change_weights(saved, lambda weights: weights.pop("model.norm.weight"))
    assert "1 weights are missing: model.norm.weight" in refusal(saved)


def test_weights_in_whole_numbers_are_refused(saved):
    change_weights(
        saved, lambda weights: weights.update({"model.norm.weight": torch.ones(16, dtype=torch.int8)})
    )
    assert "model.norm.weight is stored as I8" in refusal(saved)


def test_what_old_files_hold_besides_is_left_aside(saved):
    def add(weights):
        weights["model.layers.0.self_attn.rotary_emb.inv_freq"] = torch.ones(2)
        weights["lm_head.weight"] = weights["model.embed_tokens.weight"].clone()

    change_weights(saved, add)
    assert torch.equal(hub.from_pretrained(saved).model(ids()), ours()(ids()))
    change_weights(saved, lambda weights: weights.update({"lm_head.weight": torch.ones(300, 16)}))
    assert "lm_head.weight is not the embedding" in refusal(saved)


@pytest.mark.parametrize("name", ["config.json", "generation_config.json", "tokenizer.json", hub.WEIGHTS])
@pytest.mark.parametrize("damage", ["cut", "empty", "noise", "list", "deep"])
def test_a_damaged_file_gives_one_clear_line(saved, name, damage):
    content = (saved / name).read_bytes()
    damaged = {
        "cut": content[:-7],
        "empty": b"",
        "noise": bytes(range(256)) * 9,
        "list": b"[1]",
        "deep": b"[" * 200_000,
    }
    (saved / name).write_bytes(damaged[damage])
    message = refusal(saved)
    assert "cannot be read" in message
    assert name in message or name == hub.WEIGHTS


def test_files_that_are_not_there_are_named(saved, tmp_path):
    assert "there is no folder" in refusal(tmp_path / "nowhere", FileNotFoundError)
    assert "there is no folder" in refusal(str(tmp_path / "nowhere"), FileNotFoundError)
    assert "there is no folder" in refusal(saved / "config.json", FileNotFoundError)
    (saved / "tokenizer.json").unlink()
    (saved / "generation_config.json").unlink()
    loaded = hub.from_pretrained(saved)
    assert loaded.tokenizer is None
    assert loaded.extra["generation"]["eos_token_id"] == TOKENIZER.backend.token_to_id(
        "<end>"
    )  # of config.json
    (saved / "config.json").unlink()
    assert "there is no config.json" in refusal(saved, FileNotFoundError)


def test_a_checkpoint_of_ours_is_not_mistaken_for_one(tmp_path):
    from tinylm import checkpoints

    checkpoints.save(checkpoints.Trained(ours()), tmp_path / "model")
    assert "model_type=None" in refusal(tmp_path / "model")


class Touch:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_weights_that_can_run_code_are_not_opened(saved, tmp_path):
    (saved / hub.WEIGHTS).unlink()
    (saved / "pytorch_model.bin").write_bytes(pickle.dumps(Touch(tmp_path / "it ran")))
    (saved / "modeling.py").write_text(f"open({str(tmp_path / 'it ran')!r}, 'w')")
    edit(saved, auto_map={"AutoModelForCausalLM": "modeling.Model"})
    message = refusal(saved, FileNotFoundError)
    assert hub.WEIGHTS in message
    assert ".bin" in message
    assert not (tmp_path / "it ran").exists()


@pytest.mark.parametrize(
    "name",
    [
        "../outside.safetensors",
        "{outside}",
        "sub/../../outside.safetensors",
        "..\\outside.safetensors",
        "",
        "..",
        "pytorch_model.bin",
        ["outside.safetensors"],
        7,
        None,
    ],
    ids=str,
)
def test_an_index_cannot_lead_out_of_the_folder(saved, tmp_path, name):
    outside = tmp_path / "outside.safetensors"
    (saved / hub.WEIGHTS).rename(outside)
    name = str(outside) if name == "{outside}" else name
    (saved / hub.INDEX).write_text(json.dumps({"weight_map": {"model.norm.weight": name}}))
    assert f"{hub.INDEX} names" in refusal(saved)


@pytest.mark.parametrize("index", [{}, {"weight_map": {}}, {"weight_map": ["model.safetensors"]}], ids=str)
def test_an_index_without_files_is_refused(saved, index):
    (saved / hub.WEIGHTS).unlink()
    (saved / hub.INDEX).write_text(json.dumps(index))
    assert f"{hub.INDEX} names ''" in refusal(saved)


def test_a_shard_that_is_not_there_is_named(tmp_path):
    theirs(MISTRAL | {"sliding_window": None}).save_pretrained(tmp_path, max_shard_size="20KB")
    last = sorted(tmp_path.glob("model-*.safetensors"))[-1]
    last.unlink()
    assert last.name in refusal(tmp_path, FileNotFoundError)


def test_a_tokenizer_with_more_tokens_than_the_model_is_refused_both_ways(saved, tmp_path):
    tokens.train(TEXT, 301, [f"<{i}>" for i in range(45)]).save(saved / "tokenizer.json")
    assert "the tokenizer has 301 tokens, more than the model's vocab_size=300" in refusal(saved)
    with pytest.raises(ValueError, match="more than the model's vocab_size=270"):
        hub.save_pretrained(ours(vocab_size=270), tmp_path / "other", TOKENIZER)
    assert not (tmp_path / "other").exists()


def test_a_context_of_nothing_is_refused(saved):
    assert "context=0 must be at least 1" in refusal(saved, context=0)


# The Hugging Face Hub, played by a folder


def test_a_name_downloads_only_the_files_that_are_read(tmp_path, monkeypatch):
    there, here = tmp_path / "there", tmp_path / "here"
    theirs(MISTRAL | {"sliding_window": None}).save_pretrained(there, max_shard_size="20KB")
    TOKENIZER.save(there / "tokenizer.json")
    for unwanted in "pytorch_model.bin", "modeling.py", "consolidated.safetensors", "README.md":
        (there / unwanted).touch()
    asked = []

    def download(name, allow_patterns):
        asked.append(name)
        here.mkdir()
        for path in there.iterdir():
            if any(fnmatch.fnmatch(path.name, pattern) for pattern in allow_patterns):
                shutil.copy(path, here)
        return str(here)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    model = hub.from_pretrained("someone/a-model_1.0").model
    assert asked == ["someone/a-model_1.0"]
    assert torch.equal(model(ids()), hub.from_pretrained(there).model(ids()))
    assert not {"pytorch_model.bin", "modeling.py", "consolidated.safetensors"} & set(os.listdir(here))


@pytest.mark.parametrize("offline", [True, False])
def test_without_a_network_a_name_gives_one_clear_line(monkeypatch, tmp_path, offline):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", offline)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    message = refusal("someone/a-model", ConnectionError)
    assert message.startswith("someone/a-model is no folder, and downloading it failed")
    assert "check the network" in message


def test_a_name_that_nobody_has_gives_one_clear_line(monkeypatch):
    error = huggingface_hub.errors.RepositoryNotFoundError

    def download(name, allow_patterns):
        raise error.__new__(error)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    assert "neither a folder nor a public model" in refusal("someone/no-model", FileNotFoundError)


@pytest.mark.parametrize("name", ["", "..", "../up", "/", "a/b/c", "a b", "-x", ".hidden/x", "~/models"])
def test_what_cannot_be_a_name_is_not_asked_for(monkeypatch, name):
    monkeypatch.setattr(
        huggingface_hub, "snapshot_download", lambda *args, **kwargs: pytest.fail("was asked")
    )
    with pytest.raises(FileNotFoundError):
        hub.from_pretrained(name)


# Saving whole or not at all


def test_a_model_that_looks_ahead_is_refused(tmp_path):
    with pytest.raises(ValueError, match="causal=False"):
        hub.save_pretrained(ours(causal=False), tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_sizes_that_only_qwen3_can_have_are_refused_for_a_llama(tmp_path):
    sizes = {"d_model": 18, "d_head": 4}
    with pytest.raises(ValueError, match="d_model=18 is not a multiple of n_heads=4"):
        hub.save_pretrained(ours(**sizes), tmp_path / "model")
    hub.save_pretrained(ours(qk_norm=True, **sizes), tmp_path / "model")


def test_a_folder_with_anything_else_in_it_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("three years")
    with pytest.raises(FileExistsError, match=r"holds thesis\.txt"):
        hub.save_pretrained(ours(), tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "three years"
    (tmp_path / "empty").mkdir()
    hub.save_pretrained(ours(), tmp_path / "empty")
    hub.save_pretrained(ours(), str(tmp_path / "new" / "folder"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "new", "thesis.txt"]


@pytest.mark.parametrize("stop", [OSError("disk full"), KeyboardInterrupt()], ids=repr)
@pytest.mark.parametrize(
    "moment", ["safetensors.torch.save_file", "tinylm.tokens.Tokenizer.save", "json.dumps"]
)
def test_a_save_that_is_cut_off_leaves_the_old_model(saved, tmp_path, monkeypatch, moment, stop):
    def fail(*args, **kwargs):
        raise stop

    with monkeypatch.context() as patch:
        patch.setattr(moment, fail)
        with pytest.raises(type(stop)):
            hub.save_pretrained(ours(seed=1), saved, TOKENIZER)
    assert torch.equal(hub.from_pretrained(saved).model(ids()), ours()(ids()))
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
