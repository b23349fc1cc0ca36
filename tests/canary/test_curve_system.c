/* A whole system on the encrypted wire, each process with the certificate that README.md
 * recommends for it and no other: every actor does its work, and nothing is refused. */
#include <arpa/inet.h>
#include <check.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/kit/util/auto.h"
#include "actors/kit/util/clock.h"
#include "proto/client.h"
#include "tests/support/command.h"
#include "tests/support/llm/llm_stub.h"
#include "tests/support/patience.h"
#include "tests/support/pg_suite.h"
#include "tests/support/stream_pool.h"
#include "tests/support/system.h"

#define WORKSPACE "00000000-0000-0000-0000-000000000001"
#define STREAM    "/admin/events/stream?workspace_id=" WORKSPACE ""

enum { SOON_MS = PATIENCE_MS, LINE_MAX_BYTES = 4096 };

/* The processes, in the order of their start, each by the name of its certificate in README.md;
 * the broker has its own. */
static const char *const kinds[] = {"broker", "tune",      "explain", "events",
                                    "health", "retention", "http"};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static pg_fixture_t *fixture;
static llm_stub_t *model;
static struct system_up up; /* .http, .database, .root and .log are used */
static struct {
    pid_t pid;
    int out;
} processes[KINDS];

/* --- the certificates --------------------------------------------------------------------- */

/* The lines of SECURITY.md that make certificates, run by a shell. */
static void
make_certificates(void)
{
    char script[8192], line[512];
    const char *argv[] = {"/bin/sh", "-ec", script, NULL};
    FILE *text = fopen("SECURITY.md", "r");
    struct command *made;
    size_t size, count = 0;

    ck_assert_ptr_nonnull(text);
    size = (size_t)snprintf(script, sizeof(script),
                            "keys=%s/keys\ntunemill() { \"%s\" \"$@\"; }\n", up.root, TUNEMILL);
    while (fgets(line, sizeof(line), text))
        if (strncmp(line, "tunemill keys $keys ", 20) == 0) {
            size += (size_t)snprintf(script + size, sizeof(script) - size, "%s", line);
            ck_assert_uint_lt(size, sizeof(script));
            count++;
        }
    fclose(text);
    ck_assert_uint_ge(count, 6);
    made = command_run(argv);
    ck_assert_msg(made && made->code == 0, "%s", made ? made->err : "no shell");
    command_destroy(&made);
}

static void
set_file(const char *variable, const char *name, const char *ending)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/keys/%s%s", up.root, name, ending);
    ck_assert_msg(access(path, R_OK) == 0, "README.md makes no %s", path);
    ck_assert_int_eq(setenv(variable, path, 1), 0);
}

static void
use_certificate(const char *name)
{
    if (strcmp(name, "broker") == 0) {
        set_file("TUNEMILL_BROKER_CURVE_SECRET", name, ".secret");
        set_file("TUNEMILL_BROKER_CURVE_ALLOW", "allow", "");
    } else {
        unsetenv("TUNEMILL_BROKER_CURVE_SECRET");
        unsetenv("TUNEMILL_BROKER_CURVE_ALLOW");
        set_file("TUNEMILL_BROKER_CURVE_SERVER", "broker", ".cert");
        set_file("TUNEMILL_BROKER_CURVE_CLIENT", name, ".secret");
    }
}

/* --- the processes ------------------------------------------------------------------------ */

static int
free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static void
set_environment(void)
{
    char endpoint[64];

    snprintf(endpoint, sizeof(endpoint), "tcp://127.0.0.1:%d", free_port());
    setenv("TUNEMILL_BROKER_LISTEN", endpoint, 1);
    setenv("TUNEMILL_BROKER_BROKERS", endpoint, 1);
    setenv("DATABASE_URL", up.database, 1);
    setenv("TUNEMILL_SYSTEM_DATA_DIR", up.root, 1);
    setenv("TUNEMILL_HTTP_LISTEN", "127.0.0.1:0", 1);
    setenv("ALLOW_LOCALHOST_ADMIN", "1", 1);
    setenv("TUNEMILL_HEALTH_INTERVAL_MS", "200", 1);
    setenv("TUNEMILL_RETENTION_CHECK_SECONDS", "0.05", 1);
    setenv("TUNEMILL_LLM_CHAIN", "openai", 1);
    setenv("OPENAI_API_KEY", "sk-of-a-test", 1);
    setenv("OPENAI_BASE_URL", llm_stub_url(model), 1);
    unsetenv("ADMIN_TOKEN");
}

static void
run(const char *const *argv)
{
    struct command *command = command_run(argv);

    ck_assert_msg(command && command->code == 0, "%s %s: %s", argv[1], argv[2],
                  command ? command->err : "not run");
    command_destroy(&command);
}

/* A tune process has no --ready-fd: its work shows when it is there. */
static void
start(size_t i)
{
    bool is_told = strcmp(kinds[i], "tune") != 0;
    const char *argv[] = {TUNEMILL, kinds[i], is_told ? "--ready-fd=1" : NULL, NULL};
    char line[300] = "";
    ssize_t size;

    use_certificate(kinds[i]);
    processes[i].pid = command_start(argv, up.log, &processes[i].out);
    ck_assert_int_gt(processes[i].pid, 0);
    if (!is_told)
        return;
    size = read(processes[i].out, line, sizeof(line) - 1);
    ck_assert_msg(size > 0, "%s has ended", kinds[i]);
    line[size - 1] = '\0';
    if (strcmp(kinds[i], "http") == 0)
        snprintf(up.http, sizeof(up.http), "http://%.240s", line);
}

static void
setup(void)
{
    const char *migrate[] = {TUNEMILL, "migrate", NULL};
    char *url = pg_fixture_empty(fixture);

    snprintf(up.root, sizeof(up.root), "/tmp/tm-roles-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(up.root));
    snprintf(up.log, sizeof(up.log), "%s/log", up.root);
    snprintf(up.database, sizeof(up.database), "%s", url);
    free(url);
    model = llm_stub_new();
    set_environment();
    make_certificates();
    run(migrate);
    for (size_t i = 0; i < KINDS; i++)
        start(i);
}

static void
teardown(void)
{
    const char *argv[] = {"/bin/rm", "-rf", up.root, NULL};

    for (size_t i = KINDS; i-- > 0;)
        if (processes[i].pid > 0) {
            int status;

            kill(processes[i].pid, SIGTERM);
            ck_assert_int_eq(waitpid(processes[i].pid, &status, 0), processes[i].pid);
            ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
                          "%s ended with status %d", kinds[i], status);
            close(processes[i].out);
        }
    llm_stub_destroy(&model);
    run(argv);
}

/* --- asking ------------------------------------------------------------------------------- */

static json_t *
ask(const char *method, const char *before, const char *id, const char *after)
{
    char path[200];
    long status;
    tm_auto(tm_text) body = NULL;
    json_t *json;

    snprintf(path, sizeof(path), "%s%s%s", before, id, after);
    body = system_ask(&up, method, path, &status);
    ck_assert_msg(status == 200, "%s %s: %ld %s", method, path, status, body ? body : "");
    json = json_loads(body, 0, NULL);
    ck_assert_msg(json != NULL, "%s", body);
    return json;
}

static void
await_rows(const char *wanted, const char *sql)
{
    int64_t end_ms = clock_ms() + SOON_MS;

    for (;;) {
        tm_auto(tm_text) rows = pg_fixture_query(up.database, sql);

        if (strcmp(rows, wanted) == 0)
            return;
        ck_assert_msg(clock_ms() < end_ms, "%s says %s", sql, rows);
        poll(NULL, 0, 20);
    }
}

static char *
make_tune(void)
{
    struct tune_post post = {.file = "tests/data/sp500_daily.csv",
                             .key = "curve",
                             .seed = "1",
                             .prefer = "wait=60",
                             .param_space = "{\"period\":[10,20,30],\"k\":[1,1.5,2]}"};
    char *id;

    system_post(&up, &post, 1, 1);
    id = tune_post_text(&post, "tune_id");
    ck_assert_msg(post.status == 200 && id, "%ld %s", post.status, post.body);
    tune_post_fini(&post);
    return id;
}

/* --- what each process does --------------------------------------------------------------- */

/* A trial's curve: the bridge calls for it, a tune process computes it. */
static void
expect_curve(void)
{
    tm_auto(tm_text) trial =
        pg_fixture_query(up.database, "SELECT run_id FROM backtest_tune_runs LIMIT 1");
    tm_auto(json) shown = ask("GET", "/backtests/runs/", trial, "");

    ck_assert_uint_ge(json_array_size(json_object_get(shown, "equity_curve")), 10);
}

static void
expect_explanation(const char *tune)
{
    tm_auto(json) answer = ask("POST", "/backtests/tunes/", tune, "/explain");
    tm_auto(tm_text) text = json_dumps(answer, 0);

    ck_assert_msg(json_is_false(json_object_get(answer, "degraded")), "%s", text);
    ck_assert_ptr_nonnull(
        strstr(json_string_value(json_object_get(answer, "explanation")), LLM_STUB_TEXT));
}

static void
expect_prune(void)
{
    free(pg_fixture_query(up.database, "UPDATE retention_policies SET created_at = now() -"
                                       " interval '3 days', daily_at = (now() AT TIME ZONE"
                                       " 'UTC' - interval '1 hour')::time"));
    await_rows("t", "SELECT count(*) >= 1 AND bool_and(ok AND who = 'actor')"
                    " FROM retention_job_log WHERE finished_at IS NOT NULL");
}

/* A producer's job of the queue `events` becomes an event. */
static void
submit_event(void)
{
    static const char body[] = "{\"topic\":\"curve.seen\",\"payload\":{\"by\":\"a producer\"}}";
    struct tm_job_spec spec = {.queue = "events",
                               .workspace = {{[15] = 1}},
                               .body = body,
                               .body_size = sizeof(body) - 1};
    struct tm_client_options options = {.brokers = getenv("TUNEMILL_BROKER_BROKERS")};
    tm_client_t *client;

    use_certificate("shop");
    options.curve = (struct tm_curve){.server = getenv("TUNEMILL_BROKER_CURVE_SERVER"),
                                      .client = getenv("TUNEMILL_BROKER_CURVE_CLIENT")};
    client = tm_client_new(&options);
    ck_assert_ptr_nonnull(client);
    ck_assert_int_eq(tm_client_submit(client, &spec, NULL, NULL), TM_OK);
    ck_assert_int_eq(tm_client_wait(client, SOON_MS), TM_OK);
    tm_client_destroy(&client);
}

static bool
has_seen_all(struct stream_pool *pool)
{
    return strcmp(pool->clients[0].last_type, "curve.seen") == 0;
}

static void
expect_events(struct stream_pool *pool)
{
    submit_event();
    stream_pool_until(pool, has_seen_all, "the event of a producer's job");
    ck_assert_uint_ge(pool->clients[0].count, 2); /* that, and what became of the tune */
    ck_assert_uint_eq(pool->clients[0].resets, 0);
}

static void
expect_submit_and_watch(void)
{
    const char *argv[] = {TUNEMILL,     "submit",    "tests/data/sp500_daily.csv",
                          "--strategy", "sma_cross", "--trials",
                          "4",          "--watch",   NULL};

    use_certificate("shop");
    run(argv);
}

static bool
is_well(const json_t *health)
{
    static const char *const components[] = {"database", "llm",     "sse",
                                             "broker",   "workers", "retention"};

    for (size_t i = 0; i < sizeof(components) / sizeof(components[0]); i++) {
        const json_t *one = json_object_get(health, components[i]);

        if (strcmp(json_string_value(json_object_get(one, "status")), "ok") != 0)
            return false;
    }
    return true;
}

static void
await_health(void)
{
    int64_t end_ms = clock_ms() + SOON_MS;

    for (;;) {
        tm_auto(json) health = ask("GET", "/admin/system/health.json", "", "");
        tm_auto(tm_text) text = json_dumps(health, JSON_INDENT(1));

        if (is_well(health))
            return;
        ck_assert_msg(clock_ms() < end_ms, "%s", text);
        poll(NULL, 0, 50);
    }
}

/* The first kind of process of which /metrics has no series; NULL: it has all. */
static const char *
missing_of(const char *metrics)
{
    for (size_t i = 0; i < KINDS; i++) {
        char label[40];

        snprintf(label, sizeof(label), "actor=\"%s\"", kinds[i]);
        if (!strstr(metrics, label))
            return kinds[i];
    }
    return NULL;
}

/* Peers that brokers refused, for any reason. */
static double
refused_of(const char *metrics)
{
    static const char begins[] = "\ntunemill_peers_refused_total{";
    double sum = 0;

    for (const char *at = metrics; (at = strstr(at, begins)) != NULL; at++)
        sum += strtod(strstr(at, "} ") + 2, NULL);
    return sum;
}

static void
await_metrics(void)
{
    int64_t end_ms = clock_ms() + SOON_MS;

    for (;;) {
        long status;
        tm_auto(tm_text) text = system_get(&up, "/metrics", &status);
        const char *missing = missing_of(text);

        ck_assert_int_eq(status, 200);
        if (!missing) {
            ck_assert(refused_of(text) == 0);
            return;
        }
        ck_assert_msg(clock_ms() < end_ms, "/metrics has nothing of %s", missing);
        poll(NULL, 0, 50);
    }
}

/* Nobody was refused anything, as long as the system ran. */
static void
expect_no_refusal(void)
{
    char line[LINE_MAX_BYTES];
    FILE *log = fopen(up.log, "r");

    ck_assert_ptr_nonnull(log);
    while (fgets(line, sizeof(line), log))
        ck_assert_msg(!strstr(line, "peer.refused") && !strstr(line, "FORBIDDEN"), "%s", line);
    fclose(log);
}

START_TEST(every_process_does_its_work_with_the_certificate_that_is_advised)
{
    struct stream_pool pool;
    tm_auto(tm_text) tune = NULL;

    stream_pool_start(&pool, (uint16_t)strtol(strrchr(up.http, ':') + 1, NULL, 10), 1);
    stream_client_open(&pool.clients[0], STREAM);
    stream_pool_until(&pool, stream_pool_is_open, "the stream");
    tune = make_tune();
    expect_curve();
    expect_explanation(tune);
    expect_events(&pool);
    expect_submit_and_watch();
    expect_prune();
    await_health();
    await_metrics();
    stream_pool_stop(&pool);
    expect_no_refusal();
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("curve_system");
    TCase *tcase = suite_case(suite, "roles", setup, teardown);

    suite_tests(tcase, every_process_does_its_work_with_the_certificate_that_is_advised);
    return pg_suite_run(suite, &fixture);
}
