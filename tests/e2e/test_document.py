"""The document by itself."""

import jsonschema
import pytest

from api import DOCUMENT, OPERATIONS, PROBLEM, resolved, validate


def every(node, name):
    """All values of members of this name, with what stands beside them."""
    if isinstance(node, dict):
        if name in node:
            yield node[name], node
        for value in node.values():
            yield from every(value, name)
    elif isinstance(node, list):
        for value in node:
            yield from every(value, name)


@pytest.mark.parametrize("name", DOCUMENT["components"]["schemas"])
def test_a_schema_is_one(name):
    jsonschema.Draft202012Validator.check_schema(DOCUMENT["components"]["schemas"][name])


def test_examples_are_what_their_schemas_say():
    count = 0
    for example, beside in every(DOCUMENT["paths"], "example"):
        validate(example, beside["schema"], "example")
        count += 1
    for examples, beside in every(DOCUMENT["components"]["schemas"], "examples"):
        for example in examples:
            validate(example, beside, "example")
            count += 1
    assert count > 30


def answers_in_json():
    for operation in OPERATIONS.values():
        for status, response in operation.responses.items():
            if "application/json" in response.get("content", {}):
                yield operation.id, status, response["content"]["application/json"]["schema"]


def is_strict(schema, seen):
    """Of an answer each member is known, but where names are data; what is not is yielded."""
    schema = resolved(schema)
    if id(schema) in seen:
        return
    seen.add(id(schema))
    if "properties" in schema and schema.get("additionalProperties") is not False:
        yield schema
    if "properties" in schema and not schema.get("required"):
        yield schema
    for inner in [*schema.get("properties", {}).values(), schema.get("items"), schema.get("additionalProperties")]:
        if isinstance(inner, dict):
            yield from is_strict(inner, seen)
    for inner in [*schema.get("anyOf", []), *schema.get("allOf", []), *schema.get("prefixItems", [])]:
        yield from is_strict(inner, seen)


# what a strategy's author writes is answered as it was written
OPEN = {"StrategySpec", "StrategyParam"}


def test_answers_are_strict():
    schemas = DOCUMENT["components"]["schemas"]
    seen = {id(schemas[name]) for name in OPEN}
    for operation_id, status, schema in answers_in_json():
        if operation_id != "OPENAPI":
            for loose in is_strict(schema, seen):
                raise AssertionError(f"{operation_id} {status}: {loose} is not strict")


def test_everything_is_said_to_people():
    for operation in OPERATIONS.values():
        assert operation.raw["summary"] and operation.raw["tags"], operation
        for parameter in operation.parameters:
            assert parameter["description"], (operation, parameter)
        for response in operation.responses.values():
            assert response["description"], operation
    for name, schema in DOCUMENT["components"]["schemas"].items():
        assert schema.get("description"), name


def test_components_are_used():
    """But for what every address answers to other methods."""
    used = {ref for ref, _ in every(DOCUMENT, "$ref")}
    for kind in ("schemas", "parameters", "headers", "responses"):
        for name in DOCUMENT["components"][kind]:
            assert f"#/components/{kind}/{name}" in used or name == "MethodNotAllowed", name


def test_problems_are_problems():
    for operation in OPERATIONS.values():
        for status, response in operation.responses.items():
            assert (status < 400) != (PROBLEM in response.get("content", {})), (operation, status)
