"""The panels: widgets that drive Python objects, tried through the widgets themselves."""

import pytest
import torch

from tinylm import pretraining
from tinylm.live.panel import ModelPanel, TrainingPanel


def test_typing_shows_what_the_model_says(make_model, tokenizer):
    model = make_model()
    panel = ModelPanel(model, tokenizer, "Mira")
    panel.box.value = "Mira lives"
    assert panel.ids == tokenizer.encode("Mira lives")
    assert torch.allclose(panel.logits, model(torch.tensor([panel.ids]))[0, -1], atol=1e-5)
    best = f"{100 * panel.logits.softmax(-1).max().item():.1f} %"
    assert best in panel.table.value


def test_its_buttons_write_and_the_text_can_be_read_back(make_model, tokenizer):
    panel = ModelPanel(make_model(), tokenizer, "Mira", n_tokens=5, seed=3)
    panel.one.click()
    panel.many.click()
    assert panel.text.startswith("Mira")
    assert len(panel.text) > len("Mira")
    again = ModelPanel(make_model(), tokenizer, "Mira", n_tokens=5, seed=3)
    again.one.click()
    again.many.click()
    assert again.text == panel.text


def test_an_empty_box_a_long_text_and_a_broken_model_are_explained(make_model, tokenizer):
    panel = ModelPanel(make_model(context=8), tokenizer, "")
    assert "Type something" in panel.message.value
    assert panel.one.disabled
    panel.text = "Where does Mira live? " * 5
    assert "the first" in panel.message.value
    assert not panel.one.disabled

    def broken(ids):
        raise RuntimeError("mat1 and mat2 do not fit")

    assert "RuntimeError: mat1 and mat2" in ModelPanel(broken, tokenizer, "Mira").message.value
    lost = ModelPanel(lambda ids: torch.full((1, ids.shape[1], 320), torch.nan), tokenizer, "Mira")
    assert "not all finite" in lost.message.value


def test_a_page_shows_a_still_picture_without_controls(make_model, tokenizer):
    ids = torch.randint(320, (2_000,))
    for panel in (ModelPanel(make_model(), tokenizer, "<b>Mira"), TrainingPanel(make_model(), ids, 5)):
        page = panel._repr_mimebundle_()["text/html"]
        assert not any(control in page for control in ("<button", "<input", "<textarea", "<select", "<b>"))
        assert "still picture" in page


@pytest.fixture
def trained(make_model):
    ids = torch.randint(320, (4_000,), generator=torch.Generator().manual_seed(0))

    def make(n_steps: int, **settings):
        return TrainingPanel(make_model(), ids, n_steps, batch_size=4, compiled=False, **settings)

    return make


def test_a_training_runs_to_its_end_beside_the_notebook(trained):
    panel = trained(6)
    panel.start_button.click()
    panel.wait(60)
    assert panel.history.training == panel.losses
    assert len(panel.losses) == panel.bar.value == 6
    assert "done after 6 steps" in panel.message.value
    assert "<svg" in panel.curve.value


def test_steering_nothing_changes_nothing(trained):
    panel, plain = trained(5, seed=1), trained(5)
    panel.start()
    panel.wait(60)
    losses = pretraining.train(plain.model, plain.ids, 5, batch_size=4, seed=1, compiled=False, progress=None)
    assert panel.losses == losses.training


def test_a_training_can_be_paused_steered_and_stopped(trained):
    panel = trained(100_000)
    panel.start()
    while len(panel.losses) < 3:
        panel.wait(0.01)
    panel.pause_button.click()
    n = -1
    while n != len(panel.losses):  # the step at hand is finished first
        n = len(panel.losses)
        panel.wait(1)
    panel.wait(0.3)
    assert panel.running
    assert len(panel.losses) == n
    assert "paused" in panel.message.value
    panel.rate.value = 0.1
    panel.start_button.click()
    while len(panel.losses) < n + 3:
        panel.wait(0.01)
    panel.stop_button.click()
    panel.wait(60)
    assert not panel.running
    assert panel.rates[0] == 1.0
    assert panel.rates[-1] == pytest.approx(0.1)
    assert "stopped after" in panel.message.value
    assert not panel.model.training


def test_a_training_that_fails_says_why(trained):
    panel = trained(5)
    panel.ids = panel.ids + 1_000
    panel.start()
    panel.wait(60)
    assert "ValueError: token id" in panel.message.value
