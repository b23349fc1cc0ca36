#include "broker/core.h"

#include <string.h>

enum { LOOKUPS_MOST = 1024 }; /* that peers asked for, at once */

typedef struct {
    broker_t *broker;
    tm_uuid_t job;
    peer_id_t peer; /* 0: only watchers want to know */
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
    peers_send(&query->broker->peers, query->peer, &msg);
}

static void
on_state(void *arg, const struct pg_outcome *outcome)
{
    state_query_t *query = arg;
    broker_t *self = query->broker;

    self->lookups--;
    if (outcome->err) {
        if (query->peer)
            peers_reject(&self->peers, query->peer, query->ref, outcome->err, NULL, 500);
    } else {
        const PGresult *result = outcome->results[0];
        const char *state = PQntuples(result) ? pg_get(result, 0, 0) : "unknown";
        size_t size = 0;
        unsigned char *bytes = PQntuples(result) ? pg_get_bytes(result, 0, 4, &size) : NULL;
        tm_str_t body = {(const char *)bytes, size};

        if (query->peer)
            send_state(query, result, body);
        if (strcmp(state, "done") == 0 || strcmp(state, "dead") == 0 ||
            strcmp(state, "canceled") == 0)
            subscriptions_result(self, &query->job, state, pg_get(result, 0, 2),
                                 pg_get(result, 0, 3), body);
        free(bytes);
    }
    free(query);
}

bool
lookup_has_room(const broker_t *self)
{
    return self->lookups < LOOKUPS_MOST;
}

void
store_lookup_state(broker_t *self, const tm_uuid_t *job, peer_id_t peer, uint64_t ref)
{
    state_query_t *query = zmalloc(sizeof(*query));
    pg_unit_t *unit = pg_unit_new(self->context.pg);

    self->lookups++;
    query->broker = self;
    query->job = *job;
    query->peer = peer;
    query->ref = ref;
    pg_add(unit, STMT_JOB_STATE);
    pg_uuid(unit, job);
    pg_send(&unit, on_state, query);
}
