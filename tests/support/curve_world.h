/* curve_world - a broker that speaks CURVE, on a private PostgreSQL, with the certificates of
 * its test in a directory of their own. Its metrics and its log can be read. */
#ifndef TESTS_SUPPORT_CURVE_WORLD_H
#define TESTS_SUPPORT_CURVE_WORLD_H

#include <sys/types.h>

#include "actors/kit/runtime/settings.h"
#include "tests/support/patience.h"
#include "tests/support/peer.h"
#include "tests/support/pg_fixture.h"

enum { SOON_MS = PATIENCE_MS };

/* The reasons of tunemill_peers_refused_total. */
#define CURVE_REASONS(X) \
    X(unknown_key)       \
    X(revoked_key)       \
    X(anonymous)         \
    X(not_curve)         \
    X(wrong_server_key)  \
    X(malformed)         \
    X(incomplete)        \
    X(garbage)           \
    X(role)              \
    X(queue)             \
    X(service)           \
    X(worker)

typedef enum {
#define X(name) REASON_##name,
    CURVE_REASONS(X)
#undef X
        REASON_COUNT
} curve_reason_t;

struct curve_world {
    char *url;
    settings_t *settings;
    char dir[64], log[96], endpoint[64];
    int port;
    pid_t pid;         /* 0: not running */
    uint64_t *refused; /* by reason, kept up to date by the broker's process */
};

/* A database, a directory with broker.secret, broker.cert and allow/ ("good" is in it), and
 * settings that name them. Nothing runs yet. */
void curve_world_make(struct curve_world *self, pg_fixture_t *fixture);
void curve_world_end(struct curve_world *self);
void curve_world_set(struct curve_world *self, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void curve_world_start(struct curve_world *self);      /* returns when the broker is ready */
int curve_world_start_fails(struct curve_world *self); /* its exit status, when it has ended */
char *curve_world_log(const struct curve_world *self); /* so far; the caller frees it */

/* NAME.secret, and allow/NAME.cert if it is let in; role and queues may be NULL. */
void curve_world_certify(struct curve_world *self, const char *name, const char *role,
                         const char *queues);
/* The same for a worker that answers calls. */
void curve_world_certify_server(struct curve_world *self, const char *name,
                                const char *services);
void curve_world_path(const struct curve_world *self, const char *file, char path[128]);
/* Writes the file at once: to a neighbour first, then in its place. */
void curve_world_write(const struct curve_world *self, const char *file, const char *text);
void curve_world_remove(const struct curve_world *self, const char *file);

/* A peer with NAME's certificate, which may be one that is not let in. */
peer_end_t *curve_world_peer(const struct curve_world *self, const char *name);
/* The same behind a routing id of its choice, or with another server's key. */
peer_end_t *curve_world_peer_as(const struct curve_world *self, const char *name,
                                const char *routing_id, const char *server_key);

uint64_t curve_world_refused(const struct curve_world *self, curve_reason_t reason);

#endif
