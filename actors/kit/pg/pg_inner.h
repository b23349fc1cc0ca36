/* pg_internal - what pg*.c share: units, connections, and the reading of outcomes.
 *
 * A unit travels: built (pg_unit.c), given to the connection with the fewest in flight (pg.c),
 * sent and matched with its results in order (pg_conn.c), judged (pg_result.c), ended. Ending
 * calls fn exactly once and frees it.
 */
#ifndef ACTORS_KIT_PG_PG_INNER_H
#define ACTORS_KIT_PG_PG_INNER_H

#include "actors/kit/runtime/log.h"
#include "actors/kit/pg/pg.h"
#include "actors/kit/pg/statements.def"
#include "actors/kit/util/fifo.h"

#define PG_PARAMS_MAX 128 /* of one statement */

struct pg_buffer {
    char *data;
    size_t size, capacity;
};
void pg_buffer_add(struct pg_buffer *self, const void *data, size_t size);
void pg_buffer_add_be(struct pg_buffer *self, uint64_t value, size_t bytes); /* big-endian */
void pg_buffer_fini(struct pg_buffer *self);

struct pg_param {
    size_t offset;
    int size; /* -1: null */
};

struct pg_call {
    size_t statement;
    size_t first, count; /* in params */
};

struct pg_unit {
    fifo_link_t link;
    pg_t *pg; /* NULL: of a pg_sync */
    const struct pg_statement *statements;
    size_t statement_count;
    struct pg_call *calls;
    size_t call_count, call_capacity;
    struct pg_param *params;
    size_t param_count, param_capacity;
    struct pg_buffer data;
    bool too_large; /* the parameters are more than the protocol takes */

    PGresult **results; /* one for each call, made when sent */
    size_t result_count;
    PGresult *late; /* what the commit itself said, if it failed: a deferred constraint, say */
    int64_t sent_us;
    traceparent_t trace; /* what its sender worked for */
    pg_fn *fn;
    void *arg;
};

pg_unit_t *pg_unit_make(pg_t *pg, const struct pg_statement *statements, size_t count);
/* Hands the unit's statements and a Sync to libpq; false: the connection is broken. Parameters
 * are freed, room for the results is made. */
bool pg_unit_transmit(pg_unit_t *self, PGconn *connection);
/* Takes the next result of the unit's; true when it was the last (the Sync's). */
bool pg_unit_accept(pg_unit_t *self, PGresult *result, meters_t *metrics);

/* What the results of a finished unit say. message of a TM001 points behind its code. */
struct pg_outcome pg_outcome_of(const pg_unit_t *unit);
struct pg_outcome pg_outcome_down(void);
void pg_unit_end(pg_unit_t **self_p, const struct pg_outcome *outcome); /* calls fn, frees */

/* Connections */
typedef struct pg_conn pg_conn_t;
/* Ready for units; lost, which it was; or the attempt that began then has failed. */
typedef enum { PG_CONN_READY, PG_CONN_LOST, PG_CONN_FAILED } pg_change_t;
typedef void pg_change_fn(pg_t *pg, pg_change_t change, int64_t began_us);
pg_conn_t *pg_conn_new(loop_t *loop, const struct pg_options *options, bool listens, pg_t *pg,
                       pg_change_fn *on_change);
void pg_conn_destroy(pg_conn_t **self_p);
bool pg_conn_is_ready(const pg_conn_t *self);
size_t pg_conn_in_flight(const pg_conn_t *self);
/* False for one that is ready and whose other end has gone: from here on it is not ready any
 * more, and is lost at the next turn of the loop. */
bool pg_conn_check(pg_conn_t *self);
/* It does not wait for the end of its back-off. False: it is trying already. */
bool pg_conn_hurry(pg_conn_t *self);
void pg_conn_send(pg_conn_t *self, pg_unit_t *unit); /* takes it */
enum { PG_WAITS = 64 };
/* How long its last units waited for it, in microseconds; returns how many there are. */
size_t pg_conn_waits(const pg_conn_t *self, int64_t waits_us[PG_WAITS]);

/* What libpq is told, borrowing from `options`. */
#define PG_KEYWORDS 12 /* with the NULL at the end */
struct pg_keywords {
    const char *names[PG_KEYWORDS], *values[PG_KEYWORDS];
    char timeout_s[16];
};
void pg_keywords_init(struct pg_keywords *self, const struct pg_options *options);
/* Why there is no connection. libpq repeats an address that it cannot read, passwords and all:
 * then it is not asked. */
const char *pg_connect_text(const struct pg_options *options, const PGconn *connection);
/* Reads what has come in while nothing was asked; false: that is the connection's end. */
bool pg_connection_is_alive(PGconn *connection);
void pg_ignore_notice(void *arg, const PGresult *result); /* logs at debug */
void pg_log_error(const char *event, const char *statement, const PGresult *result);
tm_err_t pg_error_of(const char *sqlstate); /* "": the connection is lost */

bool pg_send_listen(PGconn *connection, const char *channel);

extern const char *const pg_session_sql, *const pg_listen_sql;

#endif
