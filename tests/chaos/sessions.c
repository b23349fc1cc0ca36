/* Faults inside the database: sessions that hold what others need, or end them. */
#include <stdio.h>
#include <string.h>

#include "tests/chaos/faults.h"

enum { SESSIONS = 90, LOCKS = 6 };

static PGconn *open_sessions[SESSIONS];
static size_t session_count;

static PGconn *
open_session(struct site *site)
{
    PGconn *session = session_count < SESSIONS ? PQconnectdb(site->url) : NULL;

    if (!session || PQstatus(session) != CONNECTION_OK) {
        PQfinish(session);
        return NULL;
    }
    return open_sessions[session_count++] = session;
}

/* What fails is no matter: it may be the end of a deadlock, and that is what it is for. */
static void
run(PGconn *session, const char *sql)
{
    if (session)
        PQclear(PQexec(session, sql));
}

void
sessions_end(struct site *site)
{
    (void)site;
    while (session_count > 0)
        PQfinish(open_sessions[--session_count]);
}

void
sessions_terminate(struct site *site, uint64_t *random)
{
    PGconn *session = open_session(site);

    (void)random;
    for (int i = 0; i < 15; i++) { /* ten a second */
        run(session, "SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity"
                     " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
                     " ORDER BY random() LIMIT 1) AS victim");
        site_pause(site, 100);
    }
    sessions_end(site);
}

void
sessions_lock(struct site *site, uint64_t *random)
{
    PGconn *session = open_session(site);

    run(session, "BEGIN");
    run(session, chaos_below(random, 2) ? "LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE"
                                        : "LOCK TABLE job_runs IN SHARE MODE");
}

/* Transactions that take rows one by one, in no order, as nobody should. */
void
sessions_deadlock(struct site *site, uint64_t *random)
{
    (void)random;
    for (int round = 0; round < 10; round++) {
        PGconn *session = open_session(site);
        run(session, "BEGIN");
        run(session, "SET LOCAL deadlock_timeout = '20ms'; SET LOCAL lock_timeout = '300ms'");
        for (int i = 0; i < LOCKS; i++) {
            run(session, "SELECT 1 FROM jobs WHERE id = (SELECT id FROM jobs"
                         " WHERE state IN ('running', 'ready') ORDER BY random() LIMIT 1)"
                         " FOR UPDATE");
            site_pause(site, 10);
        }
        sessions_end(site);
    }
}

void
sessions_use_up(struct site *site, uint64_t *random)
{
    PGconn *first = open_session(site);

    (void)random;
    while (open_session(site))
        continue;
    run(first, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
               " WHERE application_name LIKE 'tunemill%'");
    while (open_session(site)) /* nor may they come back */
        continue;
}

void
sessions_pin_horizon(struct site *site, uint64_t *random)
{
    PGconn *session = open_session(site);

    (void)random;
    run(session, "BEGIN ISOLATION LEVEL REPEATABLE READ");
    run(session, "SELECT count(*) FROM jobs");
}

/* What a failover leaves for a while: the same address, and it takes no writes. */
static void
alter(struct site *site, const char *what)
{
    PGconn *session = open_session(site);
    char sql[256];

    if (!session)
        return;
    run(session, "SET default_transaction_read_only = off");
    snprintf(sql, sizeof(sql), "ALTER DATABASE %s %s", PQdb(session), what);
    run(session, sql);
    run(session, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                 " WHERE pid <> pg_backend_pid() AND datname = current_database()");
    sessions_end(site);
}

void
sessions_read_only(struct site *site, uint64_t *random)
{
    (void)random;
    alter(site, "SET default_transaction_read_only = on");
}

void
sessions_writable(struct site *site)
{
    alter(site, "RESET default_transaction_read_only");
}
