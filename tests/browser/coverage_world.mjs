// A workspace of its own for the cockpit: strategies with tags, and questions they answer badly.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { system, until } from './world.mjs';

export const WORKSPACE = '00000000-0000-0000-0000-00000000c0c0';
export const cockpit = (id = null) => `/admin/coverage/cockpit${id ? `/${id}` : ''}?workspace_id=${WORKSPACE}`;

const text = (value) => `'${value.replaceAll("'", "''")}'`;

export function addWorkspace() {
  system.sql(`INSERT INTO workspaces (id, name) VALUES ('${WORKSPACE}', 'coverage') ON CONFLICT DO NOTHING;`);
}

// One like bb_reversal, but for what is said here.
export function addStrategy({ name, description = '', tags }) {
  const id = randomUUID(), said = JSON.stringify({ name, description, tags });
  system.sql(`INSERT INTO strategies (id, workspace_id, name, spec) SELECT '${id}', '${WORKSPACE}', ${text(name)}, (spec::jsonb || ${text(said)}::jsonb)::json FROM strategies WHERE name = 'bb_reversal';`);
  return id;
}

export const weak = async (status = 'all') => (await system.get(`/admin/coverage/weak?workspace_id=${WORKSPACE}&status=${status}&limit=200`)).items;

export const runOf = async (id) => (await weak()).find(({ run_id: of }) => of === id);

// A question that comes out weak; resolves with the id of its run.
export async function askWeakly(query, intent = {}) {
  const topics = [query.toLowerCase().replace(/[^a-z0-9]+/g, '-').slice(0, 100)];
  const run = await system.send('POST', `/match-runs?workspace_id=${WORKSPACE}`, { intent: { topics, overall_confidence: 0.9, ...intent }, query, top_k: 5 });
  assert.ok(run.weak_coverage, `"${query}" is answered well: ${JSON.stringify(run)}`);
  return run.run_id;
}

export const patch = (id, body) => system.send('PATCH', `/admin/coverage/weak/${id}?workspace_id=${WORKSPACE}`, body);

export const isNow = (id, status) => until(`run ${id} is ${status}`, async () => (await runOf(id)).coverage_status === status);

// The run that pictures are taken of: it has candidates.
export async function lookedAt() {
  return (await weak()).find(({ candidate_strategy_ids: ids }) => ids.length > 0).run_id;
}
