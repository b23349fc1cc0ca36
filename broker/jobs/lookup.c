#include "broker/jobs/lookup.h"

#include <string.h>

enum { LOOKUPS_MOST = 1024 }; /* that peers asked for, at once */

typedef struct {
    lookup_t *owner;
    tm_uuid_t job;
    peer_id_t peer; /* 0: only subscribers want to know */
    uint64_t ref;
} state_query_t;

static void
send_state(state_query_t *query, const PGresult *result, tm_str_t body)
{
    bool known = PQntuples(result) > 0;
    const char *code = known ? pg_get(result, 0, 2) : NULL;
    const char *detail = known ? pg_get(result, 0, 3) : NULL;
    tm_msg_t msg = {.type = TM_MSG_STATE, .body = body};
    char text[TM_DETAIL_MAX];

    msg.state.ref = query->ref;
    msg.state.job = query->job;
    msg.state.state = tm_str(known ? pg_get(result, 0, 0) : "unknown");
    msg.state.attempt = known ? (uint64_t)pg_get_i64(result, 0, 1) : 0;
    msg.state.has_attempt = known;
    msg.state.code = tm_str(code);
    msg.state.has_code = code != NULL;
    msg.state.detail = tm_text_clean(detail, text, sizeof(text));
    msg.state.has_detail = detail != NULL;
    peers_send(query->owner->peers, query->peer, &msg);
}

static void
on_state(void *arg, const struct pg_outcome *outcome)
{
    state_query_t *query = arg;
    lookup_t *self = query->owner;

    self->in_flight--;
    if (outcome->err) {
        if (query->peer)
            peers_reject(self->peers, query->peer, query->ref, outcome->err, NULL, 500);
    } else {
        const PGresult *result = outcome->results[0];
        const char *state = PQntuples(result) ? pg_get(result, 0, 0) : "unknown";
        size_t size = 0;
        unsigned char *bytes = PQntuples(result) ? pg_get_bytes(result, 0, 4, &size) : NULL;
        tm_str_t body = {(const char *)bytes, size};

        if (query->peer)
            send_state(query, result, body);
        if (tm_state_is_over(tm_str(state)))
            subscriptions_result(self->subscriptions, &query->job, state, pg_get(result, 0, 2),
                                 pg_get(result, 0, 3), body);
        free(bytes);
    }
    free(query);
}

bool
lookup_has_room(const lookup_t *self)
{
    return self->in_flight < LOOKUPS_MOST;
}

void
lookup_state(lookup_t *self, const tm_uuid_t *job, peer_id_t peer, uint64_t ref)
{
    state_query_t *query = zmalloc(sizeof(*query));
    pg_unit_t *unit = pg_unit_new(self->context->pg);

    self->in_flight++;
    query->owner = self;
    query->job = *job;
    query->peer = peer;
    query->ref = ref;
    pg_add(unit, STMT_JOB_STATE);
    pg_uuid(unit, job);
    pg_send(&unit, on_state, query);
}

void
lookup_for_subscribers(lookup_t *self, const tm_uuid_t *job)
{
    if (subscriptions_has(self->subscriptions, job))
        lookup_state(self, job, 0, 0);
}

/* A job may run at another broker, which tells only its own subscribers: what this broker does
 * not lease is looked up, a few each second, until it is over. */
void
lookup_check_subscriptions(lookup_t *self)
{
    enum { A_FEW = 100 };
    size_t looked = 0;
    const tm_uuid_t *job;

    while (looked < A_FEW && (job = subscriptions_next(self->subscriptions, &self->check_at))) {
        if (leases_find(self->leases, job))
            continue;
        lookup_state(self, job, 0, 0);
        looked++;
    }
    if (looked < A_FEW)
        self->check_at = 0;
}

/* --- the ends that the store tells of ----------------------------------------------------- */

static void
on_ended(void *arg, const tm_uuid_t *job, const char *state, const char *code,
         const char *detail, tm_str_t body)
{
    lookup_t *self = arg;

    subscriptions_result(self->subscriptions, job, state, code, detail, body);
}

static void
on_unknown(void *arg, const tm_uuid_t *job)
{
    lookup_for_subscribers(arg, job);
}

const struct completion_ops lookup_ops = {.on_ended = on_ended, .on_unknown = on_unknown};
