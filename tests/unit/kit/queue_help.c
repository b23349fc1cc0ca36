#include "tests/unit/kit/queue_help.h"

#include <check.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/patience.h"

#define KEPT 16

pg_fixture_t *queue_fixture;
char *queue_url;

static char *kept[KEPT];
static size_t kept_at;

void
queue_setup(void)
{
    queue_url = pg_fixture_database(queue_fixture);
}

void
queue_teardown(void)
{
    for (size_t i = 0; i < KEPT; i++) {
        free(kept[i]);
        kept[i] = NULL;
    }
    free(queue_url);
    queue_url = NULL;
}

/* Frees the oldest. */
static const char *
keep(char *text)
{
    ck_assert_ptr_nonnull(text);
    free(kept[kept_at]);
    kept[kept_at] = text;
    kept_at = (kept_at + 1) % KEPT;
    return text;
}

const char *
queue_id(int n)
{
    char *text = NULL;

    ck_assert_int_ge(asprintf(&text, "0197f000-0000-7000-8000-%012d", n), 0);
    return keep(text);
}

__attribute__((format(printf, 1, 0))) static char *
ask_list(const char *format, va_list values)
{
    char *sql = NULL, *answer;

    ck_assert_int_ge(vasprintf(&sql, format, values), 0);
    answer = pg_fixture_query(queue_url, sql);
    free(sql);
    return answer;
}

const char *
queue_ask(const char *format, ...)
{
    va_list values;
    char *answer;

    va_start(values, format);
    answer = ask_list(format, values);
    va_end(values);
    return keep(answer);
}

void
queue_expect(const char *answer, const char *format, ...)
{
    va_list values;
    char *got;

    va_start(values, format);
    got = ask_list(format, values);
    va_end(values);
    ck_assert_msg(strcmp(got, answer) == 0, "%s: \"%s\", not \"%s\"", format, got, answer);
    free(got);
}

void
queue_put(int n, const char *queue, const char *state, int parent)
{
    bool is_running = strcmp(state, "running") == 0;
    char parent_sql[64] = "NULL";

    if (parent)
        snprintf(parent_sql, sizeof parent_sql, "'%s'", queue_id(parent));
    queue_expect("",
                 "INSERT INTO jobs (id, workspace_id, queue, state, run_at, max_attempts, body,"
                 " attempt, leased_at, lease_broker, lease_worker, parent_id)"
                 " VALUES ('%s', '" QUEUE_WORKSPACE "', '%s', '%s',"
                 " now() + CASE '%s' WHEN 'scheduled' THEN interval '1 hour'"
                 " ELSE interval '-5 s' END, 5, '{}', %d, %s, %s, %s, %s)",
                 queue_id(n), queue, state, state, is_running ? 1 : 0,
                 is_running ? "now()" : "NULL", is_running ? "gen_random_uuid()" : "NULL",
                 is_running ? "gen_random_uuid()" : "NULL", parent_sql);
}

void
queue_bury(int n, const char *queue, const char *code, const char *age)
{
    queue_expect(
        "",
        "INSERT INTO dead_jobs (id, workspace_id, queue, priority, attempt, failures,"
        " crashes, max_attempts, timeout_ms, code, detail, created_at, died_at, body)"
        " VALUES ('%s', '" QUEUE_WORKSPACE "', '%s', 5, 4, 3, 1, 5, 0, '%s',"
        " 'it went wrong', now() - interval '8 days', now() - interval '%s', '{\"n\":%d}')",
        queue_id(n), queue, code, age, n);
}

PGconn *
queue_session(void)
{
    PGconn *session = PQconnectdb(queue_url);

    ck_assert_msg(PQstatus(session) == CONNECTION_OK, "%s", PQerrorMessage(session));
    return session;
}

void
queue_run(PGconn *session, const char *format, ...)
{
    char *sql = NULL;
    va_list values;
    PGresult *result;

    va_start(values, format);
    ck_assert_int_ge(vasprintf(&sql, format, values), 0);
    va_end(values);
    result = PQexec(session, sql);
    ck_assert_msg(PQresultStatus(result) == PGRES_COMMAND_OK ||
                      PQresultStatus(result) == PGRES_TUPLES_OK,
                  "%s: %s", sql, PQerrorMessage(session));
    PQclear(result);
    free(sql);
}

void
queue_send_and_block(PGconn *session, const char *sql)
{
    ck_assert_int_eq(PQsendQuery(session, sql), 1);
    for (int waited = 0;; waited += 5) {
        const char *waits =
            queue_ask("SELECT coalesce(wait_event_type, '') FROM pg_stat_activity"
                      " WHERE pid = %d",
                      PQbackendPID(session));

        if (strcmp(waits, "Lock") == 0)
            return;
        ck_assert_msg(waited < PATIENCE_MS, "%s waits for no lock", sql);
        poll(NULL, 0, 5);
    }
}

char *
queue_collect(PGconn *session)
{
    PGresult *result, *last = NULL;
    char *text = NULL;

    while ((result = PQgetResult(session))) {
        PQclear(last);
        last = result;
    }
    if (PQresultStatus(last) == PGRES_TUPLES_OK)
        text = strdup(PQntuples(last) ? PQgetvalue(last, 0, 0) : "");
    else
        ck_assert_int_ge(asprintf(&text, "ERROR: %s", PQresultErrorMessage(last)), 0);
    PQclear(last);
    return text;
}

/* The next word on the channel; waits for it. */
static PGnotify *
next_word(PGconn *listener)
{
    struct pollfd ready = {.fd = PQsocket(listener), .events = POLLIN};
    PGnotify *word;

    while (!(word = PQnotifies(listener)))
        if (poll(&ready, 1, PATIENCE_MS) != 1 || !PQconsumeInput(listener))
            return NULL;
    return word;
}

void
queue_expect_word(PGconn *listener, const char *expected)
{
    PGnotify *word = next_word(listener);

    ck_assert_msg(word && strcmp(word->extra, expected) == 0, "\"%s\", not \"%s\"",
                  word ? word->extra : "nothing", expected);
    PQfreemem(word);
}
