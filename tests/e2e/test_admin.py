"""Queues, dead jobs, retention, health, pages, and logging in."""

import re
import uuid

from api import BYTES, DOCUMENT, OPERATIONS
from baseline import all_operations, baseline
from system import TOKEN, until


KILL = """
    INSERT INTO dead_jobs (id, queue, workspace_id, priority, attempt, failures, crashes, max_attempts, timeout_ms, body,
                           created_at, code, detail)
    VALUES ('{job}', 'e2e', '00000000-0000-0000-0000-000000000001', 0, 3, 3, 0, 3, 1000, '\\x00', now(), 'BAD_REQUEST',
            'it was no good');"""


def kill(tunemill, count):
    """Dead jobs of the queue `e2e`; their ids."""
    ids = [str(uuid.uuid4()) for _ in range(count)]
    for job in ids:
        tunemill.sql(KILL.format(job=job))
    return ids


def test_what_is_typed_first_leads_to_the_pages(client):
    for operation in ("WEB_HOME", "WEB_ADMIN", "WEB_BACKTESTS"):
        answer = client.expect(operation, 303, query={"from": "a bookmark"})
        assert answer.header("Location") == "/admin/backtests/tunes"


def test_queues(client):
    seen = client.expect("QUEUES_SEEN", 200).json
    assert "tune" in [q["queue"] for q in seen["queues"]] and seen["workers"] and seen["brokers"][0]["state"] == "live"
    for operation, is_paused in (("QUEUE_PAUSE", True), ("QUEUE_RESUME", False)):
        answer = client.expect(operation, 200, name="e2e").json
        assert answer == {"queue": "e2e", "paused": is_paused, "was_paused": not is_paused}
    assert client.expect("QUEUES_SEEN", 200).json["at"] >= seen["at"]


def test_dead_jobs(tunemill, client):
    client.expect("QUEUE_PAUSE", 200, name="e2e")
    ids = kill(tunemill, 4)
    dead = client.expect("QUEUES_SEEN", 200, query={"queue": "e2e", "code": "BAD_REQUEST", "limit": 2}).json["dead"]
    assert dead["total"] == 4 and len(dead["items"]) == 2
    for one, many in (("DEAD_DROP", "DEAD_DROP_MANY"), ("DEAD_RETRY", "DEAD_RETRY_MANY")):
        job = ids.pop()
        assert client.expect(one, 200, id=job).json == {"count": 1}
        client.expect(one, 404, "NOT_FOUND", id=job)
        early = {"queue": "e2e", "code": "BAD_REQUEST", "before": "2000-01-01T00:00:00Z"}
        assert client.expect(many, 200, query=early).json == {"count": 0}
        answer = client.expect(many, 422, "VALIDATION_FAILED")
        assert answer.json["errors"][0]["loc"] == "query.queue"
    assert client.expect("DEAD_RETRY_MANY", 200, query={"queue": "e2e"}).json == {"count": 2}
    tunemill.sql("DELETE FROM jobs WHERE queue = 'e2e'")
    client.expect("QUEUE_RESUME", 200, name="e2e")


def test_retention(tunemill, client):
    status = client.expect("RETENTION_STATUS", 200).json
    for job in status["scheduled_jobs"]:
        pruned = client.expect("RETENTION_PRUNE", 200, name=job["job_name"]).json
        assert pruned["dry_run"] and pruned["job_name"] == job["job_name"]
    for query in ({"dry_run": "false"}, {"cutoff_days": 365, "batch_size": 100}):
        client.expect("RETENTION_PRUNE", 200, name="job-runs", query=query)
    for said in ("True", "1", "yes"):  # as Python's clients write it, and others
        assert client.expect("RETENTION_PRUNE", 200, name="match-runs", query={"dry_run": said}).json["dry_run"]
    client.expect("RETENTION_PRUNE", 404, "NOT_FOUND", name="dreams")
    client.expect("RETENTION_PRUNE", 422, "VALIDATION_FAILED", name="job-runs", query={"cutoff_days": 366})
    assert client.expect("RETENTION_LOGS", 200, query={"job_name": "job-runs"}).json["total"] == 3
    assert client.expect("RETENTION_STATUS", 200).json["last_runs"]["job-runs"]["who"] == "admin"


def test_retention_that_fails(tunemill, client):
    """A row that cannot be deleted; and a run while another is under way."""
    tunemill.sql("""
        INSERT INTO match_runs (id, workspace_id, created_at, intent, intent_signature, query, top_k,
            num_above_threshold, weak_coverage, reason_codes, candidate_strategy_ids, candidate_scores,
            coverage_status, priority_score)
        VALUES (gen_random_uuid(), '00000000-0000-0000-0000-000000000001', now() - interval '900 days', '{}', 'x', 'x',
            1, 0, false, '{}', '{}', '{}', 'resolved', 0);
        CREATE FUNCTION e2e_no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'it stays'; END $$;
        CREATE TRIGGER e2e_no BEFORE DELETE ON match_runs FOR EACH ROW EXECUTE FUNCTION e2e_no();""")
    try:
        client.expect("RETENTION_PRUNE", 500, "JOB_FAILED", name="match-runs", query={"dry_run": "false"})
    finally:
        tunemill.sql("DROP FUNCTION e2e_no CASCADE; DELETE FROM match_runs WHERE query = 'x'")
    with tunemill.holding("SELECT pg_advisory_lock(54, retention_key('match-runs'))"):
        client.expect("RETENTION_PRUNE", 503, "BUSY", name="match-runs", query={"dry_run": "false"})


def test_health(client):
    client.expect("HEALTH", 200)
    client.expect("READY", 200)
    assert "tunemill_build_info" in client.expect("METRICS", 200, "text/plain").text
    known = lambda: all(
        part["status"] != "unknown" or "not configured" in part["error"]
        for part in client.expect("HEALTH_SEEN", 200).json.values()
        if isinstance(part, dict)
    )
    until(known, "each component has been looked at")


def test_this_description(client):
    answer = client.expect("OPENAPI", 200, "application/json")
    assert answer.text.encode() == BYTES
    etag = answer.header("ETag")
    assert client.expect("OPENAPI", 304, headers={"If-None-Match": etag}).header("ETag") == etag
    client.expect("OPENAPI", 200, headers={"If-None-Match": '"other"'})


def test_no_description(tunemill, client):
    process, base = tunemill.bridge(DOCS_ENABLED="false")
    client.at(base).expect("OPENAPI", 404, "NOT_FOUND")
    process.terminate()
    assert process.wait() == 0


def test_pages(client):
    """Each of them; and all that they load."""
    pages = all_operations(lambda o: "text/html" in o.responses.get(200, {}).get("content", {}))
    assert len(pages) >= 10
    loaded = set()
    for operation in pages:
        text = client.expect(operation.id, 200, "text/html", **baseline(operation.id)).text
        loaded |= set(re.findall(r'(?:src|href)="/admin/assets/([a-z0-9._-]+)"', text))
    assert {name.rsplit(".")[-1] for name in loaded} == {"js", "css", "svg"}
    for name in loaded:
        etag = client.expect("WEB_ASSET", 200, name=name).header("ETag")
        client.expect("WEB_ASSET", 304, name=name, headers={"If-None-Match": etag})
    client.expect("WEB_ASSET", 404, "NOT_FOUND", name="none.js")


def test_logging_in(client):
    answer = client.expect("LOGIN", 200, body={"token": TOKEN})
    cookie = answer.header("Set-Cookie").split(";")[0]
    client.expect("ADMIN_CHECK", 200, token=None, headers={"Cookie": cookie})
    client.expect("ADMIN_CHECK", 200, token=None, headers={"Authorization": f"Bearer {TOKEN}"})
    client.expect("ADMIN_CHECK", 200)
    foreign = {"Cookie": cookie, "Sec-Fetch-Site": "cross-site"}
    client.expect("TICKET", 403, "FORBIDDEN", token=None, headers=foreign)
    client.expect("LOGIN_PAGE", 200, "text/html", query={"next": "/admin/queues"})
    for next_page, where in ((b"%2Fadmin%2Fqueues", "/admin/queues"), (b"%2F%2Felsewhere", "/admin/backtests/tunes")):
        form = ("application/x-www-form-urlencoded", b"token=" + TOKEN.encode() + b"&next=" + next_page)
        assert client.expect("LOGIN", 303, body=form).header("Location") == where
    assert client.expect("LOGOUT", 303).header("Location") == "/admin/login"


def test_not_logging_in(client):
    empty = ("application/x-www-form-urlencoded", b"token=")
    wrong = ("application/x-www-form-urlencoded", b"token=wrong")
    twice = ("application/x-www-form-urlencoded", b"token=a&token=b")
    client.expect("LOGIN", 403, "FORBIDDEN", body={"token": "wrong"}, source="127.9.9.1")
    client.expect("LOGIN", 403, "text/html", body=wrong, source="127.9.9.2")
    client.expect("LOGIN", 422, "VALIDATION_FAILED", body={"next": "/"})
    client.expect("LOGIN", 422, "text/html", body=empty)
    client.expect("LOGIN", 400, "BAD_REQUEST", body=twice)


def test_every_way_in_is_described():
    ways = DOCUMENT["components"]["securitySchemes"]
    for operation in OPERATIONS.values():
        for way in operation.raw["security"]:
            assert set(way) <= set(ways), operation
