#include "actors/explain/records.h"

#include "actors/kit/runtime/log.h"

enum { KEEP_DAYS = 35, MICRO = 1000000 };

const struct pg_statement records_statements[] = {EXPLAIN_STATEMENTS(PG_STATEMENT_ROW)};

static void
add_key(pg_unit_t *unit, const struct explain_question *question,
        const uint8_t hash[SHA256_SIZE])
{
    char subject[EXPLAIN_SUBJECT_TEXT];

    pg_uuid(unit, &question->workspace);
    pg_text(unit, explain_kind_name(question->kind));
    pg_text(unit, explain_question_subject(question, subject));
    pg_text(unit, explain_verbosity_name(question->verbosity));
    pg_bytes(unit, hash, SHA256_SIZE);
}

void
records_find(pg_t *pg, const struct explain_question *question, const uint8_t hash[SHA256_SIZE],
             pg_fn *fn, void *arg)
{
    pg_unit_t *unit = pg_unit_new(pg);

    pg_add(unit, STMT_EXPLANATION_FIND);
    add_key(unit, question, hash);
    pg_send(&unit, fn, arg);
}

static int64_t
daily_microdollars(const settings_t *settings)
{
    return (int64_t)(settings->llm_daily_usd * MICRO);
}

bool
records_has_limit(const settings_t *settings)
{
    return settings->llm_daily_tokens > 0 || daily_microdollars(settings) > 0;
}

void
records_reserve(pg_t *pg, const settings_t *settings, const tm_uuid_t *workspace,
                const struct records_hold *most, pg_fn *fn, void *arg)
{
    pg_unit_t *unit = pg_unit_new(pg);

    pg_add(unit, STMT_BUDGET_RESERVE);
    pg_uuid(unit, workspace);
    pg_i64(unit, most->tokens);
    pg_i64(unit, most->microdollars);
    pg_i64(unit, settings->llm_daily_tokens);
    pg_i64(unit, daily_microdollars(settings));
    pg_send(&unit, fn, arg);
}

static void
add_settle(pg_unit_t *unit, const struct records_end *end)
{
    pg_add(unit, STMT_BUDGET_SETTLE);
    pg_uuid(unit, &end->question->workspace);
    pg_text(unit, end->hold->day);
    pg_i64(unit, end->hold->tokens - end->tokens);
    pg_i64(unit, end->hold->microdollars - end->microdollars);
}

static void
on_pruned(void *arg, const struct pg_outcome *outcome)
{
    (void)arg;
    if (outcome->err)
        log_debug("explain.not_pruned", "error=%s", tm_err_name(outcome->err));
}

void
records_prune(pg_t *pg)
{
    pg_unit_t *unit = pg_unit_new(pg);

    pg_add(unit, STMT_BUDGET_PRUNE);
    pg_i64(unit, KEEP_DAYS);
    pg_send(&unit, on_pruned, NULL);
}

static void
add_text(pg_unit_t *unit, const settings_t *settings, const struct records_end *end)
{
    pg_add(unit, STMT_EXPLANATION_KEEP);
    add_key(unit, end->question, end->hash);
    pg_text(unit, end->answer->text);
    pg_text(unit, end->answer->provider);
    pg_text(unit, end->answer->model);
    pg_add(unit, STMT_EXPLANATIONS_TRIM);
    pg_uuid(unit, &end->question->workspace);
    pg_i64(unit, settings->llm_cache_entries);
}

bool
records_finish(pg_t *pg, const settings_t *settings, const struct records_end *end, pg_fn *fn,
               void *arg)
{
    bool is_kept = end->answer->text && settings->llm_cache_entries > 0;
    pg_unit_t *unit;

    if (!is_kept && !end->hold->is_held)
        return false;
    unit = pg_unit_new(pg);
    if (is_kept)
        add_text(unit, settings, end);
    if (end->hold->is_held)
        add_settle(unit, end);
    pg_send(&unit, fn, arg);
    return true;
}
