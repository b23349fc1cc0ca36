"""Tunes: sent, answered, read, compared, explained, canceled, deleted."""

import csv
import http.client
import io
import json
import threading
import urllib.parse
import uuid

import pytest

from api import DOCUMENT, MISSING, encoded
from baseline import DONCHIAN, PRICES, data, long_form, tune_form
from system import until

LONG = ("sp500.csv", data("sp500_daily.csv"))
ASYNC = {"Prefer": "respond-async"}


@pytest.fixture(scope="module")
def tune(client):
    """One that has completed, with an out-of-sample part."""
    return client.expect("TUNE_SUBMIT", 200, body=tune_form(oos_ratio=0.3, n_trials=60, file=LONG)).json


@pytest.fixture()
def busy(client):
    """The only worker has a tune that lasts: others stay queued. Before the next test none of them is left."""
    form = long_form(file=LONG)
    long = client.expect("TUNE_SUBMIT", 202, body=form, headers=ASYNC).json["tune_id"]
    until(lambda: client.ask("TUNE", id=long).json["status"] == "running", "the worker is busy")
    yield lambda: client.expect("TUNE_CANCEL", 200, id=long)
    client.ask("TUNE_DELETE", id=long)
    until(lambda: client.ask("TUNES", query={"status": "queued"}).json["total"] == 0, "no tune is queued")


def in_background(call):
    """Starts it; the function that is returned waits for what it returns."""
    answers = []
    thread = threading.Thread(target=lambda: answers.append(call()))
    thread.start()

    def wait():
        thread.join()
        assert answers, "the request failed: see above"
        return answers[0]

    return wait


def test_a_tune_with_every_field(client):
    fields = {
        "search_type": "grid",
        "param_space": '{"n": [10, 20], "m": {"min": 5, "max": 9, "type": "int", "step": 2}}',
        "constraints": '["m < n"]',
        "initial_cash": 5000,
        "commission_bps": 1.5,
        "slippage_bps": 0.5,
        "fill": "open",
        "end_of_data": "open",
        "sizing": "fractional",
        "min_trades": 1,
        "objective_metric": "return",
        "objective_type": "return_dd_penalty",
        "objective_params": '{"dd_lambda": 0.1}',
        "oos_ratio": 0.2,
        "date_from": "2000-01-01",
        "date_to": "2030-01-01",
    }
    answer = client.expect("TUNE_SUBMIT", 200, body=tune_form(**fields), headers={"Prefer": "wait=60"}).json
    assert (answer["status"], answer["n_trials"], answer["objective_type"]) == ("completed", 6, "return_dd_penalty")


def test_what_is_wrong_with_a_form(client):
    for code, fields in [
        ("VALIDATION_FAILED", {"n_trials": 0}),
        ("VALIDATION_FAILED", {"strategy_entity_id": None}),
        ("VALIDATION_FAILED", {"file": None}),
        ("VALIDATION_FAILED", {"file": ("empty.csv", b"")}),
        ("INVALID_SEARCH_TYPE", {"search_type": "guess"}),
        ("INVALID_PARAM_SPACE", {"param_space": "[1]"}),
        ("INVALID_PARAM_SPACE", {"param_space": '{"unknown": [1]}'}),
        ("INVALID_CONSTRAINT", {"constraints": "n < m"}),
        ("INVALID_OBJECTIVE", {"objective_metric": "luck"}),
        ("INVALID_OBJECTIVE_TYPE", {"objective_type": "luck"}),
        ("INVALID_OBJECTIVE_PARAMS", {"objective_params": '{"luck": 1}'}),
        ("INVALID_DATE_FORMAT", {"date_from": "1.2.2020"}),
        ("VALIDATION_FAILED", {"date_from": "2020-02-01", "date_to": "2020-01-01"}),
    ]:
        answer = client.expect("TUNE_SUBMIT", 422, code, body=tune_form(**fields))
        assert answer.json["errors"], code


def test_limits_of_a_form_are_those_of_the_document(client):
    """Each number of it, just below and just above."""
    for name, schema in DOCUMENT["components"]["schemas"]["TuneForm"]["properties"].items():
        wrong = [schema[limit] + step for limit, step in (("minimum", -1), ("maximum", 1)) if limit in schema]
        if schema["type"] == "number":
            wrong = [value if abs(value) < 1e15 else 2e15 for value in wrong]
        for value in wrong:
            answer = client.expect("TUNE_SUBMIT", 422, "VALIDATION_FAILED", body=tune_form(**{name: value}))
            assert answer.json["errors"][0]["loc"] == f"body.{name}", (name, value)


def test_forms_that_are_none(client):
    kind, data = encoded(tune_form())
    client.expect("TUNE_SUBMIT", 400, "BAD_REQUEST", body=(kind, data[:-40]))
    client.expect("TUNE_SUBMIT", 415, "UNSUPPORTED_MEDIA_TYPE", body=("multipart/form-data", data))
    twice = tune_form() + [("seed", 2)]
    client.expect("TUNE_SUBMIT", 422, "VALIDATION_FAILED", body=twice)


def test_a_file_that_is_too_large(client):
    large = ("large.csv", b"x" * (1 << 20) + b"y")
    client.expect("TUNE_SUBMIT", 413, "FILE_TOO_LARGE", body=tune_form(file=large))
    client.expect("BACKTEST_NEW", 413, "FILE_TOO_LARGE", body=tune_form(file=large))
    client.expect("DATA_INSPECT", 413, "FILE_TOO_LARGE", body=tune_form(file=large))


def test_strategies_that_cannot_be_tuned(tunemill, client):
    client.expect("TUNE_SUBMIT", 404, "STRATEGY_NOT_FOUND", body=tune_form(strategy_entity_id=MISSING))
    for code, spec in [
        ("NO_TUNABLE_PARAMS", {"entry_long": "close > open", "exit_long": "close < open"}),
        ("INVALID_STRATEGY", {"params": {"n": {"type": "int", "min": 1, "max": 9}}, "entry_long": "close >"}),
    ]:
        strategy = str(uuid.uuid4())
        text = json.dumps({"id": strategy, "name": code.lower(), **spec})
        tunemill.sql(f"INSERT INTO strategies (id, name, spec) VALUES ('{strategy}', '{code}', '{text}')")
        client.expect("TUNE_SUBMIT", 422, code, body=tune_form(strategy_entity_id=strategy))
        client.expect("STRATEGY", 200, id=strategy)
        tunemill.sql(f"DELETE FROM strategies WHERE id = '{strategy}'")


def test_a_grid_of_more_points_than_trials(client):
    space = '{"n": [10, 20, 30], "m": [5, 10]}'
    answer = client.expect("TUNE_SUBMIT", 422, "GRID_TOO_LARGE", body=tune_form(search_type="grid", n_trials=5, param_space=space))
    assert "6 points" in answer.json["detail"] + str(answer.json["errors"])


def test_files_that_cannot_be_used(client):
    client.expect("TUNE_SUBMIT", 422, "DATA_PARSE_FAILED", body=tune_form(file=("p.csv", b"no prices\n1,2,3\n")))
    client.expect("TUNE_SUBMIT", 422, "INSUFFICIENT_DATA", body=tune_form(date_from="2199-01-01"))
    client.expect("TUNE_SUBMIT", 422, "INVALID_CONSTRAINT", body=tune_form(constraints='["n <"]'))


def test_what_was_asked_for_wrongly_is_rejected(tunemill, client):
    """To the contract it has failed; it is no dead job, and its key says the same again."""
    dead = tunemill.sql("SELECT count(*) FROM dead_jobs WHERE queue = 'tune'")
    form = tune_form(file=("p.csv", b"date,open,high,low,close,volume\n2020-01-01,1,2,3,1,1\n"))
    key = {"X-Idempotency-Key": "rejected"}
    first = client.expect("TUNE_SUBMIT", 422, "DATA_PARSE_FAILED", body=form, headers=key)
    again = client.expect("TUNE_SUBMIT", 422, "DATA_PARSE_FAILED", body=form, headers=key)
    assert again.header("Idempotent-Replayed") == "true" and again.json["detail"] == first.json["detail"]
    tune = client.expect("TUNES", 200, query={"status": "failed", "limit": 1}).json["items"][0]
    assert first.json["errors"]
    cells = [{name: value for name, value in cell.items() if name != "loc"} for cell in first.json["errors"]]
    error = {"code": "DATA_PARSE_FAILED", "detail": first.json["detail"], "rejected": True, "errors": cells}
    assert tune["error"] == error
    assert tunemill.sql(f"SELECT outcome FROM job_runs WHERE id = '{tune['tune_id']}'").strip() == "rejected"
    assert tunemill.sql("SELECT count(*) FROM dead_jobs WHERE queue = 'tune'") == dead


def test_keys(client, busy):
    key = {"X-Idempotency-Key": "one", **ASYNC}
    first = client.expect("TUNE_SUBMIT", 202, body=tune_form(), headers=key)
    assert first.header("Location") == "/backtests/tunes/" + first.json["tune_id"]
    again = client.expect(
        "TUNE_SUBMIT", 409, "IDEMPOTENCY_IN_PROGRESS", body=tune_form(), headers={"Idempotency-Key": '"one"', **ASYNC}
    )
    assert again.json["tune_id"] == first.json["tune_id"] and again.header("Retry-After")
    client.expect("TUNE_SUBMIT", 409, "IDEMPOTENCY_KEY_REUSED", body=tune_form(seed=2), headers=key)
    client.expect("TUNE_EXPLAIN", 409, "TUNE_NOT_COMPLETED", id=first.json["tune_id"])
    other = client.expect("TUNE_SUBMIT", 202, body=tune_form(seed=3), headers=ASYNC).json["tune_id"]
    canceled = client.expect("TUNE_CANCEL", 200, id=other).json
    assert canceled["status"] == "canceled"
    client.expect("TUNE_CANCEL", 409, "TUNE_ALREADY_OVER", id=other)
    assert client.expect("TUNE", 200, id=other).json["error"]["code"] == "CANCELED"


def test_a_key_says_the_same_again(client):
    key = {"X-Idempotency-Key": "two"}
    first = client.expect("TUNE_SUBMIT", 200, body=tune_form(seed=4), headers=key)
    again = client.expect("TUNE_SUBMIT", 200, body=tune_form(seed=4), headers=key)
    assert (first.header("Idempotent-Replayed"), again.header("Idempotent-Replayed")) == ("", "true")
    assert first.text == again.text
    for operation, form in (("TUNE_SUBMIT", tune_form()), ("BACKTEST_NEW", tune_form())):
        headers = {"X-Idempotency-Key": "k" * 201}
        client.expect(operation, 422, "IDEMPOTENCY_KEY_TOO_LONG", body=form, headers=headers)
        client.expect(operation, 422, "VALIDATION_FAILED", body=form, headers={"X-Idempotency-Key": "ä"})
        both = {"X-Idempotency-Key": "a", "Idempotency-Key": "b"}
        client.expect(operation, 400, "BAD_REQUEST", body=form, headers=both)


# How a tune may have ended, and that no request can bring about: it is written into the database. What the server
# makes of it is its own.
ENDINGS = ["JOB_FAILED", "WORKER_LOST", "JOB_TIMEOUT", "POISONED", "DATASET_MISMATCH"]


def test_a_key_says_how_a_tune_failed(tunemill, client, busy):
    for code in ENDINGS:
        key = {"X-Idempotency-Key": f"failed {code}".replace(" ", "-"), **ASYNC}
        tune = client.expect("TUNE_SUBMIT", 202, body=tune_form(), headers=key).json["tune_id"]
        tunemill.sql(f"""
            WITH gone AS (DELETE FROM jobs WHERE id = '{tune}' RETURNING *)
            INSERT INTO dead_jobs (id, queue, workspace_id, priority, attempt, failures, crashes, max_attempts,
                                   timeout_ms, body, created_at, code, detail)
            SELECT id, queue, workspace_id, priority, 1, 1, 0, max_attempts, timeout_ms, body, created_at, '{code}',
                   'so it was' FROM gone;""")
        answer = client.ask("TUNE_SUBMIT", body=tune_form(), headers=key)
        assert (answer.said, answer.json["detail"]) == (code, "so it was")
        assert answer.header("Idempotent-Replayed") == "true" and "trace_id" not in answer.json
        client.expect("TUNE", 200, id=tune)


def test_a_tune_that_goes_away(tunemill, client, busy):
    key = {"X-Idempotency-Key": "away", **ASYNC}
    tune = client.expect("TUNE_SUBMIT", 202, body=tune_form(), headers=key).json["tune_id"]
    tunemill.sql(f"DELETE FROM backtest_tunes WHERE id = '{tune}'")
    client.expect("TUNE_SUBMIT", 404, "TUNE_NOT_FOUND", body=tune_form(), headers=key)
    tunemill.sql(f"SELECT job_cancel('{tune}')")


def test_a_key_of_a_tune_that_was_deleted(client):
    """The same request is a new tune, not the answer of one that nobody can look at."""
    headers = {"X-Idempotency-Key": "deleted"}
    first = client.expect("TUNE_SUBMIT", 200, headers=headers, body=tune_form()).json["tune_id"]
    client.expect("TUNE_DELETE", 204, id=first)
    again = client.expect("TUNE_SUBMIT", 200, headers=headers, body=tune_form())
    assert again.json["tune_id"] != first and not again.header("Idempotent-Replayed")
    client.expect("TUNE", 200, id=again.json["tune_id"])


def test_a_key_that_expires(tunemill, client, busy):
    headers = {"X-Idempotency-Key": "gone", "Prefer": "wait=60"}
    wait = in_background(lambda: client.ask("TUNE_SUBMIT", body=tune_form(seed=9), headers=headers))
    until(lambda: client.ask("TUNES", query={"status": "queued"}).json["total"] == 1, "the tune is queued")
    tunemill.sql("DELETE FROM idempotency_keys WHERE key = 'gone'")
    busy()
    answer = wait()
    assert (answer.status, answer.said) == (404, "NOT_FOUND")


def test_a_full_queue(tunemill, client, busy):
    tunemill.sql("SELECT queue_limit('tune', 1, NULL)")
    try:
        said = lambda: client.ask("TUNE_SUBMIT", body=tune_form(), headers=ASYNC).said
        until(lambda: said() == "QUEUE_FULL", "the queue is full")
        tune = client.expect("TUNES", 200, query={"limit": 1}).json["items"][0]["tune_id"]
        client.expect("TUNE_AGAIN", 429, "QUEUE_FULL", id=tune)
    finally:
        tunemill.sql("SELECT queue_limit('tune', NULL, NULL)")


ALL = {"gates": '{"min_trades": 1, "max_drawdown_pct": null}', "min_trades": 1}  # every trial is valid


def test_the_same_is_asked_again(tunemill, client):
    """Of the same file, with the seed that was drawn, and the strategy as it was then."""
    first = client.expect("TUNE_SUBMIT", 200, body=tune_form(seed=None, timezone="Asia/Tokyo", **ALL)).json
    again = client.expect("TUNE_AGAIN", 202, id=first["tune_id"])
    other = again.json["tune_id"]
    assert again.header("Location") == f"/backtests/tunes/{other}" and other != first["tune_id"]
    second = until(lambda: over(client.expect("TUNE", 200, id=other).json), "it is over")
    for name in ("request", "best_params", "best_score", "counts", "warnings", "dataset"):
        assert first[name] == second[name], name
    assert isinstance(first["request"]["seed"], int) and first["request"]["select_on"] == "is"
    assert len(first["request"]["strategy_version"]) == 12 and first["request"]["date_from"] is None
    listed = client.expect("TUNES", 200, query={"limit": 1}).json["items"][0]
    assert listed["request"] == first["request"]
    run = client.expect("BACKTEST", 200, id=first["best_run_id"], query={"points": 10}).json
    assert run["request"] == first["request"]
    client.expect("TUNE_AGAIN", 404, "TUNE_NOT_FOUND", id=MISSING)
    client.expect("TUNE_AGAIN", 422, "UNKNOWN_FIELD", id=other, query={"seed": 1})


def over(tune):
    return tune if tune["status"] not in ("queued", "running") else None


def test_a_tune_that_runs_is_stopped(client):
    form = long_form(file=LONG)
    tunes = [client.expect("TUNE_SUBMIT", 202, body=form, headers=ASYNC).json["tune_id"] for _ in "ab"]
    until(lambda: client.expect("TUNE", 200, id=tunes[0]).json["status"] == "running", "the tune runs")
    until(lambda: client.expect("TUNE", 200, id=tunes[0]).json["trials_completed"] > 0, "it has found something")
    assert client.expect("TUNE_CANCEL", 200, id=tunes[0]).json["status"] == "canceled"
    kept = client.expect("TUNE", 200, id=tunes[0]).json
    assert kept["status"] == "canceled" and kept["error"]["code"] == "CANCELED" and not kept["error"]["rejected"]
    assert 0 < kept["trials_completed"] < kept["n_trials"] == 1000000
    assert kept["trials_completed"] == kept["counts"]["completed"] + kept["counts"]["skipped"] + kept["counts"]["failed"]
    assert client.expect("TUNE_RUNS", 200, id=tunes[0]).json["total"] == kept["trials_completed"]
    if kept["counts"]["completed"]:
        assert kept["leaderboard"][0]["run_id"] == kept["best_run_id"] and kept["best_params"]
        board = client.expect("LEADERBOARD", 200, query={"status": "canceled"}).json
        assert tunes[0] in [place["tune_id"] for place in board["items"]]
    until(lambda: client.expect("TUNE", 200, id=tunes[1]).json["status"] == "running", "the other runs")
    client.expect("TUNE_DELETE", 204, id=tunes[1])
    client.expect("TUNE", 404, "TUNE_NOT_FOUND", id=tunes[1])


def test_reading(client, tune):
    assert tune["leaderboard"] and tune["best_run_id"] == tune["leaderboard"][0]["run_id"]
    assert client.expect("TUNE", 200, id=tune["tune_id"]).json == tune
    runs = client.expect("TUNE_RUNS", 200, id=tune["tune_id"], query={"limit": 200}).json
    for status in ("queued", "running", "completed", "failed", "skipped"):
        of_it = client.expect("TUNE_RUNS", 200, id=tune["tune_id"], query={"limit": 200, "status": status}).json
        assert of_it["items"] == [run for run in runs["items"] if run["status"] == status]
        assert of_it["total"] == len(of_it["items"])
    client.expect("TUNE_RUNS", 422, "VALIDATION_FAILED", id=tune["tune_id"], query={"status": "canceled"})
    assert len(runs["items"]) == runs["total"] == 60
    assert client.expect("TUNE_POINTS", 200, id=tune["tune_id"]).json["total"] == 60
    filters = [("status", "completed"), ("objective_type", "sharpe"), ("oos_enabled", "true"), ("valid_only", "1")]
    for pair in filters:
        assert client.expect("TUNES", 200, query=[pair]).json["items"], pair
    page = {"strategy_entity_id": DONCHIAN, "limit": 1, "offset": 1}
    assert client.expect("TUNES", 200, query=page).json["offset"] == 1


def test_comparing(client, tune):
    other = client.expect("TUNE_SUBMIT", 200, body=tune_form(seed=2)).json
    query = [("tune_id", tune["tune_id"]), ("tune_id", other["tune_id"])]
    comparison = client.expect("COMPARE", 200, query=query).json
    assert [t["tune_id"] for t in comparison["tunes"]] == [i for _, i in query]
    assert comparison["differences"]["n_trials"] == [60, 20]
    client.expect("COMPARE", 404, "TUNE_NOT_FOUND", query=query + [("tune_id", MISSING)])


def test_the_leaderboard(client, tune):
    board = client.expect("LEADERBOARD", 200, query={"limit": 200}).json
    assert {place["objective_type"] for place in board["items"]} == {"sharpe"}
    assert len({place["tune_id"] for place in board["items"]}) == board["total"]
    assert client.expect("LEADERBOARD", 200, query={"include_canceled": "true"}).json["total"] >= board["total"]
    assert board["items"][0]["rank"] == 1 and tune["tune_id"] in [place["tune_id"] for place in board["items"]]
    table = client.expect("LEADERBOARD", 200, "text/csv", query={"format": "csv"})
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert table.header("Content-Disposition")
    assert [row["run_id"] for row in rows[:200]] == [place["run_id"] for place in board["items"]]


def test_strategies(client):
    strategies = client.expect("STRATEGIES", 200, query={"limit": 200}).json
    assert DONCHIAN in [s["id"] for s in strategies["items"]]
    assert client.expect("STRATEGY", 200, id=DONCHIAN).json["name"] == "donchian_breakout"


def test_explaining(client, tune):
    """There is no model: the text is made from the figures."""
    short = client.expect("TUNE_EXPLAIN", 200, id=tune["tune_id"]).json
    assert (short["degraded"], short["reason_code"], short["verbosity"]) == (True, "llm_unconfigured", "short")
    long = client.expect("TUNE_EXPLAIN", 200, id=tune["tune_id"], body={"verbosity": "detailed"}).json
    assert len(long["explanation"]) > len(short["explanation"])
    form = ("application/x-www-form-urlencoded", b"verbosity=detailed")
    assert client.expect("TUNE_EXPLAIN", 200, id=tune["tune_id"], body=form).json["verbosity"] == "detailed"
    client.expect("TUNE_EXPLAIN", 422, id=tune["tune_id"], body={"verbosity": "endless"})
    client.expect("TUNE_EXPLAIN", 422, id=tune["tune_id"], body={"verbosity": "short"}, query={"verbosity": "detailed"})


def test_no_winner(client):
    lost = client.expect("TUNE_SUBMIT", 200, body=tune_form(min_trades=1000000)).json
    assert lost["best_run_id"] is None and lost["counts"]["skipped"] == 20
    client.expect("TUNE_RUNS", 200, id=lost["tune_id"])
    client.expect("TUNE_EXPLAIN", 200, id=lost["tune_id"])


def test_uploads_that_are_too_many(client):
    """As many as are let in stand with half a body each."""
    where = urllib.parse.urlsplit(client.base)
    kind, data = encoded(tune_form(file=("p.csv", PRICES)))
    waiting = [http.client.HTTPConnection(where.hostname, where.port) for _ in range(4)]
    try:
        for connection in waiting:
            connection.putrequest("POST", "/backtests/tune")
            connection.putheader("Content-Type", kind)
            connection.putheader("Content-Length", str(len(data)))
            connection.endheaders(data[:1000])
        for operation in ("TUNE_SUBMIT", "BACKTEST_NEW", "DATA_INSPECT"):
            until(lambda: client.ask(operation, body=tune_form(), headers=ASYNC).said == "BUSY", "uploads are refused")
    finally:
        for connection in waiting:
            connection.close()
    until(lambda: client.ask("TUNE_SUBMIT", body=tune_form()).status == 200, "uploads are taken again")
