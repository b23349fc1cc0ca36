/* Any bytes are what happens to a client's requests: two bytes each, what and to which. The
 * table agrees with a plain list of the refs that are unanswered. */
#include <assert.h>
#include <stdlib.h>

#include "proto/link/requests.h"

#define WINDOW 5

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
    requests_t *requests;
    uint64_t refs[WINDOW]; /* 0: none */
    uint64_t ended;        /* the last that was */
};

static void
add(struct world *self)
{
    const tm_msg_t msg = {.type = TM_MSG_STATUS,
                          .status = {.ref = requests_next_ref(self->requests)}};
    encoded_msg_t parcel;

    if (!msg.status.ref)
        return;
    const tm_err_t err = encoded_msg_init(&parcel, &msg);
    assert(err == TM_OK);
    struct request *request = requests_add(self->requests, TM_MSG_STATUS, &parcel);
    assert(request->ref == msg.status.ref && request->ref != self->ended);
    self->refs[request->ref % WINDOW] = request->ref;
}

static void
happen(struct world *self, unsigned what, struct request *request)
{
    switch (what % 4) {
    case 0:
        self->ended = request->ref;
        self->refs[request->ref % WINDOW] = 0;
        requests_end(self->requests, request);
        break;
    case 1:
        requests_queue(self->requests, request);
        assert(request->state == REQUEST_QUEUED && requests_queued(self->requests));
        break;
    case 2:
        requests_leave(self->requests, request, REQUEST_SENT, 1);
        break;
    case 3:
        requests_leave(self->requests, request, REQUEST_PAUSED, 2);
        break;
    }
}

static void
compare(struct world *self)
{
    const struct request *request;
    size_t known = 0, walked = 0;
    uint32_t index = 0;

    for (size_t i = 0; i < WINDOW; i++) {
        known += self->refs[i] != 0;
        assert(!self->refs[i] == !requests_find(self->requests, self->refs[i]));
    }
    while ((request = requests_walk(self->requests, &index))) {
        assert(self->refs[request->ref % WINDOW] == request->ref);
        walked++;
    }
    assert(known == walked && known == requests_pending(self->requests));
    assert(!self->ended || !requests_find(self->requests, self->ended));
    assert(known < WINDOW ? requests_next_ref(self->requests) != 0
                          : requests_next_ref(self->requests) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world world = {.requests = requests_new(WINDOW)};

    for (size_t i = 0; i + 1 < size; i += 2) {
        const uint64_t ref = world.refs[data[i + 1] % WINDOW];
        struct request *request = requests_find(world.requests, ref);

        if (data[i] % 5 == 4)
            add(&world);
        else if (request)
            happen(&world, data[i] % 5, request);
        compare(&world);
    }
    while (requests_queued(world.requests))
        requests_end(world.requests, requests_queued(world.requests));
    requests_destroy(&world.requests);
    return 0;
}
