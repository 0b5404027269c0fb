"""The page's forward pass gives what PyTorch gives, for every kind of model that it takes."""

import pytest
import torch
import wasmtime
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tinylm.live import markup
from tinylm.live.publishing import publish, restore
from tinylm.live.reading import read

CONFIGS = st.fixed_dictionaries(
    {
        "n_layers": st.integers(1, 3),
        "heads": st.sampled_from([(1, 1), (2, 1), (4, 2), (4, 4), (6, 2)]),
        "d_head": st.sampled_from([2, 4, 6, 10, 16]),
        "d_model": st.integers(3, 40),
        "d_feedforward": st.integers(1, 50),
        "qk_norm": st.booleans(),
        "tied": st.booleans(),
        "rope_theta": st.sampled_from([100.0, 10_000.0, 1e6]),
    }
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=CONFIGS, seed=st.integers(0, 10**6), kernel=st.booleans(), data=st.data())
def test_logits_lens_and_attention_equal_pytorch_for_random_models(
    make_model, in_page, tokenizer, sizes, seed, kernel, data
):
    n_heads, n_kv_heads = sizes.pop("heads")
    model = make_model(seed, n_heads=n_heads, n_kv_heads=n_kv_heads, **sizes)
    model = restore(publish(model, tokenizer))  # the numbers that the page has
    ids = torch.randint(tokenizer.vocab_size, (data.draw(st.integers(1, 32)),)).tolist()
    places = [(layer, head) for layer in range(sizes["n_layers"]) for head in range(n_heads)]
    heads = data.draw(st.lists(st.sampled_from(places), unique=True, max_size=3))
    layers = data.draw(st.lists(st.integers(0, sizes["n_layers"] - 1), unique=True, max_size=1))
    there = in_page(model, ids, heads, layers, kernel)
    here = read(model, ids, heads, layers)
    assert there["kernel"] == kernel
    scale = max(1, here.logits.abs().max().item())
    assert (torch.tensor(there["logits"]) - here.logits).abs().max() < 1e-4 * scale
    for layer, of_heads in enumerate(there["maps"]):
        for head, rows in enumerate(of_heads):
            for t, row in enumerate(rows):
                assert (torch.tensor(row) - here.maps[layer, head, t, : t + 1]).abs().max() < 1e-5 * scale
    with torch.no_grad():
        lens = model.readout(model.norm(here.streams[:, -1]))
    assert (torch.tensor(there["lens"]) - lens).abs().max() < 1e-4 * scale


def test_a_head_that_is_off_changes_what_is_said(make_model, in_page):
    model, ids = make_model(), [1, 2, 3, 4, 5]
    whole, without = in_page(model, ids), in_page(model, ids, heads_off=[(0, 1)])
    assert (torch.tensor(whole["logits"]) - torch.tensor(without["logits"])).abs().max() > 0.01


def test_the_kernel_is_built_from_its_source():
    source = (markup.PAGE / "kernel.wat").read_text(encoding="utf-8")
    assert wasmtime.wat2wasm(source) == (markup.PAGE / "kernel.wasm").read_bytes(), "run `make kernel`"


@pytest.mark.parametrize("native", [True, False])
def test_half_precision_is_read_exactly(engine_page, native):
    every = torch.arange(2**16).to(torch.int32).numpy().astype("<u2")
    wanted = torch.from_numpy(every.view("<f2").astype("float32"))
    given = engine_page.evaluate(
        """([bits, native]) => {
          const own = globalThis.Float16Array;
          if (!native) globalThis.Float16Array = undefined;
          const floats = new Float32Array(bits.length);
          widen(new Uint8Array(Uint16Array.from(bits).buffer), floats);
          globalThis.Float16Array = own;
          return Array.from(floats, (x) => (Number.isFinite(x) ? x : String(x)));
        }""",
        [every.tolist(), native],
    )
    assert torch.equal(torch.tensor([float(x) for x in given]).nan_to_num(7e9), wanted.nan_to_num(7e9))


def test_work_counts_the_matrices_of_the_model(engine_page, make_model, tokenizer):
    model = make_model(n_heads=4, n_kv_heads=2, d_head=6)
    config = publish(model, tokenizer).config
    given = engine_page.evaluate("(config) => Engine.prototype.work.call({ config }, 4)", config)
    matrices = sum(p.numel() for block in model.blocks for p in block.parameters() if p.dim() == 2)
    looks = 2 * model.config.n_layers * 4 * 6 * 5  # scores and sums over 5 places
    assert given == matrices + looks + model.embedding.weight.numel()
