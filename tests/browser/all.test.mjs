// One system and one browser for all: starting them takes longer than most tests.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { close, faults, open } from './world.mjs';

before(open);
after(close);

await import('./login.mjs');
await import('./tune.mjs');
await import('./live.mjs');
await import('./queues.mjs');
await import('./health.mjs');
await import('./coverage.mjs');
await import('./modules.mjs');
await import('./look.mjs');

test('no page wrote an error, broke its policy or asked another host', () => assert.deepEqual(faults, []));
