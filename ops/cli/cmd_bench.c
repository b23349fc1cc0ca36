#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "ops/bench/bench.h"
#include "ops/cli/cli.h"

struct bench {
    struct bench_options what;
    bool json;
};

#define WHAT(member, min, max) CLI_INT(min, max), offsetof(struct bench, what.member)

static const struct cli_option options[] = {
    {"jobs", "N", WHAT(jobs, 512, 100000000), "jobs of each measurement; 200000"},
    {"producers", "P", WHAT(producers, 1, 64), "producer processes; 1"},
    {"workers", "W", WHAT(workers, 1, 64), "worker processes; 1"},
    {"payload", "B", WHAT(payload, 8, 1 << 20), "bytes of a job's body; 200"},
    {"window", "N", WHAT(window, 1, 1000000),
     "unanswered submits of all producers together; 2048"},
    {"credit", "N", WHAT(credit, 1, 10000), "jobs at once of a worker; 10000"},
    {"history", "N", WHAT(history, 0, 1000000000),
     "jobs that have ended before the measurement begins; 0"},
    {"backlog", "N", WHAT(backlog, 0, 1000000000),
     "jobs that wait in another queue meanwhile; 0"},
    {"snapshot", NULL, CLI_FLAG, offsetof(struct bench, what.snapshot),
     "a forgotten transaction keeps vacuum from clearing up meanwhile"},
    {"workspace-limit", "N", WHAT(workspace_limit, 1, 1000000000),
     "running jobs that a workspace may have (all jobs are of one); no limit"},
    {"rounds", "N", WHAT(rounds, 1, BENCH_ROUNDS_MAX),
     "measure in turn with an empty system beside it, N times, and nothing but the jobs"},
    {"json", NULL, CLI_FLAG, offsetof(struct bench, json), "print the figures as JSON"},
};

static const struct cli_usage usage = {
    .arguments = "queue",
    .min_arguments = 1,
    .max_arguments = 1,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .notes =
        "Starts a private system, measures it and stops it. Every submit and every completion\n"
        "is durable before it counts. The floors are the same PostgreSQL without a broker:\n"
        "256 rows a commit on two connections. Compare figures of one run only.\n",
};

static void
print_json(const struct bench_figures *f)
{
    json_t *out = json_pack(
        "{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:I}",
        "enqueue_per_s", f->enqueue, "drain_per_s", f->drain, "end_to_end_per_s", f->end_to_end,
        "latency_p50_ms", f->latency_p50, "latency_p99_ms", f->latency_p99,
        "floor_insert_per_s", f->floor_insert, "floor_cycle_per_s", f->floor_cycle,
        "call_per_s", f->call, "floor_call_per_s", f->floor_call, "floor_latency_ms",
        f->floor_latency, "cpu_clients_us", f->cost.clients, "cpu_broker_us", f->cost.broker,
        "cpu_database_us", f->cost.database, "repeats", (json_int_t)f->repeats);
    json_dumpf(out, stdout, JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(out);
}

/* Medians, and in brackets the least and the greatest. */
static void
print_share(const char *name, double *values, long long rounds)
{
    double median = bench_percentile(values, (size_t)rounds, 0.5);

    printf("%-28s %12.2f   (%.2f-%.2f)\n", name, median, values[0], values[rounds - 1]);
}

static json_t *
list(const double *values, long long rounds)
{
    json_t *out = json_array();

    for (long long i = 0; i < rounds; i++)
        json_array_append_new(out, json_real(values[i]));
    return out;
}

static void
print_comparison(struct bench_comparison *c, long long rounds, bool is_json)
{
    if (is_json) {
        json_t *out =
            json_pack("{s:o, s:o, s:o, s:o, s:I}", "enqueue", list(c->enqueue, rounds), "drain",
                      list(c->drain, rounds), "end_to_end", list(c->end_to_end, rounds),
                      "empty_end_to_end_per_s", list(c->empty, rounds), "repeats",
                      (json_int_t)c->repeats);
        json_dumpf(out, stdout, JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(6));
        putchar('\n');
        json_decref(out);
        return;
    }
    printf("share of the empty system's, median of %lld rounds in turn (least-greatest)\n",
           rounds);
    print_share("enqueue", c->enqueue, rounds);
    print_share("drain", c->drain, rounds);
    print_share("end to end", c->end_to_end, rounds);
    bench_percentile(c->empty, (size_t)rounds, 0.5);
    printf("the empty one's end to end: %.0f-%.0f/s; jobs seen twice: %lld\n", c->empty[0],
           c->empty[rounds - 1], c->repeats);
}

static int
compare_rounds(cli_t *cli, const struct bench_options *what, bool is_json)
{
    struct bench_comparison comparison = {.repeats = 0};
    char detail[CLI_DETAIL_MAX] = "";

    if (bench_compare(what, &comparison, detail, sizeof detail))
        return cli_fail(cli, "%s", detail);
    print_comparison(&comparison, what->rounds, is_json);
    return CLI_OK;
}

static void
print_table(const struct bench_figures *f)
{
    printf("%-28s %14s   %s\n", "measured", "", "of the floor");
    printf("%-28s %12.0f/s   %.0f %%\n", "enqueue", f->enqueue,
           100 * f->enqueue / f->floor_insert);
    printf("%-28s %12.0f/s\n", "drain", f->drain);
    printf("%-28s %12.0f/s   %.0f %%\n", "end to end", f->end_to_end,
           100 * f->end_to_end / f->floor_cycle);
    printf("%-28s %11.3f ms   %.2f x\n", "latency, one in flight, p50", f->latency_p50,
           f->latency_p50 / f->floor_latency);
    printf("%-28s %11.3f ms   %.2f x\n", "latency, one in flight, p99", f->latency_p99,
           f->latency_p99 / f->floor_latency);
    printf("%-28s %12.0f/s   %.0f %%\n", "calls", f->call, 100 * f->call / f->floor_call);
    printf("floors: insert %.0f/s, insert and finish %.0f/s, calls %.0f/s, two commits "
           "and a round trip %.3f ms\n",
           f->floor_insert, f->floor_cycle, f->floor_call, f->floor_latency);
    printf("processor time end to end, us a job: clients %.1f, broker %.1f, database %.1f\n",
           f->cost.clients, f->cost.broker, f->cost.database);
    printf("jobs seen twice: %lld\n", f->repeats);
}

int
cmd_bench(cli_t *cli, int argc, char **argv)
{
    struct bench self = {.what = {.jobs = 200000,
                                  .producers = 1,
                                  .workers = 1,
                                  .payload = 200,
                                  .window = 2048,
                                  .credit = 10000}};
    struct bench_figures figures = {.enqueue = 0};
    char detail[CLI_DETAIL_MAX] = "";
    int code = cli_parse(cli, &usage, &self, argc, argv);

    if (code >= 0)
        return code;
    if (strcmp(cli->arguments[0], "queue") != 0)
        return cli_misuse(cli, "there is no benchmark \"%s\"; there is: queue",
                          cli->arguments[0]);
    if (self.what.rounds > 0)
        return compare_rounds(cli, &self.what, self.json);
    if (bench_queue(&self.what, &figures, detail, sizeof detail))
        return cli_fail(cli, "%s", detail);
    if (self.json)
        print_json(&figures);
    else
        print_table(&figures);
    return CLI_OK;
}
