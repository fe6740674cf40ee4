import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { blocksOf, readPages, ROOT, type Page } from './pages.js';
import { snippetFilesOf } from './snippet-files.js';

const pages = readPages();
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');
const LANGUAGES = new Set(['ts', 'sh', 'json', 'yaml', 'nginx', 'haproxy', '']);
const SHARED = {
  target: 'es2023',
  strict: true,
  skipLibCheck: true,
  noEmit: true,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
  types: ['node'],
};
const KINDS = {
  ESM: { type: 'module', compilerOptions: { ...SHARED, module: 'nodenext' } },
  'CommonJS as Node resolves it': {
    type: 'commonjs',
    compilerOptions: { ...SHARED, module: 'nodenext' },
  },
  '"module": "commonjs"': {
    type: 'commonjs',
    compilerOptions: {
      ...SHARED,
      module: 'commonjs',
      moduleResolution: 'node10',
      esModuleInterop: true,
      ignoreDeprecations: '6.0',
    },
  },
};

describe('The TypeScript blocks of README.md and docs/', () => {
  let folder: string;
  let files: string[];

  beforeAll(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'snippets-')));
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    files = pages.flatMap((page) => writeSnippets(join(folder, 'pages', page.path), page));
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('are there, and no block is in a language that nothing here checks', () => {
    const blocks = pages.flatMap((page) => blocksOf(page));
    expect(blocks.filter(({ language }) => language === 'ts').length).toBeGreaterThan(15);
    expect(blocks.filter(({ language }) => !LANGUAGES.has(language))).toEqual([]);
    const fences = pages.flatMap(({ text }) => text.match(/^ *```/gm) ?? []);
    expect(blocks).toHaveLength(fences.length / 2);
  });

  it.each(Object.entries(KINDS))(
    'compile, as %s',
    (_kind, { type, compilerOptions }) => {
      writeFileSync(join(folder, 'package.json'), JSON.stringify({ type }));
      writeFileSync(
        join(folder, 'tsconfig.json'),
        JSON.stringify({ compilerOptions, include: ['pages/**/*'] }),
      );
      const { status, stdout } = spawnSync(process.execPath, [TSC, '-p', '.', '--listFiles'], {
        cwd: folder,
        encoding: 'utf8',
      });
      const lines = stdout.trim().split('\n');
      expect(lines.filter((line) => !line.startsWith('/'))).toEqual([]);
      expect(status).toBe(0);
      const compiled = lines.filter((line) => line.startsWith(join(folder, 'pages')));
      expect(compiled.toSorted()).toEqual(files.toSorted());
    },
    120_000,
  );
});

/** A page has a folder of its own: each may have a `main.ts`. */
function writeSnippets(folder: string, page: Page): string[] {
  mkdirSync(folder, { recursive: true });
  return snippetFilesOf(page).map(({ name, text }) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  });
}
