// Takes docs/images/admin-*.png, pictures of the admin page at work: `node tools/admin-pictures.mjs`, after a build. Needs chromium.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { Server } from './demo/server.mjs';
import { root } from './process.mjs';

const images = join(root, 'docs/images');
const PASSWORD = 'a-password-for-pictures';
const USERS = ['anna', 'bert', 'carla', 'dora', 'emil'];
const VISITORS = 14;
/** Larger letters than these make larger pictures. */
const FONT_SIZE = '13px';

const folder = await mkdtemp(join(tmpdir(), 'nest-sessions-picture-'));
const server = new Server(folder, {
  DEMO_USERS: USERS.map((user) => `${user}:${PASSWORD}`).join(','),
  SESSION_JOURNAL: 'requests',
});
await server.start();
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
try {
  for (let visitor = 0; visitor < VISITORS; visitor += 1) await visit(visitor);
  const page = await browser.newPage({ viewport: { width: 960, height: 620 }, locale: 'en-GB' });
  await page.goto(`${server.url}/admin/sessions/ui`);
  await page.getByLabel('Admin token').fill(server.adminToken);
  await page.keyboard.press('Enter');
  await page.locator('.live .state').getByText('Live', { exact: true }).waitFor();
  await page.evaluate((size) => (document.documentElement.style.fontSize = size), FONT_SIZE);
  const take = (name, fullPage = false) =>
    page.screenshot({ path: join(images, `admin-${name}.png`), fullPage });
  await take('list');
  await page.getByRole('button', { name: /^Size/ }).click();
  await page.locator('tbody a').first().click();
  await page.getByText('Logged in').waitFor();
  await page.mouse.move(5, 300);
  await take('session', true);
  await page.getByRole('link', { name: 'Trends' }).click();
  await page.locator('canvas').first().waitFor();
  await take('trends');
  await page.getByRole('link', { name: 'Health' }).click();
  await page.getByRole('heading', { name: 'Processes' }).waitFor();
  await take('health');
} finally {
  await browser.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}

/** A visitor with a few files; some log in, one leaves. */
async function visit(visitor) {
  const jar = new Map();
  const request = async (path, init = {}) => {
    const headers = {
      ...init.headers,
      'user-agent': 'Firefox/140',
      cookie: [...jar].map((pair) => pair.join('=')).join('; '),
    };
    const response = await fetch(new URL(path, server.url), { ...init, headers });
    for (const line of response.headers.getSetCookie())
      jar.set(...line.split(';')[0].split(/=(.*)/s).slice(0, 2));
    await response.arrayBuffer();
    return response;
  };
  await request('/session');
  const user = USERS[visitor % (USERS.length + 2)];
  if (user) {
    const body = JSON.stringify({ user, password: PASSWORD });
    await request('/login', { method: 'POST', body, headers: { 'content-type': 'application/json' } });
  }
  for (let phrase = 0; phrase < visitor % 4; phrase += 1) {
    const text = 'Good morning! Where is the station, please? '.repeat(1 + visitor);
    const body = JSON.stringify({ text, language: 'en' });
    await request('/speech', { method: 'POST', body, headers: { 'content-type': 'application/json' } });
  }
  if (visitor % 6 === 5) await request('/session', { method: 'DELETE' });
}
