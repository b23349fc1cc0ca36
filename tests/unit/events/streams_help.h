/* streams_help - a system and its database, the events that happen in it, and clients of its
 * streams. */
#ifndef TESTS_UNIT_EVENTS_STREAMS_HELP_H
#define TESTS_UNIT_EVENTS_STREAMS_HELP_H

#include <libpq-fe.h>

#include "tests/support/stream_pool.h"
#include "tests/support/system.h"

extern struct system_up up;
extern struct stream_pool pool;
extern PGconn *database;

long number(const char *sql);
void await(const char *sql, long wanted);
void emit(const char *topic, const char *workspace, int count);
int64_t last_id(void);
void start_pool(size_t count);
void stop_pool(void);
struct stream_client *open_one(size_t index, const char *path, const char *last);
void expect_events(size_t count);
bool is_reset(struct stream_pool *self);
bool is_answered(struct stream_pool *self);
bool has_answers(struct stream_pool *self);
void set_up(void);

#endif
