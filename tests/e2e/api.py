"""openapi.json, and a client that holds each answer of a server to it."""

import collections
import datetime
import http.client
import json
import os
import re
import urllib.parse
import uuid

import jsonschema

from system import ROOT, TOKEN

PATH = os.path.join(ROOT, "actors", "http", "web", "openapi.json")
PROBLEM = "application/problem+json"
# what the server's library says, and what is not for readers
PLAIN = {"date", "content-type", "content-length", "connection"}
NOTHING = uuid.UUID(int=0)
MISSING = "01234567-89ab-7cde-8f01-23456789abcd"

formats = jsonschema.FormatChecker(["uuid", "date"])


@formats.checks("date-time", raises=ValueError)
def is_time(value):
    if not isinstance(value, str):
        return True
    return bool(re.fullmatch(r"[-\d]{10}T[:\d]{8}\.\d{3}Z", value)) and datetime.datetime.fromisoformat(value[:-1])


def no_twins(pairs):
    found = dict(pairs)
    assert len(found) == len(pairs), f"a member is there twice: {[name for name, _ in pairs]}"
    return found


def no_constant(name):
    raise ValueError(f"{name} is no JSON")


def parse(text):
    return json.loads(text, object_pairs_hook=no_twins, parse_constant=no_constant)


with open(PATH, "rb") as file:
    BYTES = file.read()
DOCUMENT = parse(BYTES.decode())
RESOLVER = jsonschema.RefResolver.from_schema(DOCUMENT)


def resolved(node):
    """What a $ref leads to, else the node itself."""
    return RESOLVER.resolve(node["$ref"])[1] if "$ref" in node else node


def validate(value, schema, what):
    validator = jsonschema.Draft202012Validator(schema, resolver=RESOLVER, format_checker=formats)
    wrong = [
        f"{what} at {'/'.join(map(str, error.absolute_path))}: {error.message[:400]}"
        for error in validator.iter_errors(value)
    ]
    assert not wrong, "\n".join(wrong)


class Operation:
    def __init__(self, path, method, raw):
        self.path, self.method, self.raw = path, method.upper(), raw
        self.id = raw["operationId"]
        self.parameters = [resolved(p) for p in raw.get("parameters", [])]
        self.responses = {int(status): resolved(r) for status, r in raw["responses"].items()}
        self.is_admin = {"admin_header": []} in raw["security"]
        self.body = next(iter(raw["requestBody"]["content"])) if "requestBody" in raw else None

    def __repr__(self):
        return self.id

    def parameter(self, where, name):
        return next((p for p in self.parameters if (p["in"], p["name"]) == (where, name)), None)

    def answers(self):
        """All that it may answer: (status, code of a problem or type of anything else)."""
        for status, response in self.responses.items():
            for kind, content in response.get("content", {"": None}).items():
                if kind != PROBLEM:
                    yield status, kind
                    continue
                for code in content["schema"]["allOf"][1]["properties"]["code"]["enum"]:
                    yield status, code

    def may(self, code):
        return any(said == code for _, said in self.answers())


OPERATIONS = {}
for path, methods in DOCUMENT["paths"].items():
    for method, raw in methods.items():
        operation = Operation(path, method, raw)
        OPERATIONS[operation.id] = operation


class Answer:
    def __init__(self, response, text):
        self.status, self.text = response.status, text
        self.headers = collections.defaultdict(list)
        for name, value in response.getheaders():
            self.headers[name.lower()].append(value)
        self.type = self.header("content-type").split(";")[0]

    def header(self, name):
        return (self.headers.get(name.lower()) or [""])[0]

    @property
    def json(self):
        return parse(self.text)

    @property
    def said(self):
        """The code of a problem, or the type of anything else."""
        return self.json["code"] if self.type == PROBLEM else self.type if self.text else ""


def check_headers(answer, response, what):
    described = {**DOCUMENT["x-headers-of-every-answer"], **response.get("headers", {})}
    described = {name.lower(): resolved(header) for name, header in described.items()}
    for name, header in described.items():
        values = answer.headers.get(name, [])
        assert len(values) <= 1, f"{what}: {name} is there twice"
        assert values or not header.get("required"), f"{what}: {name} is missing"
        for value in values:
            validate(value, header["schema"], f"{what}: {name}")
    strange = set(answer.headers) - set(described) - PLAIN
    assert not strange, f"{what}: {strange} are not described"
    assert answer.status not in (429, 503) or answer.header("Retry-After"), f"{what}: no Retry-After"


def check_body(answer, response, what):
    content = response.get("content")
    if not content:
        assert answer.text == "", f"{what}: it has a body"
        return
    assert answer.type in content, f"{what}: it is {answer.type}"
    is_json = answer.type in ("application/json", PROBLEM)
    value = answer.json if is_json else answer.text
    validate(value, content[answer.type]["schema"], what)
    if answer.type == PROBLEM:
        assert value["status"] == answer.status, f"{what}: it says {value['status']}"
        assert value["type"].endswith(":" + value["code"]), f"{what}: {value['type']}"
        retry_after = str(value.get("retry_after_seconds", ""))
        assert answer.header("Retry-After") == retry_after or "trace_id" not in value, f"{what}: {retry_after}"


def check(operation, answer, what):
    assert answer.status in operation.responses, f"{what} is not described: {answer.text[:400]}"
    response = operation.responses[answer.status]
    check_headers(answer, response, what)
    check_body(answer, response, what)


def multipart(fields):
    """A form: values are texts, or (file name, bytes). The type and the body."""
    bound = uuid.uuid4().hex
    parts = []
    for name, value in fields:
        is_file = isinstance(value, tuple)
        filename = f'; filename="{value[0]}"' if is_file else ""
        content = value[1] if is_file else str(value).encode()
        head = f'--{bound}\r\nContent-Disposition: form-data; name="{name}"{filename}\r\n\r\n'
        parts.append(head.encode() + content + b"\r\n")
    return f"multipart/form-data; boundary={bound}", b"".join(parts) + f"--{bound}--\r\n".encode()


def encoded(body):
    """(type, bytes) of what stands for a body: that pair itself, a list of form fields, or JSON."""
    if isinstance(body, tuple):
        return body
    if isinstance(body, list):
        return multipart(body)
    return "application/json", json.dumps(body).encode()


class Client:
    """Sends what it is told to an operation, and holds the answer to the document. driven: every answer it has had."""

    def __init__(self, base, driven):
        self.base, self.driven = base, driven

    def at(self, base):
        return Client(base, self.driven)

    def raw(self, method, address, headers=(), body=None, source=None):
        """headers: pairs; one may be there twice."""
        where = urllib.parse.urlsplit(self.base)
        connection = http.client.HTTPConnection(
            where.hostname, where.port, timeout=60, source_address=(source, 0) if source else None
        )
        try:
            connection.putrequest(method, address)
            for name, value in headers:
                connection.putheader(name, value)
            connection.endheaders(body)
            response = connection.getresponse()
            return Answer(response, response.read().decode())
        finally:
            connection.close()

    def ask(self, operation_id, *, id=NOTHING, name="tune", query=(), headers=(), body=None, token=TOKEN, source=None):
        """query, headers: pairs, or a dict. What is answered, checked."""
        operation = OPERATIONS[operation_id]
        pairs = list(headers.items() if isinstance(headers, dict) else headers)
        if operation.is_admin and token:
            pairs.append(("X-Admin-Token", token))
        data = None
        if body is not None:
            kind, data = encoded(body)
            if not any(n == "Content-Type" for n, _ in pairs):
                pairs.append(("Content-Type", kind))
        if not any(n == "Content-Length" for n, _ in pairs) and (data is not None or operation.method != "GET"):
            pairs.append(("Content-Length", str(len(data or b""))))
        path = operation.path.replace("{id}", str(id)).replace("{name}", name)
        address = path + ("?" + urllib.parse.urlencode(query) if query else "")
        answer = self.raw(operation.method, address, pairs, data, source)
        check(operation, answer, f"{operation.method} {address}: {answer.status} {answer.said}")
        self.driven.add((operation.id, answer.status, answer.said))
        return answer

    def expect(self, operation_id, status, said=None, **request):
        """The same, with this status and code (or type)."""
        answer = self.ask(operation_id, **request)
        what = f"{operation_id}: {answer.status} {answer.said}, not {status} {said or ''}: {answer.text[:400]}"
        assert answer.status == status and said in (None, answer.said), what
        return answer
