import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '../..');

export interface Page {
  /** From the root of the repository: `docs/options.md`. */
  readonly path: string;
  readonly text: string;
}

/** A fenced block of a page. */
export interface Block {
  readonly language: string;
  /** What an HTML comment before it says: `file app.module.ts`, or `part of main.ts`. */
  readonly marker: string | null;
  /** The line of its fence, from 1. */
  readonly line: number;
  readonly text: string;
}

const BLOCK = /^(?:<!-- (?<marker>[^\n]+) -->\n)?```(?<language>\w*)\n(?<text>[^]*?)^```$/gm;

export function readPage(path: string): Page {
  return { path, text: readFileSync(join(ROOT, path), 'utf8') };
}

/** The README and all pages of docs/. */
export function readPages(): Page[] {
  const docs = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'));
  return ['README.md', ...docs.map((name) => `docs/${name}`)].map(readPage);
}

export function blocksOf({ text }: Page): Block[] {
  return [...text.matchAll(BLOCK)].map(({ index, groups = {} }) => ({
    language: groups['language'] ?? '',
    marker: groups['marker'] ?? null,
    line: text.slice(0, index).split('\n').length + (groups['marker'] === undefined ? 0 : 1),
    text: groups['text'] ?? '',
  }));
}

/** A page without its blocks: what is said in sentences and tables. */
export function proseOf({ text }: Page): string {
  return text.replaceAll(BLOCK, '');
}
