"""Exercises checked, released and graded: fair to the learner, safe for the grader, fast for a large class.

Read in this order:

    exercise.py      the instructor's notebook: tasks, answers, tests
    submission.py    a learner's file, hostile until proven otherwise, put back on the exercise's skeleton
    sandbox.py       a confined process on this machine that runs one submission after another
    zygote.py        that process: forks a learner's process and a tester's for each, and watches both
    clock.py         how long the learner's took, the wait for a processor not counted
    tester.py        runs the instructor's tests, in which the learner's names are proxies.py
    student.py       runs the learner's cells and answers with values
    values.py        values as JSON and raw bytes, never pickles; wire.py sends them
    grading.py       one submission in, one result out
    batch.py         many of them, on this machine or a cluster, collect.py finds them
    results.py       the folder of results, pages.py and export.py write from it
    release.py       the learner's notebook, in which selfcheck.py says what passes and first_cell.py installs
    checking.py      are the tests right? mutants.py plants mistakes, peer.py asks nbgrader
    command.py       the command `classroom`; nbgrader_plugin.py and pytest_plugin.py are other doors
"""
