import { blocksOf, type Page } from './pages.js';

export interface SnippetFile {
  readonly name: string;
  readonly text: string;
}

const FILE = /^file ([\w.-]+)$/;
const PART = /^part of [\w.-]+$/;
const IMPORT = /^import [^;]+;$/gm;

/** What a part of a file may take for granted. */
const PREAMBLE = `
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Test } from '@nestjs/testing';
import { hardenHttpServer, SessionsModule, type SessionService } from 'nest-sessions';
declare class AppModule {}
declare const app: NestExpressApplication;
declare const sessions: SessionService;
`;

/** Files that pages only mention, by page. */
const OTHERS: Record<string, readonly SnippetFile[]> = {
  'docs/testing.md': [
    // An app in test/compat has Vitest itself, and runs the page's tests.
    { name: 'vitest.d.ts', text: `declare module 'vitest' { export * from '@jest/globals'; }\n` },
  ],
  'docs/writing-a-store.md': [
    {
      name: 'my-store.ts',
      text: `import { SessionStore } from 'nest-sessions/store';
export declare class MyStore extends SessionStore {
  readonly kind: string;
  constructor(path: string);
  connect(): Promise<void>;
  close(): Promise<void>;
}
`,
    },
  ],
};

/**
 * Every TypeScript block of a page, as a file that can be compiled: a block is whole, or part of a file that it names. Throws
 * where a block says neither.
 */
export function snippetFilesOf(page: Page): SnippetFile[] {
  const blocks = blocksOf(page).filter(({ language }) => language === 'ts');
  const files = blocks.map(({ marker, line, text }) => {
    const name = FILE.exec(marker ?? '')?.[1];
    if (name !== undefined) return { name, text };
    if (PART.test(marker ?? '')) return { name: `line-${line}.ts`, text: partOf(text) };
    throw new Error(`${page.path}:${line}: a comment before the block names its file`);
  });
  return [...files, ...(OTHERS[page.path] ?? [])];
}

/** Imports first, and the rest in a function, where `await` is allowed in CommonJS too. */
function partOf(text: string): string {
  const imports = text.match(IMPORT) ?? [];
  return `${PREAMBLE}${imports.join('\n')}
export async function part(): Promise<void> {
${text.replaceAll(IMPORT, '')}
}
`;
}
