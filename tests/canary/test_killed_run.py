#!/usr/bin/env python3
"""A test run that is killed leaves nothing running.

    test_killed_run.py KEEP PROGRAM

PROGRAM is a test program that starts a whole system. It is started under KEEP, as ctest does, and
once the system is there, one process is killed with SIGKILL: each in turn of those that stand
between the starter and the system. All that there was must then end, within bounded polling.
"""

import os
import signal
import subprocess
import sys
import time
import unittest

PATIENCE_S = 300  # a machine may be busy; the least that is enough is a few seconds


def identity(pid):
    """What no other process has, even one of the same pid: None if it is gone, or a zombie."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else (pid, fields[19])


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(child) for child in file.read().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def family(pid):
    """The process and all its descendants."""
    found = [pid]
    for one in found:
        found.extend(children(one))
    return found


def name(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().replace(b"\0", b" ").decode(errors="replace").strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def until(condition, what):
    end = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {PATIENCE_S} s")
        time.sleep(0.05)


class KilledRun(unittest.TestCase):
    def setUp(self):
        # the shell stands for ctest; it goes on after KEEP, so that it does not become it
        self.starter = subprocess.Popen(
            ["sh", "-c", '"$0" "$1"; exit $?', KEEP, PROGRAM],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(self.is_whole, "a whole system")
        pids = family(self.starter.pid)
        self.all = {identity(pid): name(pid) for pid in pids} | {None: ""}
        self.outer = children(self.starter.pid)[0]
        self.inner = children(self.outer)[0]
        self.program = children(self.inner)[0]

    def is_whole(self):
        if self.starter.poll() is not None:
            raise AssertionError(f"the test program ended with {self.starter.returncode}")
        names = [name(pid) for pid in family(self.starter.pid)]
        wanted = ("postgres", " broker ", " tune ", " http ", " health ")
        return all(any(want in f"{one} " for one in names) for want in wanted)

    def tearDown(self):
        for one in self.left():
            os.kill(one[0], signal.SIGKILL)
        if self.starter.poll() is None:
            self.starter.kill()
        self.starter.wait()

    def left(self):
        return [one for one in self.all if one and identity(one[0]) == one]

    def check(self, pid):
        os.kill(pid, signal.SIGKILL)
        until(lambda: self.starter.poll() is not None, "the end of the run")
        try:
            until(lambda: not self.left(), "the end of all")
        except AssertionError as error:
            self.fail(f"{error}; left: {[self.all[one] for one in self.left()]}")

    def test_the_test_program_is_killed(self):
        self.assertIn(PROGRAM, name(self.program))
        self.check(self.program)

    def test_the_inner_keeper_is_killed(self):
        self.check(self.inner)

    def test_the_outer_keeper_is_killed(self):
        self.check(self.outer)

    def test_the_starter_is_killed(self):
        self.check(self.starter.pid)


if __name__ == "__main__":
    KEEP, PROGRAM = sys.argv[1:3]
    unittest.main(argv=sys.argv[:1], verbosity=2)
