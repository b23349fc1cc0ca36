"""What the tests of the clients share: a private system, the programs, and how to skip."""

import atexit
import contextlib
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
SKIP = 77
PATIENCE_S = 120

try:
    import wire
except ImportError as error:
    print(f"skipped: {error}; ops/setup --test installs it")
    sys.exit(SKIP)


def main():
    """unittest's, but when nothing at all could be run the exit status says so."""
    result = unittest.main(exit=False, verbosity=2).result
    if not result.wasSuccessful():
        sys.exit(1)
    is_skipped = result.skipped and len(result.skipped) >= result.testsRun
    sys.exit(SKIP if is_skipped else 0)


def need_node():
    probe = ["node", "--input-type=module", "-e", "await import('zeromq')"]
    if not shutil.which("node"):
        raise unittest.SkipTest("node is not installed; ops/setup --test installs it")
    if subprocess.run(probe, cwd=HERE, capture_output=True, check=False).returncode:
        raise unittest.SkipTest("the zeromq of npm is missing: ops/setup --test installs it")


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def until(condition, what):
    """Looks again and again; the patience is for machines that are busy."""
    end = time.monotonic() + PATIENCE_S
    while not (seen := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {PATIENCE_S} s")
        time.sleep(0.01)
    return seen


class System:
    """`tunemill up` in a directory of its own, with its own PostgreSQL."""

    def __init__(self, tunemill):
        self.directory = tempfile.mkdtemp(prefix="tm-clients-")
        os.chmod(self.directory, 0o711)
        atexit.register(self.stop)
        self.data = os.path.join(self.directory, "data")
        self.log = open(os.path.join(self.directory, "log"), "w")
        self.process = subprocess.Popen(
            [tunemill, "up", "--data-dir", self.data, "--http", "127.0.0.1:0", "--tune", "1"],
            stdout=subprocess.PIPE,
            stderr=self.log,
            env={k: v for k, v in os.environ.items() if k != "DATABASE_URL"},
            preexec_fn=die_with_parent,
        )
        line = self.process.stdout.readline()
        if not line:
            with open(self.log.name) as log:
                sys.exit(f"up ended before it was ready:\n{log.read()}")
        self.broker = json.loads(line)["broker"]

    def stop(self):
        if self.directory:
            self.process.terminate()
            self.process.communicate()
            self.log.close()
            shutil.rmtree(self.directory)
            self.directory = None

    def path(self, name):
        return os.path.join(self.directory, name)

    def broker_pid(self):
        """0 while it is not ready."""
        with open(os.path.join(self.data, "up.json")) as file:
            children = json.load(file)["children"]
        return next(
            c["pid"] if c["state"] == "ready" else 0 for c in children if c["name"] == "broker"
        )

    def kill_broker(self):
        """kill -9."""
        self._killed = until(self.broker_pid, "a broker to kill")
        os.kill(self._killed, signal.SIGKILL)

    def wait_broker(self):
        """Until there is another."""
        until(lambda: self.broker_pid() not in (0, self._killed), "the broker's return")


class Program:
    """A client's program that runs until its input or it itself ends."""

    def __init__(self, *argv):
        self.out = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=self.out,
            text=True,
            cwd=HERE,
            preexec_fn=die_with_parent,
        )

    def write(self, lines):
        self.process.stdin.writelines(line + "\n" for line in lines)
        self.process.stdin.flush()

    def finish(self):
        """Ends its input and waits for its end: (exit status, the lines it printed)."""
        self.process.communicate(timeout=PATIENCE_S)
        self.out.seek(0)
        return self.process.returncode, self.out.read().splitlines()

    def stop(self):
        """SIGTERM; whatever it is doing is over then."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.communicate(timeout=PATIENCE_S)
        self.out.close()

    @contextlib.contextmanager
    def paused(self):
        """Stopped, as a machine may be that has too much to do."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)


class Cable:
    """A UNIX socket that leads to another one, and can be cut: what hangs on it must connect
    again, and neither side's process knows."""

    def __init__(self, path, target):
        self.endpoint, self._target = f"ipc://{path}", target.removeprefix("ipc://")
        self._ends = []
        self.connections = 0
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            near, _ = self._listener.accept()
            far = socket.socket(socket.AF_UNIX)
            far.connect(self._target)
            self._ends += [near, far]
            self.connections += 1
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    @staticmethod
    def _carry(one, other):
        try:
            while data := one.recv(65536):
                other.sendall(data)
            other.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # cut

    def cut(self):
        ends, self._ends = self._ends, []
        for end in ends:
            end.shutdown(socket.SHUT_RDWR)
            end.close()
