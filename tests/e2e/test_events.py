"""The event stream: its first words, and each kind of event."""

import http.client
import re
import time
import urllib.parse

import pytest

from api import OPERATIONS, Answer, check_headers, parse, validate
from baseline import data, long_form, tune_form
from system import PATIENCE_S, TOKEN, until

EVENTS = OPERATIONS["EVENTS"]
KINDS = EVENTS.responses[200]["content"]["text/event-stream"]["x-events"]


class Stream:
    """What the server says, block by block; each event is held to its schema."""

    def __init__(self, client, driven, query=(), headers=()):
        where = urllib.parse.urlsplit(client.base)
        self._connection = http.client.HTTPConnection(where.hostname, where.port, timeout=60)
        address = EVENTS.path + ("?" + urllib.parse.urlencode(query) if query else "")
        self._connection.request("GET", address, headers=dict(headers) or {"X-Admin-Token": TOKEN})
        self._response = self._connection.getresponse()
        self.answer = Answer(self._response, "")
        assert (self.answer.status, self.answer.type) == (200, "text/event-stream")
        check_headers(self.answer, EVENTS.responses[200], "EVENTS")
        driven.add(("EVENTS", 200, "text/event-stream"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._connection.close()
        self._response.close()

    def block(self):
        """The lines up to the next empty one, without comments: name to value."""
        fields = {}
        while (line := self._response.readline().decode()) != "\n":
            assert line.endswith("\n"), f"the stream ended: {line!r}"
            name, colon, value = line[:-1].partition(": ")
            assert colon and name in ("", "id", "event", "data", "retry"), line
            assert name not in fields, line
            fields[name] = value
        return fields

    def event(self, *topics):
        """The next event of these topics."""
        end = time.monotonic() + PATIENCE_S
        while True:
            fields = self.block()
            assert time.monotonic() < end, f"no event of {topics} within {PATIENCE_S} s"
            if "event" not in fields:
                continue
            topic, value = fields["event"], parse(fields["data"])
            validate(value, KINDS[topic], topic)
            if "topic" in value:
                assert value["topic"] == topic
            if "id" in value:
                assert fields["id"] == value["id"]
            if topic in topics or not topics:
                return fields.get("id"), value


def test_first_words(client, driven):
    with Stream(client, driven) as stream:
        assert stream.block() == {"": "connected"}
        assert stream.block() == {"retry": "3000"}
        assert re.fullmatch(r"\d+", stream.block()["id"])
    with Stream(client, driven, {"topics": "coverage,backtest.tune.queued"}):
        pass


def test_a_tune(client, driven):
    """From its queue to its end; and once more for one who comes late."""
    daily = ("p.csv", data("sp500_daily.csv"))  # so many trials of it last longer than the first word of progress
    with Stream(client, driven, {"topics": "backtests"}) as stream:
        tune = client.expect("TUNE_SUBMIT", 200, body=long_form(100000, file=daily)).json["tune_id"]
        for what in ("queued", "started", "progress", "completed"):
            number, event = stream.event(f"backtest.tune.{what}")
            assert event["payload"]["tune_id"] == tune
        lost = client.ask("TUNE_SUBMIT", body=tune_form(file=("p.csv", b"no\n"))).json["code"]
        assert stream.event("backtest.tune.failed")[1]["payload"]["error"]["code"] == lost
        long = long_form(file=daily)
        tune = client.expect("TUNE_SUBMIT", 202, body=long, headers={"Prefer": "respond-async"}).json["tune_id"]
        client.expect("TUNE_CANCEL", 200, id=tune)
        _, canceled = stream.event("backtest.tune.canceled")
    later = {"X-Admin-Token": TOKEN, "Last-Event-ID": number}
    with Stream(client, driven, {"topics": "backtest.tune.canceled"}, later) as stream:
        assert stream.event() == (canceled["id"], canceled)
    for name in ("last_event_id", "lastEventId", "Last-Event-ID"):
        with Stream(client, driven, {"topics": "backtest.tune.canceled", name: number}) as stream:
            assert stream.event() == (canceled["id"], canceled)


def test_weak_runs(client, driven):
    with Stream(client, driven, {"topics": "coverage"}) as stream:
        run = client.expect("MATCH_RUN", 200, body={"intent": {"topics": ["chess"]}, "query": "chess"}).json["run_id"]
        assert stream.event("coverage.weak_run.created")[1]["payload"]["run_id"] == run
        client.expect("WEAK_RUN", 200, id=run, body={"status": "acknowledged"})
        assert stream.event("coverage.weak_run.updated")[1]["payload"]["coverage_status"] == "acknowledged"


def test_what_is_not_kept(client, driven):
    """An id that is none of the server's."""
    with Stream(client, driven, {"last_event_id": "elsewhere"}) as stream:
        assert stream.event("stream.reset")


def test_how_the_system_is(tunemill, client, driven):
    """An admin who asks for it is told within seconds."""
    with Stream(client, driven, {"topics": "system.health"}) as stream:
        number, event = stream.event("system.health")
        assert number is None and event["payload"]["components"]["database"] == "ok"


def test_tickets(client, driven):
    workspace = "00000000-0000-0000-0000-000000000001"
    answer = client.expect("TICKET", 200, headers={"X-Workspace-Id": workspace})
    assert answer.json["workspace_id"] == workspace and answer.json["expires_in_seconds"] == 300
    cookie = {"Cookie": answer.header("Set-Cookie").split(";")[0]}
    assert cookie["Cookie"] == "sse_ticket=" + answer.json["ticket"]
    with Stream(client, driven, headers=cookie) as stream:
        assert stream.block() == {"": "connected"}
    other = {"X-Workspace-Id": workspace[:-1] + "2"} | cookie
    client.expect("EVENTS", 403, "FORBIDDEN", token=None, headers=other)
    client.expect("EVENTS", 403, "FORBIDDEN", token=None, headers={"Cookie": "sse_ticket=v1.forged"})
    client.expect("TICKET", 200)


def test_a_ticket_that_has_expired(tunemill, client):
    process, base = tunemill.bridge(TUNEMILL_HTTP_TICKET_SECONDS="1")
    there = client.at(base)
    cookie = {"Cookie": there.expect("TICKET", 200).header("Set-Cookie").split(";")[0]}

    def answer():
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(base).netloc, timeout=60)
        connection.request("GET", EVENTS.path, headers=cookie)
        status = connection.getresponse().status
        connection.close()
        return status

    until(lambda: answer() == 401, "the ticket has expired")
    there.expect("EVENTS", 401, "UNAUTHORIZED", token=None, headers=cookie)
    process.terminate()
    assert process.wait() == 0


def test_topics_that_are_none(client):
    client.expect("EVENTS", 422, "VALIDATION_FAILED", query={"topics": "weather"})


def test_the_bus(client):
    status = client.expect("EVENTS_STATUS", 200).json
    assert 0 < status["buffer_used"] <= status["buffer_size"]
    assert set(status["topics_available"]) == set(KINDS) - {"stream.reset"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_event_is_described(kind):
    assert KINDS[kind]["$ref"]
