/* stream_pool - many event stream clients in one thread, each a browser's EventSource: it keeps
 * what it has seen, and comes back with Last-Event-ID when its connection ends. */
#ifndef TESTS_SUPPORT_STREAM_POOL_H
#define TESTS_SUPPORT_STREAM_POOL_H

#include <stdint.h>

#include "tests/support/event_reader.h"

#define STREAM_TOKEN "a-token-for-tests" /* sent as X-Admin-Token */

struct stream_client {
    char path[256];
    int64_t *ids; /* the journal: of every event that was dispatched, stream.reset apart */
    size_t count, resets, connects;
    char last_type[128], last_data[4096], head[2048];
    int status; /* of the last answer; 0: none yet */
    struct event_reader reader;

    struct stream_pool *pool;
    int fd; /* -1: not connected */
    size_t room, head_size;
    int64_t due_ms; /* when it comes back */
    bool is_deaf, is_final;
};

struct stream_pool {
    int epoll;
    uint16_t port;
    struct stream_client *clients;
    size_t count;
};

void stream_pool_start(struct stream_pool *self, uint16_t port, size_t count);
void stream_pool_stop(struct stream_pool *self);
/* Connects at the next turn. */
void stream_client_open(struct stream_client *self, const char *path);
void stream_client_cut(struct stream_client *self);           /* it comes back soon */
void stream_client_end(struct stream_client *self);           /* it does not */
bool stream_client_is_open(const struct stream_client *self); /* ": connected" has come */
void stream_pool_turn(struct stream_pool *self, int ms);
/* Turns until `is_so`; fails the test after SOON. */
void stream_pool_until(struct stream_pool *self, bool (*is_so)(struct stream_pool *self),
                       const char *what);
bool stream_pool_is_open(struct stream_pool *self); /* all of them */

#endif
