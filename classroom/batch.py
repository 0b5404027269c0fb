"""Many submissions: graded by any `concurrent.futures` executor, kept one by one, resumed after any stop.

The default executor is a pool of threads, since the work is done in the sandboxes' processes. A cluster's
executor gets the bytes of each file, so that it needs no shared disk.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait

from classroom import grading, submission
from classroom.collect import Handed
from classroom.exercise import Exercise
from classroom.grading import Limits, Result
from classroom.results import Folder, Graded, now_changed

TRIES = 3  # workers that may die over one submission


class WorkersDied(RuntimeError):
    """Workers ended again and again over one submission."""


def grade_all(
    source: Exercise,
    handed: Iterable[Handed],
    folder: Folder,
    executor: Executor,
    n_workers: int,
    mode: str = "bubblewrap",
    limits: Limits = grading.DEFAULTS,
    seed: int = 0,
    progress: Callable[[Graded], None] = lambda graded: None,
    renew: Callable[[], Executor] | None = None,
) -> int:
    """Grade what has no result yet in `folder`, and give back how many that were.

    A result that is there and is of the same file and exercise is kept. `renew` makes another executor where
    a worker's death broke the first (Python's process pools); without it such a death ends the run, and
    nothing is lost.
    """
    kept = {one.student: one.result for one in folder.load()}
    digest, todo, running, n_done = source.digest(), iter(handed), {}, 0
    tries: dict[str, int] = {}

    def submit(one: Handed) -> None:
        try:
            data = submission.read(one.path)
        except submission.Unreadable as error:
            result = grading.unreadable(source, one.remarks[0] if one.remarks else str(error))
            if one.student not in kept or kept[one.student].scores != result.scores:
                finish(one, result)
            return
        old = kept.get(one.student)
        if old is not None and old.exercise_digest == digest and old.file_digest == grading.digest_of(data):
            return
        running[executor.submit(grading.grade_bytes, source, data, mode, limits, seed)] = one

    def finish(one: Handed, result: Result) -> None:
        nonlocal n_done
        result.remarks[:0] = [remark for remark in one.remarks if remark not in result.remarks]
        graded = Graded(one.student, result, now_changed(one.path))
        folder.save(graded)
        n_done += 1
        progress(graded)

    more = True
    while more or running:
        while more and len(running) < 2 * n_workers:  # few at once: each holds a file's bytes
            one = next(todo, None)
            more = one is not None
            if one is not None:
                submit(one)
        done: set[Future] = wait(running, return_when=FIRST_COMPLETED).done if running else set()
        broken = []
        for future in done:
            one = running.pop(future)
            error = future.exception()
            if error is None:
                finish(one, future.result())
            elif _is_lost_worker(error):
                broken.append(one)
            else:
                raise error
        if broken:
            if renew is None:
                raise WorkersDied(
                    "A worker ended; what is graded is kept: the same command with --resume goes on."
                )
            broken += running.values()  # a broken pool loses all that it was given
            running.clear()
            executor = renew()
            for one in broken:
                tries[one.student] = tries.get(one.student, 0) + 1
                if tries[one.student] >= TRIES:
                    finish(
                        one, grading.unreadable(source, f"{TRIES} workers ended over it; look at it by hand")
                    )
                else:
                    submit(one)
    return n_done


def _is_lost_worker(error: BaseException) -> bool:
    """Whether the executor failed and not the work: a broken pool, Dask's KilledWorker, a lost connection."""
    names = {kind.__name__ for kind in type(error).__mro__}
    return bool(
        names
        & {"BrokenExecutor", "KilledWorker", "CancelledError", "FutureCancelledError", "CommClosedError"}
    )
