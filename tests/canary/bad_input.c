#include "tests/canary/bad_input.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "ops/supervisor/status.h"
#include "tests/support/patience.h"
#include "tests/support/peak.h"
#include "tests/support/peer.h"
#include "tests/support/pg_fixture.h"
#include "tests/support/system.h"

/* Sanitizers keep what was freed in quarantine, 256 MB of it. */
#ifdef __SANITIZE_ADDRESS__
enum { GROWTH_MAX_KB = 768 << 10 };
#else
enum { GROWTH_MAX_KB = 128 << 10 };
#endif

static const char *const children[] = {"postgres", "broker", "tune-1", "http"};
enum { CHILDREN = sizeof(children) / sizeof(children[0]) };

static struct system_up up;
static char endpoint[300];
static pid_t pids[CHILDREN];
static long first_kb[CHILDREN];
static peer_end_t *peer; /* of this process */
static int failures;

/* Tests are processes: what they count together is shared. */
static struct {
    int cases, failed, completed;
    tm_uuid_t broker; /* its id, new at each start */
} * tally;

/* --- the system --------------------------------------------------------------------------- */

static tm_uuid_t
ask_broker_id(void)
{
    tm_msg_t ping = {.type = TM_MSG_PING, .ping = {.seq = 1}};

    if (!peer)
        peer = peer_end_new(endpoint);
    peer_end_send(peer, &ping);
    return peer_end_expect(peer, TM_MSG_PONG, PATIENCE_MS)->pong.broker;
}

static void
read_endpoint(void)
{
    json_t *status = status_read(up.data_dir);

    snprintf(endpoint, sizeof(endpoint), "%s",
             json_string_value(json_object_get(status, "broker")));
    json_decref(status);
}

void
bad_system_start(void)
{
    tally =
        mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(tally, MAP_FAILED);
    setenv("TUNEMILL_HTTP_REQUEST_TIMEOUT_SECONDS", "2", 1); /* some cases wait for it */
    system_start(&up, "1");
    read_endpoint();
    for (size_t i = 0; i < CHILDREN; i++) {
        pids[i] = system_child(&up, children[i]);
        ck_assert_msg(pids[i] > 0, "%s is not there", children[i]);
        first_kb[i] = peak_kb(pids[i]);
    }
}

static void
check_log(FILE *log)
{
    static const char *const reports[] = {"ERROR: AddressSanitizer", "ERROR: LeakSanitizer",
                                          "runtime error:"};
    char line[8192];
    size_t lines = 0, found = 0;

    for (; fgets(line, sizeof(line), log); lines++)
        for (size_t i = 0; i < sizeof(reports) / sizeof(reports[0]); i++)
            if (strstr(line, reports[i])) {
                fprintf(stderr, "%s", line);
                found++;
            }
    ck_assert_uint_gt(lines, 0);
    ck_assert_uint_eq(found, 0);
}

/* The log is read when all who write it have ended: leaks are reported then. */
void
bad_system_stop(void)
{
    FILE *log = fopen(up.log, "r");

    ck_assert_ptr_nonnull(log);
    system_stop(&up);
    check_log(log);
    fclose(log);
    munmap(tally, sizeof(*tally));
}

const char *
bad_system_broker(void)
{
    return endpoint;
}

uint16_t
bad_system_port(void)
{
    return (uint16_t)strtoul(strrchr(up.http, ':') + 1, NULL, 10);
}

int
bad_system_count(const char *sql)
{
    char *text = pg_fixture_query(up.database, sql);
    int value = (int)strtol(text, NULL, 10);

    ck_assert_msg(strncmp(text, "ERROR", 5) != 0, "%s: %s", sql, text);
    free(text);
    return value;
}

/* --- after a case ------------------------------------------------------------------------- */

static const char *
process_fault(void)
{
    static char text[100];

    for (size_t i = 0; i < CHILDREN; i++) {
        snprintf(text, sizeof(text), "%s is another process than before", children[i]);
        if (system_child(&up, children[i]) != pids[i] || kill(pids[i], 0) != 0)
            return text;
    }
    return system_restarts(&up) ? "a process was started again" : NULL;
}

static const char *
service_fault(void)
{
    struct bytes request = {0};
    struct answer answer;
    tm_uuid_t id = ask_broker_id();
    const char *fault;

    if (tally->cases == 0)
        tally->broker = id;
    if (!tm_uuid_is(&tally->broker, &id))
        return "the broker is another one than before";
    bytes_text(&request, "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    bad_exchange(&request, false, &answer);
    fault = answer_fault(&answer, 200, "", "\"status\":\"ok\"");
    answer_fini(&answer);
    bytes_fini(&request);
    return fault ? "/health does not answer" : NULL;
}

static const char *
trace_fault(enum bad_trace leaves)
{
    static char fault[160];
    char *text = pg_fixture_query(
        up.database,
        "SELECT count(*) FILTER (WHERE status = 'failed'),"
        " count(*) FILTER (WHERE status = 'completed'), count(*) FROM backtest_tunes");
    char *at = text;
    int failed = (int)strtol(at, &at, 10);
    int completed = *at == '|' ? (int)strtol(at + 1, &at, 10) : -1;
    int all = *at == '|' ? (int)strtol(at + 1, &at, 10) : -1;
    bool is_right;

    ck_assert_msg(all >= 0, "%s", text);
    free(text);
    is_right = failed == tally->failed + (leaves == LEAVES_FAILED) &&
               completed == tally->completed + (leaves == LEAVES_COMPLETED) &&
               all == failed + completed;
    snprintf(fault, sizeof(fault), "it left %d failed, %d completed, %d other tunes",
             failed - tally->failed, completed - tally->completed, all - failed - completed);
    tally->failed = failed;
    tally->completed = completed;
    return is_right ? NULL : fault;
}

static void
say(const char *name, const char *fault)
{
    if (!fault)
        return;
    failures++;
    fprintf(stderr, "%s: %s\n", name, fault);
}

void
bad_case(const char *name, enum bad_trace leaves, const char *fault)
{
    say(name, fault);
    say(name, service_fault());
    say(name, process_fault());
    say(name, trace_fault(leaves));
    tally->cases++;
}

int
bad_failures(void)
{
    return failures;
}

void
bad_done(void)
{
    peer_end_destroy(&peer);
}

/* --- after all cases ---------------------------------------------------------------------- */

void
bad_system_check_end(void)
{
    ck_assert_int_eq(bad_system_count("SELECT count(*) FROM jobs"), 0);
    ck_assert_int_eq(bad_system_count("SELECT count(*) FROM job_runs WHERE outcome = 'done'"),
                     tally->completed);
    ck_assert_int_eq(bad_system_count("SELECT count(*) FROM job_runs WHERE outcome ="
                                      " 'rejected'"),
                     tally->failed);
    ck_assert_int_eq(bad_system_count("SELECT count(*) FROM dead_jobs WHERE queue = 'tune'"),
                     0);
    for (size_t i = 0; i < CHILDREN; i++) {
        long now_kb = peak_kb(pids[i]);

        printf("%s: from %ld to %ld kB\n", children[i], first_kb[i], now_kb);
        ck_assert_int_gt(now_kb, 0);
        ck_assert_int_lt(now_kb - first_kb[i], GROWTH_MAX_KB);
    }
    printf("%d bad inputs\n", tally->cases);
}
