#include "tests/support/pg_fixture.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

static void
print_rows(FILE *out, const PGresult *result)
{
    for (int row = 0; row < PQntuples(result); row++)
        for (int column = 0; column < PQnfields(result); column++)
            fprintf(out, "%s%s",
                    column ? "|"
                    : row  ? "\n"
                           : "",
                    PQgetvalue(result, row, column));
}

char *
pg_fixture_query(const char *url, const char *sql)
{
    PGconn *connection = PQconnectdb(url);
    PGresult *result = PQexec(connection, sql);
    ExecStatusType status = PQresultStatus(result);
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        abort();
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
        print_rows(out, result);
    else
        fprintf(out, "ERROR: %s", PQerrorMessage(connection));
    fclose(out);
    PQclear(result);
    PQfinish(connection);
    return text;
}
