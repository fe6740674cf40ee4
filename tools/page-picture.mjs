// Takes docs/images/page.png, a picture of the app's page at work: `node tools/page-picture.mjs`, after a build. Needs
// chromium and espeak-ng.
import { mkdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { Server } from './demo/server.mjs';
import { root } from './process.mjs';

const images = join(root, 'docs/images');
const RECORDED_MS = 3000;
const MICROPHONE = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'];

const folder = await mkdtemp(join(tmpdir(), 'nest-sessions-picture-'));
const server = new Server(folder, {});
await server.start();
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--mute-audio', ...MICROPHONE],
});
try {
  const page = await browser.newPage({ viewport: { width: 720, height: 700 }, locale: 'en-GB' });
  await page.goto(server.url);
  await page.getByRole('button', { name: 'Record' }).click();
  await page.waitForTimeout(RECORDED_MS);
  await page.getByRole('button', { name: 'Stop and upload' }).click();
  await page.getByRole('button', { name: /^Play recording/ }).waitFor();
  await page.getByLabel('Text').fill('Good morning! Where is the station, please?');
  await page.getByRole('button', { name: 'Speak' }).click();
  await page.getByRole('button', { name: 'Play speech-en.wav' }).waitFor();
  // As in a browser whose user likes small letters: the picture stays below 100 kB.
  await page.evaluate(() => (document.documentElement.style.fontSize = '14px'));
  mkdirSync(images, { recursive: true });
  // The messages are gone after a while.
  await page.locator('#notices:empty').waitFor({ state: 'attached', timeout: 60_000 });
  await page.screenshot({ path: join(images, 'page.png'), fullPage: true });
} finally {
  await browser.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}
