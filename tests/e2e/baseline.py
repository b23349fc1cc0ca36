"""For each operation, a request that is right in all that can be seen without the database."""

import os

from api import MISSING, OPERATIONS
from system import ROOT

DONCHIAN = "0c9f4c3b-3c7e-4d19-9a51-6f0d2b7a1e04"
BB_REVERSAL = "8fd7589a-97c6-49bf-a65e-357fb063fe33"


def data(name):
    with open(os.path.join(ROOT, "tests", "data", name), "rb") as file:
        return file.read()


PRICES = data("SYND.csv")


def tune_form(**fields):
    """The fields of a tune of few trials; one that is None is left out."""
    form = {"strategy_entity_id": DONCHIAN, "n_trials": 20, "seed": 1, "file": ("prices.csv", PRICES)} | fields
    return [(name, value) for name, value in form.items() if value is not None]


def long_form(n_trials=1000000, **fields):
    """One that lasts: of a space without end, where that of tune_form has 4186 points."""
    return tune_form(**{"strategy_entity_id": BB_REVERSAL, "n_trials": n_trials} | fields)


def backtest_form(**fields):
    form = {"strategy_entity_id": DONCHIAN, "file": ("prices.csv", PRICES)} | fields
    return [(name, value) for name, value in form.items() if value is not None]


BODIES = {
    "TUNE_SUBMIT": tune_form(),
    "BACKTEST_NEW": backtest_form(),
    "DATA_INSPECT": [("file", ("prices.csv", PRICES))],
    "LOGIN": {"token": "not it"},
    "MATCH_RUN": {"intent": {"indicators": ["rsi"]}, "query": "mean reversion"},
    "WEAK_RUN": {"status": "acknowledged"},
    "MATCH_EXPLAIN": {"run_id": MISSING, "strategy_id": MISSING},
}
QUERIES = {
    "COMPARE": [("tune_id", MISSING), ("tune_id", MISSING[:-1] + "e")],
    "DEAD_RETRY_MANY": [("queue", "tune")],
    "DEAD_DROP_MANY": [("queue", "tune")],
}
NAMES = {"RETENTION_PRUNE": "job-runs", "WEB_ASSET": "app.css"}


def baseline(operation_id):
    """Arguments for Client.ask. What it names by its id is not there."""
    request = {"id": MISSING, "name": NAMES.get(operation_id, "tune"), "query": list(QUERIES.get(operation_id, []))}
    if operation_id in BODIES:
        request["body"] = BODIES[operation_id]
    return request


def all_operations(condition):
    return [operation for operation in OPERATIONS.values() if condition(operation)]
