import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { resultOf } from '../cli/cli-process.js';
import { blocksOf, readPage } from '../docs/pages.js';
import { snippetFilesOf } from '../docs/snippet-files.js';

const APP = process.cwd();
const FOLDER = join(APP, 'testing-page');
const VITEST = join(APP, 'node_modules/vitest/vitest.mjs');
const HAS_VITEST = existsSync(VITEST);
const PASSED = { output: expect.stringMatching(/Tests:?\s+4 passed/) as string, code: 0 };
const FILES = /^notes\..+\.ts$/;

describe('The tests of docs/testing.md', () => {
  const page = readPage('docs/testing.md');
  const config = blocksOf(page).find(({ marker }) => marker === 'file jest of package.json')?.text ?? '';

  beforeAll(async () => {
    await mkdir(FOLDER, { recursive: true });
    for (const { name, text } of snippetFilesOf(page).filter((file) => FILES.test(file.name))) {
      await writeFile(join(FOLDER, name), HAS_VITEST ? text.replace("'@jest/globals'", "'vitest'") : text);
    }
    await writeFile(
      join(FOLDER, 'tsconfig.json'),
      JSON.stringify({ compilerOptions: { experimentalDecorators: true, emitDecoratorMetadata: true } }),
    );
    // Vitest would take the configuration of this app, which lies above.
    await writeFile(join(FOLDER, 'vitest.config.mjs'), 'export default {};');
  });

  it.each(HAS_VITEST ? ['Vitest'] : ['Jest', 'Jest, with the flag in place of a transform of packages'])(
    'pass in %s',
    async (program) => {
      const isFlagged = program.includes('flag');
      const [, flag] = /^NODE_OPTIONS=(\S+) npx jest$/m.exec(page.text) ?? [];
      const { transformIgnorePatterns, ...rest } = JSON.parse(config) as Record<string, unknown>;
      const used = isFlagged ? rest : { ...rest, transformIgnorePatterns };
      await writeFile(join(FOLDER, 'jest.config.json'), JSON.stringify(used));
      expect(await outcome(isFlagged ? { NODE_OPTIONS: flag } : {})).toEqual(PASSED);
    },
    120_000,
  );
});

async function outcome(variables: NodeJS.ProcessEnv = {}): Promise<{ output: string; code: number | null }> {
  const args = HAS_VITEST
    ? [VITEST, 'run', '--root', FOLDER]
    : [join(APP, 'node_modules/jest/bin/jest.js'), '--config', join(FOLDER, 'jest.config.json')];
  const env = { ...environment(), ...variables };
  const { code, stdout, stderr } = await resultOf(
    spawn(process.execPath, args, { cwd: FOLDER, env, stdio: ['ignore', 'pipe', 'pipe'] }),
  );
  return { output: `${stdout}\n${stderr}`, code };
}

/** Without what the test program that runs this has set for itself. */
function environment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(VITEST|JEST|NODE_ENV)/.test(name));
  return { ...Object.fromEntries(own), NO_COLOR: '1' };
}
