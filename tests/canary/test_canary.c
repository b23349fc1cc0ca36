/* Canaries: what the service before got wrong, on a whole running system. */
#include "tests/support/pg_fixture.h"
#include "tests/support/stream_pool.h"
#include "tests/support/suite.h"
#include "tests/support/system.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct system_up up;

static void
set_up(void)
{
    setenv("ADMIN_TOKEN", STREAM_TOKEN, 1);
    system_start(&up, "2");
}

static void
tear_down(void)
{
    system_stop(&up);
}

static int
count(const char *sql)
{
    char *text = pg_fixture_query(up.database, sql);
    int value = (int)strtol(text, NULL, 10);

    ck_assert_msg(strncmp(text, "ERROR", 5) != 0, "%s: %s", sql, text);
    free(text);
    return value;
}

#define FILE_CSV "tests/data/sp500_daily.csv"

START_TEST(idempotency_concurrent_retry)
{
    enum { POSTS = 200 };
    static struct tune_post posts[POSTS];
    char *first, *code;

    for (size_t i = 0; i < POSTS; i++)
        posts[i] = (struct tune_post){.file = FILE_CSV,
                                      .key = "canary",
                                      .seed = "1",
                                      .param_space = "{\"period\":[10,20,30],\"k\":[1,1.5,2]}"};
    system_post(&up, posts, POSTS, 20);
    first = tune_post_text(&posts[0], "tune_id");
    ck_assert_msg(first != NULL, "%ld %s", posts[0].status, posts[0].body);
    for (size_t i = 0; i < POSTS; i++) {
        char *id = tune_post_text(&posts[i], "tune_id");
        ck_assert_msg(posts[i].status == 200, "%ld %s", posts[i].status, posts[i].body);
        ck_assert_str_eq(id, first);
        ck_assert_msg(strcmp(posts[i].body, posts[0].body) == 0, "not byte for byte the same");
        free(id);
        if (i > 0)
            tune_post_fini(&posts[i]);
    }
    ck_assert_int_eq(count("SELECT count(*) FROM backtest_tunes"), 1);
    ck_assert_int_eq(count("SELECT count(*) FROM job_runs"), 1);
    ck_assert_int_eq(count("SELECT count(*) FROM jobs"), 0);
    ck_assert_int_eq(count("SELECT count(*) FROM backtest_tune_runs"), 9);
    ck_assert_int_eq(count("SELECT count(*) FROM datasets"), 1);
    posts[1] = (struct tune_post){.file = FILE_CSV,
                                  .key = "canary",
                                  .seed = "2",
                                  .param_space = "{\"period\":[10,20,30],\"k\":[1,1.5,2]}"};
    system_post(&up, &posts[1], 1, 1);
    code = tune_post_text(&posts[1], "code");
    ck_assert_int_eq(posts[1].status, 409);
    ck_assert_str_eq(code, "IDEMPOTENCY_KEY_REUSED");
    free(code);
    free(first);
    tune_post_fini(&posts[0]);
    tune_post_fini(&posts[1]);
}
END_TEST

/* --- kill -9 ------------------------------------------------------------------------------ */

enum { TUNES = 200, KILLS = 10 };

static void
kill_child(const char *name)
{
    pid_t pid = system_child(&up, name);

    if (pid > 0)
        kill(pid, SIGKILL);
}

/* A child process that kills broker, worker, bridge and database at random moments. */
static pid_t
start_killer(unsigned seed)
{
    static const char *const victims[] = {"broker", "tune-1", "http", "postgres"};
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    srandom(seed);
    for (int i = 0; i < KILLS * 4; i++) {
        usleep((useconds_t)(100000 + random() % 500000));
        kill_child(victims[i % 4]);
    }
    _exit(0);
}

static size_t
post_open(struct tune_post *posts, char acknowledged[TUNES][40])
{
    size_t open = 0;

    for (size_t i = 0; i < TUNES; i++) {
        char *id;
        if (acknowledged[i][0])
            continue;
        system_post(&up, &posts[i], 1, 1);
        id = posts[i].status == 200 || posts[i].status == 202
                 ? tune_post_text(&posts[i], "tune_id")
                 : NULL;
        if (id)
            snprintf(acknowledged[i], sizeof(acknowledged[i]), "%.39s", id);
        free(id);
        open += !acknowledged[i][0];
    }
    return open;
}

START_TEST(every_acknowledged_tune_completes_once_whatever_is_killed)
{
    static struct tune_post posts[TUNES];
    static char acknowledged[TUNES][40], keys[TUNES][32], seeds[TUNES][16];
    pid_t killer = start_killer((unsigned)time(NULL));
    char sql[400];
    int status;

    for (size_t i = 0; i < TUNES; i++) {
        snprintf(keys[i], sizeof(keys[i]), "crash-%zu", i);
        snprintf(seeds[i], sizeof(seeds[i]), "%zu", i);
        posts[i] = (struct tune_post){
            .file = FILE_CSV,
            .key = keys[i],
            .seed = seeds[i],
            .prefer = "respond-async",
            .param_space = "{\"period\":{\"min\":5,\"max\":100,\"step\":1},\"k\":[1,1.5]}"};
    }
    while (post_open(posts, acknowledged) > 0)
        usleep(50000); /* the same keys again, as a client would */
    ck_assert_int_eq(waitpid(killer, &status, 0), killer);
    for (int i = 0; i < 1200; i++) {
        char *left = pg_fixture_query(
            up.database,
            "SELECT count(*) FROM backtest_tunes WHERE status IN ('queued', 'running')");
        bool over = strcmp(left, "0") == 0;
        free(left);
        if (over)
            break;
        usleep(100000);
    }
    ck_assert_int_eq(count("SELECT count(*) FROM backtest_tunes WHERE status = 'completed'"),
                     TUNES);
    for (size_t i = 0; i < TUNES; i++) {
        snprintf(sql, sizeof(sql),
                 "SELECT count(*) FROM backtest_tune_runs WHERE tune_id = '%.36s'",
                 acknowledged[i]);
        ck_assert_msg(count(sql) == 96 * 2, "tune %s has %d trials", acknowledged[i],
                      count(sql));
        tune_post_fini(&posts[i]);
    }
    ck_assert_int_eq(count("SELECT count(*) FROM backtest_tunes"), TUNES);
    ck_assert_int_eq(count("SELECT count(*) FROM job_runs"), TUNES);
    ck_assert_int_eq(count("SELECT count(*) FROM jobs"), 0);
    ck_assert_int_ge(system_restarts(&up),
                     2L * KILLS); /* those shot while starting count once */
    printf("%d restarts\n", system_restarts(&up));
}
END_TEST

/* --- events ------------------------------------------------------------------------------- */

/* A tune that takes long tells its progress, too: how often depends on the machine. */
#define STREAM_OF                                                             \
    "/admin/events/stream?topics=backtest.tune.queued,backtest.tune.started," \
    "backtest.tune.completed,backtest.tune.failed,backtest.tune.canceled&workspace_id="
#define HERE      "00000000-0000-0000-0000-000000000001"
#define ELSEWHERE "00000000-0000-0000-0000-000000000002"

enum { WATCHERS = 20, WATCHED = 10, EACH = 3 /* queued, started, completed */ };

static bool
have_seen_all(struct stream_pool *pool)
{
    for (size_t i = 0; i < WATCHERS; i++)
        if (pool->clients[i].count < (size_t)WATCHED * EACH)
            return false;
    return true;
}

/* Everybody who watches a workspace sees each of its tunes begin and end, in the order in which
 * it happened and once, though the bridge is shot meanwhile; nobody else sees anything. */
START_TEST(sse_event_delivery)
{
    static struct tune_post posts[WATCHED];
    static char keys[WATCHED][24];
    struct stream_pool pool;
    char *ids;

    stream_pool_start(&pool, (uint16_t)(int)strtol(strrchr(up.http, ':') + 1, NULL, 10),
                      WATCHERS + 1);
    for (size_t i = 0; i <= WATCHERS; i++)
        stream_client_open(&pool.clients[i],
                           i < WATCHERS ? STREAM_OF HERE : STREAM_OF ELSEWHERE);
    stream_pool_until(&pool, stream_pool_is_open, "the streams are open");
    for (size_t i = 0; i < WATCHED; i++) {
        snprintf(keys[i], sizeof(keys[i]), "watched-%zu", i);
        posts[i] = (struct tune_post){.file = FILE_CSV,
                                      .key = keys[i],
                                      .seed = "1",
                                      .prefer = "respond-async",
                                      .param_space = "{\"period\":[10,20],\"k\":[1,2]}"};
    }
    system_post(&up, posts, WATCHED, 4);
    kill(system_child(&up, "http"), SIGKILL);
    stream_pool_until(&pool, have_seen_all, "every watcher has seen every tune");
    stream_pool_until(&pool, stream_pool_is_open, "all are back");
    stream_pool_turn(&pool, 300);
    ids = pg_fixture_query(up.database, "SELECT string_agg(id::text, ' ' ORDER BY id) FROM"
                                        " events WHERE topic <> 'backtest.tune.progress'");
    for (size_t i = 0; i < WATCHERS; i++) {
        char *at = ids;

        ck_assert_uint_eq(pool.clients[i].count, (size_t)WATCHED * EACH);
        for (size_t n = 0; n < pool.clients[i].count; n++)
            ck_assert_int_eq(pool.clients[i].ids[n], strtol(at, &at, 10));
        ck_assert_uint_eq(pool.clients[i].resets, 0);
    }
    ck_assert_uint_eq(pool.clients[WATCHERS].count, 0);
    ck_assert_int_eq(count("SELECT count(DISTINCT payload ->> 'tune_id') FROM events"
                           " WHERE topic = 'backtest.tune.completed'"),
                     WATCHED);
    for (size_t i = 0; i < WATCHED; i++)
        tune_post_fini(&posts[i]);
    free(ids);
    stream_pool_stop(&pool);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("canary");
    TCase *tcase = suite_case(suite, "system", set_up, tear_down);

    suite_tests(tcase, idempotency_concurrent_retry, sse_event_delivery,
                every_acknowledged_tune_completes_once_whatever_is_killed);
    return suite_run(suite);
}
