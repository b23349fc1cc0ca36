#include "tests/unit/kit/coverage_help.h"

#include <stdlib.h>
#include <string.h>

void
coverage_setup(void)
{
    queue_setup();
    queue_expect("",
                 "INSERT INTO workspaces (id, name) VALUES ('" COVERAGE_OTHER "', 'other')");
}

void
coverage_strategy(int n, const char *workspace, const char *name, const char *tags,
                  const char *description)
{
    queue_expect("",
                 "INSERT INTO strategies (id, workspace_id, name, spec) VALUES ('%s',"
                 " nullif('%s', '')::uuid, $q$%s$q$, json_build_object('tags',"
                 " to_json($t${%s}$t$::text[]), 'description', $q$%s$q$::text))",
                 queue_id(n), workspace ? workspace : "", name, tags, description);
}

/* JSON from what is written with ' for "; the caller frees it. */
static char *
json_of(const char *text)
{
    char *json = strdup(text);

    ck_assert_ptr_nonnull(json);
    for (char *at = json; (at = strchr(at, '\''));)
        *at = '"';
    return json;
}

const char *
coverage_match(const char *intent, const char *query, int top_k)
{
    char *json = json_of(intent);
    const char *answer = queue_ask(
        "SELECT coalesce(string_agg(concat_ws(' ', name, score,"
        "   nullif(array_to_string(matched_tags, ','), '')), '; ' ORDER BY place), '')"
        " FROM match_candidates('" QUEUE_WORKSPACE "', $q$%s$q$, $q$%s$q$, %d)"
        " WITH ORDINALITY m (id, name, score, matched_tags, place)",
        json, query, top_k);

    free(json);
    return answer;
}

const char *
coverage_record(int n, const char *workspace, const char *archetype, const char *member)
{
    return queue_ask("SELECT match_run_record('%s', '%s',"
                     " jsonb_build_object('strategy_archetypes', ARRAY['%s']), '%s', 'zzz', 10,"
                     " NULL) -> '%s'",
                     workspace, queue_id(n), archetype, archetype, member);
}

const char *
coverage_events(void)
{
    return queue_ask(
        "WITH gone AS (DELETE FROM event_outbox RETURNING *)"
        " SELECT coalesce(string_agg(concat_ws(' ', substring(topic from '[a-z]+$'),"
        "   right(payload ->> 'run_id', 1), right(workspace_id::text, 1),"
        "   payload ->> 'coverage_status'), '; ' ORDER BY seq), '') FROM gone");
}

const char *
coverage_triage(int n, const char *status, const char *note, const char *by)
{
    return queue_ask("SELECT concat_ws(' ', r ->> 'coverage_status', r ->> 'acknowledged_by',"
                     "   r ->> 'resolved_by', r ->> 'resolution_note')"
                     "  FROM match_run_triage('" QUEUE_WORKSPACE "', '%s', '%s',"
                     "       nullif('%s', ''), '%s') t (r)",
                     queue_id(n), status, note, by);
}
