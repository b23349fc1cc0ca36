/* eventpub: leaves numbered, time-stamped events in Tunemill's database, at a fixed rate or as
 * fast as it is answered. The counterpart of ssepub, with the same options and body. */
#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WORKSPACE "00000000-0000-0000-0000-000000000001"

struct options {
    int count, size, batch;
    int turnstile; /* a byte is read from it before each event; -1: none */
    double rate;   /* events a second; 0: as fast as it goes */
    long long first;
};

static int64_t
now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void
wait_until(int64_t due_ns)
{
    struct timespec due = {.tv_sec = due_ns / 1000000000, .tv_nsec = due_ns % 1000000000};

    while (clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &due, NULL) == EINTR)
        continue;
}

/* Until every reader has the event before. */
static void
wait_turn(int turnstile)
{
    char byte;

    while (turnstile >= 0 && read(turnstile, &byte, 1) < 0)
        if (errno != EINTR) {
            perror("eventpub: turnstile");
            exit(2);
        }
}

/* One transaction; as many events as the batch has, each with its own number. */
static int
leave(PGconn *database, const struct options *options, int count)
{
    char payload[65536], text[16], *values[] = {payload, text};
    int size =
        snprintf(payload, sizeof(payload), "{\"ts\":%lld,\"pad\":\"", (long long)now_ns());
    PGresult *result;
    int is_ok;

    memset(payload + size, 'x', (size_t)(options->size - size - 2));
    memcpy(payload + options->size - 2, "\"}", 3);
    snprintf(text, sizeof(text), "%d", count);
    result = PQexecPrepared(database, "leave", 2, (const char *const *)values, NULL, NULL, 0);
    is_ok = PQresultStatus(result) == PGRES_TUPLES_OK;
    if (!is_ok)
        fprintf(stderr, "eventpub: %s", PQerrorMessage(database));
    PQclear(result);
    return is_ok;
}

static int
prepare(PGconn *database, long long first)
{
    char sql[512];
    PGresult *result;
    int is_ok;

    snprintf(sql, sizeof(sql), "CREATE TEMP SEQUENCE numbers MINVALUE 0 START %lld", first);
    PQclear(PQexec(database, sql));
    result = PQprepare(database, "leave",
                       "SELECT count(event_emit('backtest.tune.progress', '" WORKSPACE "',"
                       " jsonb_build_object('seq', nextval('numbers')) || $1::jsonb))"
                       "  FROM generate_series(1, $2::int)",
                       2, NULL);
    is_ok = PQresultStatus(result) == PGRES_COMMAND_OK;
    if (!is_ok)
        fprintf(stderr, "eventpub: %s", PQerrorMessage(database));
    PQclear(result);
    return is_ok;
}

static int
publish(PGconn *database, const struct options *options)
{
    int64_t start = now_ns();
    double seconds;

    for (int sent = 0; sent < options->count; sent += options->batch) {
        int left = options->count - sent;

        if (options->rate > 0)
            wait_until(start + (int64_t)(sent * 1e9 / options->rate));
        if (sent > 0)
            wait_turn(options->turnstile);
        if (!leave(database, options, left < options->batch ? left : options->batch))
            return 1;
    }
    seconds = (double)(now_ns() - start) / 1e9;
    fprintf(stderr, "published %d in %.3f s (%.0f/s)\n", options->count, seconds,
            options->count / seconds);
    return 0;
}

int
main(int argc, char **argv)
{
    struct options options = {.count = 100, .size = 200, .batch = 1, .turnstile = -1};
    PGconn *database;
    int option, code;

    while ((option = getopt(argc, argv, "n:r:s:f:b:l:")) != -1) {
        if (option == 'n')
            options.count = atoi(optarg);
        else if (option == 'r')
            options.rate = atof(optarg);
        else if (option == 's')
            options.size = atoi(optarg);
        else if (option == 'f')
            options.first = atoll(optarg);
        else if (option == 'b')
            options.batch = atoi(optarg);
        else if (option == 'l')
            options.turnstile = open(optarg, O_RDWR | O_CLOEXEC);
        else
            return 2;
    }
    if (optind + 1 != argc || options.size < 80 || options.size > 60000 || options.batch < 1) {
        fprintf(stderr, "usage: eventpub [-n COUNT] [-r RATE, 0 = flood] [-s BYTES] "
                        "[-f FIRST_SEQ] [-b EVENTS A COMMIT] [-l TURNSTILE] DATABASE_URL\n");
        return 2;
    }
    database = PQconnectdb(argv[optind]);
    code = PQstatus(database) == CONNECTION_OK && prepare(database, options.first)
               ? publish(database, &options)
               : 1;
    PQfinish(database);
    return code;
}
