// The list keeps itself up to date, in every tab, whatever breaks.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { STRATEGIES, isLive, overTune, person, system, until } from './world.mjs';

const rowOf = (page, id) => page.locator('#list tbody tr', { has: page.locator(`a[href$="${id}"]`) });

test('two tabs show a tune from its start to its end, without asking for the list again', async () => {
  const quant = await person();
  const tabs = [await quant.go('/admin/backtests/tunes'), await quant.go('/admin/backtests/tunes?status=completed')];
  for (const tab of tabs) await isLive(tab);
  await until('the lists are there', async () => (await tabs[0].locator('#list tbody tr').count()) > 0);
  let asked = 0;
  quant.on('request', (request) => { if (/\/backtests\/tunes\?/.test(request.url())) asked++; });
  const { tune_id: id } = await system.submit({ n_trials: 60000, strategy_entity_id: STRATEGIES.bb_reversal });
  await rowOf(tabs[0], id).waitFor();
  await until('it runs', async () => /running/.test(await rowOf(tabs[0], id).textContent()));
  assert.equal(await rowOf(tabs[1], id).count(), 0);
  await rowOf(tabs[0], id).getByText('completed').waitFor();
  await rowOf(tabs[1], id).getByText('completed').waitFor();
  assert.match(await rowOf(tabs[0], id).textContent(), /60,000 of 60,000 trials.*valid/);
  assert.equal(await rowOf(tabs[0], id).count(), 1);
  assert.ok(asked <= 2, `the list was asked for ${asked} times`);
  await quant.close();
});

test('focus and order stay while rows change', async () => {
  const quant = await person();
  const page = await quant.go('/admin/backtests/tunes');
  await isLive(page);
  const link = page.locator('#list tbody tr').first().getByRole('link');
  await link.focus();
  const address = await link.getAttribute('href');
  const { tune_id: id } = await system.submit({ n_trials: 2000 });
  await rowOf(page, id).getByText('completed').waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('href')), address);
  await quant.close();
});

test('when the bridge is killed the page says so, comes back, and has missed nothing', async () => {
  const quant = await person({ forgive: [/Failed to load resource/, /ERR_/] });
  const page = await quant.go('/admin/backtests/tunes');
  await isLive(page);
  await page.evaluate(() => {
    globalThis.states = [];
    new MutationObserver(() => globalThis.states.push(document.getElementById('live').dataset.state)).observe(document.getElementById('live'), { attributes: true, attributeFilter: ['data-state'] });
  });
  process.kill(system.pid('http'), 'SIGKILL');
  await page.locator('#live[data-state="reconnecting"]').waitFor();
  await until('the bridge is back', async () => fetch(`${system.http}/ready`).then(({ ok }) => ok, () => false));
  const { tune_id: id } = await system.submit({ n_trials: 20000 });
  await overTune(id);
  await isLive(page);
  await rowOf(page, id).getByText('completed').waitFor();
  assert.equal(await rowOf(page, id).count(), 1);
  assert.ok((await page.evaluate(() => globalThis.states)).includes('reconnecting'));
  await quant.close();
});

test('a ticket that is refused is replaced by another', async () => {
  const quant = await person({ forgive: [/401/] });
  let refused = 0;
  await quant.route('**/admin/events/stream?*', async (route) => {
    if (refused++ === 0) await route.fulfill({ status: 401, contentType: 'application/problem+json', body: '{}' });
    else await route.continue();
  });
  let tickets = 0;
  quant.on('request', (request) => { if (/events\/ticket/.test(request.url())) tickets++; });
  const page = await quant.go('/admin/backtests/tunes');
  await isLive(page);
  assert.equal(tickets, 2);
  await quant.close();
});

test('filters are kept in the address and hold for what comes', async () => {
  const quant = await person();
  const page = await quant.go('/admin/backtests/tunes');
  await isLive(page);
  await page.getByLabel('Status').selectOption('failed');
  await page.waitForURL(/status=failed/);
  const { tune_id: id } = await system.submit({ n_trials: 10 });
  await overTune(id);
  assert.equal(await rowOf(page, id).count(), 0);
  await page.getByRole('button', { name: 'Clear' }).click();
  await rowOf(page, id).getByText('completed').waitFor();
  await page.goto(`${system.http}/admin/backtests/tunes?status=canceled&valid_only=true`);
  assert.equal(await page.getByLabel('Status').inputValue(), 'canceled');
  await page.getByText('No tune fits these filters.').waitFor();
  await quant.close();
});
