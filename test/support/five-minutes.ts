import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { snippetFilesOf } from '../docs/snippet-files.js';
import { Browser } from './browser.js';

const FILES = new Set(['app.module.ts', 'files.controller.ts', 'main.ts']);
const SETTINGS = {
  compilerOptions: {
    target: 'es2023',
    module: 'nodenext',
    strict: true,
    skipLibCheck: false,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    types: ['node'],
    outDir: 'dist',
    rootDir: 'src',
  },
  include: ['src'],
};

/** Writes the app of the README's five minutes; it listens on PORT. */
export async function writeFiveMinutes(folder: string, readme: string): Promise<void> {
  await mkdir(join(folder, 'src'));
  for (const { name, text } of snippetFilesOf({ path: 'README.md', text: readme })) {
    if (!FILES.has(name)) continue;
    await writeFile(
      join(folder, 'src', name),
      text.replace('3000', 'Number(process.env["PORT"]), "127.0.0.1"'),
    );
  }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(SETTINGS));
}

/** Uploads, downloads, logs in and out. `folder` is what the app runs in. */
export async function tryFiveMinutes(url: string, folder: string): Promise<void> {
  const browser = new Browser(url);
  const form = new FormData();
  form.set('file', new Blob(['hello']), 'hello.txt');
  const uploaded = await browser.fetch('/files', { method: 'POST', body: form });
  expect(uploaded.status).toBe(201);
  const { id } = (await uploaded.json()) as { id: string };
  expect(await (await browser.fetch(`/files/${id}`)).text()).toBe('hello');
  expect((await new Browser(url).fetch(`/files/${id}`)).status).toBe(404);
  const login = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"user":"ada"}' };
  const before = browser.cookieHeader;
  expect((await browser.fetch('/login', login)).status).toBe(204);
  expect(browser.cookieHeader).not.toBe(before);
  expect(await (await browser.fetch(`/files/${id}`)).text()).toBe('hello');
  expect((await browser.fetch('/session', { method: 'DELETE' })).status).toBe(204);
  expect(await filesIn(join(folder, 'data/sessions/s'))).toBe(0);
}

async function filesIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).length;
}
