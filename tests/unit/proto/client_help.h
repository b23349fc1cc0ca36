/* client_help - a client before one or two brokers that the test plays, and what it was told.
 */
#ifndef TESTS_UNIT_PROTO_CLIENT_HELP_H
#define TESTS_UNIT_PROTO_CLIENT_HELP_H

#include <check.h>

#include "fake_broker.h"
#include "proto/client.h"

/* What the callbacks were told, and how often. */
struct got {
    unsigned answers, results, states, stored, progress;
    struct tm_answer answer;
    char detail[100];
    tm_uuid_t result_job;
    char result_state[20], body[20];
    tm_err_t err;
    bool complete;
};

extern struct fake_place place;
extern fake_broker_t *broker, *second;
extern tm_client_t *client;
extern struct got got;

void on_answer(void *arg, const struct tm_answer *answer);
void on_progress(void *arg, const struct tm_progress *progress, tm_str_t body);
void on_result(void *arg, const struct tm_result *result, tm_str_t body);
void on_state(void *arg, tm_err_t err, const struct tm_state *state, tm_str_t body);
void on_stored(void *arg, tm_err_t err, bool complete, const char *detail);
void start_client(struct tm_client_options options);
void setup(void);
void teardown(void);
void run_client(int ms);
tm_msg_t expect(fake_broker_t *at, tm_msg_type_t type);
void run_until(const unsigned *count, unsigned goal);
void settle(fake_broker_t *at);
struct tm_job_spec spec_of(bool watch);
void submit(bool watch);
void accept_job(fake_broker_t *at, const tm_msg_t *asked, const tm_uuid_t *job);
void reject(fake_broker_t *at, const tm_msg_t *asked, const char *code,
            uint64_t retry_after_ms);
void send_result(fake_broker_t *at, const tm_uuid_t *job);
void restart_broker(void);
void assert_same_request(const tm_msg_t *a, const tm_msg_t *b);

#endif
