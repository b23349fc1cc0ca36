/* table - rows of JSON objects in aligned columns, for people.
 *
 * A column is as wide as its longest cell. On a terminal the last column is cut to what is left
 * of the line; elsewhere it is whole. Control characters are shown as spaces, whoever sent
 * them.
 */
#ifndef OPS_CLI_TABLE_H
#define OPS_CLI_TABLE_H

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

/* TEXT a string, NUMBER a whole number, AGE a number of seconds, LIST an array of strings, FLAG
 * a boolean. Anything else, and null, is "-". Numbers and ages stand to the right. */
enum table_kind { TABLE_TEXT, TABLE_NUMBER, TABLE_AGE, TABLE_LIST, TABLE_FLAG };

struct table_column {
    const char *title, *member;
    enum table_kind kind;
};

void table_show(FILE *out, const struct table_column *columns, size_t count,
                const json_t *rows);

/* One line for each column: its title and what the object has for it. */
void table_show_one(FILE *out, const struct table_column *columns, size_t count,
                    const json_t *object);

/* Text from elsewhere, several lines of it. */
void table_show_text(FILE *out, const char *text);

#endif
