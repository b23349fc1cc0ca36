/* json_text - JSON from outside becomes values only here: bounded in depth, no name twice. And
 * values become JSON for others: each number is the shortest that reads back as the same. */
#ifndef ACTORS_KIT_FIELDS_JSON_TEXT_H
#define ACTORS_KIT_FIELDS_JSON_TEXT_H

#include <jansson.h>
#include <stddef.h>

#define JSON_TEXT_WHY 256

/* How deep brackets nest, a bound for the recursion of the parser. */
size_t json_text_depth(const char *text, size_t size);

/* An object, the caller's. NULL: `why` (may be NULL) goes on from the text's name, as "is not
 * valid JSON: line 1, column 5: ..." */
json_t *json_text_object(const char *text, size_t size, size_t max_depth,
                         char why[JSON_TEXT_WHY]);

/* As json_dumps, with its flags; the caller frees it. */
char *json_text_of(const json_t *value, size_t flags);

#endif
