/* probes_inner - shared by the sources of probes.h only. */
#ifndef ACTORS_HEALTH_PROBES_INNER_H
#define ACTORS_HEALTH_PROBES_INNER_H

#include "actors/health/probes.def"
#include "actors/health/probes.h"
#include "actors/health/statements.def"
#include "actors/health/window.h"

typedef enum { HEALTH_STATEMENTS(PG_STATEMENT_ID) STMT_COUNT } health_statement_t;

typedef enum {
#define P(NAME, read, COMPONENT, times, is_gauge) PROBE_##NAME,
    DATABASE_PROBES(P)
#undef P
        PROBE_COUNT
} probe_id_t;

/* An object that the database made, and when; NULL: not yet. */
struct seen {
    json_t *json;
    int64_t at_ms;
};

typedef struct database database_t;
typedef struct qdrant qdrant_t;
typedef struct redis_probe redis_probe_t;

struct probes {
    struct probing_world world;
    struct probes_model model;
    int64_t began_ms;
    int timer;
    database_t *database;
    qdrant_t *qdrant;     /* NULL: there is none to look at */
    redis_probe_t *redis; /* NULL: the bus is another */
    struct seen queues, workers;
    json_t *kinds;         /* kind -> when a worker of it was last seen, as text */
    json_t *ingest_queues; /* names ever seen, as members */
    json_t *ingest_sources;
    int64_t backends, backends_max;
    double oldest_transaction_s;
    struct window lost, refused, published, drops, degraded, llm_good, llm_bad;
    bool has_restored; /* what the windows had before this process began */
    int64_t llm_good_utc_ms, llm_bad_utc_ms; /* 0: never */
};

/* A whole number of an object's; 0: it has none, or there is no object. */
static inline json_int_t
number(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

/* probe_results.c: what the probes tell, and what they go by */
void probes_report(probes_t *self, component_t component, struct component_report *report);
void probes_gauge(const probes_t *self, metric_t metric, const char *label, int64_t value);
/* Of a metric with two labels. */
void probes_gauge_of(const probes_t *self, metric_t metric, const char *one, const char *other,
                     int64_t value);
/* What is not heard by now does not run: processes have had the time to report. */
bool probes_is_warm(const probes_t *self);
int64_t probes_interval_ms(const probes_t *self);

/* database_probe.c */
database_t *database_new(probes_t *probes);
void database_destroy(database_t **self_p);
bool database_has_duty(const database_t *self);
void database_load(const database_t *self, struct pg_load *ret);

/* Kept for whoever begins later; the one that has the duty does so. False: not yet. */
bool database_keep_count(database_t *self, const char *name, int64_t grown);
/* rows: name, what it grew by, how many ms ago. NULL: they could not be had */
typedef void counts_fn(probes_t *probes, const PGresult *rows);
void database_ask_counts(database_t *self, counts_fn *fn);

/* readings_probe.c: what came, and how long it took */
#define P(NAME, read, COMPONENT, times, is_gauge) \
    void read_##read(probes_t *self, const PGresult *result, int64_t took_us);
DATABASE_PROBES(P)
#undef P

/* queues_probe.c */
void queues_look(probes_t *self);

/* processes_probe.c */
void processes_look(probes_t *self);

/* qdrant_probe.c */
qdrant_t *qdrant_new(probes_t *probes);
void qdrant_destroy(qdrant_t **self_p);
/* A collection's facts out of Qdrant's answer; NULL: it is none. *ret_status is Qdrant's word.
 */
json_t *qdrant_read(const char *text, size_t size, const char *collection, char ret_status[32]);

/* redis_probe.c */
redis_probe_t *redis_probe_new(probes_t *probes);
void redis_probe_destroy(redis_probe_t **self_p);

#endif
