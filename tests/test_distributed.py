"""tinylm.distributed: two real processes train the model that one would, and each window is read once."""

import itertools
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tinylm import checkpoints, distributed, pretraining, snapshots

# a few short steps, in float32 so that sums in another order stay close
QUICK = ["--n-layers", "1", "--d-model", "32", "--context", "32", "--vocab-size", "257", "--batch-size", "8"]
QUICK += [
    "--evaluate-every",
    "10",
    "--save-every",
    "5",
    "--warm-up",
    "5",
    "--threads",
    "1",
    "--device",
    "cpu",
]
QUICK += ["--precision", "float32"]


@pytest.fixture(scope="module")
def text(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_text("".join(f"{i} and {i + 1} make {2 * i + 1}.\n" for i in range(400)))
    return path


def command(n_processes: int, folder: Path, text: Path, *more: str) -> list[str]:
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(n_processes)]
    several = torchrun if n_processes > 1 else []
    program = [sys.executable, *several, "-m", "tinylm.pretraining", str(folder), "--text", str(text)]
    return program + QUICK + list(more)


def run(*arguments: str) -> subprocess.CompletedProcess:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}
    return subprocess.run(
        command(*arguments), capture_output=True, text=True, timeout=300, env=environment, check=False
    )


def train(*arguments: str) -> dict:
    """Run the command to its end; the history that it leaves."""
    done = run(*arguments)
    assert done.returncode == 0, done.stderr
    return checkpoints.load(arguments[1] / "model").extra


@pytest.fixture(scope="module")
def alone(tmp_path_factory, text) -> dict:
    return train(1, tmp_path_factory.mktemp("alone"), text, "--n-steps", "20")


@pytest.mark.parametrize(
    "more", [[], ["--sharded"], ["--accumulate", "2"]], ids=["whole", "sharded", "parts"]
)
def test_two_processes_have_the_losses_of_one(tmp_path, text, alone, more):
    together = train(2, tmp_path, text, "--n-steps", "20", *more)
    assert together["training"] == pytest.approx(alone["training"], abs=2e-3)
    assert together["validation"] == pytest.approx(alone["validation"], abs=2e-3)


@pytest.mark.parametrize(("more", "n_later"), [([], 1), (["--sharded"], 2)], ids=["whole", "sharded"])
def test_two_processes_that_were_killed_go_on_with_the_same_losses(tmp_path, text, alone, more, n_later):
    steps = ["--n-steps", "20", *more]
    running = subprocess.Popen(
        command(2, tmp_path, text, *steps, "--save-every", "1"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    while not snapshots.newest(tmp_path / "states"):
        assert running.poll() is None, "it ended before anything was saved"
        time.sleep(0.05)
    for process in [*psutil.Process(running.pid).children(recursive=True), running]:
        process.kill()
    running.wait()
    again = train(n_later, tmp_path, text, *steps)
    assert again["training"] == pytest.approx(alone["training"], abs=2e-3)


@given(
    n_tokens=st.integers(2, 400),
    length=st.integers(1, 20),
    batch_size=st.sampled_from([4, 8, 12]),
    n_processes=st.sampled_from([1, 2, 4]),
    seed=st.integers(0, 5),
)
def test_each_window_of_a_pass_is_read_once_by_one_process(n_tokens, length, batch_size, n_processes, seed):
    if n_tokens <= length:
        return
    per_pass = len(pretraining.shuffled(n_tokens, length, seed, 0))
    n_steps, read = -(-3 * per_pass // batch_size), []
    for step in range(n_steps):
        starts = pretraining.starts_at(step, batch_size, n_tokens, length, seed)
        shares = [starts[rank::n_processes] for rank in range(n_processes)]  # as `share` does in each process
        assert {len(part) for part in shares} == {batch_size // n_processes}
        assert sorted(torch.cat(shares).tolist()) == sorted(starts.tolist())
        read += starts.tolist()
    for n_pass in range(3):
        windows = sorted(read[n_pass * per_pass : (n_pass + 1) * per_pass])
        assert all(b - a == length for a, b in itertools.pairwise(windows)), "twice, or left out"
        assert 0 <= windows[0] < length
        assert windows[-1] + length < n_tokens
        assert n_tokens - (windows[-1] + length) <= 2 * length  # what is left out at the end is left out once


def test_alone_it_does_nothing():
    values = torch.arange(5)
    assert torch.equal(distributed.share(values), values)
    assert distributed.mean(values) is values
    assert distributed.spread(values) is values
    assert distributed.from_first("this") == "this"
    assert distributed.same("this")
    assert (distributed.rank(), distributed.n_processes()) == (0, 1)


def test_more_processes_than_gpus_is_said_in_one_line(monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "3")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(ValueError, match="GPUs on this machine: 1, processes: 4 or more; start fewer"):
        distributed.start("cuda")


def test_a_batch_that_cannot_be_shared_is_refused_in_one_line(tmp_path, text):
    done = run(2, tmp_path, text, "--batch-size", "5", "--n-steps", "2")
    assert done.returncode != 0
    said = [line for line in done.stderr.splitlines() if line.startswith("tinylm.pretraining:")]
    assert said
    assert set(said) == {
        "tinylm.pretraining: batch_size=5 is not a multiple of 2, "
        "the number of processes times that of the parts of each"
    }


def test_processes_with_different_texts_are_refused(tmp_path, text):
    """As on two machines, of which one has an older copy."""
    code = "import os, runpy, sys; sys.argv[3] += os.environ['RANK'] * (os.environ['RANK'] != '0');"
    code += "runpy.run_module('tinylm.pretraining', run_name='__main__')"
    (tmp_path / "program.py").write_text(code)
    (tmp_path / "text.txt1").write_text(text.read_text().replace("5", "6"))
    (tmp_path / "text.txt").write_text(text.read_text())
    program = command(2, tmp_path / "run", tmp_path / "text.txt", "--n-steps", "2")
    program[program.index("-m", 3) : program.index("tinylm.pretraining") + 1] = [str(tmp_path / "program.py")]
    done = subprocess.run(program, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode != 0
    assert "tinylm.pretraining: the processes were given different texts or settings" in done.stderr


def test_the_model_of_sharded_processes_is_a_whole_one(tmp_path, text):
    train(2, tmp_path, text, "--n-steps", "4", "--sharded", "--transformers")
    model = checkpoints.load(tmp_path / "model").model
    assert json.loads((tmp_path / "transformers" / "config.json").read_text())["model_type"] == "qwen3"
    with torch.no_grad():
        assert model(torch.tensor([[1, 2, 3]])).isfinite().all()
