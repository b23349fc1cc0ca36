/* openapi_document - openapi.json as it is embedded, for the tests of it. */
#ifndef TESTS_UNIT_HTTP_OPENAPI_DOCUMENT_H
#define TESTS_UNIT_HTTP_OPENAPI_DOCUMENT_H

#include <check.h>

#include "actors/http/core/route.h"
#include "actors/kit/fields/field.h"
#include "actors/kit/util/auto.h"

/* A checked fixture of every case */
void openapi_document_setup(void);
void openapi_document_teardown(void);

const route_t *route_at(size_t index); /* of all routes; NULL: there are no more */
json_t *openapi_document(void);        /* all of these are borrowed */
json_t *openapi_component(const char *kind, const char *name);
json_t *openapi_properties(const char *schema);
json_t *openapi_resolved(json_t *node); /* what a "$ref" leads to, else the node itself */
json_t *openapi_operation(const route_t *route);

json_t *openapi_words(const char *text); /* "a b c" as an array of texts */
json_t *openapi_name_pattern(const char *characters);
json_t *openapi_field_schema(const field_t *row); /* of a parameter, or a field of a form */
/* The schema is what the table says, but for what it says to people. Takes `want`. */
void openapi_expect_schema(const json_t *got, json_t *want, const char *what);

TCase *openapi_schemas_case(void);

#endif
