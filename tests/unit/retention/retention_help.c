#include "tests/unit/retention/retention_help.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "actors/kit/util/clock.h"
#include "tests/support/patience.h"

void
retention_events(int count, const char *type, const char *pinned, const char *age)
{
    queue_expect("",
                 "INSERT INTO trade_events (workspace_id, event_type, pinned, created_at)"
                 " SELECT '" QUEUE_WORKSPACE "', '%s', %s, now() - interval '%s'"
                 "   FROM generate_series(1, %d)",
                 type, pinned, age, count);
}

void
retention_job_runs(int count, const char *age)
{
    queue_expect("",
                 "INSERT INTO job_runs (id, workspace_id, queue, outcome, attempt, failures,"
                 "     created_at, finished_at)"
                 " SELECT gen_random_uuid(), '" QUEUE_WORKSPACE "', 'mail', 'done', 1, 0,"
                 "     now() - interval '400 days', now() - interval '%s'"
                 "   FROM generate_series(1, %d)",
                 age, count);
}

void
retention_match_runs(int count, const char *status, const char *age)
{
    queue_expect("",
                 "INSERT INTO match_runs (id, workspace_id, created_at, intent,"
                 "     intent_signature, query, top_k, num_above_threshold, weak_coverage,"
                 "     reason_codes, candidate_strategy_ids, candidate_scores,"
                 "     coverage_status, priority_score)"
                 " SELECT gen_random_uuid(), '" QUEUE_WORKSPACE "', now() - interval '%s',"
                 "     '{}', 's', 'q', 5, 0, true, '{}', '{}', '{}', '%s', 0.5"
                 "   FROM generate_series(1, %d)",
                 age, status, count);
}

void
retention_keys(int count, const char *age)
{
    queue_expect("",
                 "INSERT INTO idempotency_keys (workspace_id, scope, key, request_hash, job_id,"
                 "     expires_at)"
                 " SELECT '" QUEUE_WORKSPACE "', 'test', gen_random_uuid()::text, '',"
                 "     gen_random_uuid(), now() - interval '%s' FROM generate_series(1, %d)",
                 age, count);
}

void
retention_pieces(int byte, int count, const char *age)
{
    queue_expect("",
                 "INSERT INTO dataset_pieces (sha256, piece, data, stored_at)"
                 " SELECT decode(repeat('%02x', 32), 'hex'), n, 'data', now() - interval '%s'"
                 "   FROM generate_series(0, %d) n",
                 (unsigned)byte, age, count - 1);
}

void
retention_dataset(int byte, const char *age)
{
    retention_pieces(byte, 3, "400 days");
    queue_expect("",
                 "INSERT INTO datasets (sha256, size, created_at, used_at)"
                 " VALUES (decode(repeat('%02x', 32), 'hex'), 12, now() - interval '400 days',"
                 "         now() - interval '%s')",
                 (unsigned)byte, age);
}

void
retention_last(const char *job, const char *want)
{
    queue_expect(
        want,
        "SELECT concat_ws(' ', coalesce(ok::text, 'null'), deleted_count, dry_run::text,"
        "                 coalesce(error, '-')) FROM retention_job_log"
        " WHERE job_name = '%s' ORDER BY started_at DESC LIMIT 1",
        job);
}

void
retention_expect_run(const char *job, int deleted)
{
    char want[40];

    queue_ask("CALL retention_run('%s', 'cli')", job);
    snprintf(want, sizeof(want), "true %d false -", deleted);
    retention_last(job, want);
}

void
retention_make_due(void)
{
    queue_expect("", "UPDATE retention_policies SET created_at = now() - interval '10 days'");
}

void
retention_await(const char *answer, const char *sql)
{
    int64_t end_ms = clock_ms() + PATIENCE_MS;

    while (strcmp(queue_ask("%s", sql), answer) != 0) {
        ck_assert_msg(clock_ms() < end_ms, "%s is not %s but %s", sql, answer,
                      queue_ask("%s", sql));
        poll(NULL, 0, 10);
    }
}
