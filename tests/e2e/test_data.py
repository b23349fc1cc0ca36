"""Files of price data, looked at before anything is run on them."""

import gzip
import os
import signal
import threading

from api import encoded
from baseline import PRICES, tune_form
from system import until

HEADER = b"date,open,high,low,close,volume\n"


def rows(count, close=b"10"):
    return HEADER + b"".join(b"2020-01-%02d,10,11,9,%s,1\n" % (day, close) for day in range(1, count + 1))


def inspect(client, data, **fields):
    form = [("file", ("prices.csv", data))] + list(fields.items())
    return client.expect("DATA_INSPECT", 200, body=form).json


def test_what_is_understood(client):
    report = inspect(client, PRICES)
    assert (report["bars"], report["timeframe"], report["separator"]) == (1200, "1d", "comma")
    assert (report["first"], report["timezone"]) == ("2019-01-01", "UTC (none in the file)")
    tokyo = inspect(client, PRICES, timezone="Asia/Tokyo", allow_dropped_pct="0", symbol="")
    assert report["first_ms"] - tokyo["first_ms"] == 9 * 3600 * 1000
    assert inspect(client, gzip.compress(PRICES))["container"] == "gzip"


def test_the_form_of_a_tune_is_taken_and_nothing_kept(tunemill, client):
    count = lambda: tunemill.sql("SELECT count(*) FROM datasets") + tunemill.sql("SELECT count(*) FROM backtest_tunes")
    before = count()
    unseen = HEADER + b"".join(b"2021-02-%02d,20,21,19,20,1\n" % day for day in range(1, 29))
    answer = client.expect("DATA_INSPECT", 200, body=tune_form(file=("unseen.csv", unseen)))
    assert answer.json["bars"] == 28 and count() == before


def test_the_cells_that_are_wrong_are_told(client):
    data = rows(20) + b"2020-01-21,10,11,9,x,1\n" + b"2020-01-22,10,nan,9,10,1\n"
    answer = client.expect("DATA_INSPECT", 422, "DATA_PARSE_FAILED", body=[("file", ("p.csv", data))]).json
    assert [(e["line"], e["column"], e["value"], e["loc"]) for e in answer["errors"]] == [
        (22, "close", "x", "body.file"),
        (23, "high", "nan", "body.file"),
    ]
    many = client.expect("DATA_INSPECT", 422, body=[("file", ("p.csv", rows(20, b"x")))]).json
    assert len(many["errors"]) == 5
    for data, fields, word in [
        (b"<html></html>", {}, "web page"),
        (rows(9), {}, "at least 10"),
        (PRICES, {"timezone": "Europe/Berlim"}, "Berlim"),
        (PRICES, {"symbol": "AAA"}, "AAA"),
    ]:
        form = [("file", ("p.csv", data))] + list(fields.items())
        assert word in client.expect("DATA_INSPECT", 422, "DATA_PARSE_FAILED", body=form).json["detail"]


def test_what_is_wrong_with_a_form(client):
    for code, fields in [
        ("VALIDATION_FAILED", {"file": None}),
        ("VALIDATION_FAILED", {"file": ("empty.csv", b"")}),
        ("VALIDATION_FAILED", {"allow_dropped_pct": 101}),
        ("VALIDATION_FAILED", {"timezone": "x" * 65}),
        ("UNKNOWN_FIELD", {"time_zone": "Asia/Tokyo"}),
        ("INVALID_SEARCH_TYPE", {"search_type": "guess"}),
        ("INVALID_PARAM_SPACE", {"param_space": "[1]"}),
        ("INVALID_OBJECTIVE", {"objective_metric": "luck"}),
        ("INVALID_OBJECTIVE_TYPE", {"objective_type": "luck"}),
        ("INVALID_OBJECTIVE_PARAMS", {"objective_params": "1"}),
        ("INVALID_DATE_FORMAT", {"date_from": "1.2.2020"}),
    ]:
        assert client.expect("DATA_INSPECT", 422, code, body=tune_form(**fields)).json["errors"], code
    kind, data = encoded(tune_form())
    client.expect("DATA_INSPECT", 400, "BAD_REQUEST", body=(kind, data[:-40]))
    client.expect("DATA_INSPECT", 415, "UNSUPPORTED_MEDIA_TYPE", body=("multipart/form-data", data))
    answer = client.expect("DATA_INSPECT", 415, headers={"Content-Encoding": "gzip"}, body=(kind, gzip.compress(data)))
    assert "Content-Encoding gzip" in answer.json["detail"] and answer.header("Accept-Encoding") == "identity"
    client.expect("DATA_INSPECT", 200, headers={"Content-Encoding": "identity"}, body=tune_form())
    headers = {"X-Idempotency-Key": "k" * 201}
    client.expect("DATA_INSPECT", 422, "IDEMPOTENCY_KEY_TOO_LONG", headers=headers, body=tune_form())


def readers(bridge):
    """The processes that read files for it."""
    found = []
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/stat") as stat, open(f"/proc/{name}/cmdline") as line:
                if int(stat.read().rsplit(")", 1)[1].split()[1]) == bridge and "/dev/stdin" in line.read():
                    found.append(int(name))
        except (OSError, ValueError, IndexError):
            pass
    return found


def packed():
    """A file of half a megabyte that takes long to read: 80 of them when it is unpacked."""
    some = b"".join(b"20%02d-%02d-01,10,11,9,10.%05d,1\n" % (i // 12, i % 12 + 1, i * 7919 % 99991) for i in range(700))
    return gzip.compress(HEADER + some * (80000000 // len(some)))


class Inspection(threading.Thread):
    """A file that is being read, by a process that stands still."""

    def __init__(self, client, bridge, data):
        super().__init__()
        self._client, self._data, self.answer = client, data, None
        before = readers(bridge)
        self.start()
        found = until(lambda: [pid for pid in readers(bridge) if pid not in before], "the file is being read")
        self.reader = found[0]
        os.kill(self.reader, signal.SIGSTOP)

    def run(self):
        self.answer = self._client.ask("DATA_INSPECT", body=[("file", ("p.csv.gz", self._data))])

    def end(self):
        os.kill(self.reader, signal.SIGKILL)
        self.join()
        return self.answer


def test_two_are_read_at_once_and_one_that_is_killed_is_nobody_elses_fault(tunemill, client):
    data = packed()
    (bridge,) = tunemill.pids("http")
    readings = [Inspection(client, bridge, data) for _ in range(2)]
    client.expect("DATA_INSPECT", 503, "BUSY", body=[("file", ("p.csv", PRICES))])
    assert [reading.end().said for reading in readings] == ["INTERNAL"] * 2
    until(lambda: client.ask("DATA_INSPECT", body=[("file", ("p.csv", PRICES))]).status == 200, "files are read again")


def test_a_bridge_that_ends_reads_no_file_to_its_end(tunemill, client):
    process, base = tunemill.bridge()
    reading = Inspection(client.at(base), process.pid, packed())
    process.send_signal(signal.SIGTERM)
    reading.join()
    assert (reading.answer.status, reading.answer.said) == (503, "DRAINING")
    assert process.wait() == 0
