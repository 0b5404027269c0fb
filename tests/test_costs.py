"""tinylm.costs: every formula gives what a real model is seen to have, to do and to keep."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_transformer import configs
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from tinylm import costs, pretraining
from tinylm.decoding import Cache
from tinylm.transformer import Config, Transformer

BASE = Config(2048, 128, 3, 128, qk_norm=True)


def part_of(name: str) -> str:
    if "norm" in name:
        return "norms"
    return next(part for part in ("embedding", "attention", "feedforward", "readout") if part in name)


@settings(deadline=None, max_examples=40)
@given(configs())
def test_parameters_are_those_of_the_built_model_part_by_part(config):
    counted = dict.fromkeys(["embedding", "attention", "feedforward", "norms", "readout"], 0)
    for name, parameter in Transformer(config).named_parameters():
        counted[part_of(name)] += parameter.numel()
    assert costs.parameters(config) == counted | {"total": Transformer(config).n_parameters}


@settings(deadline=None, max_examples=30)
@given(configs(), st.integers(1, 20), st.integers(1, 3))
def test_forward_flops_are_those_that_torch_counts(config, length, batch_size):
    ids = torch.randint(config.vocab_size, (batch_size, length))
    # torch's counter knows no fused kernel of a processor, but the plain products it stands for
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        Transformer(config)(ids)
    assert costs.forward_flops(config, length, batch_size) == counter.get_total_flops()


@settings(deadline=None, max_examples=20)
@given(configs(), st.integers(1, 3))
def test_training_flops_are_those_of_the_ways_forward_and_back(config, batch_size):
    ids = torch.randint(config.vocab_size, (batch_size, config.context))
    model = Transformer(config)
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        pretraining.next_token_loss(model(ids), ids).backward()
    assert costs.training_flops(config, ids.numel()) == counter.get_total_flops()


def test_six_times_parameters_times_tokens_is_training_without_attentions_square():
    by_rule = 6 * costs.parameters(BASE)["total"] * 1_000_000
    square = 3 * 4 * BASE.n_layers * BASE.d_model * BASE.context * 1_000_000
    assert by_rule == pytest.approx(costs.training_flops(BASE, 1_000_000) - square, rel=0.01)


def bytes_of(tensors) -> int:
    """The bytes of all these together, what shares memory counted once."""
    return sum({t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors}.values())


@settings(deadline=None, max_examples=30)
@given(configs(), st.integers(2, 16), st.integers(1, 3))
def test_activations_are_what_a_step_keeps_for_the_way_back(config, length, batch_size):
    model, kept = Transformer(config), []
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
    ids = torch.randint(config.vocab_size, (batch_size, length + 1))

    def keep(tensor):
        if tensor.untyped_storage().data_ptr() not in weights:
            kept.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = pretraining.next_token_loss(model(ids[:, :-1].clone()), ids[:, 1:].clone())
    assert loss.requires_grad
    assert costs.memory(config, batch_size, length)["activations"] == pytest.approx(bytes_of(kept), rel=0.01)


@pytest.mark.parametrize("config", [BASE, Config(50, 16, n_heads=4, n_kv_heads=1, tied=False)])
@pytest.mark.parametrize("optimizer", costs.OPTIMIZERS)
def test_weights_gradients_and_the_optimizers_state_are_what_they_take(config, optimizer):
    model = Transformer(config)
    model(torch.zeros(1, 4, dtype=torch.long)).sum().backward()
    state = []
    for stepper in pretraining.optimizers(model, 0.02 if optimizer == "muon" else None, 0.004):
        stepper.step()
        state += [t for of_one in stepper.state.values() for t in of_one.values() if t.dim() > 0]
    expected = costs.memory(config, optimizer=optimizer)
    assert expected["weights"] == bytes_of(model.parameters())
    assert expected["gradients"] == bytes_of(p.grad for p in model.parameters())
    assert expected["optimizer"] == bytes_of(state)


@settings(deadline=None, max_examples=20)
@given(configs(), st.integers(1, 3))
def test_the_cache_is_as_large_as_the_one_that_decoding_uses(config, batch_size):
    cache = Cache(Transformer(config), batch_size)
    tensors = [t for past in cache.layers for t in (past.keys, past.values)]
    assert costs.memory(config, batch_size)["cache"] == bytes_of(tensors)


def test_half_as_many_bytes_for_each_number_are_half_as_many_in_all():
    whole, half = costs.memory(BASE), costs.memory(BASE, bytes_per_number=2)
    assert all(half[name] == whole[name] / 2 for name in ("weights", "gradients", "optimizer", "cache"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"length": 0}, "length=0 must be at least 1"),
        ({"batch_size": 0}, "batch_size=0 must be at least 1"),
        ({"optimizer": "sgd"}, "optimizer='sgd' is not one of muon, adamw"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        costs.memory(BASE, **settings)
