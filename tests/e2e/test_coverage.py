"""What is looked for, and what is done where too little is found."""

import pytest

from api import MISSING
from system import until


def match(client, query, **intent):
    return client.expect("MATCH_RUN", 200, body={"intent": intent, "query": query}).json


@pytest.fixture(scope="module")
def weak(client):
    """A run that found something, but too little."""
    run = match(client, "reversal under a full moon", topics=["moon_phases"], indicators=["rsi"], risk_terms=["tides"])
    assert run["weak_coverage"] and run["candidates"], run
    return run


def test_matching(client):
    good = match(client, "mean reversion with rsi", indicators=["rsi"])
    assert good["candidates"][0]["matched_tags"] == ["rsi"] and not good["weak_coverage"]
    unsure = match(client, "something", overall_confidence=0.1)
    assert unsure["reason_codes"] == ["LOW_SIGNAL_INPUT"]
    none = match(client, "knitting patterns", topics=["knitting"])
    assert none["reason_codes"] == ["NO_RESULTS"] and none["best_score"] is None
    assert client.expect("WEAK_RUNS", 200).json["items"]
    intent = {"indicators": None, "symbols": ["SPY"], "timeframe_buckets": ["daily"], "timeframe_explicit": ["1d"]}
    client.expect("MATCH_RUN", 200, body={"intent": intent, "query": "knitting", "top_k": None, "source_ref": "e2e"})


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"intent": [], "query": "x"},
        {"intent": {}, "query": ""},
        {"intent": {}, "query": "x" * 2001},
        {"intent": {}, "query": "x", "top_k": 51},
        {"intent": {}, "query": "x", "top_k": 0},
        {"intent": {}, "query": "x", "source_ref": "x" * 201},
        {"intent": {"topics": ["x"] * 33}, "query": "x"},
        {"intent": {"topics": ["x" * 101]}, "query": "x"},
        {"intent": {"topics": [""]}, "query": "x"},
        {"intent": {"overall_confidence": 1.1}, "query": "x"},
    ],
)
def test_matching_what_is_wrong(client, body):
    client.expect("MATCH_RUN", 422, "VALIDATION_FAILED", body=body)


def test_weak_runs(client, weak):
    for query in (
        {"status": "all", "limit": 200, "include_candidate_cards": "true"},
        {"since": "2020-01-01T00:00:00Z", "include_candidate_cards": "true"},
    ):
        answer = client.expect("WEAK_RUNS", 200, query=query).json
        assert weak["run_id"] in [item["run_id"] for item in answer["items"]]
        assert weak["candidates"][0]["strategy_id"] in answer["strategy_cards_by_id"]
    assert client.expect("WEAK_RUNS", 200, query={"since": "2900-01-01T00:00:00Z"}).json["count"] == 0


def test_triage(client, weak):
    for status in ("acknowledged", "resolved", "open"):
        run = client.expect("WEAK_RUN", 200, id=weak["run_id"], body={"status": status}).json
        assert run["coverage_status"] == status
    client.expect("WEAK_RUN", 422, "VALIDATION_FAILED", id=weak["run_id"], body={"status": "forgotten"})
    long = {"status": "open", "note": "x" * 1001}
    client.expect("WEAK_RUN", 422, "VALIDATION_FAILED", id=weak["run_id"], body=long)
    nothing = match(client, "knitting patterns", topics=["knitting"])["run_id"]
    resolve = {"status": "resolved"}
    client.expect("WEAK_RUN", 400, "RESOLUTION_NEEDS_EVIDENCE", id=nothing, body=resolve)
    client.expect("WEAK_RUN", 200, id=nothing, body=resolve | {"note": "there is a strategy now"})
    client.expect("WEAK_RUN", 200, id=nothing, body=resolve)


def test_explaining(client, weak):
    strategy = weak["candidates"][0]["strategy_id"]
    asked = {"run_id": weak["run_id"], "strategy_id": strategy}
    for verbosity in ("short", "detailed"):
        answer = client.expect("MATCH_EXPLAIN", 200, body=asked | {"verbosity": verbosity}).json
        assert (answer["verbosity"], answer["strategy_id"], answer["degraded"]) == (verbosity, strategy, True)
    client.expect("MATCH_EXPLAIN", 200, body=asked, query={"verbosity": "detailed"})
    client.expect("MATCH_EXPLAIN", 404, "MATCH_RUN_NOT_FOUND", body=asked | {"run_id": MISSING})
    client.expect("MATCH_EXPLAIN", 404, "STRATEGY_NOT_FOUND", body=asked | {"strategy_id": MISSING})
    client.expect("MATCH_EXPLAIN", 422, "VALIDATION_FAILED", body={"run_id": weak["run_id"]})


def test_a_later_run_settles_an_earlier_one(tunemill, client):
    early = match(client, "grid of bollinger bands", indicators=["knots"])
    assert early["weak_coverage"]
    tunemill.sql("UPDATE strategies SET tags = array_append(tags, 'knots') WHERE name = 'bb_reversal'")
    try:
        late = match(client, "grid of bollinger bands", indicators=["knots"])
        assert late["resolved_run_ids"] == [early["run_id"]], late
    finally:
        tunemill.sql("UPDATE strategies SET tags = array_remove(tags, 'knots') WHERE name = 'bb_reversal'")
    settled = lambda: [
        item["resolved_by"]
        for item in client.expect("WEAK_RUNS", 200, query={"status": "resolved"}).json["items"]
        if item["run_id"] == early["run_id"]
    ]
    assert until(settled, "it is listed") == ["system"]
