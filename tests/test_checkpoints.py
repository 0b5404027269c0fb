"""tinylm.checkpoints: a model on disk is whole, is the one that was asked for, and was trained once."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch

from tinylm import checkpoints, recipes, tokens
from tinylm.checkpoints import Trained, load, save, trained
from tinylm.transformer import Config, Transformer

TOKENIZER = tokens.train("some text, some more text", 260, ["<end>"])


def example(seed: int = 0, **sizes) -> Trained:
    torch.manual_seed(seed)
    sizes = {"d_model": 16, "n_heads": 4, "n_kv_heads": 2, "n_layers": 1} | sizes
    model = Transformer(Config(vocab_size=TOKENIZER.vocab_size, **sizes))
    return Trained(model, TOKENIZER, {"losses": [1.5, 0.25], "seed": seed})


def logits(one: Trained) -> torch.Tensor:
    with torch.no_grad():
        return one.model(torch.arange(12)[None])


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache of trained models, in a folder with a space in its name."""
    monkeypatch.setenv("TINYLM_CACHE", str(tmp_path / "the models"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))  # for the processes that a test starts
    return tmp_path / "the models"


@pytest.mark.parametrize(
    "sizes", [{}, {"tied": False}, {"qk_norm": True}, {"causal": False, "n_kv_heads": 1}]
)
def test_a_saved_model_loads_equal(tmp_path, sizes):
    one = example(**sizes)
    save(one, tmp_path / "model")
    again = load(tmp_path / "model")
    assert torch.equal(logits(one), logits(again))
    assert again.model.config == one.model.config
    assert again.model.n_parameters == one.model.n_parameters
    assert not again.model.training
    assert again.extra == one.extra
    assert again.tokenizer.encode("some text<end>") == TOKENIZER.encode("some text<end>")


def test_a_loaded_tied_model_is_still_tied(tmp_path):
    save(example(), tmp_path / "model")
    model = load(tmp_path / "model").model
    assert model.readout.weight is model.embedding.weight


def test_a_model_may_have_no_tokenizer(tmp_path):
    save(Trained(example().model), tmp_path / "model")
    assert load(tmp_path / "model").tokenizer is None


@pytest.mark.parametrize("place", [0, 0.5, -1], ids=["first", "middle", "last"])
@pytest.mark.parametrize(
    "name", ["model.safetensors", "config.json", "extra.json", "tokenizer.json", "sha256.json"]
)
def test_one_damaged_byte_in_any_file_is_noticed(tmp_path, name, place):
    save(example(), tmp_path / "model")
    path = tmp_path / "model" / name
    content = bytearray(path.read_bytes())
    content[int(place * len(content)) if place != -1 else -1] ^= 0x81
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"the checkpoint in .*model is damaged"):
        load(tmp_path / "model")


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "extra.json", "tokenizer.json"])
def test_a_file_that_is_missing_or_cut_short_is_named(tmp_path, name):
    save(example(), tmp_path / "model")
    path = tmp_path / "model" / name
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ValueError, match=f"is damaged: {name} changed since saved"):
        load(tmp_path / "model")
    path.unlink()
    with pytest.raises(ValueError, match=f"is damaged.*{name}"):
        load(tmp_path / "model")


def test_no_checkpoint_is_not_a_damaged_one(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no checkpoint in"):
        load(tmp_path / "nowhere")


class FullDisk(OSError):
    pass


@pytest.mark.parametrize("stop", [FullDisk, KeyboardInterrupt])
@pytest.mark.parametrize(
    "moment",
    ["safetensors.torch.save_file", "tinylm.tokens.Tokenizer.save", "tinylm.folders._sha256", "rename"],
)
def test_a_save_that_is_cut_off_leaves_the_old_checkpoint(tmp_path, monkeypatch, moment, stop):
    old = example(seed=1)
    save(old, tmp_path / "model")
    rename = Path.rename

    def fail(*args):
        raise stop

    def fail_on_the_new_one(path, target):
        if (
            (path / "model.safetensors").exists()
            and Path(target) == tmp_path / "model"
            and not path.name.endswith("-old")
        ):
            raise stop
        return rename(path, target)

    with monkeypatch.context() as patch:
        if moment == "rename":
            patch.setattr(Path, "rename", fail_on_the_new_one)
        else:
            patch.setattr(moment, fail)
        with pytest.raises(stop):
            save(example(seed=2), tmp_path / "model")
    assert torch.equal(logits(load(tmp_path / "model")), logits(old))
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_second_save_replaces_the_first(tmp_path):
    save(example(seed=1), tmp_path / "model")
    save(example(seed=2), tmp_path / "model")
    assert torch.equal(logits(load(tmp_path / "model")), logits(example(seed=2)))
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_model_is_trained_once_and_again_where_its_recipe_changes(cache):
    calls = []

    def train(seed):
        calls.append(seed)
        return example()

    first, second = trained("small", train, seed=1), trained("small", train, seed=1)
    assert torch.equal(logits(first), logits(second))
    assert len(calls) == 1
    trained("small", train, seed=2)
    trained("other", train, seed=1)
    assert calls == [1, 2, 1]


def test_a_change_in_the_training_function_trains_anew(cache, monkeypatch):
    calls = []

    def train():
        calls.append("by the first")
        return example()

    trained("small", train)

    def train():
        calls.append("by the second")
        return example()

    trained("small", train)
    monkeypatch.setattr(
        recipes.inspect, "getsource", lambda part, real=recipes.inspect.getsource: real(part) + "#"
    )
    trained("small", train)
    assert calls == ["by the first", "by the second", "by the second"]


def test_a_damaged_model_is_reported_and_trained_again(cache, capsys):
    calls = []

    def train():
        calls.append("trained")
        return example()

    trained("small", train)
    (weights,) = cache.glob("small-*/model.safetensors")
    weights.write_bytes(weights.read_bytes()[:-1])
    assert torch.equal(logits(trained("small", train)), logits(example()))
    assert len(calls) == 2
    assert "model.safetensors changed since saved; training it again." in capsys.readouterr().out
    trained("small", train)
    assert len(calls) == 2


def test_a_model_with_files_missing_is_trained_again(cache):
    trained("small", example)
    (folder,) = cache.glob("small-*/")
    (folder / "sha256.json").unlink()
    assert torch.equal(logits(trained("small", example)), logits(example()))


def test_one_model_may_be_trained_from_another_whatever_their_names(cache):
    script = cache.parent / "nested.py"  # a process of its own: locked out by itself, it would wait for ever
    script.write_text(
        textwrap.dedent("""
        from test_checkpoints import example, trained

        def from_another():
            trained("model-0.1", example)
            return example()

        trained("model-0.2", from_another)
        """)
    )
    subprocess.run([sys.executable, script], check=True, timeout=60)
    assert len(list(cache.glob("model-0.*/sha256.json"))) == 2


def test_a_training_that_fails_leaves_nothing_and_may_be_tried_again(cache):
    def fail():
        raise FloatingPointError("the loss became nan")

    with pytest.raises(FloatingPointError):
        trained("small", fail)
    assert list(cache.glob("*/")) == []
    trained("small", example)


def test_two_processes_that_ask_at_once_train_once(cache):
    script = cache.parent / "ask.py"
    script.write_text(
        textwrap.dedent("""
        import sys, time
        from pathlib import Path
        from test_checkpoints import example, logits, trained

        here, me = Path(__file__).parent, sys.argv[1:]  # a list is no part of the recipe

        def train():
            (here / f"trained-by-{me[0]}").touch()
            time.sleep(1)  # long enough for the other to come
            return example()

        (here / f"ready-{me[0]}").touch()
        while len(list(here.glob("ready-*"))) < 2:
            time.sleep(0.01)
        print(logits(trained("shared", train)).sum().item())
        """)
    )
    asking = [
        subprocess.Popen([sys.executable, script, me], stdout=subprocess.PIPE, text=True)
        for me in ("first", "second")
    ]
    answers = [process.communicate(timeout=60)[0] for process in asking]
    assert [process.returncode for process in asking] == [0, 0]
    assert len(list(cache.parent.glob("trained-by-*"))) == 1
    assert answers[0] == answers[1] != ""


def test_the_cache_is_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("TINYLM_CACHE", str(tmp_path))
    assert checkpoints.cache_folder() == tmp_path
    monkeypatch.delenv("TINYLM_CACHE")
    assert checkpoints.cache_folder().name == "tinylm"
