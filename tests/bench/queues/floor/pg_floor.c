/* Raw PostgreSQL ceiling through libpq: rows/s when every commit carries a batch of rows.
 * usage: pg_floor CONNECTIONS BATCH ROWS insert|cycle|claim     prints one JSON line
 *   insert  INSERT .. SELECT unnest() of BATCH rows per commit
 *   cycle   insert a batch, then UPDATE that batch to 'done'    (2 commits per batch)
 *   claim   insert, claim with FOR UPDATE SKIP LOCKED, done     (3 commits per batch)
 * Parameters travel as binary arrays and prepared statements; the connection string comes from
 * PG* variables. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <pthread.h>
#include <arpa/inet.h>
#include <libpq-fe.h>

enum { SIZE = 200, UUIDOID = 2950, BYTEAOID = 17 };
static int batch, rows_each;
static const char *mode;
static double
now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static void
ok(PGconn *c, PGresult *r)
{
    ExecStatusType s = PQresultStatus(r);
    if (s != PGRES_COMMAND_OK && s != PGRES_TUPLES_OK) {
        fprintf(stderr, "%s", PQerrorMessage(c));
        exit(1);
    }
    PQclear(r);
}
static char *
put32(char *p, unsigned v)
{
    v = htonl(v);
    memcpy(p, &v, 4);
    return p + 4;
}
static char *
array_head(char *p, unsigned type)
{ /* one dimension, no nulls, lower bound 1 */
    p = put32(p, 1);
    p = put32(p, 0);
    p = put32(p, type);
    p = put32(p, batch);
    return put32(p, 1);
}

static void *
client(void *arg)
{
    unsigned seed = (unsigned)(size_t)arg * 7919 + (unsigned)time(NULL);
    PGconn *c = PQconnectdb("");
    if (PQstatus(c) != CONNECTION_OK) {
        fprintf(stderr, "%s", PQerrorMessage(c));
        exit(1);
    }
    ok(c, PQprepare(
              c, "ins",
              "insert into jobs(id,queue,state,priority,run_at,payload) "
              "select i,'noop','ready',0,now(),p from unnest($1::uuid[],$2::bytea[]) as t(i,p)",
              0, NULL));
    ok(c,
       PQprepare(c, "fin",
                 "update jobs set state='done', finished_at=now() where id = any($1::uuid[])",
                 0, NULL));
    ok(c, PQprepare(c, "claim",
                    "update jobs set state='running', attempts=attempts+1 where id in (select "
                    "id from jobs "
                    "where state='ready' and queue='noop' and run_at<=now() order by priority, "
                    "run_at limit $1 "
                    "for update skip locked) returning id, payload",
                    0, NULL));
    char *ids = malloc(20 + batch * 20), *bodies = malloc(20 + batch * (4 + SIZE)), lim[16];
    snprintf(lim, sizeof lim, "%d", batch);
    for (int done = 0; done < rows_each; done += batch) {
        char *p = array_head(ids, UUIDOID), *q = array_head(bodies, BYTEAOID);
        for (int i = 0; i < batch; i++) {
            p = put32(p, 16);
            for (int k = 0; k < 4; k++)
                p = put32(p, (unsigned)rand_r(&seed) << 8 ^ (unsigned)rand_r(&seed));
            q = put32(q, SIZE);
            memset(q, 'x', SIZE);
            q += SIZE;
        }
        const char *v[2] = {ids, bodies};
        int len[2] = {(int)(p - ids), (int)(q - bodies)}, fmt[2] = {1, 1};
        ok(c, PQexecPrepared(c, "ins", 2, v, len, fmt, 1));
        if (!strcmp(mode, "claim")) {
            const char *l[1] = {lim};
            ok(c, PQexecPrepared(c, "claim", 1, l, NULL, NULL, 1));
        }
        if (strcmp(mode, "insert"))
            ok(c, PQexecPrepared(c, "fin", 1, v, len, fmt, 1));
    }
    PQfinish(c);
    return NULL;
}

int
main(int argc, char **argv)
{
    if (argc < 5)
        return fprintf(stderr, "usage: pg_floor CONNECTIONS BATCH ROWS insert|cycle|claim\n"),
               2;
    int conns = atoi(argv[1]), rows = atoi(argv[3]);
    batch = atoi(argv[2]);
    mode = argv[4];
    rows_each = rows / conns / batch * batch;
    PGconn *c = PQconnectdb("");
    if (PQstatus(c) != CONNECTION_OK) {
        fprintf(stderr, "%s", PQerrorMessage(c));
        return 1;
    }
    ok(c, PQexec(c, "set client_min_messages=warning; drop table if exists jobs; create table "
                    "jobs(id uuid primary key, queue text not null, state text not null, "
                    "priority int not null, run_at timestamptz not null, attempts int not null "
                    "default 0, created_at timestamptz not null default now(), "
                    "finished_at timestamptz, payload bytea not null); create index jobs_ready "
                    "on jobs(queue,priority,run_at) where state='ready'"));
    pthread_t t[64];
    double start = now();
    for (int i = 0; i < conns; i++)
        pthread_create(&t[i], NULL, client, (void *)(size_t)(i + 1));
    for (int i = 0; i < conns; i++)
        pthread_join(t[i], NULL);
    printf("{\"peer\":\"floor-pg\",\"config\":\"%s b=%d "
           "c=%d\",\"mode\":\"rows\",\"n\":%d,\"rate\":%.0f}\n",
           mode, batch, conns, rows_each * conns, rows_each * conns / (now() - start));
    return 0;
}
