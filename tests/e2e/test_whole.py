"""Every answer that the document describes was had in the tests before, but for those of UNPROVOKED."""

import pytest

from api import OPERATIONS

# (operations, or * for all; code; why no test can bring it about)
UNPROVOKED = [
    ("*", "NO_MEMORY", "the machine would have to be out of memory"),
    (
        "*",
        "DRAINING",
        "a bridge that ends answers what it was asked before: only what is so late that it is cut off, after ten "
        "seconds, and what begins something new (driven in test_faults) gets this",
    ),
    ("TUNE_SUBMIT", "TOO_LARGE", "the broker takes whatever http.max_upload_mb lets in: its limit is above any form"),
    ("BACKTEST_NEW", "TOO_LARGE", "the same"),
    ("BACKTEST_NEW", "DATASET_MISMATCH", "the file was put there by the same request"),
    ("BACKTEST", "TOO_LARGE", "curve and trades are thinned out until they fit: no real strategy is too large"),
    ("BACKTEST", "FILE_TOO_LARGE", "http.max_upload_mb would have to be made smaller between two requests"),
    ("BACKTEST", "DATA_PARSE_FAILED", "the file was read before; only another version of the program may refuse it"),
    ("DATA_INSPECT", "TIMEOUT", "no file of the size that is let in takes half a minute to read"),
    ("BACKTEST_NEW", "TIMEOUT", "as BACKTEST's, which is driven: it takes a quarter of a minute"),
]

# another address of an operation, answered by the same function: its own 200 and 404 are enough
SAME = {"BACKTEST_BY_ID": "BACKTEST"}


def reason(operation, said):
    return next((why for who, code, why in UNPROVOKED if code == said and who in ("*", operation)), None)


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=str)
def test_every_answer_was_had(driven, operation):
    missing = [
        f"{status} {said}"
        for status, said in operation.answers()
        if (operation.id, status, said) not in driven
        and not reason(operation.id, said)
        and not (operation.id in SAME and status not in (200, 404))
    ]
    assert not missing, f"{operation} was never seen to answer {', '.join(missing)}"


@pytest.mark.parametrize("one, other", SAME.items())
def test_the_same_is_described_the_same(one, other):
    assert OPERATIONS[one].responses == OPERATIONS[other].responses


def test_what_begins_something_new_is_refused_at_the_end(driven):
    for operation in ("TUNE_SUBMIT", "BACKTEST_NEW", "EVENTS", "READY"):
        assert (operation, 503, "DRAINING") in driven


def test_what_cannot_be_provoked_was_not(driven):
    for who, code, _ in UNPROVOKED:
        assert who == "*" or who in OPERATIONS and OPERATIONS[who].may(code), f"{who} has no {code}"
        had = [operation for operation, _, said in driven if said == code and operation == who]
        assert not had, f"{who} was seen to answer {code}: take it out of UNPROVOKED"
