// Copies README, docs, changelog and license into a folder for publishing. Links to sources then point to the package's `src`.
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { root } from './process.mjs';

const target = resolve(process.argv[2] || '.');
const docs = join(root, 'docs');

rmSync(join(target, 'docs'), { recursive: true, force: true });
mkdirSync(join(target, 'docs'), { recursive: true });
const pages = readdirSync(docs).filter((name) => name.endsWith('.md'));
for (const page of ['README.md', ...pages.map((name) => join('docs', name))]) {
  const text = readFileSync(join(root, page), 'utf8');
  writeFileSync(join(target, page), text.replace(/\]\((\.\.\/)?libs\/sessions\/src\//g, ']($1src/'));
}
for (const name of ['LICENSE', 'CHANGELOG.md', 'docs/images'])
  cpSync(join(root, name), join(target, name), { recursive: true });
