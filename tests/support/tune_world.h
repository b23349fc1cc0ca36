/* tune_world - a tuner on a fixture's database, and jobs for it, without a broker or sockets.
 */
#ifndef TESTS_SUPPORT_TUNE_WORLD_H
#define TESTS_SUPPORT_TUNE_WORLD_H

#include "actors/kit/contracts/tune_request.h"
#include "actors/tune/search/tuner.h"
#include "tests/support/pg_fixture.h"

extern pg_fixture_t *tune_fixture; /* made by the test program's main */

struct tune_world {
    settings_t *settings;
    meters_t *meters;
    tuner_t *tuner;
    char *url;
    struct tuner_job job;
    char id[TM_UUID_TEXT];
    char *body, *csv;
    size_t csv_size;
    uint8_t sha256[32];
    struct tuner_end end;
    /* what the port saw, and does */
    uint64_t told, last_done, last_total, asked;
    char *last_json;
    bool is_dropped, is_canceled;
    unsigned stopped; /* how often the port heard that the search has */
    void (*on_progress)(struct tune_world *self, uint64_t done, uint64_t total);
    void (*on_asked)(struct tune_world *self);
    void (*on_cancel_asked)(struct tune_world *self); /* whether it was canceled */
};

void tune_world_init(struct tune_world *self);
void tune_world_fini(struct tune_world *self);

char *tune_world_read(const char *path, size_t *ret_size); /* the caller frees it */
json_t *tune_world_strategy(const char *name);             /* of config/strategies */

/* Stores the file as broker and producer would; splits it into pieces of 1 MiB. */
void tune_world_dataset(struct tune_world *self, const char *path);
void tune_world_data(struct tune_world *self, const char *data, size_t size);

/* A leased job on the dataset, attempt 1. fields: name, value, ..., NULL. strategy: a name of
 * config/strategies, NULL: the body has none. */
void tune_world_job(struct tune_world *self, const char *strategy, const char *const *fields);
void tune_world_job_body(struct tune_world *self, const char *body);

void tune_world_run(struct tune_world *self);
/* sql with the tune's id for every $ID; compares the answer */
void tune_world_expect(const struct tune_world *self, const char *sql, const char *answer);
char *tune_world_query(const struct tune_world *self, const char *sql);

#endif
