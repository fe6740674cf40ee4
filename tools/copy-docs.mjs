// Copies README, docs, changelog and license into a folder for publishing. Links to sources then point to what is compiled from them.
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { root } from './process.mjs';

const target = resolve(process.argv[2] || '.');
const docs = join(root, 'docs');
const SOURCE = /\]\((\.\.\/)?libs\/sessions\/src\/([^)#]*)/g;

/** The sources are not in the package, but for one page. */
const placeOf = (path) => (path.endsWith('.md') ? `src/${path}` : `dist/${path.replace(/\.ts$/, '.js')}`);

rmSync(join(target, 'docs'), { recursive: true, force: true });
mkdirSync(join(target, 'docs'), { recursive: true });
const pages = readdirSync(docs).filter((name) => name.endsWith('.md'));
for (const page of ['README.md', ...pages.map((name) => join('docs', name))]) {
  const text = readFileSync(join(root, page), 'utf8');
  writeFileSync(
    join(target, page),
    text.replace(SOURCE, (_, up = '', path) => `](${up}${placeOf(path)}`),
  );
}
for (const name of ['LICENSE', 'CHANGELOG.md', 'docs/images'])
  cpSync(join(root, name), join(target, name), { recursive: true });
