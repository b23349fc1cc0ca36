// A tune from the file to the trial, as one who starts it sees it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { DATA, STRATEGIES, isLive, overTune, person, system, until } from './world.mjs';

const PRICES = join(DATA, 'sp500_daily.csv');
const tuneAddress = /\/admin\/backtests\/tunes\/[0-9a-f-]{36}$/;

async function fill(page, { strategy = 'donchian_breakout', trials = '200' } = {}) {
  await page.locator('#strategy option', { hasText: strategy }).first().waitFor({ state: 'attached' });
  await page.locator('#strategy').selectOption({ label: strategy });
  await page.locator('#file').setInputFiles(PRICES);
  await page.locator('[name=n_trials]').fill(trials);
}

const count = async () => (await system.get('/backtests/tunes?limit=1')).total;

test('a tune is uploaded, watched and looked into', async () => {
  const quant = await person();
  const page = await quant.go('/admin/backtests/new');
  await fill(page, { trials: '3000' });
  await page.getByText(/from 2000-01-03 to 2020-04-17/).waitFor();
  await page.getByRole('button', { name: 'Start the tune' }).click();
  await page.waitForURL(tuneAddress);
  await isLive(page);
  await page.locator('#status').getByText('completed').waitFor();
  await page.locator('#leaders tbody tr').nth(9).waitFor();
  for (const part of ['curve', 'scatter']) await page.locator(`#${part} canvas[aria-label]`).waitFor();
  assert.match(await page.locator('#curve canvas').getAttribute('aria-label'), /rose \d+ times/);
  assert.match(await page.locator('#scatter').textContent(), /overfit|moderate/);
  assert.ok(await page.locator('#heat td button').count() > 50);
  await page.locator('#trials').getByText('1–100 of 3,000').waitFor();
  assert.match(await page.locator('#badges').textContent(), /valid/);

  await page.locator('#leaders').getByRole('button', { name: 'Show trial of rank 1', exact: true }).click();
  await page.locator('#trial canvas[aria-label^="Equity"]').waitFor();
  await page.locator('#trial canvas[aria-label^="Drawdown"]').waitFor();
  await page.locator('#trial summary').click();
  await page.locator('#trial details tbody tr').first().waitFor();
  assert.match(page.url(), /#run=/);
  await page.reload();
  await page.locator('#trial canvas[aria-label^="Equity"]').waitFor();
  await page.getByRole('button', { name: 'Close' }).click();
  assert.equal(await page.locator('#trial-panel').isVisible(), false);
  await quant.close();
});

test('what was asked is shown whole, and is asked again by a button', async () => {
  const quant = await person();
  const page = await quant.go('/admin/backtests/new');
  await fill(page, { trials: '20' });
  await page.getByRole('button', { name: 'Start the tune' }).click();
  await page.waitForURL(tuneAddress);
  const first = await overTune(new URL(page.url()).pathname.split('/').at(-1));
  const asked = page.locator('#asked');
  for (const [name, value] of [['seed', first.request.seed], ['commission bps', 10], ['date from', 'the first bar'], ['strategy version', first.request.strategy_version]])
    assert.equal(await asked.locator('div', { has: page.locator(`dt:text-is("${name}")`) }).locator('dd').textContent(), String(value));
  await page.getByRole('button', { name: 'Ask the same again' }).click();
  await page.waitForURL((url) => tuneAddress.test(url.pathname) && !url.pathname.endsWith(first.tune_id));
  const again = await overTune(new URL(page.url()).pathname.split('/').at(-1));
  assert.deepEqual([again.request, again.best_params, again.counts], [first.request, first.best_params, first.counts]);
  await page.goto(`${system.http}/admin/backtests/tunes`);
  await page.locator('#rows, table').getByText(`seed ${first.request.seed}`).first().waitFor();
  await quant.close();
});

test('the form as it is finds something on the data that comes with the tree', async () => {
  const quant = await person();
  const page = await quant.go('/admin/backtests/new');
  await page.locator('#strategy option', { hasText: 'sma_cross' }).first().waitFor({ state: 'attached' });
  await page.locator('#file').setInputFiles(PRICES);
  await page.locator('[name=seed]').fill('7'); // else it is drawn
  await page.getByRole('button', { name: 'Start the tune' }).click();
  await page.waitForURL(tuneAddress);
  await page.locator('#leaders').getByRole('button', { name: 'Show trial of rank 1', exact: true }).waitFor();
  assert.match(await page.locator('#rejections').textContent(), /lets \d+ trials? through/);
  assert.doesNotMatch(await page.locator('main').innerText(), /skipped/i);
  await quant.close();
});

test('a tune that finds nothing says what to relax', async () => {
  const quant = await person();
  const { tune_id: id } = await system.submit({ n_trials: 40, seed: 7, gates: '{"max_drawdown_pct":2,"min_trades":10}' });
  const tune = await overTune(id), page = await quant.go(`/admin/backtests/tunes/${id}`);
  assert.equal(tune.counts.completed, 0);
  const words = await page.locator('#rejections').textContent();
  assert.match(words, /No trial passed the gates/);
  for (const { text } of tune.rejections) assert.ok(words.includes(text), text);
  assert.match(words, /gates.max_drawdown_pct 2 -> [\d.]+ lets \d+ trials through/);
  await quant.close();
});

test('a double click and a lost answer make one tune', async () => {
  const quant = await person({ forgive: [/ERR_FAILED/] });
  const page = await quant.go('/admin/backtests/new');
  await fill(page);
  const before = await count();
  let lost = 0;
  await page.route('**/backtests/tune?*', async (route) => {
    if (lost++ > 0) { await route.continue(); return; }
    await route.fetch(); // it arrives; what it is answered does not
    await route.abort();
  });
  await page.getByRole('button', { name: 'Start the tune' }).dblclick();
  await page.getByRole('alert').getByText('cannot be reached').waitFor();
  await page.getByRole('button', { name: 'Start the tune' }).click();
  await page.waitForURL(tuneAddress);
  assert.equal(lost, 2);
  assert.equal(await count(), before + 1);
  await quant.close();
});

test('another form is another tune', async () => {
  const quant = await person();
  const before = await count();
  for (const seed of ['1', '2']) {
    const page = await quant.go('/admin/backtests/new');
    await fill(page, { trials: '5' });
    await page.getByLabel('Seed').fill(seed);
    await page.getByRole('button', { name: 'Start the tune' }).click();
    await page.waitForURL(tuneAddress);
  }
  assert.equal(await count(), before + 2);
  await quant.close();
});

test('what is missing or wrong is named before anything is sent', async () => {
  const quant = await person();
  const page = await quant.go('/admin/backtests/new');
  let sent = 0;
  await page.route('**/backtests/tune?*', (route) => { sent++; return route.continue(); });
  await page.locator('#strategy option', { hasText: 'donchian' }).first().waitFor({ state: 'attached' });
  await page.locator('#strategy').selectOption({ label: 'donchian_breakout' });
  await page.locator('[name=n_trials]').fill('0');
  await page.getByLabel('n: from').fill('9999');
  await page.getByRole('button', { name: 'Start the tune' }).click();
  const alert = page.locator('#errors [role="alert"]');
  await alert.waitFor();
  for (const text of ['Choose a file', 'Trials', 'values to try']) assert.match(await alert.textContent(), new RegExp(text));
  assert.equal(await page.getByLabel('n: from').getAttribute('aria-invalid'), 'true');
  assert.equal(await page.locator('#errors').evaluate((node) => node === document.activeElement), true);
  assert.equal(sent, 0);
  await quant.close();
});

const csv = (name, ...lines) => ({ name, mimeType: 'text/csv', buffer: Buffer.from(`${lines.join('\n')}\n`) });
const days = (row, count = 20) => Array.from({ length: count }, (_, i) => row(`2020-01-${String(i + 1).padStart(2, '0')}`));

test('what is understood of a file is shown before anything is run', async () => {
  const quant = await person({ forgive: [/422/] });
  const page = await quant.go('/admin/backtests/new');
  const peek = page.locator('#peek');
  await page.getByRole('button', { name: 'Start the tune' }).click();
  await page.getByRole('alert').getByText('Choose a file').waitFor();
  assert.equal(await page.locator('#file').getAttribute('aria-invalid'), 'true');
  await page.locator('#file').setInputFiles(csv('semi.csv', 'Datum;Symbol;Open;High;Low;Close', ...days((day) => `${day};AAA;10,5;11,5;9,5;10,5`)));
  await peek.getByText('20 bars, from 2020-01-01 to 2020-01-20').waitFor();
  assert.equal(await page.locator('#file').getAttribute('aria-invalid'), null);
  for (const text of ['semicolon', 'UTC', '1d', 'Close']) assert.match(await peek.textContent(), new RegExp(text));
  await page.getByText('How the file is read').click();
  await page.getByLabel('Time zone').fill('Asia/Tokyo');
  await page.getByLabel('Symbol').fill('BBB');
  await page.getByLabel('Symbol').blur();
  await peek.getByText('BBB is not in the file').waitFor();
  await page.getByLabel('Symbol').fill('AAA');
  await page.getByLabel('Symbol').blur();
  await peek.getByText('Asia/Tokyo').waitFor();
  await page.locator('#file').setInputFiles(csv('bad.csv', 'date,open,high,low,close', ...days((day) => `${day},10,11,9,1x`)));
  await page.getByLabel('Symbol').fill('');
  await page.getByLabel('Symbol').blur();
  await peek.getByText('line 2: close "1x" is not a number').waitFor();
  assert.equal(await peek.locator('li').count(), 6);
  await quant.close();
});

test('a form is sent without scripts too', async () => {
  const quant = await person({ javaScriptEnabled: false });
  const before = await count();
  const page = await quant.go('/admin/backtests/new');
  await page.locator('#file').setInputFiles(PRICES);
  await page.locator('noscript input').fill((await system.get('/strategies')).items.find(({ name }) => name === 'donchian_breakout').id);
  await page.getByRole('button', { name: 'Start the tune' }).click();
  await page.waitForURL(/\/backtests\/tune$/);
  assert.match(await page.textContent('body'), /"status" ?: ?"(completed|running)"/);
  assert.equal(await count(), before + 1);
  await quant.close();
});

test('what the server refuses is shown at the form', async () => {
  const quant = await person({ forgive: [/422/] });
  const page = await quant.go('/admin/backtests/new');
  await fill(page);
  await page.route('**/backtests/tune?*', (route) => route.fulfill({
    status: 422, contentType: 'application/problem+json',
    body: JSON.stringify({ title: 'no', status: 422, code: 'VALIDATION_FAILED', detail: 'is not a number', errors: [{ loc: 'body.seed', msg: 'is not a number' }] }),
  }));
  await page.getByRole('button', { name: 'Start the tune' }).click();
  await page.getByRole('alert').getByText('is not a number').waitFor();
  assert.equal(await page.getByLabel('Seed').getAttribute('aria-invalid'), 'true');
  assert.equal(await page.getByRole('button', { name: 'Start the tune' }).isEnabled(), true);
  await quant.close();
});

test('a grid says how many combinations it has', async () => {
  const quant = await person();
  const page = await quant.go('/admin/backtests/new');
  await fill(page);
  await page.getByLabel(/^Grid/).check();
  await page.getByLabel('n: how').selectOption('list');
  await page.getByLabel('n: values').fill('10, 20; 30 40');
  await page.getByLabel('m: step').fill('5');
  await page.locator('#space-note').getByText('40 combinations').waitFor();
  await page.getByLabel('m: how').selectOption('one value');
  await page.locator('#space-note').getByText('4 combinations').waitFor();
  await page.getByRole('button', { name: 'Start the tune' }).click();
  await page.waitForURL(tuneAddress);
  const id = new URL(page.url()).pathname.split('/').at(-1), tune = await overTune(id);
  assert.equal(tune.n_trials, 4);
  await page.locator('#heat tbody tr').first().waitFor();
  await quant.close();
});

test('a tune that failed says why and what to do', async () => {
  const quant = await person();
  const lines = readFileSync(PRICES, 'utf8').split('\n').slice(0, 50);
  lines[20] = '2000-02-01,1,1,2,1,1,1';
  const { tune_id: id } = await system.submit({}, Buffer.from(lines.join('\n')));
  const { items } = await until('the tune is there', async () => { const list = await system.get('/backtests/tunes?limit=1'); return list.total && list; });
  await overTune(id ?? items[0].tune_id);
  const page = await quant.go(`/admin/backtests/tunes/${id ?? items[0].tune_id}`);
  await page.locator('#notices').getByText('DATA_PARSE_FAILED').waitFor();
  assert.match(await page.locator('#notices').textContent(), /line 21/);
  await page.locator('#status').getByText('rejected').waitFor();
  await until('nothing else is shown', async () => (await page.locator('main .panel:visible').count()) === 0);
  assert.doesNotMatch(await page.locator('main').innerText(), /passed the gates|was failed/);
  await quant.close();
});

test('a tune is explained without a model, and that is said', async () => {
  const quant = await person();
  const { tune_id: id } = await system.submit({ n_trials: 200 });
  await overTune(id);
  const page = await quant.go(`/admin/backtests/tunes/${id}`);
  await page.locator('#explain').click();
  await page.locator('#explain-degraded').getByText('No language model is set up').waitFor();
  assert.match(await page.locator('#explain-badges').textContent(), /degraded/);
  assert.match(await page.locator('#explanation').textContent(), /Of 200 trials \d+ passed the gates/);
  assert.match(await page.locator('#explain-source').textContent(), /^Confidence: .*without a language model/);
  await page.locator('#explain-verbosity').selectOption('detailed');
  await page.getByRole('button', { name: 'Explain' }).click();
  await page.locator('#explanation p.prose').nth(2).waitFor();
  await quant.close();
});

test('what a model wrote is text, and its name is told', async () => {
  const quant = await person({ forgive: [/503/] });
  const { tune_id: id } = await system.submit({ n_trials: 60 });
  await overTune(id);
  const page = await quant.go(`/admin/backtests/tunes/${id}`);
  const wild = '<img src=x onerror="document.title=1"><script>document.title = 1</script>';
  let asked = 0;
  await page.route('**/explain?*', (route) => {
    assert.equal(new URL(route.request().url()).searchParams.get('verbosity'), 'short');
    return asked++ === 0 ? route.fulfill({ status: 503, contentType: 'application/problem+json', body: JSON.stringify({ status: 503, code: 'STORE_DOWN', detail: 'the database cannot be reached' }) })
      : route.fulfill({ status: 200, contentType: 'application/json', body: JSON.stringify({ run_id: null, strategy_id: null, strategy_name: wild, explanation: `${wild}\n\nSecond.`, confidence_qualifier: wild, model: wild, provider: 'p', verbosity: 'short', latency_ms: 1, cache_hit: true, generated_at: '2026-01-01T00:00:00.000Z', degraded: false, reason_code: null, error: null }) });
  });
  await page.locator('#explain').click();
  await page.locator('#explanation [role="alert"]').getByText('the database cannot be reached', { exact: false }).waitFor();
  await page.locator('#explanation').getByRole('button', { name: 'Try again' }).click();
  await page.locator('#explanation p.prose').nth(1).waitFor();
  assert.equal(await page.locator('#explanation img, #explanation script').count(), 0);
  assert.equal(await page.locator('#explanation p.prose').first().textContent(), wild);
  assert.ok((await page.locator('#explain-source').textContent()).includes(`Written by ${wild} (p).`));
  assert.match(await page.locator('#explain-badges').textContent(), /kept from before/);
  assert.equal(await page.locator('#explain-degraded').count(), 0);
  assert.notEqual(await page.title(), '1');
  await quant.close();
});

test('a running tune is canceled, then deleted', async () => {
  const quant = await person();
  const { tune_id: id } = await system.submit({ n_trials: 1000000, strategy_entity_id: STRATEGIES.bb_reversal });
  const page = await quant.go(`/admin/backtests/tunes/${id}`);
  await page.locator('#leaders tbody tr').first().waitFor(); // those so far
  await page.getByRole('button', { name: 'Cancel the tune' }).click();
  await page.locator('#status').getByText('canceled').waitFor();
  await page.locator('#leaders').getByRole('button', { name: 'Show trial of rank 1', exact: true }).waitFor(); // what it had found stays
  await page.locator('#trials tbody tr').first().waitFor();
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.waitForURL(/\/admin\/backtests\/tunes$/);
  const left = await fetch(`${system.http}/backtests/tunes/${id}`);
  assert.equal(left.status, 404);
  await quant.close();
});

test('of many trials a part is drawn, and it is said which', async () => {
  const quant = await person();
  const { tune_id: id } = await system.submit({ n_trials: 30000, strategy_entity_id: STRATEGIES.bb_reversal });
  await overTune(id);
  const page = await quant.go(`/admin/backtests/tunes/${id}`);
  await page.locator('#curve-note').getByText(/^[12],\d{3} of 30,000 trials/).waitFor();
  await page.locator('#trials').getByText('1–100 of 30,000').waitFor();
  assert.equal(await page.locator('#trials tbody tr').count(), 100);
  await page.locator('#trials').getByRole('button', { name: 'Next' }).click();
  await page.locator('#trials').getByText('101–200 of 30,000').waitFor();
  await quant.close();
});

test('a tune that is not there is told in a sentence', async () => {
  const quant = await person({ forgive: [/404/] });
  const page = await quant.go('/admin/backtests/tunes/00000000-0000-7000-8000-000000000000');
  await page.getByRole('alert').getByText('There is no tune with this id in this workspace. It may have been deleted').waitFor();
  const other = await quant.go('/admin/backtests/tunes?workspace_id=00000000-0000-0000-0000-00000000beef');
  await other.getByRole('alert').getByText('There is no workspace with this id. Choose another workspace').waitFor();
  await quant.close();
});
