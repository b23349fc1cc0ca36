"""Back-tests: a trial computed again, and those of their own."""

import json
import uuid

import pytest

from api import MISSING, encoded
from baseline import backtest_form, data, tune_form


@pytest.fixture(scope="module")
def tune(client):
    form = tune_form(oos_ratio=0.3, n_trials=60, file=("p.csv", data("sp500_daily.csv")))
    return client.expect("TUNE_SUBMIT", 200, body=form).json


def test_a_trial(client, tune):
    run = client.expect("BACKTEST", 200, id=tune["best_run_id"], query={"points": 10}).json
    assert run["score"] == tune["best_score"] and run["tune_id"] == tune["tune_id"]
    assert run["split_at"] and run["evaluated_on"] == "primary" and len(run["drawdown"]) == len(run["equity_curve"])


def test_every_trial(client, tune):
    for trial in client.expect("TUNE_RUNS", 200, id=tune["tune_id"]).json["items"]:
        whole = client.expect("BACKTEST", 200, id=trial["run_id"], query={"points": 10})
        assert client.expect("BACKTEST_BY_ID", 200, id=trial["run_id"], query={"points": 10}).json == whole.json


def test_one_of_its_own(client):
    fields = {"params": '{"n": 15}', "oos_ratio": 0.25, "initial_cash": 2000, "commission_bps": 2, "slippage_bps": 1}
    fields |= {"date_from": "2000-01-01", "date_to": "2030-01-01T00:00:00Z"}
    fields |= {"fill": "open", "end_of_data": "open", "sizing": "fractional"}
    answer = client.expect("BACKTEST_NEW", 200, body=backtest_form(**fields), query={"points": 50})
    assert answer.json["params"]["n"] == 15 and answer.json["tune_id"] is None
    assert answer.header("Content-Location") == "/backtests/runs/" + answer.json["run_id"]
    again = client.expect("BACKTEST", 200, id=answer.json["run_id"], query={"points": 50})
    assert again.json == answer.json
    listed = client.expect("BACKTESTS", 200).json
    assert listed["items"][0]["run_id"] == answer.json["run_id"] and listed["total"] == len(listed["items"])
    client.expect("BACKTEST_DELETE", 204, id=answer.json["run_id"])
    for operation in ("BACKTEST_DELETE", "BACKTEST", "BACKTEST_BY_ID"):
        client.expect(operation, 404, "RUN_NOT_FOUND", id=answer.json["run_id"])
    assert client.expect("BACKTESTS", 200).json["total"] == listed["total"] - 1
    client.expect("BACKTEST_NEW", 200, body=backtest_form())


def test_what_is_wrong_with_a_form(client):
    for code, fields in [
        ("VALIDATION_FAILED", {"initial_cash": 1}),
        ("VALIDATION_FAILED", {"file": None}),
        ("INVALID_PARAM_SPACE", {"params": '{"n": "many"}'}),
        ("INVALID_PARAM_SPACE", {"params": '{"unknown": 1}'}),
        ("UNKNOWN_FIELD", {"search_type": "grid"}),  # a tune's
        ("INVALID_DATE_FORMAT", {"date_to": "1.2.2020"}),
        ("DATA_PARSE_FAILED", {"file": ("p.csv", b"no prices\n1,2,3\n")}),
        ("INSUFFICIENT_DATA", {"date_from": "2199-01-01"}),
    ]:
        client.expect("BACKTEST_NEW", 422, code, body=backtest_form(**fields))
    client.expect("BACKTEST_NEW", 404, "STRATEGY_NOT_FOUND", body=backtest_form(strategy_entity_id=MISSING))
    kind, data = encoded(backtest_form())
    client.expect("BACKTEST_NEW", 400, "BAD_REQUEST", body=(kind, data[:-40]))


def test_strategies_that_can_and_that_cannot_be_tested(tunemill, client):
    """One without params has nothing to tune, and runs."""
    for code, spec in [
        (None, {"entry_long": "close > open", "exit_long": "close < open"}),
        ("INVALID_STRATEGY", {"params": {"n": {"type": "int", "min": 1, "max": 9}}, "entry_long": "close >"}),
    ]:
        strategy = str(uuid.uuid4())
        text = json.dumps({"id": strategy, "name": "mine", **spec})
        tunemill.sql(f"INSERT INTO strategies (id, name, spec) VALUES ('{strategy}', 'mine', '{text}')")
        client.expect("BACKTEST_NEW", 422 if code else 200, code, body=backtest_form(strategy_entity_id=strategy))
        tunemill.sql(f"DELETE FROM strategies WHERE id = '{strategy}'")


# What a back-test was asked for, changed where it is kept, so that it cannot be computed any more.
CHANGES = [
    ("INVALID_STRATEGY", "jsonb_set(request::jsonb, '{strategy,entry_long}', '\"close >\"')"),
    ("INVALID_PARAM_SPACE", "jsonb_set(request::jsonb, '{params}', '{\"unknown\": 1}')"),
    ("INSUFFICIENT_DATA", "request::jsonb || '{\"date_from\": \"2199-01-01\"}'"),
    ("DATASET_MISMATCH", "request::jsonb || jsonb_build_object('dataset_sha256', repeat('0', 64))"),
]


def test_one_that_cannot_be_computed_any_more(tunemill, client):
    for code, change in CHANGES:
        run = client.expect("BACKTEST_NEW", 200, body=backtest_form()).json["run_id"]
        tunemill.sql(f"UPDATE backtest_runs SET request = ({change})::json WHERE id = '{run}'")
        client.expect("BACKTEST", 422, code, id=run, query={"points": 11})
