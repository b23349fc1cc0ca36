"""What the live alerts are tested with: a whole Tunemill, a language model that can be killed, and a Prometheus
with a copy of the rules that waits for seconds where the rules wait for minutes."""

import ctypes
import http.server
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
import uuid

import yaml

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOKEN = "token-for-tests"
PATIENCE_S = 180
STRATEGY = "0c9f4c3b-3c7e-4d19-9a51-6f0d2b7a1e04"
KEYS = re.compile("^(OPENAI|ANTHROPIC|OPENROUTER|OLLAMA|LLM|TUNEMILL|SENTRY)_")


def until(condition, what):
    """Looks again and again; the patience is for machines that are busy."""
    end = time.monotonic() + PATIENCE_S
    while not (seen := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {PATIENCE_S} s")
        time.sleep(0.2)
    return seen


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def ask(url, body=None, headers=None):
    """What is answered, whatever the status. No proxy."""
    request = urllib.request.Request(url, data=body, headers=headers or {})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=30) as answer:
        return answer.read().decode()


class Model:
    """A provider that speaks as OpenAI does, on one port for its life: kill() closes the door, start() opens it."""

    def __init__(self):
        self.port, self._server = 0, None

    def start(self):
        if self._server:
            return

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                message = {"role": "assistant", "content": "The stub has this to say of it."}
                body = json.dumps(
                    {
                        "id": "one",
                        "object": "chat.completion",
                        "model": "stub-model",
                        "usage": {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18},
                        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
                    }
                ).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def kill(self):
        if self._server:
            self._server.shutdown()
            self._server.server_close()
        self._server = None


class System:
    """`tunemill up` in a directory of its own. Its children can be stopped where they stand."""

    def __init__(self, tunemill, directory, model):
        self._tunemill, self.data = tunemill, os.path.join(directory, "data")
        self._stopped = []
        self._log = open(os.path.join(directory, "log"), "w")
        environment = {k: v for k, v in os.environ.items() if k != "DATABASE_URL" and not KEYS.match(k)}
        environment |= {
            "ADMIN_TOKEN": TOKEN,
            "OPENAI_API_KEY": "key-for-tests",
            "OPENAI_BASE_URL": f"http://127.0.0.1:{model.port}/v1",
            "LLM_MODEL": "stub-model",
            "TUNEMILL_LLM_BREAKER_OPEN_MS": "3000",
            "TUNEMILL_LLM_BREAKER_MAX_OPEN_MS": "3000",
        }
        self._up = subprocess.Popen(
            [tunemill, "up", "--data-dir", self.data, "--http", "127.0.0.1:0", "--tune", "1"],
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=environment,
            preexec_fn=die_with_parent,
        )
        line = self._up.stdout.readline()
        if not line:
            with open(self._log.name) as log:
                raise AssertionError(f"up ended before it was ready:\n{log.read()}")
        self.http = json.loads(line)["http"]

    def stop(self):
        self.go_on()
        self._up.terminate()
        self._up.communicate()
        self._log.close()

    def pids(self, kind):
        with open(os.path.join(self.data, "up.json")) as file:
            children = json.load(file)["children"]
        return [c["pid"] for c in children if re.fullmatch(rf"{kind}(-\d+)?", c["name"]) and c["pid"]]

    def halt(self, *kinds):
        """SIGSTOP: as a process that hangs; `up` does not start another."""
        for kind in kinds:
            pids = self.pids(kind)
            assert pids, f"no {kind} runs"
            self._stopped += pids
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)

    def drop_database(self):
        """PostgreSQL ends, and `up`, which hangs, starts no other until go_on()."""
        self._stopped.append(self._up.pid)
        self._up.send_signal(signal.SIGSTOP)
        for pid in self.pids("postgres"):
            os.kill(pid, signal.SIGINT)

    def go_on(self):
        stopped, self._stopped = self._stopped, []
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)

    def metrics(self):
        return ask(self.http + "/metrics")

    def submit(self, trials=5):
        """A tune; its id."""
        bound = uuid.uuid4().hex
        fields = {"strategy_entity_id": STRATEGY, "n_trials": trials, "seed": 1}
        parts = [f'--{bound}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in fields.items()]
        with open(os.path.join(ROOT, "tests", "data", "SYND.csv"), "rb") as file:
            csv = file.read()
        head = f'--{bound}\r\nContent-Disposition: form-data; name="file"; filename="p.csv"\r\n\r\n'
        body = "".join(parts).encode() + head.encode() + csv + f"\r\n--{bound}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={bound}", "Prefer": "respond-async"}
        return json.loads(ask(self.http + "/backtests/tune", body, headers))["tune_id"]

    def tune(self, tune_id):
        return json.loads(ask(f"{self.http}/backtests/tunes/{tune_id}"))

    def explain(self, tune_id):
        return json.loads(ask(f"{self.http}/backtests/tunes/{tune_id}/explain", b""))


def hurried(path, thresholds):
    """The rules, with a second where they wait, and half a minute where they look back. thresholds: what an alert
    asks for in numbers that a test cannot reach, and what the copy asks for."""
    with open(path) as file:
        rules = yaml.safe_load(file)
    for group in rules["groups"]:
        for rule in group["rules"]:
            rule["expr"] = re.sub(r"\[\d+[smhd]\]", "[30s]", rule["expr"])
            if "for" in rule:
                rule["for"] = "1s"
            for old, new in [thresholds.pop(rule["alert"])] if rule.get("alert") in thresholds else []:
                assert old in rule["expr"], f"{rule['alert']} does not say {old}"
                rule["expr"] = rule["expr"].replace(old, new)
    assert not thresholds, f"no such alerts: {thresholds}"
    return rules


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Prometheus:
    def __init__(self, directory, target, rules):
        directory = os.path.join(directory, "prometheus")
        os.mkdir(directory)
        config = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": [os.path.join(directory, "rules.yml")],
            "scrape_configs": [
                {
                    "job_name": "rag-core",
                    "honor_labels": True,
                    "static_configs": [{"targets": [target.removeprefix("http://")]}],
                }
            ],
        }
        for name, content in (("prometheus.yml", config), ("rules.yml", rules)):
            with open(os.path.join(directory, name), "w") as file:
                yaml.safe_dump(content, file)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._log = open(os.path.join(directory, "log"), "w")
        self._process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={directory}/prometheus.yml",
                f"--storage.tsdb.path={directory}/data",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=self._log,
            stderr=self._log,
            preexec_fn=die_with_parent,
        )
        until(self._is_ready, "Prometheus is ready")

    def stop(self):
        self._process.terminate()
        self._process.communicate()
        self._log.close()

    def _is_ready(self):
        if self._process.poll() is not None:
            with open(self._log.name) as log:
                raise AssertionError(f"Prometheus ended:\n{log.read()}")
        try:
            return ask(self.url + "/-/ready")
        except (urllib.error.URLError, ConnectionError):
            return False

    def alerts(self, *states):
        """Names of the alerts in one of the states."""
        told = json.loads(ask(self.url + "/api/v1/alerts"))["data"]["alerts"]
        return {alert["labels"]["alertname"] for alert in told if alert["state"] in states}

    def value(self, query):
        """Of the first series; None if there is none."""
        found = json.loads(ask(f"{self.url}/api/v1/query?query={urllib.request.quote(query)}"))["data"]["result"]
        return float(found[0]["value"][1]) if found else None


def make_directory():
    directory = tempfile.mkdtemp(prefix="tm-alerts-")
    os.chmod(directory, 0o711)  # PostgreSQL does not run as root, and must get through
    return directory


def remove(directory):
    shutil.rmtree(directory)
