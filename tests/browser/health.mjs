// The health page: with and without JavaScript, and when workers stop.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { ARTIFACTS, isLive, person, system, until } from './world.mjs';

const PAGE = '/admin/system/health';
const card = (page, name) => page.locator(`#card-${name}`);
const workers = (signal) => { for (const name of ['tune-1', 'tune-2']) process.kill(system.pid(name), signal); };

test('every component has its card, and nothing is wrong', async () => {
  const operator = await person();
  await until('all is well', async () => (await system.get('/admin/system/health.json')).overall_status === 'ok');
  const page = await operator.go(PAGE);
  for (const name of ['database', 'qdrant', 'llm', 'sse', 'retention', 'idempotency', 'tunes', 'ingestion', 'broker', 'workers'])
    await card(page, name).getByRole('heading').waitFor();
  await page.getByText('Nothing is wrong.').waitFor();
  assert.equal(await page.getByRole('link', { name: 'Health', exact: true }).first().getAttribute('aria-current'), 'page');
  await operator.close();
});

test('without JavaScript the same is there, and it loads itself anew', async () => {
  const operator = await person({ javaScriptEnabled: false });
  const page = await operator.go(PAGE);
  await card(page, 'database').getByText('query latency ms').waitFor();
  assert.equal(await page.locator('.card').count(), 10);
  assert.equal(await page.getByText('These pages need JavaScript').count(), 0);
  await page.waitForEvent('load'); // of the next time
  await operator.close();
});

test('workers that stop are shown without a touch, first and with what to do, and so is their return', async () => {
  const operator = await person({ colorScheme: 'dark' });
  const page = await operator.go(PAGE);
  await isLive(page);
  let loads = 0;
  page.on('load', () => { loads++; });
  workers('SIGSTOP');
  try {
    await page.locator('#card-workers[data-status="error"]').waitFor();
    assert.equal(await page.locator('.card').first().getAttribute('id'), 'card-workers');
    await page.locator('#issues').getByText(/no worker of the kind tune lives.*Start workers/).waitFor();
    assert.equal(await page.locator('#announce').textContent(), 'Health is error');
    await page.screenshot({ path: join(ARTIFACTS, 'health-wrong-dark.png'), fullPage: true });
  } finally {
    workers('SIGCONT');
  }
  await page.locator('#card-workers[data-status="ok"]').waitFor();
  await page.getByText('Nothing is wrong.').waitFor();
  assert.equal(loads, 0);
  await operator.close();
});
