// The cockpit: gaps in what the strategies cover are seen and worked off, in every tab.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addStrategy, addWorkspace, askWeakly, cockpit, isNow, patch, runOf, weak } from './coverage_world.mjs';
import { TOKEN, isLive, person, system, until } from './world.mjs';

const link = (page, id) => page.locator(`#queue a[data-id="${id}"]`);
const chosen = (page) => page.locator('#queue a[aria-current]').getAttribute('data-id');
const tab = (page, word) => page.getByRole('tab', { name: new RegExp(`^${word} `) });
const count = async (page, word) => Number.parseInt((await tab(page, word).textContent()).split(' ')[1], 10);
const focusedId = (page) => page.evaluate(() => document.activeElement.dataset.id ?? document.activeElement.id);

async function open(someone, id = null) {
  const page = await someone.go(cockpit(id));
  await isLive(page);
  await page.locator('#queue:not([aria-busy])').waitFor();
  return page;
}

test('a workspace without a weak run says what would make one', async () => {
  addWorkspace();
  const someone = await person();
  const page = await open(someone);
  await page.getByText('Nothing is open.').waitFor();
  await page.getByText('There is none to choose yet.').waitFor();
  await tab(page, 'All').click();
  await page.locator('#queue').getByText('POST /match-runs').waitFor();
  assert.equal(await page.locator('.nav a[aria-current]').textContent(), 'Coverage');
  await someone.close();
});

test('two tabs show a run from its coming to its end, and ask for the list no oftener than for new ones', async () => {
  const someone = await person();
  const pages = [await open(someone), await open(someone)];
  const id = await askWeakly('Gap fade on overnight futures');
  for (const page of pages) await link(page, id).waitFor();
  await pages[1].locator('#announce').getByText('Gap fade').waitFor({ state: 'attached' });
  let asked = 0;
  someone.on('request', (request) => { if (/coverage\/weak\?/.test(request.url())) asked++; });
  const [opened, acknowledged] = [await count(pages[1], 'Open'), await count(pages[1], 'Acknowledged')];
  await link(pages[0], id).click();
  await pages[0].getByRole('button', { name: 'Acknowledge', exact: true }).click();
  for (const page of pages) {
    await link(page, id).waitFor({ state: 'detached' });
    assert.deepEqual([await count(page, 'Open'), await count(page, 'Acknowledged')], [opened - 1, acknowledged + 1]);
  }
  await tab(pages[1], 'Acknowledged').click();
  await link(pages[1], id).click();
  await pages[1].getByRole('button', { name: 'Reopen', exact: true }).click();
  await link(pages[0], id).waitFor();
  await pages[0].locator('#detail-badges').getByText('open').waitFor();
  await link(pages[1], id).waitFor({ state: 'detached' });
  assert.equal(await chosen(pages[0]), id);
  assert.equal(asked, 0);
  await someone.close();
});

test('the choice, the focus and a half-written note stay, whatever happens meanwhile', async () => {
  const someone = await person();
  const [id, other] = [await askWeakly('Carry with a volatility brake'), await askWeakly('Month-end rebalancing flows')];
  const page = await open(someone, id);
  await page.getByRole('button', { name: 'Resolve…' }).click();
  await page.getByLabel('Note').pressSequentially('asked desk');
  for (let i = 0; i < 4; i++) await page.keyboard.press('ArrowLeft');
  const fresh = await askWeakly('Auction imbalance reversal');
  await link(page, fresh).waitFor();
  await patch(id, { status: 'acknowledged' });
  await page.locator('#detail-badges').getByText('acknowledged').waitFor();
  assert.equal(await focusedId(page), 'note');
  await page.keyboard.type('the ');
  assert.equal(await page.getByLabel('Note').inputValue(), 'asked the desk');
  assert.match(page.url(), new RegExp(id));

  await link(page, other).click();
  assert.equal(await page.getByLabel('Note').isVisible(), false);
  await link(page, other).focus();
  await patch(fresh, { status: 'acknowledged' });
  await link(page, fresh).waitFor({ state: 'detached' });
  assert.equal(await focusedId(page), other);
  await tab(page, 'Acknowledged').click();
  await link(page, id).click();
  assert.equal(await page.getByLabel('Note').inputValue(), 'asked the desk');
  await someone.close();
});

test('a resolve without evidence is refused in a sentence at the note, done with one, and undone', async () => {
  const someone = await person({ forgive: [/400/] });
  const id = await askWeakly('Zeppelin wagers, unhedged');
  const page = await open(someone, id);
  await page.getByText('No strategy came near.').waitFor();
  await page.getByRole('button', { name: 'Resolve…' }).click();
  await page.getByRole('button', { name: 'Resolve', exact: true }).click();
  await page.locator('#note-error').getByText(/say in a note/).waitFor();
  assert.equal(await page.getByLabel('Note').getAttribute('aria-invalid'), 'true');
  assert.equal(await focusedId(page), 'note');
  assert.equal((await runOf(id)).coverage_status, 'open');

  await page.getByLabel('Note').fill('out of scope until winter');
  assert.equal(await page.locator('#note-error').textContent(), '');
  await page.getByRole('button', { name: 'Resolve', exact: true }).click();
  await page.locator('#toasts').getByText('Resolved.').waitFor();
  await link(page, id).waitFor({ state: 'detached' });
  assert.equal((await runOf(id)).coverage_status, 'resolved');
  await page.locator('#toasts').getByRole('button', { name: 'Undo' }).click();
  await link(page, id).waitFor();
  await isNow(id, 'open');
  await page.locator('#toasts').getByText('the run is open again').waitFor();
  await someone.close();
});

test('a run is resolved by naming the candidate that settles it', async () => {
  const someone = await person();
  addStrategy({ name: 'Turn of the month', description: 'Buys the last day, sells the third.', tags: ['seasonal', 'calendar'] });
  const id = await askWeakly('What holds over the turn of the month in bonds', { topics: ['seasonal', 'bonds', 'duration', 'auctions', 'curve', 'repo'] });
  const page = await open(someone, id);
  const card = page.locator('.candidate', { hasText: 'Turn of the month' });
  await card.locator('.badge.good', { hasText: 'seasonal' }).waitFor();
  assert.match(await card.textContent(), /Buys the last day/);
  await page.getByRole('button', { name: 'Resolve…' }).click();
  await page.getByLabel('Settled by').selectOption({ label: 'Turn of the month' });
  await page.getByRole('button', { name: 'Resolve', exact: true }).click();
  await isNow(id, 'resolved');
  await page.getByText(/Settled by Turn of the month/).waitFor();
  await page.getByRole('button', { name: 'Reopen', exact: true }).click();
  await isNow(id, 'open');
  await someone.close();
});

test('triage needs no mouse', async () => {
  const someone = await person();
  for (const what of ['first', 'second', 'third']) await askWeakly(`Keyboard triage, the ${what}`);
  const page = await open(someone);
  const order = await page.locator('#queue a').evaluateAll((links) => links.map(({ dataset }) => dataset.id));
  await page.keyboard.press('j');
  assert.equal(await chosen(page), order[0]);
  assert.equal(await focusedId(page), order[0]);
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await page.keyboard.press('k');
  assert.equal(await chosen(page), order[1]);
  assert.match(page.url(), new RegExp(order[1]));

  await page.keyboard.press('a');
  await isNow(order[1], 'acknowledged');
  await link(page, order[1]).waitFor({ state: 'detached' });
  assert.equal(await focusedId(page), order[2]);
  await page.keyboard.press('u');
  await isNow(order[1], 'open');
  await link(page, order[1]).waitFor();

  await page.keyboard.press('r');
  await until('the form has the focus', async () => ['note', ''].includes(await focusedId(page)));
  await page.getByLabel('Note').focus();
  await page.keyboard.type('just a ja(r)k');
  assert.equal(await chosen(page), order[1]);
  await page.keyboard.press('Escape');
  assert.equal(await page.getByLabel('Note').isVisible(), false);
  await page.keyboard.press('r');
  await page.getByLabel('Note').focus();
  assert.equal(await page.getByLabel('Note').inputValue(), 'just a ja(r)k');
  await page.keyboard.press('Control+Enter');
  await isNow(order[1], 'resolved');
  await link(page, order[1]).waitFor({ state: 'detached' });
  assert.equal(await focusedId(page), 'detail-title');
  await page.keyboard.press('j');
  assert.equal(await chosen(page), order[2]);

  await page.keyboard.press('?');
  await page.getByRole('dialog').getByText('undo the last change').waitFor();
  await page.keyboard.press('j');
  assert.equal(await chosen(page), order[2]);
  await page.getByLabel('Keys of one letter are on').uncheck();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.keyboard.press('k');
  assert.equal(await chosen(page), order[2]);

  await tab(page, 'Open').focus();
  await page.keyboard.press('End');
  assert.equal(await tab(page, 'All').getAttribute('aria-selected'), 'true');
  await page.keyboard.press('Tab');
  assert.equal(await focusedId(page), order[2]);
  await page.keyboard.press('Home');
  await page.keyboard.press('Enter');
  assert.equal(await chosen(page), await page.locator('#queue a').first().getAttribute('data-id'));
  await someone.close();
});

test('a link leads to one run, in the tab of its status', async () => {
  const someone = await person({ viewport: { width: 1280, height: 600 } });
  const id = await askWeakly('Dispersion between sectors');
  await patch(id, { status: 'acknowledged' });
  const page = await open(someone, id);
  await page.locator('blockquote').getByText('Dispersion between sectors').waitFor();
  assert.equal(await tab(page, 'Acknowledged').getAttribute('aria-selected'), 'true');
  assert.equal(await chosen(page), id);
  await tab(page, 'Open').click();
  await page.locator('#queue a').first().click();
  await page.goBack();
  assert.match(page.url(), new RegExp(id));
  await page.locator('blockquote').getByText('Dispersion between sectors').waitFor();
  const last = (await weak('open')).at(-1).run_id, low = await open(someone, last);
  assert.ok(await link(low, last).evaluate((node) => node.getBoundingClientRect().bottom <= node.closest('.queue-box').getBoundingClientRect().bottom + 1), 'the run is not in sight');
  assert.ok(await low.locator('#queue').evaluate((node) => node.scrollTop > 0), 'the queue is too short to tell');
  const gone = await open(someone, '00000000-0000-7000-8000-000000000000');
  await gone.getByRole('heading', { name: 'This run is not here' }).waitFor();
  await gone.getByRole('button', { name: 'Back to the queue' }).click();
  await gone.getByRole('heading', { name: 'No run is chosen' }).waitFor();
  await someone.close();
});

test('on a phone there is the queue, or the run', async () => {
  const someone = await person({ viewport: { width: 360, height: 740 } });
  const id = await askWeakly('Small screens, small positions');
  const page = await open(someone);
  await link(page, id).click();
  assert.equal(await page.locator('#queue').isVisible(), false);
  assert.equal(await focusedId(page), 'detail-title');
  await page.getByRole('button', { name: '← Queue' }).click();
  assert.equal(await focusedId(page), id);
  assert.equal(await page.locator('#detail').isVisible(), false);
  await someone.close();
});

test('when the queue cannot be loaded the page says so, keeps what it has, and goes on by itself', async () => {
  const someone = await person({ forgive: [/503/, /500/] });
  const id = await askWeakly('Basis trades around the roll');
  let isDown = true;
  await someone.route('**/admin/coverage/weak?*', (route) => (isDown
    ? route.fulfill({ status: 500, contentType: 'application/problem+json', body: JSON.stringify({ code: 'INTERNAL', detail: 'something broke' }) }) : route.continue()));
  const page = await someone.go(cockpit());
  await page.locator('#queue').getByRole('alert').getByText('Something broke.').waitFor();
  isDown = false;
  await page.locator('#queue').getByRole('button', { name: 'Try again' }).click();
  await link(page, id).click();
  await isLive(page);
  isDown = true;
  const next = await askWeakly('Basis trades, once more');
  await page.locator('#trouble').getByText('What stands here is of').waitFor();
  assert.equal(await chosen(page), id);
  isDown = false;
  await askWeakly('Basis trades, and again');
  await link(page, next).waitFor();
  assert.equal(await page.locator('#trouble').textContent(), '');
  await someone.close();
});

test('when the login has gone the page keeps what is written, and says where to sign in', async () => {
  const someone = await person({ forgive: [/401/] });
  const id = await askWeakly('Sign in again');
  const page = await open(someone, id);
  await page.keyboard.press('r');
  await page.getByLabel('Note').fill('half');
  await someone.clearCookies();
  await page.getByRole('button', { name: 'Resolve', exact: true }).click();
  await page.locator('#toasts').getByText('Sign in to go on.').waitFor();
  assert.equal(await page.getByLabel('Note').inputValue(), 'half');
  await someone.addCookies([{ name: 'admin_token', value: TOKEN, url: system.http }]);
  await page.getByRole('button', { name: 'Resolve', exact: true }).click();
  await isNow(id, 'resolved');
  await someone.close();
});
