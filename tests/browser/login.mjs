// Getting in and out.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TOKEN, person, system } from './world.mjs';

test('who is not logged in is led to the login and back to the page', async () => {
  const visitor = await person({ isIn: false, forgive: [/403/] });
  const page = await visitor.go('/admin/queues');
  assert.match(page.url(), /\/admin\/login\?next=/);
  await page.getByLabel('Admin token').fill('wrong');
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('alert').waitFor();
  await page.getByLabel('Admin token').fill(TOKEN);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Queues', level: 1 }).waitFor();
  assert.equal(new URL(page.url()).pathname, '/admin/queues');
  await page.getByRole('link', { name: 'Sign out' }).click();
  await page.getByLabel('Admin token').waitFor();
  await page.goto(`${system.http}/admin/queues`);
  assert.match(page.url(), /\/admin\/login/);
  await visitor.close();
});

test('a page that is left open says so when the login has gone', async () => {
  const visitor = await person({ forgive: [/401/] });
  const page = await visitor.go('/admin/queues');
  await page.locator('#workers tbody tr').first().waitFor();
  await visitor.clearCookies();
  await page.locator('#queues').getByRole('link', { name: 'Sign in' }).waitFor();
  await page.locator('#queues').getByRole('link', { name: 'Sign in' }).click();
  await page.getByLabel('Admin token').fill(TOKEN);
  await page.keyboard.press('Enter');
  await page.locator('#workers tbody tr').first().waitFor();
  await visitor.close();
});
