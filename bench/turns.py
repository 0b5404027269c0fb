"""Let contestants take turns on one machine, so that a noisy neighbour hits all of them alike.

A contestant is a function that does its work and calls `on_step()` after each step. Each runs in a thread
of its own, but only one at a time: whoever is furthest behind goes on for about a second, while the clocks of
the others stand still.
"""

import statistics
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import torch
from tqdm.auto import tqdm

OnStep = Callable[[], None]


@dataclass
class Entry:
    """A contestant before the start. n_steps: how many it has to go; None to go on until its time is up."""

    work: Callable[[OnStep], object]
    n_steps: int | None = None


@dataclass
class Laps:
    """What a contestant did: the seconds and the steps of each of its turns, and what its work gave back."""

    seconds: list[float] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    result: object = None

    @property
    def total(self) -> float:
        return sum(self.seconds)

    @property
    def rates(self) -> list[float]:
        """Steps per second of each turn but the first, in which caches and compilers warm up."""
        turns = list(zip(self.steps, self.seconds, strict=True))
        return [steps / seconds for steps, seconds in turns[1:] or turns]


class Stopped(Exception):
    """Raised within a contestant's `on_step` where it is to do no more."""


class Runner(threading.Thread):
    """A contestant at work: runs from `go` until its turn is over, and then waits."""

    def __init__(self, entry: Entry, turn: float, seconds: float | None, synchronize: Callable[[], None]):
        super().__init__(daemon=True)  # a program that ends in a hurry waits for nobody
        self.entry, self.turn, self.limit, self.synchronize = entry, turn, seconds, synchronize
        self.n_threads = torch.get_num_threads()
        self.laps, self.error = Laps(), None
        self.done = self.stopping = False
        self.may_go, self.has_paused = threading.Semaphore(0), threading.Semaphore(0)
        self.start()

    @property
    def share(self) -> float:
        """How much of its way it has gone, from 0 to 1."""
        if self.done:
            return 1.0
        if self.entry.n_steps is not None:
            return min(1.0, sum(self.laps.steps) / self.entry.n_steps)
        return min(1.0, sum(self.laps.seconds[1:]) / self.limit)

    def go(self) -> None:
        """Let it work for one turn. Raises what it raised."""
        self.may_go.release()
        self.has_paused.acquire()
        if self.error:
            raise self.error

    def stop(self) -> None:
        """Let it end at the step where it stands."""
        self.stopping = True
        self.may_go.release()
        self.join()

    def run(self) -> None:
        torch.set_num_threads(self.n_threads)  # a new thread need not begin with what the others have
        try:
            with suppress(Stopped):  # by which a contestant whose time is up leaves its work
                self._wait()
                self.laps.result = self.entry.work(self._on_step)
                self._note()
        except BaseException as error:  # noqa: BLE001  handed to `go`, which raises it
            self.error = error
        self.done = True
        self.has_paused.release()

    def _wait(self) -> None:
        self.may_go.acquire()
        if self.stopping:
            raise Stopped
        self.n_steps, self.began = 0, time.perf_counter()

    def _on_step(self) -> None:
        self.n_steps += 1
        if time.perf_counter() - self.began < self.turn and not self.stopping:
            return
        self._note()
        if self.entry.n_steps is None and self.share == 1:
            raise Stopped
        self.has_paused.release()
        self._wait()

    def _note(self) -> None:
        self.synchronize()  # a GPU works on after it was told to
        self.laps.seconds.append(time.perf_counter() - self.began)
        self.laps.steps.append(self.n_steps)


def take_turns(
    entries: dict[str, Entry],
    label: str,
    turn: float = 1.0,
    seconds: float | None = None,
    synchronize: Callable[[], None] = lambda: None,
) -> dict[str, Laps]:
    """Let all `entries` run to their ends, in turns of about `turn` seconds or one step, whichever is longer.

    seconds: how long an entry without `n_steps` runs, its first turn not counted. synchronize: waits for the
    device. Raises what a contestant raised; Ctrl-C stops all of them.
    """
    runners = {name: Runner(entry, turn, seconds, synchronize) for name, entry in entries.items()}
    form = "{desc}: {percentage:3.0f}% |{bar}| {elapsed}<{remaining} {postfix}"
    try:
        with tqdm(total=len(runners), desc=label, leave=False, bar_format=form) as bar:
            while waiting := {name: runner for name, runner in runners.items() if not runner.done}:
                name, runner = min(waiting.items(), key=lambda item: item[1].share)
                bar.set_postfix_str(name, refresh=False)
                runner.go()
                bar.update(sum(runner.share for runner in runners.values()) - bar.n)
    finally:
        for runner in runners.values():
            runner.stop()
    return {name: runner.laps for name, runner in runners.items()}


def compare(laps: dict[str, Laps], work_per_step: dict[str, float], reference: str) -> dict[str, dict]:
    """Work per second of each contestant: of every turn, the median, and how often that of `reference`.

    The ratio is the median over pairs of turns that were neighbours in time.
    """
    rates = {name: [work_per_step[name] * rate for rate in lap.rates] for name, lap in laps.items()}
    return {
        name: {
            "rates": own,
            "median": statistics.median(own),
            "ratio": statistics.median(a / b for a, b in zip(own, rates[reference], strict=False)),
        }
        for name, own in rates.items()
    }


def endlessly(
    work: Callable[[], object], synchronize: Callable[[], None] = lambda: None
) -> Callable[[OnStep], None]:
    """A contestant that does `work()` again and again, each time a step."""

    def run(on_step: OnStep) -> None:
        while True:
            work()
            synchronize()  # each time, lest a device that is told faster than it works fall behind the clock
            on_step()

    return run
