#include "ops/bench/bench.h"

#include <stdio.h>
#include <stdlib.h>

static double
rate(const struct bench_options *options, const struct bench_load *load)
{
    return (double)options->jobs / load->seconds;
}

tm_err_t
bench_throughput(const struct bench_world *world, const struct bench_options *options,
                 struct bench_figures *ret)
{
    struct bench_load enqueue = {.producers = options->producers};
    struct bench_load drain = {.workers = options->workers};
    struct bench_load both = {.producers = options->producers, .workers = options->workers};
    struct bench_cost before, after;
    tm_err_t err = bench_load_run(world, options, &enqueue);

    if (!err)
        err = bench_load_run(world, options, &drain);
    before = bench_cost(world);
    if (!err)
        err = bench_load_run(world, options, &both);
    if (err)
        return err;
    after = bench_cost(world);
    ret->cost = (struct bench_cost){
        .clients = both.client_seconds * 1e6 / (double)options->jobs,
        .broker = (after.broker - before.broker) * 1e6 / (double)options->jobs,
        .database = (after.database - before.database) * 1e6 / (double)options->jobs};
    ret->enqueue = rate(options, &enqueue);
    ret->drain = rate(options, &drain);
    ret->end_to_end = rate(options, &both);
    ret->repeats = drain.repeats + both.repeats;
    return TM_OK;
}

static tm_err_t
measure_latency(const struct bench_world *world, const struct bench_options *options,
                struct bench_figures *ret)
{
    struct bench_options one = *options;
    struct bench_load load = {.producers = 1, .workers = 1, .has_latency = true};
    tm_err_t err;

    one.jobs = options->jobs < 2000 ? options->jobs : 2000;
    one.credit = 1;
    load.latency_ms = calloc((size_t)one.jobs, sizeof(double));
    if (!load.latency_ms)
        return TM_NO_MEMORY;
    err = bench_load_run(world, &one, &load);
    ret->latency_p50 = bench_percentile(load.latency_ms, (size_t)one.jobs, 0.5);
    ret->latency_p99 = bench_percentile(load.latency_ms, (size_t)one.jobs, 0.99);
    free(load.latency_ms);
    return err;
}

/* The floors use threads and sockets of this process: they come last, after every fork. */
tm_err_t
bench_queue(const struct bench_options *options, struct bench_figures *ret, char *detail,
            size_t size)
{
    struct bench_world world = {.pid = 0};
    tm_err_t err = bench_world_start(&world, detail, size);

    if (err)
        return err;
    err = bench_age(&world, options);
    if (!err)
        err = bench_throughput(&world, options, ret);
    if (!err)
        err = bench_calls(&world, options->jobs, options->payload, false, &ret->call);
    if (!err)
        err = bench_calls(&world, options->jobs, options->payload, true, &ret->floor_call);
    if (!err)
        err = measure_latency(&world, options, ret);
    if (!err)
        err = bench_floor_latency(&world, options->payload, &ret->floor_latency);
    if (!err)
        err = bench_floor_rows(&world, options->jobs, options->payload, false,
                               &ret->floor_insert);
    if (!err)
        err =
            bench_floor_rows(&world, options->jobs, options->payload, true, &ret->floor_cycle);
    bench_world_stop(&world);
    if (err)
        snprintf(detail, size, "a measurement failed: %s", tm_err_text(err));
    return err;
}
