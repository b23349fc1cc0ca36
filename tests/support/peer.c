#include "tests/support/peer.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "tests/support/pairs.h"

struct peer_end {
    zsock_t *socket;
    zmsg_t *message; /* being read */
    tm_pairs_t pairs;
    tm_msg_t msg;
    bool pings;
    int64_t pinged_ms;
    uint64_t seq;
};

peer_end_t *
peer_end_new(const char *endpoint)
{
    zsock_t *socket = zsock_new_dealer(endpoint);

    return peer_end_over(&socket);
}

peer_end_t *
peer_end_over(zsock_t **socket_p)
{
    peer_end_t *self = calloc(1, sizeof(*self));

    ck_assert_ptr_nonnull(self);
    ck_assert_ptr_nonnull(*socket_p);
    self->socket = *socket_p;
    *socket_p = NULL;
    zsock_set_linger(self->socket, 0);
    self->pings = true;
    return self;
}

void
peer_end_destroy(peer_end_t **self_p)
{
    if (!*self_p)
        return;
    zmsg_destroy(&(*self_p)->message);
    zsock_destroy(&(*self_p)->socket);
    free(*self_p);
    *self_p = NULL;
}

void
peer_end_set_pings(peer_end_t *self, bool pings)
{
    self->pings = pings;
}

static zmsg_t *
pairs_of(const tm_msg_t *msgs, size_t count)
{
    zmsg_t *out = zmsg_new();

    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(tm_msg_append(out, &msgs[i]), TM_OK);
    return out;
}

void
peer_end_send_all(peer_end_t *self, const tm_msg_t *msgs, size_t count)
{
    zmsg_t *out = pairs_of(msgs, count);

    ck_assert_int_eq(zmsg_send(&out, self->socket), 0);
}

bool
peer_end_offer_all(peer_end_t *self, const tm_msg_t *msgs, size_t count)
{
    zmsg_t *out = pairs_of(msgs, count);

    zsock_set_sndtimeo(self->socket, 0);
    if (zmsg_send(&out, self->socket) == 0)
        return true;
    ck_assert_int_eq(errno, EAGAIN);
    zmsg_destroy(&out);
    return false;
}

void
peer_end_send(peer_end_t *self, const tm_msg_t *msg)
{
    peer_end_send_all(self, msg, 1);
}

void
peer_end_send_raw(peer_end_t *self, const void *header, size_t size, bool with_body)
{
    zmsg_t *out = zmsg_new();

    zmsg_addmem(out, header, size);
    if (with_body)
        zmsg_addmem(out, NULL, 0);
    ck_assert_int_eq(zmsg_send(&out, self->socket), 0);
}

void
peer_end_send_frames(peer_end_t *self, const tm_str_t *frames, size_t count)
{
    zmsg_t *out = zmsg_new();

    for (size_t i = 0; i < count; i++)
        zmsg_addmem(out, frames[i].data, frames[i].size);
    ck_assert_int_eq(zmsg_send(&out, self->socket), 0);
}

static void
ping(peer_end_t *self)
{
    tm_msg_t msg = {.type = TM_MSG_PING, .ping = {.seq = ++self->seq}};

    self->pinged_ms = zclock_mono();
    if (self->pings)
        peer_end_send(self, &msg);
}

static void
pong(peer_end_t *self, uint64_t seq)
{
    const tm_msg_t msg = {.type = TM_MSG_PONG, .pong = {.seq = seq}};

    if (self->pings)
        peer_end_send(self, &msg);
}

enum { PING_MS = 100 };

const tm_msg_t *
peer_end_poll(peer_end_t *self, tm_msg_type_t type, int timeout_ms)
{
    int64_t end = zclock_mono() + timeout_ms;

    for (;;) {
        while (self->message && tm_pairs_next(&self->pairs, &self->msg))
            if (self->msg.type == type)
                return &self->msg;
            else if (self->msg.type == TM_MSG_PING)
                pong(self, self->msg.ping.seq);
        zmsg_destroy(&self->message);
        int64_t left = end - zclock_mono();
        if (left <= 0)
            return NULL;
        zsock_set_rcvtimeo(self->socket, left < PING_MS ? (int)left : PING_MS);
        self->message = zmsg_recv(self->socket);
        if (self->message)
            self->pairs = tm_pairs(self->message);
        if (!self->message || zclock_mono() - self->pinged_ms >= PING_MS)
            ping(self); /* also while much arrives: a silent worker loses its jobs */
    }
}

const tm_msg_t *
peer_end_expect(peer_end_t *self, tm_msg_type_t type, int timeout_ms)
{
    const tm_msg_t *msg = peer_end_poll(self, type, timeout_ms);

    ck_assert_msg(msg != NULL, "no %s within %d ms", tm_msg_name(type), timeout_ms);
    return msg;
}
