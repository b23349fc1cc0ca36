#include "actors/http/backtest_asks.h"

#include <stdlib.h>
#include <string.h>

#include "actors/http/backtest_run.h"
#include "actors/kit/auto.h"
#include "actors/kit/clock.h"
#include "actors/kit/memory.h"

enum { JOIN_MS = 1000 };

struct backtest_asks {
    tm_client_t *client;
    backtest_answer_fn *fn;
    zhashx_t *newest; /* by question, of those that may be joined; borrowed */
    zlistx_t *all;
};

typedef struct {
    backtest_asks_t *asks;
    char *question;
    int64_t sent_ms;
    request_t **requests;
    size_t count, limit;
    void *handle;
} ask_t;

backtest_asks_t *
backtest_asks_new(tm_client_t *client, backtest_answer_fn *fn)
{
    backtest_asks_t *self = zmalloc(sizeof(*self));

    self->client = client;
    self->fn = fn;
    self->newest = zhashx_new();
    self->all = zlistx_new();
    return self;
}

static void
ask_end(ask_t *self)
{
    if (zhashx_lookup(self->asks->newest, self->question) == self)
        zhashx_delete(self->asks->newest, self->question);
    zlistx_delete(self->asks->all, self->handle);
    free(self->question);
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

/* Takes the question. */
static ask_t *
ask_new(backtest_asks_t *asks, char **question_p)
{
    ask_t *self = zmalloc(sizeof(*self));

    self->asks = asks;
    self->question = *question_p;
    self->sent_ms = clock_ms();
    self->handle = zlistx_add_end(asks->all, self);
    zhashx_update(asks->newest, self->question, self);
    *question_p = NULL;
    return self;
}

tm_err_t
backtest_asks_add(backtest_asks_t *self, const struct backtest_call *call, request_t *request)
{
    char *question = backtest_call_text(call);
    ask_t *ask = question ? zhashx_lookup(self->newest, question) : NULL;
    tm_err_t err = question ? TM_OK : TM_NO_MEMORY;

    if (ask && clock_ms() - ask->sent_ms >= JOIN_MS)
        ask = NULL;
    if (!ask && !err) {
        ask = ask_new(self, &question);
        err = backtest_run_ask(self->client, ask->question, on_return, ask);
        if (err)
            ask_end(ask);
    }
    free(question);
    if (!err)
        join(ask, request);
    return err;
}
