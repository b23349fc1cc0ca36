// The modules that compute, called where they run.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { person } from './world.mjs';

let page, visitor;

// As text: the page's policy does not let a page make code, but the browser's own tools may.
const call = (module, fn, ...values) => page.evaluate(`(async () => {
  const it = await import('/admin/assets/${module}.js');
  return (${fn})(it, ...${JSON.stringify(values)});
})()`);

test('modules', async (t) => {
  visitor = await person();
  page = await visitor.go('/admin/backtests/new');

  await t.test('numbers are short, and none is a dash', async () => {
    assert.deepEqual(await call('format', (it) => [it.score(1.23456), it.score(null), it.percent(-7.25), it.integer(1234567), it.plain(0.123456), it.plain(20), it.age(0.2), it.age(75), it.age(90000), it.params({ a: 1, b: 2.5 }), it.params(null)]),
      ['1.235', '–', '-7.3\u00a0%', '1,234,567', '0.1235', '20', '200 ms', '1 min 15 s', '1 d 1 h', 'a 1 · b 2.5', '–']);
  });

  await t.test('a grid is counted as the server counts it', async () => {
    const points = (entry) => call('space', (it, given) => it.gridPoints(given), entry);
    assert.equal(await points([1, 2, 3]), 3);
    assert.equal(await points({ min: 1, max: 3, type: 'float' }), 5);
    assert.equal(await points({ min: 1, max: 3, type: 'int' }), 3);
    assert.equal(await points({ min: 0.5, max: 3, step: 0.25, type: 'float' }), 11);
    assert.equal(await points({ min: 0, max: 0.3, step: 0.1, type: 'float' }), 4);
  });

  await t.test('a wrong entry of a space is said', async () => {
    const fault = (entry) => call('space', (it, given) => it.fault(given, { type: 'int', min: 1, max: 50 }), entry);
    for (const right of [[1, 50], { min: 1, max: 50 }, { min: 5, max: 10, step: 5 }]) assert.equal(await fault(right), null);
    for (const wrong of [[], [0], [1.5], { min: 0, max: 5 }, { min: 9, max: 5 }, { min: 1, max: 5, step: 0 }, { min: 1, max: null }]) assert.ok(await fault(wrong), JSON.stringify(wrong));
  });

  await t.test('a thinned curve keeps its lowest and its highest', async () => {
    const kept = await call('charts', (it) => it.thin(Array.from({ length: 100000 }, (_, x) => ({ x, y: x === 54321 ? -9 : x === 777 ? 9 : Math.sin(x) }))));
    assert.ok(kept.length <= 2002, kept.length);
    assert.ok(kept.some(({ y }) => y === -9) && kept.some(({ y }) => y === 9));
    assert.deepEqual([kept[0].x, kept.at(-1).x], [0, 99999]);
    assert.ok(kept.every(({ x }, i) => i === 0 || x >= kept[i - 1].x));
  });

  await t.test('a problem is a sentence that says what to do', async () => {
    const say = (...given) => call('api', (it, ...of) => it.problemOf(...of).sentence, ...given);
    assert.equal(await say(404, JSON.stringify({ code: 'TUNE_NOT_FOUND', detail: 'there is no tune' })), 'There is no tune. It may have been deleted, or be of another workspace.');
    assert.equal(await say(422, JSON.stringify({ detail: 'bad', errors: [{ loc: 'body.seed', msg: 'is no number' }] })), 'Bad; seed is no number.');
    assert.equal(await say(502, '<html>'), 'The server answered 502. Try again; the log of the server says more.');
  });

  await t.test('a table sorts what is not there to the end, both ways', async () => {
    const order = await call('table', (it) => {
      const table = new it.Table({ label: 't', id: (row) => row.n, columns: [{ key: 'v', label: 'V', numeric: true, value: (row) => row.v }] });
      table.show([{ n: 1, v: 2 }, { n: 2, v: null }, { n: 3, v: 10 }, { n: 4, v: 1 }]);
      const seen = () => [...table.body.rows].map((row) => row.textContent).join();
      const seens = [seen()];
      for (let i = 0; i < 3; i++) { table.node.querySelector('.sort').click(); seens.push(seen()); }
      return seens;
    });
    assert.deepEqual(order, ['2,–,10,1', '10,2,1,–', '1,2,10,–', '2,–,10,1']);
  });

  await t.test('a priority is read as people read it, whatever the sum left behind', async () => {
    assert.deepEqual(await call('coverage_words', (it) => [1, 0.75, 0.75 - 1e-12, 0.7499, 0.4, 0.399, 0, null].map((score) => it.priorityOf(score).word)),
      ['P1', 'P1', 'P1', 'P2', 'P2', 'P3', 'P3', 'P3']);
  });

  await t.test('a text of others is cut between characters and put on one line', async () => {
    assert.deepEqual(await call('coverage_words', (it) => [it.cut('a  b\n c', 20), it.cut('abcdef', 3), it.cut('ab\u{1f600}cd', 3), it.cut(null, 3), it.cut(12, 3), it.cut('a\nb', 3, { isLine: false }), it.cut('x'.repeat(1 << 20), 5)]),
      ['a b c', 'abc…', 'ab…', '', '12', 'a\nb', 'xxxxx…']);
  });

  await t.test('a reason without a word of its own is still read', async () => {
    assert.deepEqual(await call('coverage_words', (it) => [it.reasonWord('LOW_BEST_SCORE'), it.reasonWord('SOME_NEW_CODE'), it.degradedSentence({ error: null, reason_code: 'llm_timeout' }), it.degradedSentence({ error: 'Said so.', reason_code: 'llm_error' })]),
      ['low best score', 'some new code', 'No language model answered in time.', 'Said so.']);
  });

  await visitor.close();
});
