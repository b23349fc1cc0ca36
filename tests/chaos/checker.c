#include "tests/chaos/checker.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "proto/message.h"
#include "tests/chaos/invariants.def"
#include "tests/chaos/kinds.h"

enum { SHOWN = 5, PIECE = 1 << 20, OVERLAP_MS = 15000 };

/* A whole check reads all there is: in memory, and without compiling what runs once. */
static const char session_sql[] =
    "SELECT set_config('work_mem', '256MB', false), set_config('jit', 'off', false)";

/* A recent check asks for each of its jobs by an index, and for nothing else: what has grown
 * large is never read from end to end, whatever the planner knows of it. */
static const char recent_sql[] =
    "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;"
    "SET max_parallel_workers_per_gather = 0; SET seq_page_cost = 0; SET random_page_cost = 0;"
    "SET cpu_operator_cost = 0; SET cpu_tuple_cost = 1; SET cpu_index_tuple_cost = 1";

static const char tables_sql[] =
    "SELECT queue_limit('b', NULL, 20);"
    "CREATE TABLE chaos_journal (event text, job uuid, kind text, key text, variant int,"
    "                            owner uuid, detail text);"
    "CREATE INDEX ON chaos_journal (job, event); CREATE INDEX ON chaos_journal (key);"
    "CREATE TABLE chaos_runs (job uuid, attempt int, pid int);"
    "CREATE INDEX ON chaos_runs (job, attempt);"
    "CREATE TABLE chaos_effects (job uuid NOT NULL, attempt int NOT NULL, pid int NOT NULL);"
    "CREATE INDEX ON chaos_effects (job);"
    "CREATE TABLE chaos_kinds (kind text PRIMARY KEY, ends text NOT NULL);"
    "CREATE TABLE chaos_wrong_moves (job uuid, move text);"
    "CREATE UNLOGGED TABLE chaos_looked (job uuid PRIMARY KEY);"
    "CREATE FUNCTION chaos_is_recent(uuid) RETURNS boolean LANGUAGE sql STABLE AS $$"
    " SELECT $1 >= current_setting('chaos.since')::uuid"
    "    AND $1 <= current_setting('chaos.until')::uuid $$;"
    "CREATE VIEW chaos_ends AS"
    " SELECT id, outcome AS state, attempt, failures, NULL::text AS code, 0 AS crashes,"
    "        NULL::int AS max_attempts FROM job_runs UNION ALL"
    " SELECT id, 'dead', attempt, failures, code, crashes, max_attempts FROM dead_jobs;"
    "CREATE VIEW chaos_rows AS"
    " SELECT id, state FROM chaos_ends UNION ALL SELECT id, state::text FROM jobs";

/* The jobs that a check looks at: those made lately, by their ids; those that the journals have
 * told something new of, however old they are or say they are; and those still in the queue. */
static const char news_sql[] = "CREATE TEMP TABLE chaos_news (LIKE chaos_journal);"
                               "CREATE TEMP TABLE chaos_new_runs (LIKE chaos_runs)";
static const char keep_sql[] = "INSERT INTO chaos_journal TABLE chaos_news;"
                               "INSERT INTO chaos_runs TABLE chaos_new_runs";
static const char look_sql[] = "TRUNCATE chaos_looked;"
                               "INSERT INTO chaos_looked"
                               " SELECT id FROM jobs UNION"
                               " SELECT job FROM chaos_news UNION"
                               " SELECT owner FROM chaos_news WHERE owner IS NOT NULL UNION"
                               " SELECT job FROM chaos_new_runs UNION"
                               " SELECT job FROM chaos_journal WHERE chaos_is_recent(job) UNION"
                               " SELECT job FROM chaos_effects WHERE chaos_is_recent(job) UNION"
                               " SELECT id FROM job_runs WHERE chaos_is_recent(id) UNION"
                               " SELECT id FROM dead_jobs WHERE chaos_is_recent(id);"
                               "ANALYZE chaos_looked";

/* Of what a job may become; an attempt is counted when it begins, and only then. */
static const char moves_sql[] =
    "CREATE FUNCTION chaos_move() RETURNS trigger LANGUAGE plpgsql AS $$"
    " DECLARE v_move text := OLD.state || '>' || NEW.state; BEGIN"
    "  IF NEW.id = OLD.id AND NEW.attempt = OLD.attempt"
    "     AND (NEW.state = OLD.state OR v_move IN ('running>ready', 'running>scheduled',"
    "          'running>waiting', 'waiting>ready',"
    "                                              'scheduled>ready')) THEN RETURN NULL; END "
    "IF;"
    "  IF v_move = 'ready>running' AND NEW.attempt = OLD.attempt + 1 THEN RETURN NULL; END IF;"
    "  INSERT INTO chaos_wrong_moves"
    "  VALUES (OLD.id, v_move || ' ' || OLD.attempt || '>' || NEW.attempt); RETURN NULL;"
    " END $$;"
    "CREATE TRIGGER chaos_moves AFTER UPDATE ON jobs"
    " FOR EACH ROW EXECUTE FUNCTION chaos_move()";

struct rule {
    const char *name;
    int number;
    enum when when;
    const char *what, *sql;
};
static const struct rule rules[] = {
#define I(NAME, number, when, what, sql) {#NAME, number, when, what, sql},
    INVARIANTS(I)
#undef I
};
enum { RULES = sizeof(rules) / sizeof(rules[0]) };

struct reading {
    const char *role, *copy;
    off_t read[PEERS_LIMIT];
};
static struct reading readings[] = {
    {"producer", "COPY chaos_news FROM STDIN", {0}},
    {"worker", "COPY chaos_new_runs FROM STDIN", {0}},
};

static void __attribute__((noreturn)) give_up(const char *what, PGconn *database)
{
    fprintf(stderr, "chaos: %s: %s", what, PQerrorMessage(database));
    exit(EXIT_FAILURE);
}

static void
run(PGconn *database, const char *sql)
{
    PGresult *result = PQexec(database, sql);
    ExecStatusType status = PQresultStatus(result);

    PQclear(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        give_up(sql, database);
}

static long
number(PGconn *database, const char *sql)
{
    PGresult *result = PQexec(database, sql);
    long value = PQntuples(result) == 1 ? strtol(PQgetvalue(result, 0, 0), NULL, 10) : -1;

    PQclear(result);
    return value;
}

static PGconn *
open_database(const char *url)
{
    PGconn *database = PQconnectdb(url);

    if (PQstatus(database) != CONNECTION_OK)
        give_up("the checker cannot connect", database);
    run(database, session_sql);
    return database;
}

void
checker_prepare(const char *url)
{
    PGconn *database = open_database(url);

    run(database, tables_sql);
    run(database, moves_sql);
    for (size_t i = 0; i < kind_count; i++) {
        const char *values[] = {kinds[i].name, kinds[i].ends};
        PQclear(PQexecParams(database, "INSERT INTO chaos_kinds VALUES ($1, $2)", 2, NULL,
                             values, NULL, NULL, 0));
    }
    PQfinish(database);
}

/* --- journals ----------------------------------------------------------------------------- */

/* Whole lines only: the last may be on its way. */
static size_t
whole_lines(const char *data, size_t size)
{
    while (size > 0 && data[size - 1] != '\n')
        size--;
    return size;
}

static void
copy_file(PGconn *database, int fd, off_t *at)
{
    char *piece = malloc(PIECE);
    size_t size;
    ssize_t got;

    if (!piece)
        abort();
    while ((got = pread(fd, piece, PIECE, *at)) > 0 &&
           (size = whole_lines(piece, (size_t)got)) > 0) {
        if (PQputCopyData(database, piece, (int)size) != 1)
            give_up("a journal could not be copied", database);
        *at += (off_t)size;
    }
    free(piece);
}

static void
read_journals(struct site *site, PGconn *database, struct reading *reading, unsigned count)
{
    char path[256];
    PGresult *result = PQexec(database, reading->copy);

    if (PQresultStatus(result) != PGRES_COPY_IN)
        give_up(reading->copy, database);
    PQclear(result);
    for (unsigned i = 0; i < count; i++) {
        snprintf(path, sizeof(path), "%s/%s-%u.journal", site->directory, reading->role, i);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            continue; /* it has not begun yet */
        copy_file(database, fd, &reading->read[i]);
        close(fd);
    }
    PQputCopyEnd(database, NULL);
    result = PQgetResult(database);
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        give_up(reading->copy, database);
    PQclear(result);
    PQclear(PQgetResult(database));
}

/* Statistics of recent rows are not worth their time: those of half as many will do. */
static void
analyze(PGconn *database, bool is_asked)
{
    static long analyzed_bytes;
    long bytes = number(database, "SELECT pg_relation_size('chaos_journal')");

    if (!is_asked && bytes < 2 * analyzed_bytes)
        return;
    run(database, "ANALYZE chaos_journal, chaos_runs, chaos_effects, job_runs, dead_jobs");
    analyzed_bytes = bytes;
}

/* What was read is lost with the database's word for it, were it to lose its word: at the end
 * all is read again. */
static void
read_all(struct site *site, PGconn *database, enum check check)
{
    if (check == CHECK_QUIET) {
        run(database, "TRUNCATE chaos_journal, chaos_runs");
        memset(readings[0].read, 0, sizeof(readings[0].read));
        memset(readings[1].read, 0, sizeof(readings[1].read));
    }
    run(database, news_sql);
    read_journals(site, database, &readings[0], site->shared->producers);
    read_journals(site, database, &readings[1], site->shared->workers);
    run(database, keep_sql);
    analyze(database, check != CHECK_RECENT);
}

/* --- the jobs that are looked at ---------------------------------------------------------- */

static int64_t
wall_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void
set(PGconn *database, const char *name, const char *value)
{
    const char *values[] = {name, value};

    PQclear(PQexecParams(database, "SELECT set_config($1, $2, false)", 2, NULL, values, NULL,
                         NULL, 0));
}

/* To the least id that a job made at that time may have. */
static void
set_time(PGconn *database, const char *name, int64_t ms)
{
    char id[TM_UUID_TEXT];

    snprintf(id, sizeof(id), "%08x-%04x-7000-8000-000000000000", (unsigned)(ms >> 16),
             (unsigned)(ms & 0xffff));
    set(database, name, id);
}

/* Recent: since a while before the check before this one. Jobs made by a clock that was ahead
 * are not recent until they are due, or each check to come would look at them. */
static void
look(PGconn *database, enum check check)
{
    static int64_t last_ms = OVERLAP_MS;
    int64_t now_ms = wall_ms();

    set(database, "chaos.since", "00000000-0000-0000-0000-000000000000");
    set(database, "chaos.until", "ffffffff-ffff-ffff-ffff-ffffffffffff");
    if (check == CHECK_RECENT) {
        set_time(database, "chaos.since", last_ms - OVERLAP_MS);
        set_time(database, "chaos.until", now_ms + OVERLAP_MS);
        run(database, recent_sql);
    }
    run(database, look_sql);
    last_ms = now_ms;
}

/* --- rules -------------------------------------------------------------------------------- */

static bool
is_broken(PGconn *database, const struct rule *rule)
{
    PGresult *result = PQexec(database, rule->sql);
    int rows = PQntuples(result);

    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        give_up(rule->name, database);
    if (rows > 0)
        fprintf(stderr, "chaos: %s (I%d): %s: %d\n", rule->name, rule->number, rule->what,
                rows);
    for (int i = 0; i < rows && i < SHOWN; i++)
        fprintf(stderr, "chaos:     %s\n", PQgetvalue(result, i, 0));
    PQclear(result);
    return rows > 0;
}

/* One view of the database for all rules. */
int
checker_check(struct site *site, enum check check)
{
    PGconn *database = open_database(site->url);
    int broken = 0;

    read_all(site, database, check);
    look(database, check);
    run(database, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    for (size_t i = 0; i < RULES; i++)
        if (rules[i].when == ALWAYS || check == CHECK_QUIET)
            broken += is_broken(database, &rules[i]);
    run(database, "COMMIT");
    PQfinish(database);
    return broken;
}

static long
offenders(PGconn *database, const char *name)
{
    char sql[1024];

    for (size_t i = 0; i < RULES; i++) {
        if (strcmp(rules[i].name, name) != 0)
            continue;
        snprintf(sql, sizeof(sql), "SELECT count(*) FROM (%s) AS o", rules[i].sql);
        return number(database, sql);
    }
    abort();
}

void
checker_count(struct site *site, struct counts *ret)
{
    PGconn *database = open_database(site->url);

    *ret = (struct counts){
        .submitted = number(database, "SELECT count(*) FROM chaos_journal WHERE event = 'S'"),
        .acknowledged =
            number(database, "SELECT count(*) FROM chaos_journal WHERE event = 'A'"),
        .refused = number(database, "SELECT count(*) FROM chaos_journal WHERE event = 'R'"),
        .done = number(database, "SELECT count(*) FROM job_runs WHERE outcome = 'done'"),
        .canceled = number(database, "SELECT count(*) FROM job_runs WHERE outcome <> 'done'"),
        .dead = number(database, "SELECT count(*) FROM dead_jobs"),
        .runs = number(database, "SELECT count(*) FROM chaos_runs"),
        .collateral = number(database, "SELECT count(*) FROM dead_jobs d JOIN chaos_journal s"
                                       "    ON s.job = d.id AND s.event = 'S'"
                                       " WHERE d.code = 'POISONED' AND s.kind <> 'poison'"),
        .lost = offenders(database, "LOST"),
        .doubled = offenders(database, "DOUBLED") + offenders(database, "EFFECT_DOUBLED") +
                   offenders(database, "KEY_DOUBLED")};
    PQfinish(database);
}
