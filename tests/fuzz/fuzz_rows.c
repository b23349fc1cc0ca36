/* Any text is a value in a row of the database, whatever kind the reader takes it for. */
#include <assert.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/pg/pg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One row: the value, and NULL. */
static PGresult *
result_of(char *text)
{
    static char names[2][6] = {"value", "none"};
    PGresAttDesc columns[2] = {{.name = names[0], .typid = PG_TEXT, .typlen = -1},
                               {.name = names[1], .typid = PG_TEXT, .typlen = -1}};
    PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);

    if (result && PQsetResultAttrs(result, 2, columns) &&
        PQsetvalue(result, 0, 0, text, (int)strlen(text)) && PQsetvalue(result, 0, 1, NULL, -1))
        return result;
    PQclear(result);
    return NULL;
}

static void
check_bytes(const PGresult *result)
{
    size_t size = 0;
    unsigned char *bytes = pg_get_bytes(result, 0, 0, &size);

    assert(!bytes || bytes[size] == '\0');
    free(bytes);
    assert(!pg_get_bytes(result, 0, 1, &size));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size);
    PGresult *result = text ? result_of(text) : NULL;

    if (result) {
        const tm_uuid_t id = pg_get_uuid(result, 0, 0), none = pg_get_uuid(result, 0, 1);

        assert(tm_uuid_is_nil(&none) && (strlen(text) == 36 || tm_uuid_is_nil(&id)));
        pg_get_f64(result, 0, 0);
        assert(pg_get_i64(result, 0, 1) == 0 && !pg_get(result, 0, 1));
        assert(pg_get_bool(result, 0, 0) == (text[0] == 't') && !pg_get_bool(result, 0, 1));
        assert(strcmp(pg_get(result, 0, 0), text) == 0);
        pg_get_i64(result, 0, 0);
        check_bytes(result);
    }
    PQclear(result);
    free(text);
    return 0;
}
