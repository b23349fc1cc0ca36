"""What is answered while something is away: another bridge is full or ends, the database is broken or gone, the broker
is gone, nobody computes. Each fault is put right at its end."""

import concurrent.futures
import functools
import http.client
import itertools
import os
import signal
import urllib.parse

import pytest

from api import OPERATIONS, Answer, check
from baseline import all_operations, backtest_form, baseline, tune_form
from system import until

COMPUTING = ("BACKTEST", "BACKTEST_NEW")
points = itertools.count(100)  # what was answered once is not computed again


def asked(operation, run):
    return {"id": run, "query": {"points": next(points)}} if operation == "BACKTEST" else baseline(operation)


@pytest.fixture(scope="module")
def run(client):
    """A back-test that is kept."""
    return client.expect("BACKTEST_NEW", 200, body=backtest_form()).json["run_id"]


# --- another bridge ---------------------------------------------------------------------------


@pytest.fixture()
def full(tunemill):
    """The address of a bridge that has as many connections as it takes."""
    process, base = tunemill.bridge(TUNEMILL_HTTP_MAX_CONNECTIONS="16")
    where = urllib.parse.urlsplit(base)
    connections = [http.client.HTTPConnection(where.hostname, where.port) for _ in range(16)]
    for connection in connections:
        connection.request("GET", "/health")
        connection.getresponse().read()
    yield base
    for connection in connections:
        connection.close()
    process.terminate()
    assert process.wait() == 0


def test_a_bridge_that_is_full(client, full):
    for operation in all_operations(lambda o: o.may("BUSY")):
        client.at(full).expect(operation.id, 503, "BUSY", **baseline(operation.id))


class Line:
    """One connection that is kept: a bridge that ends takes no others."""

    def __init__(self, base, driven):
        self._connection = http.client.HTTPConnection(urllib.parse.urlsplit(base).netloc, timeout=60)
        self._connection.connect()
        self._driven = driven

    def ask(self, operation_id, headers=(), body=None):
        operation = OPERATIONS[operation_id]
        self._connection.request(operation.method, operation.path, body=body, headers=dict(headers))
        response = self._connection.getresponse()
        answer = Answer(response, response.read().decode())
        check(operation, answer, f"{operation_id} while it ends: {answer.status}")
        self._driven.add((operation_id, answer.status, answer.said))
        return answer

    def close(self):
        self._connection.close()


def test_a_bridge_that_ends(tunemill, client, driven):
    """It waits for those who have been asking; what begins something new is refused."""
    process, base = tunemill.bridge()
    there = client.at(base)
    until(lambda: there.ask("READY").status == 200, "the bridge is ready")
    half = http.client.HTTPConnection(urllib.parse.urlsplit(base).netloc)
    half.putrequest("POST", "/match-runs")
    half.putheader("Content-Type", "application/json")
    half.putheader("Content-Length", "100")
    half.endheaders(b"{")  # a request that lasts
    lines = [Line(base, driven) for _ in range(4)]
    for line in lines:
        assert line.ask("HEALTH").status == 200
    process.send_signal(signal.SIGTERM)
    refused = lambda: there_is_no_listener(base)
    until(refused, "the bridge takes no more connections")
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    token = {"X-Admin-Token": "token-for-tests"}
    asks = [("READY", {}, None), ("EVENTS", token, None), ("TUNE_SUBMIT", form, b"x"), ("BACKTEST_NEW", form, b"x")]
    for line, (operation, headers, body) in zip(lines, asks):
        answer = line.ask(operation, headers, body)
        assert (answer.status, answer.said) == (503, "DRAINING"), operation
        line.close()
    half.close()
    assert process.wait() == 0


def there_is_no_listener(base):
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(base).netloc, timeout=60)
    try:
        connection.connect()
        return False
    except ConnectionRefusedError:
        return True
    finally:
        connection.close()


# --- who computes -----------------------------------------------------------------------------


def in_parallel(calls):
    """What they return."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


def test_an_answer_that_does_not_come(tunemill, client, run):
    """Who computes waits for a lock on what was asked for, and a bridge not so long."""
    with tunemill.holding("LOCK TABLE backtest_runs IN ACCESS EXCLUSIVE MODE"):
        client.expect("BACKTEST", 504, "TIMEOUT", **asked("BACKTEST", run))


def test_who_computes_hangs_and_goes(tunemill, client, run):
    tunemill.halt(tunemill.pids("tune"))
    try:
        answers = in_parallel([functools.partial(client.ask, o, **asked(o, run)) for o in COMPUTING])
        assert [answer.said for answer in answers] == ["WORKER_LOST", "WORKER_LOST"]
        for operation in COMPUTING:
            client.expect(operation, 503, "SERVICE_NOT_FOUND", **asked(operation, run))
    finally:
        tunemill.go_on()
    until(lambda: client.ask("BACKTEST", **asked("BACKTEST", run)).status == 200, "somebody computes again")


# --- the broker -------------------------------------------------------------------------------


def test_no_broker(tunemill, client, run):
    tune = client.expect("TUNE_SUBMIT", 200, body=tune_form(seed=78)).json["tune_id"]
    tunemill.end("broker")
    try:
        until(lambda: client.ask("READY").said == "BROKER_DOWN", "the bridge is not ready")
        asking = ("BACKTEST", "BACKTEST_NEW", "TUNE_SUBMIT")
        calls = [functools.partial(client.ask, o, **asked(o, run)) for o in asking]
        calls.append(functools.partial(client.ask, "TUNE_AGAIN", id=tune))
        assert [answer.said for answer in in_parallel(calls)] == ["BROKER_DOWN"] * 4
    finally:
        tunemill.go_on()
    until(lambda: client.ask("READY").status == 200, "the bridge is ready again")
    until(lambda: client.ask("BACKTEST", **asked("BACKTEST", run)).status == 200, "somebody computes again")


# --- the database -----------------------------------------------------------------------------


def all_goes_on(client, run):
    until(lambda: client.ask("READY").status == 200, "the bridge is ready again")
    until(lambda: client.ask("BACKTEST", **asked("BACKTEST", run)).status == 200, "somebody computes again")


def test_a_database_that_is_broken(tunemill, client, run):
    """It answers, and knows nothing."""
    tunemill.sql("ALTER SCHEMA public RENAME TO hidden")
    try:
        for operation in all_operations(lambda o: o.may("INTERNAL") and o.id != "DATA_INSPECT"):  # it asks no database
            client.expect(operation.id, 500, "INTERNAL", **asked(operation.id, run))
    finally:
        tunemill.sql("ALTER SCHEMA hidden RENAME TO public")
    all_goes_on(client, run)


def test_no_database(tunemill, client, run):
    """PostgreSQL has ended, and nobody starts it again."""
    tunemill.end("postgres", signal.SIGINT)
    try:
        until(lambda: client.ask("READY").said == "STORE_DOWN", "the bridge is not ready")
        for operation in all_operations(lambda o: o.may("STORE_DOWN")):
            client.expect(operation.id, 503, "STORE_DOWN", **asked(operation.id, run))
    finally:
        tunemill.go_on()
    all_goes_on(client, run)


def started_anew(tunemill):
    """PostgreSQL ends, `up` starts another, and that one takes connections."""
    (before,) = tunemill.pids("postgres")
    os.kill(before, signal.SIGINT)

    def answers():
        return tunemill.pids("postgres") not in ([], [before]) and tunemill.sql_or_none("SELECT 1") == "1"

    until(answers, "PostgreSQL runs again")


@pytest.mark.parametrize("operation", ["TUNES", "BACKTEST", "BACKTEST_NEW", "TUNE_SUBMIT"])
def test_a_database_started_anew(tunemill, client, run, operation):
    """Whatever is asked next is answered, by processes whose connections are all dead."""
    started_anew(tunemill)
    fresh = {"body": tune_form(seed=78)} if operation == "TUNE_SUBMIT" else {}
    client.expect(operation, 200, **asked(operation, run) | fresh)


def test_all_is_well_again(client):
    client.expect("TUNE_SUBMIT", 200, body=tune_form(seed=77))
