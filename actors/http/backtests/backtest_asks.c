#include "actors/http/backtests/backtest_asks.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "actors/http/backtests/backtest_run.h"
#include "actors/kit/util/auto.h"
#include "actors/kit/util/clock.h"
#include "actors/kit/util/memory.h"

enum { JOIN_MS = 1000 };

struct backtest_asks {
    tm_client_t *client;
    backtest_answer_fn *fn;
    zhashx_t *newest; /* by call, of those that may be joined; borrowed */
    zlistx_t *all;
};

typedef struct {
    backtest_asks_t *asks;
    struct backtest_call call;
    int64_t sent_ms;
    request_t **requests;
    size_t count, limit;
    void *handle;
} ask_t;

static_assert(sizeof(struct backtest_call) == 56, "there is padding in it");

static size_t
call_hash(const void *key)
{
    const uint8_t *bytes = key;
    uint64_t hash = 14695981039346656037ULL; /* FNV-1a */

    for (size_t i = 0; i < sizeof(struct backtest_call); i++)
        hash = (hash ^ bytes[i]) * 1099511628211ULL;
    return (size_t)hash;
}

static int
call_compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct backtest_call));
}

backtest_asks_t *
backtest_asks_new(tm_client_t *client, backtest_answer_fn *fn)
{
    backtest_asks_t *self = zmalloc(sizeof(*self));

    self->client = client;
    self->fn = fn;
    self->newest = zhashx_new();
    zhashx_set_key_hasher(self->newest, call_hash);
    zhashx_set_key_comparator(self->newest, call_compare);
    zhashx_set_key_duplicator(self->newest, NULL);
    zhashx_set_key_destructor(self->newest, NULL);
    self->all = zlistx_new();
    return self;
}

static void
ask_end(ask_t *self)
{
    if (zhashx_lookup(self->asks->newest, &self->call) == self)
        zhashx_delete(self->asks->newest, &self->call);
    zlistx_delete(self->asks->all, self->handle);
    free(self->requests);
    free(self);
}

void
backtest_asks_destroy(backtest_asks_t **self_p)
{
    backtest_asks_t *self = *self_p;
    ask_t *ask;

    if (!self)
        return;
    while ((ask = zlistx_first(self->all)))
        ask_end(ask);
    zhashx_destroy(&self->newest);
    zlistx_destroy(&self->all);
    free(self);
    *self_p = NULL;
}

static void
join(ask_t *self, request_t *request)
{
    if (self->count == self->limit) {
        self->limit = self->limit ? 2 * self->limit : 4;
        self->requests = tm_grown(self->requests, self->limit * sizeof(request_t *));
    }
    self->requests[self->count++] = request;
}

static void
on_return(void *arg, tm_err_t err, const char *detail, tm_str_t body)
{
    ask_t *self = arg;
    tm_auto(shared_body) shared = err ? NULL : shared_body_new(body);

    for (size_t i = 0; i < self->count; i++)
        self->asks->fn(self->requests[i], err, detail, shared);
    ask_end(self);
}

/* From now on it is the one that is joined, whoever was before. */
static ask_t *
ask_new(backtest_asks_t *asks, const struct backtest_call *call)
{
    ask_t *self = zmalloc(sizeof(*self));

    self->asks = asks;
    self->call = *call;
    self->sent_ms = clock_ms();
    self->handle = zlistx_add_end(asks->all, self);
    zhashx_delete(asks->newest, call); /* its key is the older one's */
    zhashx_insert(asks->newest, &self->call, self);
    return self;
}

tm_err_t
backtest_asks_add(backtest_asks_t *self, const struct backtest_call *call, request_t *request)
{
    ask_t *ask = zhashx_lookup(self->newest, call);
    tm_err_t err = TM_OK;

    if (!ask || clock_ms() - ask->sent_ms >= JOIN_MS) {
        ask = ask_new(self, call);
        err = backtest_run_ask(self->client, call, on_return, ask);
        if (err)
            ask_end(ask);
    }
    if (!err)
        join(ask, request);
    return err;
}
