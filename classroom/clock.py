"""Time as a learner's code has it: on a busy machine, the wait for a processor is no time of its own.

Linux keeps count of how long a process stood ready to run while others ran. Without that wait a cell takes as
long on a busy machine as on an idle one, whether it computes or sleeps.
"""

import time
from pathlib import Path

SLOWEST = 10  # at least this part of what a clock on the wall shows counts, however busy the machine is


def queued(process: int) -> float:
    """Seconds that a process has stood in the queue for a processor; 0 where the kernel does not tell."""
    try:
        return int(Path(f"/proc/{process}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError):
        return 0.0


class Clock:
    """Counts from now on for processes that take turns, such as one that asks and one that answers."""

    def __init__(self, *processes: int):
        self.before = {process: queued(process) for process in processes}
        self.waited = dict.fromkeys(processes, 0.0)
        self.began = time.monotonic()

    def seconds(self) -> float:
        """What counts by now."""
        passed = time.monotonic() - self.began
        for process, before in self.before.items():
            # the larger of the two, as one that has ended has no number any more
            self.waited[process] = max(self.waited[process], queued(process) - before)
        return max(passed / SLOWEST, passed - sum(self.waited.values()))
