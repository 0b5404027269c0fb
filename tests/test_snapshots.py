"""tinylm.snapshots: a run that was stopped, killed or damaged ends as one that never was."""

import json
import os
import resource
import signal
import subprocess
import sys
import time

import filelock
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tinylm import snapshots
from tinylm.muon import Muon
from tinylm.pretraining import History, train
from tinylm.transformer import Config, Transformer

IDS = torch.tensor(list(b"the cat sat on the mat and the dog sat on the log. " * 20))
N_STEPS = 12


class Stop(Exception):
    pass


def run(folder=None, stop_after: int | None = None, seed: int = 0, ids=IDS, **changed) -> History:
    """A short training; `stop_after` ends it as if the power had failed."""
    torch.manual_seed(seed)
    model = Transformer(Config(vocab_size=128, context=16, d_model=32, n_heads=2))

    def stop(step, _):
        if step == stop_after:
            raise Stop

    settings = {"n_steps": N_STEPS, "batch_size": 4, "warm_up": 3, "seed": seed, "save_every": 3}
    settings |= {"validation": ids, "evaluate_every": 4, "progress": None, "on_step": stop}
    history = train(model, ids, folder=folder, **settings | changed)
    weights = torch.cat([p.detach().flatten() for p in model.parameters()])
    return history, weights


@settings(deadline=None, max_examples=12)
@given(stops=st.lists(st.integers(1, N_STEPS), max_size=3), matrix_rate=st.sampled_from([0.02, None]))
def test_a_run_that_was_stopped_ends_as_one_that_never_was(tmp_path_factory, stops, matrix_rate):
    folder = tmp_path_factory.mktemp("run")
    for stop_after in stops:
        try:
            run(folder, stop_after, matrix_rate=matrix_rate)
        except Stop:
            torch.rand(3)  # the next process's random state is another
    history, weights = run(folder, matrix_rate=matrix_rate)
    never_stopped, same_weights = run(matrix_rate=matrix_rate)
    assert history == never_stopped
    assert torch.equal(weights, same_weights)


def test_two_states_are_kept_and_the_last_is_the_end(tmp_path):
    run(tmp_path)
    assert sorted(path.name for path in tmp_path.glob("step-*")) == ["step-00000009", "step-00000012"]
    assert run(tmp_path, stop_after=1)[0] == run(tmp_path)[0]  # done: no step is taken any more


DAMAGE = {
    "a byte changed": lambda path: flip(path / "state.safetensors"),
    "cut short": lambda path: os.truncate(path / "state.safetensors", 100),
    "empty": lambda path: (path / "state.json").write_text(""),
    "half missing": lambda path: (path / "state.safetensors").unlink(),
    "no checksums": lambda path: (path / "sha256.json").unlink(),
}


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_state_is_passed_over_for_the_one_before_it(tmp_path, capsys, damage):
    with pytest.raises(Stop):
        run(tmp_path, stop_after=8)
    damage(tmp_path / "step-00000006")
    history, _ = run(tmp_path)
    assert "step-00000006 is damaged" in capsys.readouterr().out
    assert history == run()[0]


def test_where_all_states_are_damaged_the_run_begins_anew(tmp_path):
    with pytest.raises(Stop):
        run(tmp_path, stop_after=8)
    for path in tmp_path.glob("step-*"):
        flip(path / "state.json")
    assert snapshots.newest(tmp_path) is None
    assert run(tmp_path)[0] == run()[0]


CHILD = """
import sys; sys.path.insert(0, {tests!r})
import torch; torch.set_num_threads(1)
import test_snapshots
print("started", flush=True)
test_snapshots.run({folder!r}, n_steps=60, save_every=1)
print("done", flush=True)
"""


def start_child(folder) -> subprocess.Popen:
    code = CHILD.format(tests=os.path.dirname(__file__), folder=str(folder))
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_run_killed_at_any_moment_goes_on_with_the_same_losses(tmp_path):
    """It saves after every step, so most of the kills come in the middle of a save."""
    n_killed = 0
    for delay in (0.1, 0.17, 0.3):
        child = start_child(tmp_path)
        assert child.stdout.readline() == "started\n"
        time.sleep(delay)
        child.send_signal(signal.SIGKILL)
        n_killed += child.stdout.read() != "done\n"
        child.wait()
    assert n_killed, "no run was still at work when it was killed"
    history, _ = run(tmp_path, n_steps=60, save_every=1)
    assert history == run(n_steps=60)[0]
    assert not list(tmp_path.glob(".step-*")), "what was half-written is still there"


def test_ctrl_c_keeps_the_state_it_comes_in(tmp_path, capsys):
    def interrupt(step, _):
        if step == 5:
            raise KeyboardInterrupt

    first, _ = run(tmp_path, on_step=interrupt, save_every=0)
    assert len(first.training) == 5
    assert "stopped after 5 of 12 steps" in capsys.readouterr().out
    assert snapshots.newest(tmp_path)[0].name == "step-00000005"
    assert run(tmp_path)[0] == run()[0]


def test_ctrl_c_in_the_middle_of_a_step_keeps_the_state_before_it(tmp_path, monkeypatch):
    calls = []

    def step(self, *_):
        calls.append(1)
        if len(calls) == 8:
            raise KeyboardInterrupt
        return original(self)

    original = Muon.step
    monkeypatch.setattr(Muon, "step", step)
    run(tmp_path)
    assert snapshots.newest(tmp_path)[0].name == "step-00000006"
    monkeypatch.undo()
    assert run(tmp_path)[0] == run()[0]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot limit the size of files")
def test_a_full_disk_is_said_in_one_line_and_the_last_state_kept(tmp_path):
    with pytest.raises(Stop):
        run(tmp_path, stop_after=4)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(OSError, match=r"state before step 6 could not be written .* kept: step-00000003"):
            run(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    assert [path.name for path in tmp_path.iterdir() if path.name != ".lock"] == ["step-00000003"]
    assert run(tmp_path)[0] == run()[0]


def test_a_loss_that_is_no_number_leaves_the_state_before_it(tmp_path):
    def poison(step, model):
        if step == 8:
            with torch.no_grad():
                model.norm.weight.fill_(torch.nan)

    with pytest.raises(FloatingPointError, match="the loss became nan at step 8"):
        run(tmp_path, on_evaluate=poison)
    assert snapshots.newest(tmp_path)[0].name == "step-00000006"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"batch_size": 8}, "has batch_size=4, not 8: give the same again, or another folder"),
        ({"matrix_rate": None}, r"has matrix_rate=0\.02, not None"),
        ({"ids": IDS[:-1]}, "has another text"),
        ({"seed": 3}, "has seed=0, not 3"),
    ],
)
def test_another_run_in_the_same_folder_is_refused(tmp_path, changed, message):
    with pytest.raises(Stop):
        run(tmp_path, stop_after=4)
    with pytest.raises(ValueError, match=message):
        run(tmp_path, **changed)


def test_two_trainings_in_one_folder_are_refused(tmp_path):
    with (
        filelock.FileLock(tmp_path / ".lock"),
        pytest.raises(ValueError, match="another training is at work"),
    ):
        run(tmp_path)
    run(tmp_path)


def test_a_state_holds_nothing_that_can_run(tmp_path):
    run(tmp_path)
    newest, notes = snapshots.newest(tmp_path)
    assert {path.name for path in newest.iterdir()} == {"state.safetensors", "state.json", "sha256.json"}
    assert notes == json.loads((newest / "state.json").read_text())
