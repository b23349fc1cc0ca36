// What those see and do who run it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { STRATEGIES, overTune, person, system, until } from './world.mjs';

const BAD = Buffer.from('date,open,high,low,close,volume\n2020-01-01,1,0.5,2,1,1\n');
const dead = () => system.get('/admin/queues.json').then((seen) => seen.dead);

// Tunes of a dataset that was lost: what is wrong is here, so that somebody has to look.
async function kill(count) {
  const { tune_id: like } = await system.submit({ n_trials: 5 });
  await overTune(like);
  system.sql(`SELECT jobs_enqueue('tune', convert_to((request || jsonb_build_object('seed', i, 'dataset_sha256', repeat('0', 64)))::text, 'UTF8'))
    FROM backtest_tunes, generate_series(1, ${count}) i WHERE id = '${like}';`);
  await until('the jobs are dead', async () => (await dead()).total >= count);
}

test('a tune of bad data is rejected, and no dead job', async () => {
  const operator = await person();
  const before = (await dead()).total;
  await system.submit({ seed: 1000 }, BAD, 'wait=10');
  const page = await operator.go('/admin/queues');
  const column = await page.locator('#queues thead th').allTextContents();
  const cell = page.locator('#queues tbody tr', { hasText: 'tune' }).locator('td').nth(column.findIndex((text) => text.startsWith('Rejected')));
  await until('the page counts it', async () => Number(await cell.textContent()) >= 1);
  assert.equal((await dead()).total, before);
  const list = await operator.go('/admin/backtests/tunes');
  await list.locator('tbody').getByText('rejected').first().waitFor();
  await operator.close();
});

test('a queue is paused and resumed', async () => {
  const operator = await person();
  const page = await operator.go('/admin/queues');
  await page.getByRole('button', { name: 'Pause tune' }).click();
  await page.locator('#queues').getByText('paused').waitFor();
  const { tune_id: id } = await system.submit({ n_trials: 5 });
  await until('the page shows that it waits', async () => (await page.locator('#queues tbody tr', { hasText: 'tune' }).locator('td').nth(2).textContent()) === '1');
  await page.getByRole('button', { name: 'Resume tune' }).click();
  await overTune(id);
  await page.locator('#queues').getByText('open').first().waitFor();
  await operator.close();
});

test('workers and brokers are shown', async () => {
  const operator = await person();
  const page = await operator.go('/admin/queues');
  await until('both workers', async () => (await page.locator('#workers tbody tr', { hasText: 'tune' }).count()) === 2);
  await page.locator('#brokers').getByText('live').waitFor();
  await operator.close();
});

test('dead jobs are retried and dropped, one and all', async () => {
  const operator = await person();
  await kill(3);
  const page = await operator.go('/admin/queues');
  const rows = page.locator('#dead tbody tr');
  await until('they are shown', async () => (await rows.count()) >= 3);
  const before = (await dead()).items.find(({ code }) => code === 'DATASET_MISMATCH');
  await rows.filter({ has: page.locator(`code[title="${before.job}"]`) }).getByRole('button', { name: /Retry job/ }).click();
  await until('it has died again', async () => (await dead()).items.some(({ job, attempts, died_at: at }) => job === before.job && at !== before.died_at && attempts > before.attempts));
  assert.equal(await page.getByRole('button', { name: 'Drop all of them' }).isEnabled(), false);
  await page.locator('#dead-filters').getByLabel('Queue').selectOption('tune');
  await page.getByRole('button', { name: 'Drop all of them' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Keep' }).click();
  assert.ok((await dead()).total >= 3);
  await page.getByRole('button', { name: 'Drop all of them' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Drop' }).click();
  await page.locator('#dead').getByText('No dead job fits').waitFor();
  assert.equal((await dead()).total, 0);
  await operator.close();
});

test('the page asks again while it is looked at, and not when it was stopped', async () => {
  const operator = await person();
  const page = await operator.go('/admin/queues');
  let asked = 0;
  page.on('request', (request) => { if (/queues\.json/.test(request.url())) asked++; });
  await until('it asks again', () => asked >= 2);
  await page.getByRole('button', { name: 'Stop refreshing' }).click();
  const then = asked;
  await page.waitForTimeout(2600);
  assert.ok(asked <= then + 1, `${asked - then} times`);
  await operator.close();
});

test('the leaderboard is filtered and downloaded', async () => {
  const quant = await person();
  await overTune((await system.submit({ n_trials: 100 })).tune_id);
  const page = await quant.go('/admin/backtests/leaderboard');
  await page.locator('#board tbody tr').first().waitFor();
  await page.locator('[name=strategy_entity_id]').selectOption(STRATEGIES.donchian_breakout);
  await page.waitForURL(/strategy_entity_id=/);
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Download CSV' }).click()]);
  const lines = readFileSync(await download.path(), 'utf8').split('\r\n');
  assert.match(lines[0], /^rank,/);
  assert.ok(lines.length > 2);
  await page.locator('[name=objective_type]').selectOption('calmar');
  await page.getByText('No trial fits these filters.').waitFor();
  await quant.close();
});

test('tunes are compared as they were marked', async () => {
  const quant = await person();
  for (const oos of [0.2, 0.4]) await overTune((await system.submit({ n_trials: 80, oos_ratio: oos })).tune_id);
  const page = await quant.go('/admin/backtests/tunes?status=completed');
  await page.locator('#list tbody tr').nth(1).waitFor();
  for (const i of [0, 1]) await page.locator('#list tbody tr').nth(i).getByRole('checkbox').check();
  await page.getByRole('link', { name: 'Compare 2 tunes' }).click();
  await page.getByRole('heading', { name: 'Differences' }).waitFor();
  assert.match(await page.locator('#comparison').textContent(), /oos_ratio/);
  assert.equal(await page.locator('#comparison thead').first().getByRole('link').count(), 2);
  await page.locator('#comparison thead').first().getByRole('button').first().click();
  await page.getByText('One tune is chosen.').waitFor();
  await quant.close();
});
