"""A whole Tunemill in a directory of its own, and what a test does to it from outside."""

import contextlib
import ctypes
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TUNEMILL = os.environ.get("TUNEMILL", os.path.join(ROOT, "build", "dev", "tunemill"))
TOKEN = "token-for-tests"
PATIENCE_S = 120
FOREIGN = re.compile("^(OPENAI|ANTHROPIC|OPENROUTER|OLLAMA|LLM|TUNEMILL|SENTRY|DATABASE|ADMIN|DOCS|CONFIG)(_|$)")


def until(condition, what):
    """What the condition says once that is true. It is looked at again and again; the patience is for busy machines."""
    end = time.monotonic() + PATIENCE_S
    while not (seen := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {PATIENCE_S} s")
        time.sleep(0.05)
    return seen


def die_with_parent():
    """In the child. Not SIGTERM: it may be stopped when the test is killed, and its own children die with it."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def environment(**more):
    return {k: v for k, v in os.environ.items() if not FOREIGN.match(k)} | {"ADMIN_TOKEN": TOKEN} | more


class System:
    """`tunemill up`, and the processes it has started."""

    def __init__(self, **settings):
        self.directory = tempfile.mkdtemp(prefix="tm-e2e-")
        os.chmod(self.directory, 0o711)  # PostgreSQL does not run as root, and must get through
        self.data = os.path.join(self.directory, "data")
        self.log = os.path.join(self.directory, "log")
        self._stopped, self._bridges = [], []
        with open(self.log, "w") as log:
            self._up = subprocess.Popen(
                [TUNEMILL, "up", "--data-dir", self.data, "--http", "127.0.0.1:0", "--tune", "1"],
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment(**settings),
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        line = self._up.stdout.readline()
        if not line:
            with open(self.log) as log:
                raise AssertionError(f"up ended before it was ready:\n{log.read()}")
        ready = json.loads(line)
        self.http, self.database, self.broker = ready["http"], ready["database"], ready["broker"]

    def stop(self):
        self.go_on()
        for bridge in self._bridges:
            bridge.terminate()
            bridge.wait()
        self._up.terminate()
        try:
            self._up.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._up.kill()
            self._up.wait()
            raise
        finally:
            self._up.stdout.close()
            shutil.rmtree(self.directory)

    def bridge(self, **settings):
        """One more http process of this system; its process, and its address."""
        readable, writable = os.pipe()
        with open(self.log, "a") as log:
            process = subprocess.Popen(
                [TUNEMILL, "http", "--ready-fd", str(writable), "--set", "http.listen=127.0.0.1:0"]
                + ["--set", f"broker.brokers={self.broker}", "--set", f"system.data_dir={self.data}"],
                stderr=log,
                env=environment(DATABASE_URL=self.database, **settings),
                pass_fds=[writable],
                preexec_fn=die_with_parent,
            )
        self._bridges.append(process)
        os.close(writable)
        with os.fdopen(readable) as ready:
            line = ready.readline()
        assert line, "the bridge ended before it was ready"
        return process, "http://127.0.0.1:" + re.search(r":(\d+)", line)[1]

    def sql(self, statements):
        """Straight into the database, for what no address takes; the rows as text."""
        return subprocess.run(
            ["psql", "-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", self.database],
            input=statements,
            text=True,
            check=True,
            capture_output=True,
        ).stdout.strip()

    def sql_or_none(self, statements):
        """None while the database is away."""
        try:
            return self.sql(statements)
        except subprocess.CalledProcessError:
            return None

    @contextlib.contextmanager
    def holding(self, statement):
        """A transaction that has done this, and lasts as long as the block."""
        psql = subprocess.Popen(
            ["psql", "-X", "-q", "-t", "-A", self.database],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=die_with_parent,
        )
        with psql:
            psql.stdin.write(f"BEGIN; {statement}; SELECT 'held';\n")
            psql.stdin.flush()
            while (line := psql.stdout.readline()) != "held\n":
                assert line, f"{statement} failed"
            yield
            psql.stdin.close()

    def pids(self, kind):
        with open(os.path.join(self.data, "up.json")) as file:
            children = json.load(file)["children"]
        return [c["pid"] for c in children if re.fullmatch(rf"{kind}(-\d+)?", c["name"]) and c["pid"]]

    def halt(self, pids):
        """SIGSTOP: as a process that hangs."""
        for pid in pids:
            self._stopped.append(pid)
            os.kill(pid, signal.SIGSTOP)

    def end(self, kind, how=signal.SIGKILL):
        """Ends them, and `up` starts no others until go_on()."""
        self.halt([self._up.pid])
        pids = self.pids(kind)
        assert pids, f"no {kind} runs"
        for pid in pids:
            os.kill(pid, how)

    def go_on(self):
        stopped, self._stopped = self._stopped, []
        for pid in stopped:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass
