"""What every operation refuses alike, driven for each from what the document says of it."""

import itertools

import pytest

from api import DOCUMENT, MISSING, OPERATIONS, check_body, check_headers, resolved
from baseline import all_operations, baseline

ADMIN = all_operations(lambda o: o.is_admin)
addresses = (f"127.{a}.{b}.7" for a, b in itertools.product(range(1, 250), range(250)))


def with_query(operation, *more):
    request = baseline(operation.id)
    names = {name for name, _ in more}
    request["query"] = [pair for pair in request["query"] if pair[0] not in names] + list(more)
    return request


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=str)
def test_the_end_of_a_body_is_said_once(client, operation):
    request = baseline(operation.id) | {"body": None}
    client.expect(operation.id, 400, "BAD_REQUEST", headers=[("Content-Length", "0")] * 2, **request)


@pytest.mark.parametrize("operation", ADMIN, ids=str)
def test_without_a_token(client, operation):
    client.expect(operation.id, 401, "UNAUTHORIZED", token=None, **baseline(operation.id))


@pytest.mark.parametrize("operation", ADMIN, ids=str)
def test_with_a_wrong_token(client, operation):
    """Each from an address of its own: too many from one are too many."""
    client.expect(operation.id, 403, "FORBIDDEN", token="wrong", source=next(addresses), **baseline(operation.id))


def test_with_too_many_wrong_tokens(client):
    source = next(addresses)
    for attempt in range(10):
        client.expect("ADMIN_CHECK", 403, token=f"wrong{attempt}", source=source)
    for operation in ADMIN:
        client.expect(operation.id, 429, "RATE_LIMITED", source=source, **baseline(operation.id))
    client.expect("LOGIN", 429, "RATE_LIMITED", source=source, body={"token": "wrong"})
    form = ("application/x-www-form-urlencoded", b"token=wrong")
    client.expect("LOGIN", 429, "text/html", source=source, body=form)


@pytest.mark.parametrize("operation", [o for o in ADMIN if 303 in o.responses], ids=str)
def test_a_browser_is_led_to_the_login_page(client, operation):
    answer = client.expect(operation.id, 303, headers={"Accept": "text/html"}, token=None, **baseline(operation.id))
    assert answer.header("Location").startswith("/admin/login?next=%2F")


@pytest.mark.parametrize("operation", all_operations(lambda o: o.may("WORKSPACE_MISMATCH")), ids=str)
def test_two_workspaces(client, operation):
    request = with_query(operation, ("workspace_id", MISSING))
    client.expect(operation.id, 400, "WORKSPACE_MISMATCH", headers={"X-Workspace-Id": MISSING[:-1] + "e"}, **request)


@pytest.mark.parametrize("operation", all_operations(lambda o: o.parameter("header", "X-Workspace-Id")), ids=str)
def test_a_workspace_that_is_no_id(client, operation):
    for request in (
        baseline(operation.id) | {"headers": {"X-Workspace-Id": "mine"}},
        with_query(operation, ("workspace_id", "mine")),
    ):
        answer = client.expect(operation.id, 422, "VALIDATION_FAILED", **request)
        assert "orkspace" in answer.json["errors"][0]["loc"]


@pytest.mark.parametrize("operation", all_operations(lambda o: o.may("WORKSPACE_NOT_FOUND")), ids=str)
def test_an_unknown_workspace(client, operation):
    request = baseline(operation.id) | {"headers": {"X-Workspace-Id": MISSING}}
    client.expect(operation.id, 404, "WORKSPACE_NOT_FOUND", **request)


def wrong_values(schema):
    """Texts that such a parameter does not take."""
    if schema["type"] == "integer":
        yield from (str(schema["minimum"] - 1), str(schema["maximum"] + 1), "1.5", "x", "")
    elif schema["type"] == "boolean":
        yield from ("maybe", "")
    elif "enum" in schema or "pattern" in schema or "format" in schema:
        yield from ("no such ï thing", "x" * 65, "")
        if schema.get("format") == "date-time":
            yield from ("2026-02-30T00:00:00Z", "2026-03-01", "2026-03-01T12:30:00+01:00")
    else:
        yield "x" * (schema["maxLength"] + 1)
        if schema["minLength"]:
            yield ""


def queries():
    for operation in OPERATIONS.values():
        for parameter in operation.parameters:
            if parameter["in"] == "query" and parameter["name"] != "workspace_id":
                yield pytest.param(operation, parameter, id=f"{operation}-{parameter['name']}")


@pytest.mark.parametrize("operation, parameter", queries())
def test_wrong_parameters(client, operation, parameter):
    name, schema = parameter["name"], parameter["schema"]
    if schema["type"] == "array":
        ids = [MISSING[:-2] + f"{i:02d}" for i in range(schema["maxItems"] + 1)]
        lists = [ids[:1], ids[:1] * 2, ids, [ids[0], "x"]]
    else:
        lists = [[value] for value in wrong_values(schema)]
    for values in lists:
        request = with_query(operation, *((name, value) for value in values))
        answer = client.expect(operation.id, 422, "VALIDATION_FAILED", **request)
        assert answer.json["errors"][0]["loc"] == f"query.{name}", (name, values)


@pytest.mark.parametrize("operation, parameter", queries())
def test_a_parameter_that_is_given_twice(client, operation, parameter):
    schema = parameter["schema"]
    if schema["type"] == "array":
        return
    value = {"integer": str(schema.get("minimum")), "boolean": "true"}.get(schema["type"]) or (
        schema["enum"][0] if "enum" in schema else "2026-03-01T12:30:00.000Z" if "time" in schema.get("format", "")
        else MISSING if "format" in schema else "A" if parameter["name"] == "code" else "a"
    )
    client.expect(operation.id, 422, "VALIDATION_FAILED", **with_query(operation, *[(parameter["name"], value)] * 2))


@pytest.mark.parametrize("operation", all_operations(lambda o: o.may("UNKNOWN_FIELD")), ids=str)
def test_a_parameter_that_nobody_knows(client, operation):
    """A page's own script reads the address of the page."""
    is_page = 200 in operation.responses and "text/html" in operation.responses[200]["content"]
    if is_page and operation.is_admin:
        assert client.ask(operation.id, **with_query(operation, ("colour", "red"))).status == 200
        return
    answer = client.expect(operation.id, 422, "UNKNOWN_FIELD", **with_query(operation, ("colour", "red")))
    assert answer.json["errors"][0]["loc"] == "query.colour"


@pytest.mark.parametrize("operation", all_operations(lambda o: o.body), ids=str)
def test_a_field_that_nobody_knows(client, operation):
    body = baseline(operation.id).get("body", {})
    body = [*body, ("n_trails", "5")] if isinstance(body, list) else {**body, "n_trails": "5"}
    answer = client.expect(operation.id, 422, "UNKNOWN_FIELD", **baseline(operation.id) | {"body": body})
    assert answer.json["errors"][0]["loc"] == "body.n_trails"


@pytest.mark.parametrize("operation", all_operations(lambda o: o.parameter("path", "id")), ids=str)
def test_an_id_that_is_none(client, operation):
    answer = client.expect(operation.id, 422, "VALIDATION_FAILED", **baseline(operation.id) | {"id": "x"})
    assert answer.json["errors"] == [{"loc": "path.id", "msg": "is not a UUID"}]


@pytest.mark.parametrize("operation", all_operations(lambda o: "{id}" in o.path), ids=str)
def test_what_is_not_there(client, operation):
    """A page finds that out by itself."""
    is_page = "text/html" in operation.responses[200]["content"] if 200 in operation.responses else False
    answer = client.ask(operation.id, **baseline(operation.id))
    assert answer.status == (200 if is_page else 404)
    assert answer.said != "WORKSPACE_NOT_FOUND"


@pytest.mark.parametrize("operation", all_operations(lambda o: o.body), ids=str)
def test_a_body_of_another_type(client, operation):
    request = baseline(operation.id) | {"body": ("text/plain", b"x")}
    client.expect(operation.id, 415, "UNSUPPORTED_MEDIA_TYPE", **request)


@pytest.mark.parametrize("operation", all_operations(lambda o: o.body and o.body != "multipart/form-data"), ids=str)
def test_a_body_that_is_too_large(client, operation):
    large = ("application/json", b'{"x": "' + b"x" * 65536 + b'"}')
    client.expect(operation.id, 413, "TOO_LARGE", **baseline(operation.id) | {"body": large})


@pytest.mark.parametrize("operation", all_operations(lambda o: o.body and o.body != "multipart/form-data"), ids=str)
def test_a_body_that_is_no_json(client, operation):
    for text in (b"{", b"[]", b'{"a": 1, "a": 2}'):
        body = ("application/json", text)
        client.expect(operation.id, 400, "BAD_REQUEST", **baseline(operation.id) | {"body": body})


@pytest.mark.parametrize("path", DOCUMENT["paths"])
def test_another_method(client, path):
    """405 with the methods that the document knows; also HEAD, wherever there is GET."""
    described = {method.upper() for method in DOCUMENT["paths"][path]}
    allowed = described | ({"HEAD"} if "GET" in described else set())
    address = path.replace("{id}", MISSING).replace("{name}", "app.css")
    response = DOCUMENT["components"]["responses"]["MethodNotAllowed"]
    for method in {"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"} - described:
        answer = client.raw(method, address, [("Content-Length", "0")] if method != "GET" else [])
        what = f"{method} {address}: {answer.status}"
        assert answer.status == 405, what
        check_headers(answer, response, what)
        check_body(answer, response, what)
        assert set(answer.header("Allow").split(", ")) == allowed, what


def test_an_unknown_address(client):
    response = DOCUMENT["components"]["responses"]["NotFound"]
    for address in ("/x", "/backtests", "/backtests/tunes/", "/admin/queues/TUNE/pause", "/openapi.json/", "/docs"):
        answer = client.raw("GET", address)
        assert answer.status == 404, address
        check_headers(answer, response, address)
        check_body(answer, response, address)


@pytest.mark.parametrize("operation", all_operations(lambda o: o.method == "GET"), ids=str)
def test_head_is_get_without_its_body(client, operation):
    request = baseline(operation.id)
    address = operation.path.replace("{id}", MISSING).replace("{name}", request["name"])
    query = "&".join(f"{name}={value}" for name, value in request["query"])
    headers = [("X-Admin-Token", "token-for-tests")] if operation.is_admin else []
    head = client.raw("HEAD", f"{address}?{query}", headers)
    assert head.status in operation.responses and head.text == "", head.status
    if operation.id != "EVENTS":  # whose GET does not end
        get = client.raw("GET", f"{address}?{query}", headers)
        assert (head.status, head.type, set(head.headers)) == (get.status, get.type, set(get.headers))


def test_the_client_names_its_request(client):
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    answer = client.expect("HEALTH", 200, headers={"X-Request-Id": "mine.1", "traceparent": trace})
    assert answer.header("X-Request-Id") == "mine.1"
    assert answer.header("traceparent")[:35] == trace[:35]
    assert client.expect("HEALTH", 200, headers={"X-Request-Id": "not sane"}).header("X-Request-Id") != "not sane"
    missing = client.ask("TUNE", id=MISSING, headers={"traceparent": trace}).json
    assert missing["trace_id"] == trace[3:35]
    assert resolved(DOCUMENT["x-headers-of-every-answer"]["X-Request-Id"])["required"]
