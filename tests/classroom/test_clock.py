"""classroom.clock: what others computed meanwhile is not charged to the learner."""

import os
import subprocess
import sys

import pytest

from classroom import clock
from classroom.clock import Clock


class Machine:
    """A machine whose time and queues are what a test says."""

    def __init__(self, monkeypatch):
        self.now, self.queues = 100.0, {}
        monkeypatch.setattr(clock.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(clock, "queued", lambda process: self.queues.get(process, 0.0))


@pytest.fixture
def machine(monkeypatch) -> Machine:
    return Machine(monkeypatch)


def test_on_an_idle_machine_it_is_a_clock_on_the_wall(machine):
    watch = Clock(1, 2)
    assert watch.seconds() == 0.0
    machine.now += 7
    assert watch.seconds() == 7.0


def test_the_wait_for_a_processor_does_not_count(machine):
    machine.queues = {1: 50.0, 2: 60.0}  # before it began
    watch = Clock(1, 2)
    machine.now += 10
    machine.queues = {1: 53.0, 2: 64.0}
    assert watch.seconds() == 3.0


def test_the_wait_of_a_process_that_has_ended_is_remembered(machine):
    watch = Clock(1)
    machine.now += 10
    machine.queues = {1: 8.0}
    assert watch.seconds() == 2.0
    machine.queues = {}
    assert watch.seconds() == 2.0


def test_a_tenth_counts_whatever_the_kernel_says(machine):
    watch = Clock(1)
    machine.now += 10
    machine.queues = {1: 1000.0}
    assert watch.seconds() == 1.0


@pytest.mark.skipif(not os.path.exists("/proc/self/schedstat"), reason="this kernel counts no queues")
def test_two_that_share_a_processor_stand_in_its_queue():
    """Each computes for 0.2 seconds of its own; whichever ends last has waited for most of the other's."""
    program = "import time\nwhile time.process_time() < 0.2: pass\nprint(flush=True)\ninput()"
    one = min(os.sched_getaffinity(0))
    both = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            preexec_fn=lambda: os.sched_setaffinity(0, {one}),
        )
        for _ in range(2)
    ]
    try:
        for process in both:
            process.stdout.readline()
        assert max(clock.queued(process.pid) for process in both) > 0.02
    finally:
        for process in both:
            process.kill()
            process.communicate()


def test_of_a_process_that_is_not_there_nothing_is_known():
    assert clock.queued(2**22 + 1) == 0.0
