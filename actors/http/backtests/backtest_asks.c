#include "actors/http/backtests/backtest_asks.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/runtime/log.h"
#include "actors/kit/util/auto.h"
#include "actors/kit/util/clock.h"
#include "actors/kit/util/single_flight.h"

enum { JOIN_MS = 1000, CALL_MS = 15000 };

struct backtest_asks {
    tm_client_t *client;
    backtest_answer_fn *fn;
    single_flight_t *flights;
};

typedef struct {
    struct flight flight; /* first: so a flight is its ask; requests wait for it */
    backtest_asks_t *asks;
    struct backtest_call call;
    int64_t sent_ms;
} ask_t;

static_assert(sizeof(struct backtest_call) == 56, "there is padding in it");

backtest_asks_t *
backtest_asks_new(tm_client_t *client, backtest_answer_fn *fn)
{
    backtest_asks_t *self = zmalloc(sizeof(*self));

    self->client = client;
    self->fn = fn;
    self->flights = single_flight_new(sizeof(struct backtest_call));
    return self;
}

void
backtest_asks_destroy(backtest_asks_t **self_p)
{
    backtest_asks_t *self = *self_p;
    struct flight *flight;

    if (!self)
        return;
    while ((flight = single_flight_next(self->flights, NULL))) {
        single_flight_end(self->flights, flight, NULL, NULL);
        free(flight);
    }
    single_flight_destroy(&self->flights);
    free(self);
    *self_p = NULL;
}

tm_err_t
backtest_asks_send(tm_client_t *client, const struct backtest_call *call, tm_return_fn *fn,
                   void *arg)
{
    tm_auto(tm_text) question = backtest_call_text(call);
    char trace[TRACEPARENT_TEXT];
    const traceparent_t now = log_trace_now(); /* of the request that is answered */
    struct tm_call_spec spec = {.service = BACKTEST_SERVICE, .deadline_ms = CALL_MS};

    if (!question)
        return TM_NO_MEMORY;
    if (!tm_client_is_connected(client))
        return TM_BROKER_DOWN;
    if (now.trace_id[0])
        spec.traceparent = traceparent_text(&now, trace);
    spec.body = question;
    spec.body_size = strlen(question);
    return tm_client_call(client, &spec, fn, arg);
}

struct returned {
    backtest_answer_fn *fn;
    tm_err_t err;
    const char *detail;
    shared_body_t *body;
};

static void
give_returned(void *request, void *arg)
{
    const struct returned *returned = arg;

    returned->fn(request, returned->err, returned->detail, returned->body);
}

static void
on_return(void *arg, tm_err_t err, const char *detail, tm_str_t body)
{
    ask_t *ask = arg;
    tm_auto(shared_body) shared = err ? NULL : shared_body_new(body);
    struct returned returned = {ask->asks->fn, err, detail, shared};

    single_flight_end(ask->asks->flights, &ask->flight, give_returned, &returned);
    free(ask);
}

static bool
is_recent(const struct flight *flight, void *arg)
{
    (void)arg;
    return clock_ms() - ((const ask_t *)(const void *)flight)->sent_ms < JOIN_MS;
}

/* From now on it is the one that is joined, whoever was before. NULL: it could not be asked. */
static struct flight *
begin_ask(backtest_asks_t *self, const struct backtest_call *call, tm_err_t *err)
{
    ask_t *ask = zmalloc(sizeof(*ask));

    ask->asks = self;
    ask->call = *call;
    ask->sent_ms = clock_ms();
    *err = backtest_asks_send(self->client, call, on_return, ask);
    if (*err) {
        free(ask);
        return NULL;
    }
    single_flight_begin(self->flights, &ask->flight, &ask->call);
    return &ask->flight;
}

tm_err_t
backtest_asks_add(backtest_asks_t *self, const struct backtest_call *call, request_t *request)
{
    struct flight *flight = single_flight_find(self->flights, call, is_recent, NULL);
    tm_err_t err = TM_OK;

    if (!flight)
        flight = begin_ask(self, call, &err);
    if (flight)
        flight_join(flight, request);
    return err;
}
