-- What a question about strategies finds, and what becomes of one that finds too little.

-- null: the spec says nothing of tags.
CREATE OR REPLACE FUNCTION strategy_tags(p_spec json) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE json_typeof(p_spec -> 'tags') WHEN 'array' THEN ARRAY(
        SELECT left(e.value #>> '{}', 100)
          FROM json_array_elements(p_spec -> 'tags') WITH ORDINALITY e (value, place)
         WHERE json_typeof(e.value) = 'string'
         ORDER BY e.place LIMIT 32) END
$$;

-- Both columns follow the spec; a row that comes with a spec that says nothing keeps its own.
CREATE OR REPLACE FUNCTION strategy_described() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        NEW.tags := '{}';
        NEW.description := '';
    END IF;
    NEW.tags := coalesce(strategy_tags(NEW.spec), NEW.tags);
    IF json_typeof(NEW.spec -> 'description') = 'string' THEN
        NEW.description := NEW.spec ->> 'description';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER strategies_described BEFORE INSERT OR UPDATE OF spec ON strategies
    FOR EACH ROW EXECUTE FUNCTION strategy_described();

-- The strategies that fit best. Each group of the intent that has terms counts by its weight, and
-- a term by the tag that is most like it; words of the query count by being in the strategy's text,
-- or nearly one of its tags. actors/http/coverage/match_runs.c has the formula.
CREATE OR REPLACE FUNCTION match_candidates(p_workspace uuid, p_intent jsonb, p_query text, p_top_k int)
RETURNS TABLE (strategy_id uuid, name text, score float8, matched_tags text[])
LANGUAGE sql STABLE AS $$
    WITH field (name, part, weight) AS (VALUES
            ('strategy_archetypes', 'archetypes', 0.35), ('indicators', 'indicators', 0.30),
            ('topics', 'topics', 0.15), ('risk_terms', 'risk', 0.10),
            ('timeframe_buckets', 'timeframes', 0.10), ('timeframe_explicit', 'timeframes', 0.10)),
    wanted AS MATERIALIZED ( -- each term once, with its part of its group's weight
        SELECT part, term, (weight / count(*) OVER (PARTITION BY part))::float8 AS weight
          FROM (SELECT DISTINCT f.part, f.weight, lower(t.term) AS term
                  FROM field f, jsonb_array_elements_text(p_intent -> f.name) t (term)) d),
    asked AS MATERIALIZED ( -- each word once, however it is inflected; stop words have no stem
        SELECT DISTINCT ON (s.stems) w.word, s.stems
          FROM unnest(tsvector_to_array(to_tsvector('simple', p_query))) w (word)
         CROSS JOIN LATERAL tsvector_to_array(to_tsvector('english', w.word)) s (stems)
         WHERE s.stems <> '{}' ORDER BY s.stems, w.word),
    known AS MATERIALIZED (
        SELECT DISTINCT t.tag FROM strategies s, unnest(s.tags) t (tag)
         WHERE s.workspace_id IS NULL OR s.workspace_id = p_workspace),
    near_term AS MATERIALIZED (
        SELECT w.part, w.term, w.weight, k.tag, l.likeness
          FROM wanted w CROSS JOIN known k CROSS JOIN LATERAL (SELECT CASE
               WHEN w.term = lower(k.tag) THEN 1 ELSE similarity(w.term, k.tag)::float8 END) l (likeness)
         WHERE l.likeness >= 0.6),
    near_word AS MATERIALIZED (
        SELECT a.word, k.tag, l.likeness
          FROM asked a CROSS JOIN known k
         CROSS JOIN LATERAL (SELECT word_similarity(a.word, k.tag)::float8) l (likeness)
         WHERE l.likeness >= 0.6),
    found AS (
        SELECT s.id, s.name, s.tags, tsvector_to_array(s.words) AS words
          FROM strategies s
         WHERE (s.workspace_id IS NULL OR s.workspace_id = p_workspace)
           AND (s.words @@ (SELECT string_agg('''' || replace(replace(stem, '\', '\\'), '''', '''''') || '''',
                                              ' | ')::tsquery FROM asked, unnest(stems) stem)
                OR s.tags && ARRAY(SELECT tag FROM near_term UNION SELECT tag FROM near_word))),
    judged AS (
        SELECT f.id, f.name, t.matched, t.sum / (SELECT sum(weight) FROM wanted) AS by_tags,
               w.sum / greatest(1, least(w.count, greatest(5, cardinality(f.words)))) AS by_text
          FROM found f CROSS JOIN LATERAL (
               SELECT coalesce(sum(b.likeness * b.weight), 0) AS sum,
                      ARRAY(SELECT DISTINCT n.tag COLLATE "C" FROM near_term n
                             WHERE n.tag = ANY (f.tags) ORDER BY 1) AS matched
                 FROM (SELECT n.weight, max(n.likeness) AS likeness FROM near_term n
                        WHERE n.tag = ANY (f.tags) GROUP BY n.part, n.term, n.weight) b) t
         CROSS JOIN LATERAL (
               SELECT coalesce(sum(CASE WHEN a.stems && f.words THEN 1 ELSE coalesce((
                          SELECT max(n.likeness) FROM near_word n
                           WHERE n.word = a.word AND n.tag = ANY (f.tags)), 0) END), 0) AS sum,
                      count(*) AS count
                 FROM asked a) w),
    scored AS (
        SELECT id, name, matched,
               round(coalesce(0.7 * by_tags + 0.3 * least(1, by_text), least(1, by_text))::numeric, 4)
                   ::float8 AS score
          FROM judged)
    SELECT id, left(scored.name, 200), scored.score, matched
      FROM scored WHERE scored.score >= 0.2
     ORDER BY scored.score DESC, scored.name COLLATE "C", id LIMIT p_top_k
$$;

-- Why a match is not as it should be; empty: it is. p_best null: no strategy was found.
CREATE OR REPLACE FUNCTION match_reasons(p_best float8, p_above int, p_confidence float8)
RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN p_confidence < 0.35 THEN ARRAY['LOW_SIGNAL_INPUT']
        WHEN p_best IS NULL THEN ARRAY['NO_RESULTS']
        ELSE array_remove(ARRAY[CASE WHEN p_best < 0.45 THEN 'LOW_BEST_SCORE' END,
                                CASE WHEN p_above = 0 THEN 'NO_RESULTS_ABOVE_THRESHOLD' END], NULL)
        END
$$;

-- A question that says too little is nobody's gap.
CREATE OR REPLACE FUNCTION match_is_weak(p_reasons text[]) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT p_reasons <> '{}' AND NOT 'LOW_SIGNAL_INPUT' = ANY (p_reasons)
$$;

-- How much a weak run matters, but for its age. NO_MATCHES and NO_STRONG_MATCHES are what others
-- call NO_RESULTS and NO_RESULTS_ABOVE_THRESHOLD.
CREATE OR REPLACE FUNCTION match_priority(p_best float8, p_above int, p_reasons text[])
RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT round((least(0.5, greatest(0, 0.5 - coalesce(p_best, 0)))
                  + CASE WHEN p_above = 0 THEN 0.2 ELSE 0 END
                  + CASE WHEN p_reasons && '{NO_RESULTS,NO_MATCHES}' THEN 0.15 ELSE 0 END
                  + CASE WHEN p_reasons && '{NO_RESULTS_ABOVE_THRESHOLD,NO_STRONG_MATCHES}' THEN 0.1
                         ELSE 0 END)::numeric, 4)::float8
$$;

-- Four decimals without a numeric: it is computed for every run of a queue.
CREATE OR REPLACE FUNCTION match_priority_now(p_score float8, p_created_at timestamptz)
RETURNS float8 LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT round(p_score * 10000 + CASE WHEN p_created_at > now() - interval '24 hours' THEN 500
                                        ELSE 0 END) / 10000
$$;

-- A weak run as lists and events show it.
CREATE OR REPLACE FUNCTION match_run_item(m match_runs) RETURNS json
LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'run_id', m.id, 'created_at', tm_time(m.created_at), 'updated_at', tm_time(m.updated_at),
        'intent_signature', m.intent_signature, 'weak_reason_codes', m.reason_codes,
        'best_score', m.best_score, 'num_above_threshold', m.num_above_threshold,
        'candidate_strategy_ids', m.candidate_strategy_ids, 'candidate_scores', m.candidate_scores,
        'query_preview', (SELECT CASE WHEN length(q) > 200 THEN left(q, 199) || '…' ELSE q END
                            FROM btrim(regexp_replace(m.query, '\s+', ' ', 'g')) r (q)),
        'source_ref', m.source_ref, 'coverage_status', m.coverage_status,
        'priority_score', match_priority_now(m.priority_score, m.created_at),
        'acknowledged_at', tm_time(m.acknowledged_at), 'acknowledged_by', m.acknowledged_by,
        'resolved_at', tm_time(m.resolved_at), 'resolved_by', m.resolved_by,
        'resolution_note', m.resolution_note)
$$;

-- Each weak run, and each change of what people see of it, is an event of its own transaction.
CREATE OR REPLACE FUNCTION match_run_changed() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM event_emit('coverage.weak_run.' || CASE TG_OP WHEN 'INSERT' THEN 'created' ELSE 'updated' END,
                       NEW.workspace_id, match_run_item(NEW)::jsonb);
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER match_runs_added AFTER INSERT ON match_runs
    FOR EACH ROW WHEN (NEW.weak_coverage) EXECUTE FUNCTION match_run_changed();

CREATE OR REPLACE TRIGGER match_runs_changed AFTER UPDATE ON match_runs
    FOR EACH ROW WHEN (NEW.weak_coverage AND (NEW.coverage_status, NEW.resolution_note)
                       IS DISTINCT FROM (OLD.coverage_status, OLD.resolution_note))
    EXECUTE FUNCTION match_run_changed();

-- Resolves the open runs of an intent that a run has matched well. Locked in one order, so that
-- runs which end together do not wait for each other; one that has been resolved since is left.
CREATE OR REPLACE FUNCTION match_runs_settle(p_workspace uuid, p_signature text, p_by uuid)
RETURNS uuid[] LANGUAGE plpgsql AS $$
DECLARE
    v_ids uuid[];
BEGIN
    PERFORM 1 FROM match_runs
      WHERE workspace_id = p_workspace AND intent_signature = p_signature
        AND weak_coverage AND coverage_status = 'open'
      ORDER BY id FOR UPDATE;
    WITH settled AS (
        UPDATE match_runs
           SET coverage_status = 'resolved', updated_at = clock_timestamp(),
               resolved_at = clock_timestamp(), resolved_by = 'system',
               resolution_note = 'match run ' || p_by || ' found enough for the same intent'
         WHERE workspace_id = p_workspace AND intent_signature = p_signature
           AND weak_coverage AND coverage_status = 'open'
        RETURNING id)
    SELECT coalesce(array_agg(id ORDER BY id), '{}') INTO v_ids FROM settled;
    RETURN v_ids;
END $$;

-- Matches, keeps the run and settles others; the answer of POST /match-runs. A run that is not
-- weak is nothing to be done about: resolved from the start.
CREATE OR REPLACE FUNCTION match_run_record(p_workspace uuid, p_id uuid, p_intent jsonb,
                                            p_signature text, p_query text, p_top_k int,
                                            p_source_ref text)
RETURNS json LANGUAGE plpgsql AS $$
DECLARE
    v_run        match_runs;
    v_candidates json;
    v_settled    uuid[] := '{}';
BEGIN
    IF NOT EXISTS (SELECT 1 FROM workspaces WHERE id = p_workspace) THEN
        PERFORM tm_refuse('WORKSPACE_NOT_FOUND', 'there is no workspace with this id');
    END IF;
    SELECT coalesce(json_agg(json_build_object('strategy_id', c.strategy_id, 'name', c.name,
                                               'score', c.score, 'matched_tags', c.matched_tags)
                             ORDER BY c.place), '[]'),
           coalesce(array_agg(c.strategy_id ORDER BY c.place), '{}'),
           coalesce(jsonb_object_agg(c.strategy_id, jsonb_build_object(
                        'score', c.score, 'matched_tags', c.matched_tags)), '{}'),
           max(c.score), round(avg(c.score)::numeric, 4)::float8, count(*) FILTER (WHERE c.score >= 0.55)
      INTO v_candidates, v_run.candidate_strategy_ids, v_run.candidate_scores, v_run.best_score,
           v_run.avg_top_score, v_run.num_above_threshold
      FROM match_candidates(p_workspace, p_intent, p_query, p_top_k)
           WITH ORDINALITY c (strategy_id, name, score, matched_tags, place);
    v_run.reason_codes := match_reasons(v_run.best_score, v_run.num_above_threshold,
                                        (p_intent ->> 'overall_confidence')::float8);
    v_run.weak_coverage := match_is_weak(v_run.reason_codes);
    INSERT INTO match_runs (id, workspace_id, intent, intent_signature, query, source_ref, top_k,
                            best_score, avg_top_score, num_above_threshold, weak_coverage,
                            reason_codes, candidate_strategy_ids, candidate_scores, coverage_status,
                            priority_score, resolved_at, resolved_by)
    VALUES (p_id, p_workspace, p_intent, p_signature, p_query, p_source_ref, p_top_k,
            v_run.best_score, v_run.avg_top_score, v_run.num_above_threshold, v_run.weak_coverage,
            v_run.reason_codes, v_run.candidate_strategy_ids, v_run.candidate_scores,
            CASE WHEN v_run.weak_coverage THEN 'open' ELSE 'resolved' END,
            match_priority(v_run.best_score, v_run.num_above_threshold, v_run.reason_codes),
            CASE WHEN NOT v_run.weak_coverage THEN now() END,
            CASE WHEN NOT v_run.weak_coverage THEN 'system' END)
    RETURNING * INTO v_run;
    IF v_run.reason_codes = '{}' THEN
        v_settled := match_runs_settle(p_workspace, p_signature, p_id);
    END IF;
    RETURN json_build_object(
        'run_id', v_run.id, 'created_at', tm_time(v_run.created_at),
        'intent_signature', v_run.intent_signature, 'source_ref', v_run.source_ref,
        'top_k', v_run.top_k, 'candidates', v_candidates, 'best_score', v_run.best_score,
        'avg_top_score', v_run.avg_top_score, 'num_above_threshold', v_run.num_above_threshold,
        'weak_coverage', v_run.weak_coverage, 'reason_codes', v_run.reason_codes,
        'coverage_status', v_run.coverage_status,
        'priority_score', CASE WHEN v_run.weak_coverage THEN
                          match_priority_now(v_run.priority_score, v_run.created_at) END,
        'resolved_run_ids', v_settled);
END $$;

-- --- what people do about them --------------------------------------------------------------

-- Gives a weak run a status; p_workspace null: whichever has it. The row is locked before it is
-- judged. What it is already is no change, and no event. A note belongs to what was done: it goes
-- when that is taken back.
CREATE OR REPLACE FUNCTION match_run_triage(p_workspace uuid, p_id uuid, p_status text, p_note text,
                                            p_by text)
RETURNS json LANGUAGE plpgsql AS $$
DECLARE
    v_order constant text[] := '{open,acknowledged,resolved}';
    v_run   match_runs;
    v_note  text;
BEGIN
    IF p_workspace IS NOT NULL AND NOT EXISTS (SELECT 1 FROM workspaces WHERE id = p_workspace) THEN
        PERFORM tm_refuse('WORKSPACE_NOT_FOUND', 'there is no workspace with this id');
    END IF;
    SELECT * INTO v_run FROM match_runs
     WHERE id = p_id AND weak_coverage AND (p_workspace IS NULL OR workspace_id = p_workspace)
       FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM tm_refuse('MATCH_RUN_NOT_FOUND', 'there is no weak match run with this id in this workspace');
    END IF;
    v_note := p_note;
    IF v_note IS NULL AND array_position(v_order, p_status)
                          >= array_position(v_order, v_run.coverage_status) THEN
        v_note := v_run.resolution_note;
    END IF;
    IF p_status = 'resolved' AND v_run.coverage_status <> 'resolved' AND v_note IS NULL
       AND cardinality(v_run.candidate_strategy_ids) = 0 THEN
        PERFORM tm_refuse('RESOLUTION_NEEDS_EVIDENCE',
                          'the run has no candidate: say in a note what was done about it');
    END IF;
    IF (p_status, v_note) IS DISTINCT FROM (v_run.coverage_status, v_run.resolution_note) THEN
        UPDATE match_runs
           SET coverage_status = p_status, resolution_note = v_note, updated_at = clock_timestamp(),
               acknowledged_at = CASE p_status WHEN 'acknowledged' THEN coalesce(acknowledged_at, clock_timestamp())
                                               WHEN 'resolved' THEN acknowledged_at END,
               acknowledged_by = CASE p_status WHEN 'acknowledged' THEN coalesce(acknowledged_by, p_by)
                                               WHEN 'resolved' THEN acknowledged_by END,
               resolved_at = CASE p_status WHEN 'resolved' THEN coalesce(resolved_at, clock_timestamp()) END,
               resolved_by = CASE p_status WHEN 'resolved' THEN coalesce(resolved_by, p_by) END
         WHERE id = p_id
        RETURNING * INTO v_run;
    END IF;
    RETURN match_run_item(v_run);
END $$;

-- A candidate as people see it: what it is, and how the workspace's best tune of it did. Validated:
-- on data that the search had not seen.
CREATE OR REPLACE FUNCTION strategy_card(s strategies, p_workspace uuid) RETURNS json
LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'strategy_id', s.id, 'name', left(s.name, 200), 'description', left(s.description, 1000),
        'tags', s.tags, 'updated_at', tm_time(s.updated_at),
        'backtest_status', CASE WHEN b.score_oos IS NOT NULL THEN 'validated'
                                WHEN b.tune_id IS NOT NULL THEN 'backtested' ELSE 'none' END,
        'best_oos_score', b.score_oos, 'max_drawdown', b.summary -> 'max_drawdown_pct')
      FROM (SELECT 1) one LEFT JOIN LATERAL (
            SELECT t.id AS tune_id, tm_number(r.score_oos) AS score_oos,
                   tune_summary(t.metric_names, coalesce(r.metrics_oos, r.metrics_is)) AS summary
              FROM backtest_tunes t JOIN backtest_tune_runs r ON r.tune_id = t.id AND r.rank = 1
             WHERE t.workspace_id = p_workspace AND t.strategy_entity_id = s.id AND t.status = 'completed'
             ORDER BY tm_number(r.score_oos) DESC NULLS LAST, t.created_at DESC, t.id LIMIT 1) b ON true
$$;
