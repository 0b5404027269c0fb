"""python -m tinylm.pretraining, as a person uses it: trains, goes on, says what is wrong in one line."""

import json
import signal
import subprocess
import sys

import pytest

from tinylm import checkpoints, pretraining_command, snapshots

TEXT = "".join(f"{i} and {i + 1} make {2 * i + 1}.\n" for i in range(400))
QUICK = ["--n-layers=1", "--d-model=32", "--context=32", "--vocab-size=257", "--batch-size=8", "--n-steps=12"]
QUICK += ["--evaluate-every=6", "--save-every=4", "--warm-up=3", "--device=cpu"]


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(TEXT)
    return f"--text={path}"


def test_help_teaches_the_command():
    said = subprocess.run(
        [sys.executable, "-m", "tinylm.pretraining", "--help"], capture_output=True, text=True, check=True
    ).stdout
    options = [option for action in pretraining_command.parser()._actions for option in action.option_strings]
    assert all(option in said for option in options)
    assert "torchrun --nproc-per-node 2" in said
    assert "goes on from there" in said


def test_a_text_becomes_a_model_that_loads(tmp_path, text, capsys):
    assert pretraining_command.main([str(tmp_path / "run"), text, *QUICK, "--transformers"]) == 0
    said = capsys.readouterr().out
    assert "after     12 steps   validation loss" in said
    trained = checkpoints.load(tmp_path / "run" / "model")
    assert trained.tokenizer.decode(trained.tokenizer.encode("1 and 2")) == "1 and 2"
    assert trained.extra["steps"] == [0, 6, 12]
    assert trained.extra["validation"][-1] < trained.extra["validation"][0]
    assert (tmp_path / "run" / "transformers" / "tokenizer.json").exists()


def test_the_same_command_goes_on_where_it_stopped(tmp_path, text, capsys, monkeypatch):
    save, saved = snapshots.save, []

    def save_then_stop(folder, step, *rest):
        save(folder, step, *rest)
        saved.append(step)
        if saved == [4, 8]:
            raise KeyboardInterrupt

    folder = str(tmp_path / "run")
    monkeypatch.setattr(snapshots, "save", save_then_stop)
    assert pretraining_command.main([folder, text, *QUICK]) == 0
    assert "stopped after 8 of 12 steps" in capsys.readouterr().out
    monkeypatch.undo()
    assert pretraining_command.main([folder, text, *QUICK]) == 0
    assert pretraining_command.main([str(tmp_path / "never-stopped"), text, *QUICK]) == 0
    assert (
        checkpoints.load(f"{folder}/model").extra == checkpoints.load(tmp_path / "never-stopped/model").extra
    )


def test_a_target_ends_the_training(tmp_path, text):
    assert pretraining_command.main([str(tmp_path / "run"), text, *QUICK, "--target-loss=5.3"]) == 0
    assert len(checkpoints.load(tmp_path / "run" / "model").extra["training"]) == 6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--text=absent.txt"], "there is no file absent.txt"),
        (["--vocab-size=100"], "vocab_size=100 is too small"),
        (["--n-heads=5"], "d_model=32 is not a multiple of n_heads=5"),
        (["--context=5000"], "tokens are too few for one window of 5000"),
        (["--batch-size=8", "--accumulate=3"], "batch_size=8 is not a multiple of 3"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path, text, capsys, arguments, message):
    assert pretraining_command.main([str(tmp_path / "run"), text, *QUICK, *arguments]) == 1
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1
    assert said[0].startswith("tinylm.pretraining: ")
    assert message in said[0]


def test_a_folder_that_cannot_be_written_is_said_in_one_line(tmp_path, text, capsys):
    (tmp_path / "file").write_text("in the way")
    assert pretraining_command.main([str(tmp_path / "file" / "run"), text, *QUICK]) == 1
    assert "file" in capsys.readouterr().err


def test_other_settings_in_the_same_folder_are_refused(tmp_path, text, capsys):
    assert pretraining_command.main([str(tmp_path), text, *QUICK, "--n-steps=4"]) == 0
    assert pretraining_command.main([str(tmp_path), text, *QUICK, "--n-steps=8"]) == 1
    assert "has n_steps=4, not 8" in capsys.readouterr().err
    assert json.loads((tmp_path / "model" / "extra.json").read_text())["steps"] == [0, 4]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no such signal")
def test_ctrl_c_leaves_no_traceback(tmp_path, text, hears_ctrl_c):
    slow = [sys.executable, "-m", "tinylm.pretraining", str(tmp_path / "run"), text, *QUICK]
    slow += ["--n-steps=100000", "--save-every=1"]
    running = subprocess.Popen(
        slow,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **hears_ctrl_c,
    )
    try:
        while not snapshots.newest(tmp_path / "run" / "states"):
            assert running.poll() is None, running.stderr.read()
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=120)
    finally:
        running.kill()
    assert running.returncode == 0
    assert "stopped after" in out
    assert "Traceback" not in err
