// How the pages look and are used: dark, narrow, with the keyboard alone.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { cockpit, lookedAt } from './coverage_world.mjs';
import { ARTIFACTS, isLive, overTune, person, system } from './world.mjs';

async function pages() {
  const { items } = await system.get('/backtests/tunes?limit=50&valid_only=true&status=completed');
  const tune = items.find(({ counts, oos_ratio: oos }) => counts.completed > 100 && oos !== null) ?? items[0];
  return {
    login: '/admin/login', tunes: '/admin/backtests/tunes', new: '/admin/backtests/new', leaderboard: '/admin/backtests/leaderboard', queues: '/admin/queues', health: '/admin/system/health',
    tune: `/admin/backtests/tunes/${tune.tune_id}#run=${tune.best_run_id}`, compare: `/admin/backtests/compare?${items.slice(0, 3).map(({ tune_id: id }) => `tune_id=${id}`).join('&')}`,
    coverage: cockpit(), // from here on the browser remembers its workspace
    'coverage-run': cockpit(await lookedAt()),
  };
}

const settled = (page) => page.waitForFunction(() => !document.querySelector('.state.loading'));
const background = (page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);

for (const [name, options] of Object.entries({ light: {}, dark: { colorScheme: 'dark' }, phone: { viewport: { width: 360, height: 740 } } })) {
  test(`every page is whole: ${name}`, async () => {
    const visitor = await person(options);
    for (const [of, path] of Object.entries(await pages())) {
      const page = await visitor.go(path);
      await settled(page);
      if (of === 'tune') await page.locator('#trial canvas[aria-label^="Drawdown"]').waitFor();
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(over <= 0, `${of} is ${over} px too wide`);
      assert.equal(await page.locator('[role="alert"]:not(:empty)').count(), 0, of);
      await page.screenshot({ path: join(ARTIFACTS, `${of}-${name}.png`), fullPage: true });
      await page.close();
    }
    await visitor.close();
  });
}

// Relative luminance as WCAG has it, of what the browser computed.
const contrast = (page, selector) => page.locator(selector).first().evaluate((node) => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgb = (colour, under) => {
    canvas.fillStyle = under;
    canvas.fillRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (part) => { const x = part / 255; return x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4; };
  const luminance = ([r, g, b]) => 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b);
  let back = 'rgb(0 0 0 / 0)';
  for (let at = node; at && /rgba\(.*, 0\)|transparent/.test(back.replace('rgb(0 0 0 / 0)', 'transparent')); at = at.parentElement) back = getComputedStyle(at).backgroundColor;
  const under = luminance(rgb(back, back)), text = luminance(rgb(getComputedStyle(node).color, back));
  return (Math.max(under, text) + 0.05) / (Math.min(under, text) + 0.05);
});

async function standsOut(path, selectors) {
  for (const colorScheme of ['light', 'dark']) {
    const visitor = await person({ colorScheme });
    const page = await visitor.go(path);
    await settled(page);
    for (const selector of selectors) {
      const ratio = await contrast(page, selector);
      assert.ok(ratio >= 4.5, `${selector} in ${colorScheme}: ${ratio.toFixed(2)}`);
    }
    await visitor.close();
  }
}

test('text stands out from what is behind it, light and dark', async () => {
  await standsOut('/admin/backtests/tunes', ['h1', '.nav a:not([aria-current])', '#list td a', '#list .sub', '#list thead button', '.badge.good', '.button.primary', '.foot a', '.field', '.live']);
  await standsOut(cockpit(await lookedAt()), ['.tabs button[aria-selected="false"]', '.count', '.run[aria-current] .run-query', '.run[aria-current] .sub', '.run:not([aria-current]) .sub', '.reasons li', 'blockquote', '.candidate h4', '.candidate .note', '.segments [aria-pressed="true"]', '.segments [aria-pressed="false"]', 'kbd']);
});

test('the colour scheme follows the system until one is chosen, which is remembered', async () => {
  const visitor = await person({ colorScheme: 'light' });
  const page = await visitor.go((await pages()).tune);
  await page.locator('#curve canvas[aria-label]').waitFor();
  const light = await background(page), drawn = () => page.locator('#curve canvas').evaluate((node) => node.toDataURL());
  await page.waitForTimeout(400);
  const before = await drawn();
  await page.emulateMedia({ colorScheme: 'dark' });
  const dark = await background(page);
  assert.notEqual(dark, light);
  await page.waitForTimeout(200);
  assert.notEqual(await drawn(), before);
  await page.locator('#theme').click();
  assert.equal(await background(page), light);
  await page.reload();
  assert.equal(await background(page), light);
  assert.match(await page.locator('#theme').textContent(), /light/);
  await visitor.close();
});

test('the way from the list to a trial needs no mouse', async () => {
  const visitor = await person();
  const page = await visitor.go('/admin/backtests/tunes?valid_only=true&status=completed');
  await isLive(page);
  await page.locator('#list tbody tr').first().waitFor();
  const focused = () => page.evaluate(() => document.activeElement.textContent.trim() || document.activeElement.getAttribute('aria-label'));
  await page.keyboard.press('Tab');
  assert.equal(await focused(), 'Skip to the content');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
  const tabTo = async (wanted) => {
    for (let i = 0; i < 60; i++) {
      await page.keyboard.press('Tab');
      if (wanted.test(await focused())) return;
    }
    assert.fail(`${wanted} cannot be reached`);
  };
  await tabTo(/^Best score$/);
  await page.keyboard.press('Enter');
  assert.equal(await page.locator('th[aria-sort="descending"]').textContent(), 'Best score');
  assert.match(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), /solid/);
  await tabTo(/^(donchian_breakout|bb_reversal)/);
  await page.keyboard.press('Enter');
  await page.locator('#leaders tbody tr').first().waitFor();
  await tabTo(/^Show$/);
  await page.keyboard.press('Enter');
  await page.locator('#trial canvas[aria-label^="Equity"]').waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), 'trial-panel');
  await tabTo(/^Close$/);
  await page.keyboard.press('Enter');
  assert.equal(await focused(), 'Show');
  await visitor.close();
});

test('the heat map is walked through with the arrow keys', async () => {
  const visitor = await person();
  const { tune_id: id } = await system.submit({ n_trials: 400, search_type: 'grid', param_space: JSON.stringify({ n: [10, 20, 30], m: [5, 10, 15] }) });
  await overTune(id);
  const page = await visitor.go(`/admin/backtests/tunes/${id}`);
  await page.locator('#heat td button').nth(8).waitFor();
  assert.equal(await page.locator('#heat td button[tabindex="0"]').count(), 1);
  await page.locator('#heat td button[tabindex="0"]').focus();
  for (const key of ['ArrowUp', 'ArrowUp', 'ArrowLeft', 'ArrowLeft']) await page.keyboard.press(key);
  const label = () => page.evaluate(() => document.activeElement.getAttribute('aria-label'));
  assert.match(await label(), /^n 10, m 5: /);
  await page.keyboard.press('ArrowRight');
  assert.match(await label(), /^n 20, m 5: /);
  await page.keyboard.press('ArrowDown');
  assert.match(await label(), /^n 20, m 10: /);
  await page.keyboard.press('Enter');
  await page.locator('#trial canvas[aria-label^="Equity"]').waitFor();
  await visitor.close();
});

test('every cell of a heat map can be read, light and dark', async () => {
  const { items } = await system.get('/backtests/tunes?limit=1&valid_only=true&status=completed');
  for (const colorScheme of ['light', 'dark']) {
    const visitor = await person({ colorScheme });
    const page = await visitor.go(`/admin/backtests/tunes/${items[0].tune_id}`);
    await page.locator('#heat td button').first().waitFor();
    for (let heat = 0; heat <= 100; heat += 2) {
      await page.locator('#heat td:has(button)').first().evaluate((node, value) => {
        node.style.setProperty('--heat', value);
        node.classList.toggle('hot', value >= 74);
      }, heat);
      const ratio = await contrast(page, '#heat td:has(button)');
      assert.ok(ratio >= 4.5, `${heat} in ${colorScheme}: ${ratio.toFixed(2)}`);
    }
    await visitor.close();
  }
});

test('a dialog is left with Escape, and nothing is done', async () => {
  const visitor = await person();
  const page = await visitor.go((await pages()).tune.split('#')[0]);
  await page.getByRole('button', { name: 'Delete', exact: true }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  assert.equal(await page.evaluate(() => document.activeElement.id), 'delete');
  await page.reload();
  await page.locator('#leaders tbody tr').first().waitFor();
  await visitor.close();
});

test('another workspace is chosen at the top, and remembered', async () => {
  const visitor = await person({ forgive: [/404/] });
  const page = await visitor.go('/admin/backtests/tunes');
  await page.locator('#workspace-menu summary').click();
  await page.getByLabel('Workspace id').fill('00000000-0000-0000-0000-00000000beef');
  await page.keyboard.press('Enter');
  await page.waitForURL(/workspace_id=.*beef/);
  await page.goto(`${system.http}/admin/backtests/leaderboard`);
  await page.getByRole('alert').getByText('There is no workspace with this id').waitFor();
  await page.locator('#workspace-menu summary').click();
  await page.getByRole('button', { name: 'Use the default' }).click();
  await page.locator('#board tbody tr').first().waitFor();
  await visitor.close();
});
