"""The explorer in Python: what it refuses, what it says as text, and what it hands to a page."""

import copy

import pytest
import tokenizers
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from live import part

import tinylm
from tinylm import decoding, tokens
from tinylm.live import VIEWS, explore
from tinylm.live.publishing import publish, restore
from tinylm.live.reading import read, switched_off


class Doubled(torch.nn.Module):
    """A layer whose forward a reader has changed."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, *arguments):
        return 2 * self.inner(*arguments)


def test_its_text_names_the_most_probable_tokens(make_model, tokenizer):
    model = make_model()
    said = repr(explore(model, tokenizer, "Mira lives"))
    p = restore(publish(model, tokenizer))(torch.tensor([tokenizer.encode("Mira lives")]))[0, -1].softmax(-1)
    best = p.argmax().item()
    assert said.startswith(f"'Mira lives' goes on with {tokenizer.decode([best])!r} {100 * p[best]:.1f} %")


def test_it_can_be_had_from_the_package_itself():
    assert tinylm.explore is explore
    with pytest.raises(AttributeError, match="no attribute 'explorre'"):
        tinylm.explorre  # noqa: B018


def test_the_model_is_left_as_it_was(make_model, tokenizer):
    model = make_model().train()
    before = copy.deepcopy(model.state_dict())
    explore(model, tokenizer, "Mira", views=VIEWS).html()
    assert model.training
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_equal_models_share_a_name_whatever_the_prompt(make_model, tokenizer):
    names = [
        set(part(explore(make_model(seed), tokenizer, prompt).html())[1])
        for seed, prompt in ((0, "Mira"), (0, "lives"), (1, "Mira"))
    ]
    assert names[0] == names[1] != names[2]


def test_what_a_page_cannot_run_gets_a_panel_and_a_sentence(make_model, tokenizer):
    model = make_model()
    model.blocks[0].feedforward.down = Doubled(model.blocks[0].feedforward.down)
    model.blocks[0].feedforward.down.weight = model.blocks[0].feedforward.down.inner.weight
    bundle = explore(model, tokenizer, "Mira")._repr_mimebundle_()
    assert "computes something else" in bundle["text/plain"]
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert "tinylm-live" not in bundle["text/html"]
    for control in ("<button", "<input", "<textarea", "<select"):
        assert control not in bundle["text/html"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e6])
def test_weights_that_are_no_numbers_are_named(make_model, tokenizer, value):
    model = make_model()
    with torch.no_grad():
        model.blocks[1].attention.key.weight[0, 0] = value
    shown = explore(model, tokenizer, "Mira")
    assert "keys of layer 1 holds numbers that are not finite" in repr(shown)
    assert "not finite" in shown._repr_mimebundle_()["text/html"]


def test_other_tokenizers_and_models_are_refused_in_a_sentence(make_model, tokenizer):
    assert "not causal" in repr(explore(make_model(causal=False), tokenizer, "Mira"))
    backend = tokenizers.Tokenizer(tokenizers.models.BPE())
    backend.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    backend.add_tokens(["Mira"])
    assert "byte-level BPE" in repr(explore(make_model(), tokens.Tokenizer(backend), "Mira"))
    larger = tokens.train("Mira lives here and there. " * 9, 400, specials=[f"<{i}>" for i in range(90)])
    assert "the model knows" in repr(explore(make_model(), larger, "Mira"))


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"views": ["next", "dreams"]}, "views="),
        ({"views": "next"}, "views="),
        ({"views": []}, "views="),
        ({"temperature": -1}, "temperature=-1"),
        ({"temperature": 3}, "between 0 and 2"),
        ({"top_k": 0.5}, "top_k"),
        ({"top_p": 0}, "top_p=0"),
        ({"n_tokens": 0}, "n_tokens=0"),
        ({"seed": -1}, "seed=-1"),
        ({"labels": ["a", "b"]}, "labels"),
    ],
)
def test_settings_outside_their_range_are_named(make_model, tokenizer, setting, message):
    with pytest.raises(ValueError, match=message):
        explore(make_model(), tokenizer, "Mira", **setting)


@pytest.mark.parametrize("prompt", ["", "Mira " * 90, "🙂\n\t<b>", "a\u2028</script>"])
def test_any_prompt_has_a_picture(make_model, tokenizer, prompt):
    shown = explore(make_model(), tokenizer, prompt, views=VIEWS)
    assert "</script>" not in shown.html().partition('class="settings">')[2].partition("</template>")[0][:-9]
    assert repr(shown)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 319), min_size=1, max_size=32))
def test_a_reading_is_what_the_model_does_without_being_read(make_model, ids):
    model = make_model()
    found = read(model, ids)
    with torch.no_grad():
        logits = model(torch.tensor([ids]))[0]
        maps = model.attention_maps(torch.tensor([ids]))[:, 0]
    assert torch.equal(found.logits, logits)
    assert torch.allclose(found.maps, maps)
    assert torch.equal(found.streams[0], model.embedding(torch.tensor(ids)))
    p = logits.softmax(-1)
    wanted = [-p[t - 1, ids[t]].log2().item() for t in range(1, len(ids))]
    assert found.bits[1:] == pytest.approx(wanted, abs=1e-3)


def test_a_model_with_everything_off_only_reads_out_the_embedding(make_model):
    model, ids = make_model(), torch.tensor([[1, 2, 3]])
    with torch.no_grad(), switched_off(model, layers=[0, 1]):
        assert torch.equal(model(ids), model.readout(model.norm(model.embedding(ids))))
    every = [(layer, head) for layer in range(2) for head in range(4)]
    with torch.no_grad(), switched_off(model, heads=every):
        silent = model(ids)
        assert torch.equal(silent[:, 2], model(torch.tensor([[9, 9, 3]]))[:, 2])  # nobody looks back
    assert not torch.equal(silent, model(ids))


def test_greedy_writing_agrees_after_rounding(make_model, tokenizer):
    model = restore(publish(make_model(), tokenizer))
    again = restore(publish(model, tokenizer))
    ids = [tokenizer.encode("Mira")]
    assert decoding.generate(model, ids, 20, temperature=0) == decoding.generate(
        again, ids, 20, temperature=0
    )
