import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Type } from '@nestjs/common';
import { readPage, ROOT } from '../docs/pages.js';
import { snippetFilesOf } from '../docs/snippet-files.js';

export interface PageModules {
  /** What a file of the page exports under a name. */
  valueOf(file: string, name: string): unknown;
  classOf(file: string, name: string): Type;
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
  const valueOf = (file: string, name: string): unknown => {
    const exported = require(join(source, file)) as Record<string, unknown>;
    return exported[name];
  };
  return {
    valueOf,
    classOf: (file, name) => valueOf(file, name) as Type,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
