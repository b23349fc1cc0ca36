/* An ask is at one of four things: about to begin, in a call, in a pause before it asks a model
 * again, or about to end as cancelled. All but the call are a timer; whatever ends them leads
 * to go_on, which either begins the next of them or ends the ask. There is no other way on, so
 * an ask ends once, and always: each call costs one of llm.attempts, and a pause is followed by
 * a call or by the end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/explain/llm/chain_inner.h"
#include "actors/kit/sentry/retry_after.h"
#include "actors/kit/util/clock.h"

static void
ask_destroy(struct ask **self_p)
{
    struct ask *self = *self_p;

    if (self->timer)
        loop_timer_end(self->chain->loop, self->timer);
    llm_http_cancel(&self->call);
    free(self->system);
    free(self->user);
    free(self);
    *self_p = NULL;
}

static void
unlink_ask(struct ask *self)
{
    struct ask **at = &self->chain->asks;

    while (*at != self)
        at = &(*at)->next;
    *at = self->next;
}

/* An ask that ends without a text is answered from the facts alone, by whoever asked. */
static void
count_template(const struct ask *self, enum llm_cause cause)
{
    const char *from = self->outcome.provider ? self->outcome.provider : "none";
    char label[METERS_LABEL];

    if (cause == LLM_OK || cause == LLM_CANCELLED)
        return;
    meters_add(self->chain->meters, METRIC_LLM_FALLBACKS,
               meters_label(label, from, "template", llm_causes[cause].name), 1);
}

/* answer: NULL unless there is a text */
static void
end_ask(struct ask *self, enum llm_cause cause, const struct llm_answer *answer)
{
    self->outcome.cause = cause;
    self->outcome.what = self->what;
    if (answer) {
        self->outcome.text = answer->text;
        self->outcome.size = answer->size;
        self->outcome.is_cut = answer->is_cut;
    }
    count_template(self, cause);
    unlink_ask(self);
    self->fn(self->arg, &self->outcome);
    ask_destroy(&self);
}

/* What was too long for one model goes to larger ones only, for the rest of the ask. */
static bool
is_allowed(const struct ask *self, size_t seat)
{
    const struct model_slot *seats = self->chain->seats;

    if (self->outcome.attempts == 0)
        return true;
    if (llm_causes[self->outcome.cause].next == LLM_NEXT_NONE)
        return false;
    return seats[seat].link->facts.context > self->too_small;
}

static bool
find_untried(const struct ask *self, int64_t now_us, size_t *ret)
{
    for (size_t i = 0; i < self->chain->seat_count; i++)
        if (self->turns[i].calls == 0 && is_allowed(self, i) &&
            breaker_ready_us(&self->chain->seats[i].breaker, now_us) <= now_us) {
            *ret = i;
            return true;
        }
    return false;
}

/* When a seat that was called once may be called again: INT64_MAX is never. Its breaker is
 * waited for only where the provider itself said how long. */
static int64_t
again_us(const struct ask *self, size_t seat, int64_t now_us)
{
    const struct turn *turn = &self->turns[seat];
    int64_t ready_us = breaker_ready_us(&self->chain->seats[seat].breaker, now_us);

    if (turn->calls != 1 || !llm_causes[turn->cause].may_retry || !is_allowed(self, seat) ||
        (ready_us > now_us && turn->cause != LLM_RATE_LIMITED))
        return INT64_MAX;
    return ready_us > turn->ready_us ? ready_us : turn->ready_us;
}

static int64_t
pause_us(const struct ask *self)
{
    const settings_t *settings = self->chain->settings;
    int64_t most_ms = settings->llm_backoff_ms << (self->pauses < 16 ? self->pauses : 16);

    if (most_ms > settings->llm_max_backoff_ms)
        most_ms = settings->llm_max_backoff_ms;
    return (int64_t)arc4random_uniform((uint32_t)most_ms * 1000 + 1);
}

/* False: none, before the deadline. */
static bool
find_again(const struct ask *self, int64_t now_us, size_t *ret, int64_t *ret_us)
{
    int64_t least_us = INT64_MAX, earliest_us = now_us + pause_us(self);

    for (size_t i = 0; i < self->chain->seat_count; i++) {
        int64_t at_us = again_us(self, i, now_us);

        if (at_us < least_us) {
            least_us = at_us;
            *ret = i;
        }
    }
    *ret_us = least_us > earliest_us ? least_us : earliest_us;
    return *ret_us < self->deadline_us;
}

static void go_on(struct ask *self);

/* Whoever echoes a key has it repeated nowhere. */
static bool
is_of_key(const struct model_config *link, const char *word)
{
    return link->key && word[0] && (strstr(link->key, word) || strstr(word, link->key));
}

static void
keep_words(struct ask *self, const struct llm_answer *answer)
{
    const struct model_config *link = self->chain->seats[self->seat].link;
    bool is_told = answer->model[0] && !is_of_key(link, answer->model);

    snprintf(self->model, sizeof(self->model), "%s", is_told ? answer->model : link->model);
    snprintf(self->what, sizeof(self->what), "%s",
             is_of_key(link, answer->what) ? "" : answer->what);
    self->outcome.model = self->model;
}

/* A provider that did not say what the call cost may have read the prompt, unless it refused
 * the call or was never reached, and written what has come. */
static void
spend(struct ask *self, const struct llm_reply *reply, const struct llm_answer *answer)
{
    bool is_free = reply->status >= 400 || reply->cause == LLM_CONNECT ||
                   reply->cause == LLM_DNS || reply->cause == LLM_TLS;
    int64_t in = answer->tokens_in, out = answer->tokens_out;

    if (in < 0)
        in = is_free ? 0 : llm_tokens_of(strlen(self->system) + strlen(self->user));
    if (out < 0)
        out = is_free ? 0 : llm_tokens_of(reply->size);
    if (out > self->max_tokens && answer->tokens_out < 0)
        out = self->max_tokens;
    self->outcome.tokens_in += in;
    self->outcome.tokens_out += out;
    self->outcome.cost_microdollars +=
        model_slot_spend(&self->chain->seats[self->seat], in, out);
}

/* The turn is over: reply is what came, cause what it means. */
static void
leave_seat(struct ask *self, const struct llm_reply *reply, enum llm_cause cause)
{
    const int64_t now_us = clock_us(),
                  told_ms =
                      retry_after_ms(reply->retry_after, reply->retry_after_ms, clock_utc_ms());
    const struct llm_attempt attempt = {.ticket = self->ticket,
                                        .cause = cause,
                                        .is_ours = reply->is_ours,
                                        .told_ms = told_ms,
                                        .took_us = reply->took_us,
                                        .status = reply->status,
                                        .what = self->what,
                                        .ask = self->id,
                                        .number = self->outcome.attempts};

    if (llm_causes[cause].next == LLM_NEXT_LARGER)
        self->too_small = self->chain->seats[self->seat].link->facts.context;
    self->turns[self->seat].cause = cause;
    self->turns[self->seat].ready_us = told_ms > 0 ? now_us + told_ms * 1000 : now_us;
    self->outcome.cause = cause;
    self->outcome.status = reply->status;
    model_slot_leave(&self->chain->seats[self->seat], &attempt, now_us);
}

/* Has whoever asked no use for the text? */
static bool
is_refused(struct ask *self, const struct llm_answer *answer)
{
    const char *wrong =
        self->check ? self->check(self->check_arg, answer->text, answer->size, answer->is_cut)
                    : NULL;

    if (wrong)
        snprintf(self->what, sizeof(self->what), "%s", wrong);
    return wrong != NULL;
}

static void
on_reply(void *arg, const struct llm_reply *reply)
{
    struct ask *self = arg;
    const struct model_config *link = self->chain->seats[self->seat].link;
    struct llm_answer answer = {.tokens_in = -1, .tokens_out = -1};
    struct llm_reply seen = *reply;
    enum llm_cause cause = reply->cause;

    self->call = NULL;
    log_trace(&self->trace);
    if (cause == LLM_OK)
        cause =
            llm_answer_read(link->provider, reply->status, reply->body, reply->size, &answer);
    keep_words(self, &answer);
    spend(self, reply, &answer);
    if (cause == LLM_OK && is_refused(self, &answer)) {
        cause = LLM_SCHEMA;
        seen.is_ours = true;
    }
    leave_seat(self, &seen, cause);
    if (cause == LLM_OK)
        end_ask(self, LLM_OK, &answer);
    else
        go_on(self);
    llm_answer_fini(&answer);
}

static llm_call_t *
post(struct ask *self, const struct model_config *link, const char *body)
{
    char room[LLM_HEADERS_MAX][LLM_HEADER_MAX];
    const char *headers[LLM_HEADERS_MAX + 1];
    const struct llm_request request = {.url = link->url,
                                        .headers = headers,
                                        .body = body,
                                        .size = strlen(body),
                                        .is_local = link->is_local,
                                        .deadline_us = self->deadline_us};
    llm_call_t *call;

    llm_provider_headers(link->provider, link->key, room, headers);
    call = llm_http_post(self->chain->http, &request, on_reply, self);
    explicit_bzero(room, sizeof(room));
    return call;
}

/* The call could not even be made. */
static void
fail_call(struct ask *self, enum llm_cause cause)
{
    const struct llm_reply reply = {.cause = cause, .retry_after = "", .retry_after_ms = ""};

    leave_seat(self, &reply, cause);
    go_on(self);
}

/* From whom the ask comes: the last that was called, or the first that is left alone. */
static void
count_fallback(const struct ask *self, size_t to)
{
    const llm_chain_t *chain = self->chain;
    bool is_first = self->outcome.attempts == 0;
    const struct model_config *from = chain->seats[is_first ? 0 : self->seat].link;
    char label[METERS_LABEL];

    if (to == (is_first ? 0 : self->seat))
        return;
    meters_label(
        label, from->name, chain->seats[to].link->name,
        llm_causes[is_first ? model_slot_left_alone(&chain->seats[0]) : self->outcome.cause]
            .name);
    meters_add(chain->meters, METRIC_LLM_FALLBACKS, label, 1);
}

/* The seat's breaker lets the call through. */
static void
call(struct ask *self, size_t seat, uint64_t ticket)
{
    const struct model_config *link = self->chain->seats[seat].link;
    const struct llm_question question = {.model = link->model,
                                          .system = self->system,
                                          .user = self->user,
                                          .max_tokens = self->max_tokens,
                                          .is_standard = link->is_standard};
    char *body = llm_provider_request(link->provider, &question);

    count_fallback(self, seat);
    self->seat = seat;
    self->ticket = ticket;
    self->turns[seat].calls++;
    self->outcome.attempts++;
    self->outcome.provider = link->name;
    self->outcome.model = link->model;
    self->what[0] = '\0';
    self->call = body ? post(self, link, body) : NULL;
    if (!body)
        fail_call(self, LLM_BAD_REQUEST);
    else if (!self->call)
        fail_call(self, LLM_CONNECT);
    free(body);
}

static void on_timer(void *arg);

/* The loop's timers count whole milliseconds, and may be early by one: then it is set again. */
static void
set_timer(struct ask *self)
{
    int64_t wait_us = self->pause_until_us - clock_us();

    self->timer =
        loop_timer(self->chain->loop, wait_us > 0 ? (uint32_t)((wait_us + 999) / 1000) : 0,
                   false, on_timer, self);
}

static void
pause_until(struct ask *self, size_t seat, int64_t at_us)
{
    self->is_pausing = true;
    self->pauses++;
    self->pause_seat = seat;
    self->pause_until_us = at_us;
    set_timer(self);
}

static bool
is_over(const struct ask *self, int64_t now_us)
{
    return now_us >= self->deadline_us ||
           self->outcome.attempts >= self->chain->settings->llm_attempts;
}

/* Nobody was called. If one of them takes no more questions for now, that is why. */
static enum llm_cause
left_alone(const struct ask *self)
{
    enum llm_cause cause = LLM_BREAKER_OPEN;

    for (size_t i = 0; i < self->chain->seat_count && cause == LLM_BREAKER_OPEN; i++)
        cause = model_slot_left_alone(&self->chain->seats[i]);
    return cause;
}

/* The cause of an ask that ends without a text. */
static enum llm_cause
last_cause(const struct ask *self, int64_t now_us)
{
    if (self->outcome.attempts > 0)
        return self->outcome.cause;
    if (self->chain->seat_count == 0)
        return LLM_DISABLED;
    return now_us >= self->deadline_us ? LLM_TIMEOUT_TOTAL : left_alone(self);
}

/* False: nobody is left that could be asked before the deadline. */
static bool
move(struct ask *self, int64_t now_us)
{
    int64_t at_us;
    size_t seat = 0;

    if (find_untried(self, now_us, &seat))
        call(self, seat, model_slot_enter(&self->chain->seats[seat], now_us));
    else if (find_again(self, now_us, &seat, &at_us))
        pause_until(self, seat, at_us);
    else
        return false;
    return true;
}

static void
go_on(struct ask *self)
{
    int64_t now_us = clock_us();

    if (is_over(self, now_us) || !move(self, now_us))
        end_ask(self, last_cause(self, now_us), NULL);
}

/* Others may have been faster: only one of those who wait gets to try a model that was left
 * alone. */
static void
end_pause(struct ask *self)
{
    int64_t now_us = clock_us();
    uint64_t ticket = 0;

    self->is_pausing = false;
    if (now_us < self->deadline_us)
        ticket = model_slot_enter(&self->chain->seats[self->pause_seat], now_us);
    if (ticket)
        call(self, self->pause_seat, ticket);
    else
        end_ask(self, last_cause(self, now_us), NULL);
}

static void
on_timer(void *arg)
{
    struct ask *self = arg;

    self->timer = 0;
    log_trace(&self->trace);
    if (self->is_cancelled)
        end_ask(self, LLM_CANCELLED, NULL);
    else if (self->is_pausing && clock_us() < self->pause_until_us)
        set_timer(self);
    else if (self->is_pausing)
        end_pause(self);
    else
        go_on(self);
}

void
ask_begin(struct ask *self)
{
    self->timer = loop_timer(self->chain->loop, 0, false, on_timer, self);
}

/* What is under way at a model says nothing of it any more. */
static void
take_back(struct ask *self)
{
    const struct llm_reply reply = {
        .cause = LLM_CANCELLED, .is_ours = true, .retry_after = "", .retry_after_ms = ""};
    const struct llm_answer answer = {.tokens_in = -1, .tokens_out = 0};

    self->is_cancelled = true;
    if (!self->call)
        return;
    llm_http_cancel(&self->call);
    spend(self, &reply, &answer);
    leave_seat(self, &reply, LLM_CANCELLED);
}

void
ask_cancel(struct ask *self)
{
    if (self->is_cancelled)
        return;
    take_back(self);
    if (self->timer)
        loop_timer_end(self->chain->loop, self->timer);
    ask_begin(self);
}

void
ask_end_now(struct ask *self)
{
    if (!self->is_cancelled)
        take_back(self);
    end_ask(self, LLM_CANCELLED, NULL);
}
