#include "fake_broker.h"

#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/pairs.h"

struct fake_broker {
    zsock_t *router;
    tm_uuid_t id;
    zframe_t *peer;
    const char *ignored; /* an actor; NULL: none */
    zframe_t *ignored_peer;
    zmsg_t *open; /* being walked */
    tm_pairs_t pairs;
    bool is_mute;
    unsigned seen[TM_MSG_LIMIT];
    unsigned messages;
};

void
fake_place_init(struct fake_place *self)
{
    snprintf(self->path, sizeof self->path, "/tmp/tm-proto-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(self->path));
    for (int i = 0; i < 2; i++)
        snprintf(self->endpoint[i], sizeof self->endpoint[i], "ipc://%s/%d", self->path, i);
    snprintf(self->both, sizeof self->both, "%s,%s", self->endpoint[0], self->endpoint[1]);
}

void
fake_place_fini(struct fake_place *self)
{
    for (int i = 0; i < 2; i++)
        unlink(self->endpoint[i] + strlen("ipc://"));
    ck_assert_int_eq(rmdir(self->path), 0);
}

static zsock_t *
router_new(const char *endpoint)
{
    zsock_t *router = zsock_new(ZMQ_ROUTER);

    zsock_set_linger(router, 0);
    ck_assert_int_ge(zsock_bind(router, "%s", endpoint), 0);
    return router;
}

fake_broker_t *
fake_broker_new(const char *endpoint)
{
    fake_broker_t *self = zmalloc(sizeof *self);

    self->id = tm_uuid_new();
    self->router = router_new(endpoint);
    return self;
}

void
fake_broker_cut(fake_broker_t *self, const char *endpoint)
{
    zmsg_destroy(&self->open);
    zsock_destroy(&self->router);
    self->router = router_new(endpoint);
}

void
fake_broker_destroy(fake_broker_t **self_p)
{
    fake_broker_t *self = *self_p;

    if (!self)
        return;
    zmsg_destroy(&self->open);
    zframe_destroy(&self->peer);
    zframe_destroy(&self->ignored_peer);
    zsock_destroy(&self->router);
    free(self);
    *self_p = NULL;
}

void
fake_broker_ignore(fake_broker_t *self, const char *actor)
{
    self->ignored = actor;
}

void
fake_broker_set_mute(fake_broker_t *self, bool is_mute)
{
    self->is_mute = is_mute;
}

const tm_uuid_t *
fake_broker_id(const fake_broker_t *self)
{
    return &self->id;
}

void
fake_broker_send(fake_broker_t *self, const tm_msg_t *msg)
{
    zmsg_t *zmsg = zmsg_new();
    zframe_t *peer = zframe_dup(self->peer);

    zmsg_append(zmsg, &peer);
    ck_assert_int_eq(tm_msg_append(zmsg, msg), TM_OK);
    ck_assert_int_eq(zmsg_send(&zmsg, self->router), 0);
}

void
fake_broker_send_raw(fake_broker_t *self, const void *data, size_t size)
{
    zmsg_t *zmsg = zmsg_new();
    zframe_t *peer = zframe_dup(self->peer);

    zmsg_append(zmsg, &peer);
    zmsg_addmem(zmsg, data, size);
    ck_assert_int_eq(zmsg_send(&zmsg, self->router), 0);
}

/* HELLO is a peer's first word. */
static bool
is_ignored(fake_broker_t *self, zframe_t *peer, zmsg_t *zmsg)
{
    tm_pairs_t pairs = tm_pairs(zmsg);
    tm_msg_t msg;

    if (!self->ignored)
        return false;
    if (tm_pairs_next(&pairs, &msg) && msg.type == TM_MSG_HELLO &&
        tm_str_is(msg.hello.actor, self->ignored)) {
        zframe_destroy(&self->ignored_peer);
        self->ignored_peer = zframe_dup(peer);
    }
    return self->ignored_peer && zframe_eq(peer, self->ignored_peer);
}

static bool
open_next(fake_broker_t *self, int64_t until_ms)
{
    zmq_pollitem_t item = {zsock_resolve(self->router), 0, ZMQ_POLLIN, 0};
    zframe_t *peer = NULL;

    do {
        int64_t wait_ms = until_ms - zclock_mono();

        zframe_destroy(&peer);
        zmsg_destroy(&self->open);
        if (zmq_poll(&item, 1, wait_ms > 0 ? (long)wait_ms : 0) <= 0)
            return false;
        self->open = zmsg_recv(self->router);
        peer = zmsg_pop(self->open);
    } while (is_ignored(self, peer, self->open));
    zframe_destroy(&self->peer);
    self->peer = peer;
    self->pairs = tm_pairs(self->open);
    return true;
}

static void
note(fake_broker_t *self, const tm_msg_t *msg, bool is_first)
{
    self->seen[msg->type]++;
    if (msg->type == TM_MSG_PING && !self->is_mute) {
        tm_msg_t pong = {
            .type = TM_MSG_PONG,
            .pong = {.seq = msg->ping.seq, .broker = self->id, .has_broker = true}};
        fake_broker_send(self, &pong);
    }
    if (is_first && msg->type != TM_MSG_PING)
        self->messages++;
}

bool
fake_broker_take(fake_broker_t *self, int wait_ms, tm_msg_type_t type, tm_msg_t *ret)
{
    int64_t until_ms = zclock_mono() + wait_ms;

    while (self->open || open_next(self, until_ms)) {
        bool is_first = self->pairs.header == NULL;
        if (!tm_pairs_next(&self->pairs, ret)) {
            ck_assert_int_eq(self->pairs.err, TM_OK);
            zmsg_destroy(&self->open);
            continue;
        }
        note(self, ret, is_first);
        if (ret->type == type)
            return true;
    }
    return false;
}

unsigned
fake_broker_seen(const fake_broker_t *self, tm_msg_type_t type)
{
    return self->seen[type];
}

unsigned
fake_broker_messages(const fake_broker_t *self)
{
    return self->messages;
}
