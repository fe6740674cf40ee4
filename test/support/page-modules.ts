import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readPage, ROOT } from '../docs/pages.js';
import { snippetFilesOf } from '../docs/snippet-files.js';

export interface PageModules {
  /** What a file of the page exports. */
  load<Exports>(name: string): Exports;
  remove(): void;
}

/** The TypeScript files of a page as modules that run; `changes`: texts of the page, and what they are here. */
export function modulesOfPage(path: string, changes: Readonly<Record<string, string>> = {}): PageModules {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'page-')));
  const source = join(folder, 'src');
  mkdirSync(source);
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  for (const { name, text } of snippetFilesOf(readPage(path))) {
    const changed = Object.entries(changes).reduce((all, [from, to]) => all.replaceAll(from, to), text);
    writeFileSync(join(source, name), changed);
  }
  return {
    load: <Exports>(name: string): Exports => require(join(source, name)) as Exports,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
