"""bench/bench.py: the peers are what they claim to be, and all is counted rightly; never a clock."""

import json
import math
import subprocess
import sys
import threading
from pathlib import Path

import contestants
import contests
import machine
import peers
import pytest
import speed_tables
import torch
import turns
import writers
from contestants import CONTEXT, MODELS, Contestant, Settings, config_of, n_parameters
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.testing import assert_close
from torch.utils.flop_counter import FlopCounterMode

import bench
from tinylm.pretraining import evaluate, next_token_loss
from tinylm.transformer import Config, Transformer

SMALL = Config(vocab_size=256, context=16, n_layers=2, d_model=32, n_heads=2)
IDS = torch.tensor(list(b"the cat sat on the mat and the dog sat on the log. " * 20))
TINY = {"n_layers": 1, "d_model": 16, "n_heads": 2}
ROOT = Path(bench.__file__).parents[1]


@pytest.fixture(autouse=True)
def threads_as_before(monkeypatch):
    """The command sets the number of threads for its whole process: here, that of all tests."""
    for library in "OMP", "MKL", "OPENBLAS":
        monkeypatch.setenv(f"{library}_NUM_THREADS", "1")
    n_threads = torch.get_num_threads()
    yield
    torch.set_num_threads(n_threads)


def built(model: str, config: Config = SMALL) -> torch.nn.Module:
    torch.manual_seed(0)
    return MODELS[model](config)


# ---- the peers


def test_llama_has_the_parameters_of_our_model():
    for size in contestants.SIZES:
        config = config_of(size)
        assert n_parameters(built("Llama", config)) == Transformer(config).n_parameters


def test_nanogpt_has_the_parameters_of_its_shape():
    c = config_of("0.8M")
    blocks = c.n_layers * (12 * c.d_model**2 + 2 * c.d_model)  # two norms without bias
    assert n_parameters(built("nanoGPT", c)) == blocks + (c.vocab_size + c.context + 1) * c.d_model


def test_gpt2_has_the_parameters_of_its_shape():
    c = config_of("0.8M")
    blocks = c.n_layers * (12 * c.d_model**2 + 13 * c.d_model)  # four biases and two norms with bias
    assert n_parameters(built("GPT-2", c)) == blocks + (c.vocab_size + c.context + 2) * c.d_model


@pytest.mark.parametrize("model", MODELS)
def test_an_untrained_model_guesses_evenly(model):
    loss = evaluate(built(model), IDS)
    assert loss == pytest.approx(math.log(SMALL.vocab_size), rel=0.02)


@pytest.mark.parametrize("model", MODELS)
def test_no_model_sees_the_future(model):
    peer, ids = built(model).eval(), IDS[None, :16].clone()
    before = peer(ids)
    ids[0, 10] = 255
    after = peer(ids)
    assert_close(after[0, :10], before[0, :10])
    assert not torch.allclose(after[0, 10:], before[0, 10:])


@pytest.mark.parametrize("model", ["nanoGPT", "Llama", "GPT-2"])
@pytest.mark.parametrize("autocast", [False, True])
def test_the_plain_loop_teaches_a_peer(model, autocast):
    peer, steps = built(model), []
    peers.train_plainly(peer, IDS, 30, peers.TUNED, lambda: steps.append(1), seed=1, autocast=autocast)
    assert len(steps) == 30
    assert evaluate(peer, IDS) < 0.7 * math.log(SMALL.vocab_size)


def test_nanogpts_rate_is_that_of_its_readme():
    plan = peers.README_RUN
    rates = [plan.rate_at(step, 2000) for step in range(2001)]
    assert rates.index(max(rates)) == 100
    assert max(rates) == 1e-3
    assert rates[1050] == pytest.approx((1e-3 + 1e-4) / 2)  # half way down the cosine
    assert rates[2000] == pytest.approx(1e-4)


def test_the_tuned_rate_rises_in_a_line_and_falls_in_a_line_to_zero():
    rates = [peers.TUNED.rate_at(step, 240) for step in range(241)]
    assert max(rates) == rates[40] == 3e-3
    assert rates[140] == pytest.approx(1.5e-3)
    assert rates[240] == 0


def test_transformers_writes_the_same_text_with_the_same_weights():
    settings = Settings(bench.RECIPE, n_new=20)
    model, prompt = writers.clear_model("0.8M", settings), torch.randint(1024, (2, writers.PROMPT))
    text = writers.theirs(model)(prompt, 20)
    assert text.shape == (2, writers.PROMPT + 20)
    assert torch.equal(writers.ours(model)(prompt, 20), text)
    assert len(text[:, writers.PROMPT :].unique()) > 10  # no text that says one thing over and over


def test_an_engine_that_writes_something_else_is_refused():
    text = torch.zeros(2, writers.PROMPT + 10, dtype=torch.long)
    other = text.clone()
    other[0, writers.PROMPT + 5] = 1
    assert writers.agreement(other, text) == 0.75  # half of one row is lost, though only one token differs
    with pytest.raises(ValueError, match="tinylm, float32 does not compute the same model"):
        writers.check({"Llama, float32": text, "tinylm, float32": other})


# ---- what is counted


@pytest.mark.parametrize("model", MODELS)
def test_operations_are_those_that_pytorch_counts(model):
    config = Config(**SMALL.to_dict() | {"qk_norm": model == "tinylm"})
    peer, ids = built(model, config), IDS[: 3 * 16].view(3, 16)
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        next_token_loss(peer(ids), ids).backward()
    assert counter.get_total_flops() == 3 * 16 * machine.flops_per_token(peer)


def test_operations_of_a_readout_of_its_own_are_counted_too():
    tied, own = (Transformer(Config(**SMALL.to_dict() | {"tied": tied})) for tied in (True, False))
    assert machine.flops_per_token(tied) == machine.flops_per_token(own)


HOLD_AND_MEASURE = """
import machine, subprocess, sys
code = "import sys; sys.path[:0] = {path}; import machine; print(machine.peak_memory())"
ours = b"x" * 400_000_000
print(subprocess.check_output([sys.executable, "-c", code.format(path=sys.path)], text=True))
print(machine.peak_memory())
"""


def test_a_process_does_not_count_the_memory_of_the_one_that_started_it():
    code = f"import sys; sys.path[:0] = {[str(ROOT / 'bench'), str(ROOT)]}{HOLD_AND_MEASURE}"
    said = subprocess.check_output([sys.executable, "-c", code], text=True)
    child, parent = map(int, said.split())
    assert parent > child + 300_000_000


# ---- taking turns


def counting(n_steps: int, seen: list | None = None, name: str = ""):
    """A contestant that counts its steps, and in `seen` who took one when."""

    def work(on_step):
        for _ in range(n_steps):
            if seen is not None:
                seen.append(name)
            on_step()
        return n_steps

    return work


def test_whoever_is_furthest_behind_goes_next_so_all_end_together():
    seen = []
    entries = {
        name: turns.Entry(counting(n, seen, name), n)
        for name, n in {"long": 40, "short": 10, "one": 1}.items()
    }
    laps = turns.take_turns(entries, "test", turn=0)
    assert [laps[name].result for name in entries] == [40, 10, 1]
    assert [sum(laps[name].steps) for name in entries] == [40, 10, 1]
    assert [step for step in seen if step != "one"][:10] == [
        "long",
        "short",
        *["long"] * 4,
        "short",
        *["long"] * 3,
    ]


def test_only_one_contestant_runs_at_a_time():
    running, most = [], []

    def work(on_step):
        for _ in range(20):
            running.append(1)
            most.append(len(running))
            running.pop()
            on_step()

    turns.take_turns({str(i): turns.Entry(work, 20) for i in range(4)}, "test", turn=0)
    assert len(most) == 80
    assert max(most) == 1


def test_a_contestant_without_an_end_stops_when_its_time_is_up():
    laps = turns.take_turns(
        {"a": turns.Entry(turns.endlessly(lambda: None))}, "test", turn=0.001, seconds=0.005
    )
    assert sum(laps["a"].seconds[1:]) >= 0.005
    assert len(laps["a"].rates) == len(laps["a"].steps) - 1  # the first turn warms up


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_of_one_contestant_ends_all(error):
    def work(on_step):
        on_step()
        raise error

    seen = []
    entries = {"bad": turns.Entry(work, 50), "good": turns.Entry(counting(50, seen), 50)}
    with pytest.raises(error):
        turns.take_turns(entries, "test", turn=0)
    assert 1 <= len(seen) <= 2  # it had one turn beside the other's first, and did not go on after the error
    assert not [thread for thread in threading.enumerate() if isinstance(thread, turns.Runner)]


def test_ratios_are_of_turns_side_by_side():
    fast = turns.Laps(seconds=[9, 1, 2, 1], steps=[1, 4, 4, 4])  # the machine was busy in the third turn
    slow = turns.Laps(seconds=[9, 1, 2, 1], steps=[1, 2, 2, 2])
    rows = turns.compare({"fast": fast, "slow": slow}, {"fast": 10.0, "slow": 10.0}, "slow")
    assert rows["fast"] == {"rates": [40, 20, 40], "median": 40, "ratio": 2}
    assert rows["slow"]["ratio"] == 1


# ---- the verdict of the first contest


def row(name: str, steps: int, losses: list[float], seconds: list[float]) -> dict:
    return {"name": name, "steps": steps, "losses": losses, "seconds": seconds, "parameters": 1}


ROWS = [
    row("nanoGPT, float32", 2000, [1.9, 2.1], [100, 120]),
    row("Llama, float32", 600, [2.2, 2.2], [40, 40]),
    row("Llama, float32", 900, [1.8, 1.9], [60, 60]),
    row("tinylm with Muon, float32", 100, [2.1, 2.0], [5, 5]),
    row("tinylm with Muon, float32", 200, [1.9, 1.9], [10, 10]),
    row("tinylm with Muon, float32", 300, [1.8, 1.8], [15, 15]),
]


def test_a_contestant_is_timed_by_its_quickest_schedule_that_reaches_the_target():
    judged = contests.judge(ROWS, None)
    assert judged["target"] == pytest.approx(2.0)
    assert not judged["target_given"]
    assert [row["ratio"] for row in judged["contestants"]] == [11, None, 6, None, 1, None]
    assert [row["quickest"] for row in judged["contestants"]] == [True, False, True, False, True, False]


def test_where_ours_does_not_reach_the_target_there_are_no_ratios():
    judged = contests.judge(ROWS, 1.0)
    assert judged["target_given"]
    assert {row["ratio"] for row in judged["contestants"]} == {None}
    assert "not reached" in [row[-1] for row in speed_tables.of_loss(judged).rows]


# ---- the whole


@pytest.fixture
def tiny(monkeypatch):
    """Models, products and runs so small that all contests end in seconds."""
    monkeypatch.setattr(contestants, "SIZES", {"0.8M": TINY})
    monkeypatch.setattr(contests, "SIZES", {"0.8M": TINY})
    monkeypatch.setattr(writers, "VOCABULARY", 64)
    monkeypatch.setitem(machine.SHAPES, "cpu", [(8, 8, 8)])
    monkeypatch.setitem(bench.RECIPE, "model", TINY | {"qk_norm": True})
    monkeypatch.setattr(
        bench,
        "QUICK",
        {"seeds": 2, "shorten": 400, "seconds": 0.01, "turn": 0.005, "n_new": 4, "sizes": ("0.8M",)},
    )

    def few(settings, all=contests.trainers) -> list:
        """Every fourth, and the one that all are compared with, wherever it stands in the list."""
        some = all(settings)[::4]
        return some if contests.LLAMA in some else [*some, contests.LLAMA]

    monkeypatch.setattr(contests, "trainers", few)


@pytest.fixture
def text(tmp_path) -> Path:
    path = tmp_path / "a text.txt"
    path.write_text("the cat sat on the mat\nand the dog sat on the log.\n" * 40)
    return path


def numbers(part) -> list:
    """All numbers somewhere in a result."""
    if isinstance(part, dict | list):
        return [n for inner in (part.values() if isinstance(part, dict) else part) for n in numbers(inner)]
    return [part] if isinstance(part, int | float) and not isinstance(part, bool) else []


@pytest.fixture
def report(tiny, text, tmp_path, capsys) -> dict:
    output = tmp_path / "bench.json"
    assert bench.main(["--quick", "--text", str(text), "--output", str(output), "--threads", "1"]) == 0
    assert "Time to a validation loss" in capsys.readouterr().out
    return speed_tables.load(output)


def test_a_run_from_end_to_end_writes_what_the_page_shows(report, tmp_path):
    assert set(report) == set(speed_tables.PARTS)
    assert list(report["results"]) == list(speed_tables.CONTESTS)
    assert report["machine"]["threads"] == 1
    assert report["versions"]["torch"] == torch.__version__
    assert report["settings"]["text"] == "a text.txt"
    found = numbers(report["results"])
    assert len(found) > 50
    assert all(math.isfinite(n) and n >= 0 for n in found)
    for run in report["results"]["loss"]["contestants"]:
        assert len(run["losses"]) == len(run["seconds"]) == 2
    training = report["results"]["training"]["0.8M"]
    assert training["contestants"]["Llama, float32"]["ratio"] == 1
    assert all(
        0 < row["agree"] <= 1 for row in report["results"]["generation"]["0.8M"]["32"]["contestants"].values()
    )
    page = show(tmp_path)
    for table in speed_tables.tables(report):
        assert table.title in page
        for cells in table.rows:
            assert len(cells) == len(table.heads)
            assert all(f"<p>{cell}</p>" in page for cell in cells)
    assert report["machine"]["processor"] in page


def show(folder: Path) -> str:
    """The page that Sphinx makes of {speed-tables} beside bench.json in `folder`."""
    (folder / "index.rst").write_text("Speed\n=====\n\n.. speed-tables:: bench.json\n")
    out = folder / "out"
    overrides = {"extensions": ["speed"], "exclude_patterns": ["out"]}
    with docutils_namespace():  # so that a second page can be made in one process
        Sphinx(folder, None, out, out, "html", overrides, status=None, warningiserror=True).build()
    return (out / "index.html").read_text(encoding="utf-8")


def test_before_the_first_run_the_page_says_how_to_make_one(tmp_path):
    assert "Not measured yet: run" in show(tmp_path)


def test_a_damaged_result_is_named():
    path = Path(__file__)
    with pytest.raises(ValueError, match=r"test_bench\.py cannot be read .*: run `make bench` again"):
        speed_tables.load(path)


def test_a_result_that_lacks_a_part_is_named(tmp_path):
    path = tmp_path / "bench.json"
    path.write_text(json.dumps({part: {} for part in speed_tables.PARTS[:-1]}))
    with pytest.raises(ValueError, match=r"bench\.json lacks results: run `make bench` again"):
        speed_tables.load(path)


def test_stopping_keeps_the_parts_that_are_whole(tiny, text, tmp_path, monkeypatch, capsys):
    def stopped(settings, ids, validation_ids):
        yield contests.judge(ROWS, None)
        raise KeyboardInterrupt

    monkeypatch.setattr(contests, "time_to_loss", stopped)
    output = tmp_path / "bench.json"
    assert bench.main(["--text", str(text), "--output", str(output)]) == 1
    assert list(speed_tables.load(output)["results"]) == ["loss"]
    assert "Stopped: what was measured until then is kept." in capsys.readouterr().err


def test_a_contest_that_fails_is_named_and_the_others_run(tiny, text, tmp_path, monkeypatch, capsys):
    def fails(settings):
        raise ValueError("the texts differ")
        yield

    monkeypatch.setattr(writers, "generation_speed", fails)
    output = tmp_path / "bench.json"
    options = [
        "--quick",
        "--only",
        "generation",
        "--only",
        "loss",
        "--text",
        str(text),
        "--output",
        str(output),
    ]
    assert bench.main(options) == 1
    assert list(speed_tables.load(output)["results"]) == ["loss"]
    assert "The contest generation ended early: the texts differ." in capsys.readouterr().err


def test_a_result_that_cannot_be_written_leaves_the_one_before(tmp_path):
    path = tmp_path / "bench.json"
    path.write_text("before")
    with pytest.raises(ValueError, match="not JSON compliant"):
        bench.write({"loss": math.nan}, path)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


# ---- the command


def refused(capsys, *options: str) -> str:
    """What the command says to options that it refuses: one line."""
    with pytest.raises(SystemExit) as stopped:
        bench.main(list(options))
    said = capsys.readouterr().err or f"{stopped.value.code}\n"
    assert stopped.value.code not in (0, None)
    assert said.count("\n") == 1
    return said


def test_help_names_every_contest(capsys):
    with pytest.raises(SystemExit) as stopped:
        bench.main(["--help"])
    assert stopped.value.code == 0
    said = capsys.readouterr().out
    assert all(name in said for name in speed_tables.CONTESTS)


def test_an_unknown_contest_is_refused_in_a_line(capsys):
    said = refused(capsys, "--only", "cooking")
    assert "cooking" in said
    assert "generation" in said


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--seeds", "0"], "0 is not a number from 1 on"),
        (["--threads", "two"], "two is not a number from 1 on"),
        (["--colour"], "unrecognized arguments: --colour"),
        (["--output", "/nowhere/bench.json"], "Cannot write"),
        (["--text", "/nowhere/text.txt"], "there is no file"),
    ],
)
def test_a_mistake_is_a_line_before_anything_runs(capsys, options, words):
    assert words in refused(capsys, *options)


def test_a_text_too_short_to_hold_a_part_back_is_refused(tmp_path, capsys):
    path = tmp_path / "text.txt"
    path.write_text("x" * 990 + "\n" + "y" * (CONTEXT - 1))
    assert bench.main(["--text", str(path)]) == 1
    assert "give a longer text" in capsys.readouterr().err


def test_without_transformers_it_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(bench.importlib.util, "find_spec", lambda name: None)
    assert "pip install transformers" in refused(capsys)


def test_without_a_gpu_cuda_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert "PyTorch sees no GPU" in refused(capsys, "--device", "cuda")


def test_bfloat16_takes_part_only_where_the_device_has_a_unit_for_it(monkeypatch):
    settings = Settings(bench.RECIPE)
    monkeypatch.setattr(contestants.processors, "has_bfloat16", lambda device: False)
    assert {who.precision for who in contests.trainers(settings)} == {"float32"}
    monkeypatch.setattr(contestants.processors, "has_bfloat16", lambda device: True)
    names = [who.name for who in contests.trainers(settings)]
    assert "tinylm with Muon, bfloat16" in names
    assert len(set(names)) == len(names)


def test_ours_trains_by_the_books_own_loop_with_the_recipe(monkeypatch):
    calls = []
    monkeypatch.setattr(contestants.pretraining, "train", lambda *args, **how: calls.append(how))
    for who in Contestant("tinylm", "bfloat16"), Contestant("tinylm", muon=False):
        who.work(None, IDS, 5, bench.RECIPE, seed=3)(lambda: None)
    assert [how["matrix_rate"] for how in calls] == [bench.RECIPE["training"]["matrix_rate"], None]
    assert [how["precision"] for how in calls] == ["bfloat16", "float32"]
    assert {how["seed"] for how in calls} == {3}
