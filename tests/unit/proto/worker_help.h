/* worker_help - a worker before one or two brokers that the test plays. */
#ifndef TESTS_UNIT_PROTO_WORKER_HELP_H
#define TESTS_UNIT_PROTO_WORKER_HELP_H

#include <check.h>

#include "fake_broker.h"
#include "proto/worker.h"

#define PING_MS  30
#define LEASE_MS 300

extern struct fake_place place;
extern fake_broker_t *broker, *second;
extern tm_worker_t *worker;

void setup(void);
tm_msg_t expect(fake_broker_t *at, tm_msg_type_t type);
void settle(fake_broker_t *at, const tm_uuid_t *job, uint64_t attempt);
void dismiss(void);
void teardown(void);
void start_worker(const char *brokers, uint32_t credit);
void welcome(fake_broker_t *at);
tm_uuid_t send_job(fake_broker_t *at, const tm_uuid_t *id, uint64_t attempt);
tm_job_t *take_job(void);
void send_drop(fake_broker_t *at, const tm_uuid_t *id, uint64_t attempt);
void in_order(fake_broker_t *at);

#endif
