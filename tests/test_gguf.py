"""tinylm.gguf: the file holds every weight, in llama.cpp's order, and Transformers' reader runs it."""

import sys

import gguf
import pytest
import torch
import transformers
from test_hub import TEXT, TOKENIZER, assert_same_logits, ours, published_tokenizer
from transformers import AutoModelForCausalLM, AutoTokenizer

from tinylm import tokens
from tinylm.gguf import save_gguf

transformers.logging.disable_progress_bar()
SIZES = {
    "llama": {"n_kv_heads": 2, "d_head": 6, "rope_theta": 300.0, "norm_eps": 1e-3},
    "untied llama": {"n_heads": 6, "n_kv_heads": 3, "d_model": 24, "tied": False},
    "qwen3": {"qk_norm": True, "d_head": 128},  # no other width is read back by Transformers
}


@pytest.fixture(params=SIZES)
def model(request):
    return ours(**SIZES[request.param])


def read(path) -> tuple[dict, dict]:
    reader = gguf.GGUFReader(path)
    told = {name: field.contents() for name, field in reader.fields.items()}
    return told, {tensor.name: torch.tensor(tensor.data) for tensor in reader.tensors}


def test_the_file_tells_every_size(model, tmp_path):
    save_gguf(model, tmp_path / "model.gguf", TOKENIZER)
    told, _ = read(tmp_path / "model.gguf")
    config, family = model.config, told["general.architecture"]
    assert family == ("qwen3" if config.qk_norm else "llama")
    for name, value in {
        "vocab_size": config.vocab_size,
        "context_length": config.context,
        "block_count": config.n_layers,
        "embedding_length": config.d_model,
        "feed_forward_length": config.d_feedforward,
        "attention.head_count": config.n_heads,
        "attention.head_count_kv": config.n_kv_heads,
        "attention.key_length": config.d_head,
        "attention.value_length": config.d_head,
        "rope.dimension_count": config.d_head,
        "rope.freq_base": config.rope_theta,
        "attention.layer_norm_rms_epsilon": pytest.approx(config.norm_eps),
    }.items():
        assert told[f"{family}.{name}"] == value


def in_pairs(weight: torch.Tensor, d_head: int) -> torch.Tensor:
    """Row by row: channels i and i + D/2 of each head come to stand side by side."""
    rows = []
    for head in range(len(weight) // d_head):
        for i in range(d_head // 2):
            rows += [weight[head * d_head + i], weight[head * d_head + i + d_head // 2]]
    return torch.stack(rows)


def test_the_file_holds_every_weight_in_the_order_of_llama_cpp(model, tmp_path):
    save_gguf(model, tmp_path / "model.gguf", TOKENIZER)
    _, written = read(tmp_path / "model.gguf")
    names = {
        "token_embd": "embedding",
        "output_norm": "norm",
        "output": "readout",
        "attn_norm": "attention_norm",
        "attn_q": "attention.query",
        "attn_k": "attention.key",
        "attn_v": "attention.value",
        "attn_output": "attention.output",
        "attn_q_norm": "attention.query_norm",
        "attn_k_norm": "attention.key_norm",
        "ffn_norm": "feedforward_norm",
        "ffn_gate": "feedforward.gate",
        "ffn_up": "feedforward.up",
        "ffn_down": "feedforward.down",
    }
    expected = model.state_dict()
    if model.config.tied:
        del expected["readout.weight"]
    for name, weight in written.items():
        *block, part, _ = name.split(".")
        own = expected.pop(
            ".".join(["blocks", block[1], names[part], "weight"] if block else [names[part], "weight"])
        )
        if part in ("attn_q", "attn_k") and not model.config.qk_norm:
            own = in_pairs(own, model.config.d_head)
        assert torch.equal(weight, own), name
    assert expected == {}


def test_the_file_holds_the_tokens(tmp_path):
    tokenizer = tokens.train(TEXT, 290, ["<pad>", "<end>"])
    tokenizer.backend.add_tokens(["a text"])
    save_gguf(ours(vocab_size=300), tmp_path / "model.gguf", tokenizer)
    told, _ = read(tmp_path / "model.gguf")
    vocabulary = told["tokenizer.ggml.tokens"]
    assert len(vocabulary) == len(set(vocabulary)) == 300
    assert [tokenizer.backend.token_to_id(token) for token in vocabulary[:291]] == list(range(291))
    kinds = told["tokenizer.ggml.token_type"]
    assert [kinds[i] for i in (0, 287, 288, 289, 290, 291, 299)] == [1, 1, 3, 3, 4, 5, 5]
    assert told["tokenizer.ggml.eos_token_id"] == TOKENIZER.backend.token_to_id("<end>")
    assert told["tokenizer.ggml.add_bos_token"] is False


def test_transformers_runs_the_file(model, tmp_path):
    pytest.importorskip("accelerate", reason="Transformers' reader needs it")
    save_gguf(model, tmp_path / "model.gguf", TOKENIZER)
    options = {"gguf_file": "model.gguf", "dtype": torch.float32}
    assert_same_logits(model, AutoModelForCausalLM.from_pretrained(tmp_path, **options))


def test_transformers_reads_the_same_tokens_from_the_file(model, tmp_path):
    save_gguf(model, tmp_path / "model.gguf", TOKENIZER)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path, gguf_file="model.gguf")
    for text in TEXT, "", "some text<end> é 中\n\n  x 12's", "<pad>'ll 3rd\tway!":
        assert tokenizer(text)["input_ids"] == TOKENIZER.encode(text)


def test_what_llama_cpp_cannot_run_is_refused(tmp_path):
    path = tmp_path / "model.gguf"
    with pytest.raises(ValueError, match="causal=False"):
        save_gguf(ours(causal=False), path, TOKENIZER)
    with pytest.raises(ValueError, match="more than the model's vocab_size=270"):
        save_gguf(ours(vocab_size=270), path, TOKENIZER)
    with pytest.raises(ValueError, match="no token ends a text: train the tokenizer with specials="):
        save_gguf(ours(), path, tokens.train(TEXT, 290, ["<pad>"]))
    for kind in "spaces", "bytes":
        with pytest.raises(ValueError, match=r"the tokenizer is not of tokens\.train"):
            save_gguf(ours(vocab_size=600), path, tokens.Tokenizer(published_tokenizer(kind)))
    assert list(tmp_path.iterdir()) == []


def test_without_the_library_one_line_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(ImportError, match="`pip install gguf`"):
        save_gguf(ours(), tmp_path / "model.gguf", TOKENIZER)


def test_a_save_that_is_cut_off_leaves_the_old_file(tmp_path, monkeypatch):
    save_gguf(ours(), tmp_path / "model.gguf", TOKENIZER)
    before = (tmp_path / "model.gguf").read_bytes()

    def fail(self):
        raise OSError("disk full")

    monkeypatch.setattr(gguf.GGUFWriter, "write_tensors_to_file", fail)
    with pytest.raises(OSError, match="disk full"):
        save_gguf(ours(seed=1), tmp_path / "model.gguf", TOKENIZER)
    assert [path.name for path in tmp_path.iterdir()] == ["model.gguf"]
    assert (tmp_path / "model.gguf").read_bytes() == before
