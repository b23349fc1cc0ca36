/* Two systems at once, each on a PostgreSQL of its own: one empty, one as it was asked for.
 * They are measured in turn, so that what else the machine does falls on both. */
#include <stdio.h>
#include <string.h>

#include "ops/bench/bench.h"

struct pair {
    struct bench_world empty, other;
    struct bench_options plain;
    const struct bench_options *asked;
};

static double
share(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

static tm_err_t
measure(const struct pair *pair, bool is_empty, struct bench_figures *ret)
{
    const struct bench_world *world = is_empty ? &pair->empty : &pair->other;
    tm_err_t err = bench_settle(world, is_empty);

    return err ? err : bench_throughput(world, is_empty ? &pair->plain : pair->asked, ret);
}

/* Which goes first changes from round to round. */
static tm_err_t
run_round(const struct pair *pair, long long round, struct bench_figures *empty,
          struct bench_figures *other)
{
    bool is_empty_first = round % 2 == 0;
    tm_err_t err = measure(pair, is_empty_first, is_empty_first ? empty : other);

    return err ? err : measure(pair, !is_empty_first, is_empty_first ? other : empty);
}

static tm_err_t
run_rounds(const struct pair *pair, struct bench_comparison *ret)
{
    struct bench_figures empty = {.enqueue = 0}, other = {.enqueue = 0};
    tm_err_t err = run_round(pair, 0, &empty, &other); /* warms both up; not counted */

    for (long long i = 0; !err && i < pair->asked->rounds; i++) {
        err = run_round(pair, i, &empty, &other);
        ret->enqueue[i] = share(other.enqueue, empty.enqueue);
        ret->drain[i] = share(other.drain, empty.drain);
        ret->end_to_end[i] = share(other.end_to_end, empty.end_to_end);
        ret->empty[i] = empty.end_to_end;
        ret->repeats += empty.repeats + other.repeats;
    }
    return err;
}

tm_err_t
bench_compare(const struct bench_options *options, struct bench_comparison *ret, char *detail,
              size_t size)
{
    struct pair pair = {.plain = *options, .asked = options};
    tm_err_t err = bench_world_start(&pair.empty, detail, size);

    pair.plain.history = pair.plain.backlog = pair.plain.workspace_limit = 0;
    pair.plain.snapshot = false;
    if (err)
        return err;
    err = bench_world_start(&pair.other, detail, size);
    if (!err) {
        err = bench_age(&pair.other, options);
        if (!err)
            err = run_rounds(&pair, ret);
        bench_world_stop(&pair.other);
        if (err)
            snprintf(detail, size, "a measurement failed: %s", tm_err_text(err));
    }
    bench_world_stop(&pair.empty);
    return err;
}
