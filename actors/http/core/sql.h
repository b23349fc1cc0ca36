/* sql - what handlers ask PostgreSQL, and answers made of what it says.
 *
 * A room has its SQL in its statements.def, numbered from 0 on. http.c puts the tables of all
 * rooms together; statement numbers here are those of the room that the request's route is of.
 */
#ifndef ACTORS_HTTP_CORE_SQL_H
#define ACTORS_HTTP_CORE_SQL_H

#include "actors/http/core/request.h"

/* A unit that begins with the statement. */
pg_unit_t *sql_unit(const request_t *request, size_t statement);
void sql_add(const request_t *request, pg_unit_t *unit, size_t statement);

/* A unit of two: is the request's workspace there, and the statement, whose first parameter is
 * that workspace too. */
pg_unit_t *sql_in_workspace(const request_t *request, size_t statement);
/* The rows of such a unit's statement. NULL: answered with a problem, `absent` if it has none.
 */
const PGresult *sql_rows(request_t *request, const struct pg_outcome *outcome, tm_err_t absent);
/* Answers with the JSON that is the first column of their only row, and gives the request
 * back. */
void sql_answer_row(request_t *request, const struct pg_outcome *outcome, tm_err_t absent);

/* JSON as the first column of the only row of a unit's first statement, which is there unless
 * the database is not. */
void sql_answer_json(request_t *request, const struct pg_outcome *outcome);
/* The same for pg_send, with a reference to the request, which it gives back. */
void sql_on_json(void *request, const struct pg_outcome *outcome);

/* What a query string may leave out */
void sql_bool_or_null(pg_unit_t *unit, bool is_given, bool value);
void sql_i64_or_null(pg_unit_t *unit, bool is_given, int64_t value);

#endif
