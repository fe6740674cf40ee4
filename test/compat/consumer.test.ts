import { spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { resultOf } from '../cli/cli-process.js';

const APP = process.cwd();
const COMMON = {
  target: 'es2023',
  strict: true,
  skipLibCheck: false,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
  types: ['node'],
};
const CONSUMER = `
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { SessionService, SessionsModule, type Session } from 'nest-sessions';

@Module({ imports: [SessionsModule.forRoot({ store: 'memory', storagePath: 'data', ballastBytes: 0 })] })
class AppModule {}

async function main(): Promise<void> {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false });
  const opening = await app.get(SessionService).open({ ipAddress: '192.0.2.1', userAgent: 'consumer' });
  const session: Session | null = opening.kind === 'opened' ? opening.session : null;
  console.log(session?.ipAddress);
  await app.close();
}

void main();
`;

describe('The packed library, for a consumer', () => {
  it.each([
    ['commonjs', 'commonjs', { module: 'commonjs', moduleResolution: 'node10', ignoreDeprecations: '6.0' }],
    ['nodenext-commonjs', 'commonjs', { module: 'nodenext' }],
    ['nodenext-esm', 'module', { module: 'nodenext' }],
  ])(
    '%s: every subpath compiles, with the types of all it imports, and loads',
    async (name, type, mode) => {
      const folder = join(APP, 'consumers', name);
      await mkdir(folder, { recursive: true });
      const compilerOptions = { ...COMMON, ...mode };
      await writeFile(join(folder, 'package.json'), JSON.stringify({ type }));
      await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
      await writeFile(join(folder, 'main.ts'), (await importsOfAll()) + CONSUMER);
      const tsc = join(APP, 'node_modules/typescript/bin/tsc');
      expect(await runNode([tsc], folder)).toEqual({ code: 0, stdout: '', stderr: '' });
      const run = await runNode(['main.js'], folder);
      expect(run).toEqual({ code: 0, stdout: '192.0.2.1\n', stderr: '' });
    },
    120_000,
  );
});

/** An import of each module that the package exports, and a use of it, or the compiler would leave it out. */
async function importsOfAll(): Promise<string> {
  const manifest = await readFile(join(APP, 'node_modules/nest-sessions/package.json'), 'utf8');
  const { exports } = JSON.parse(manifest) as { exports: Record<string, unknown> };
  const subpaths = Object.keys(exports).filter((subpath) => !subpath.endsWith('.json'));
  const names = subpaths.map((_, index) => `part${index}`);
  const imports = subpaths.map(
    (subpath, index) => `import * as ${names[index]} from 'nest-sessions${subpath.slice(1)}';`,
  );
  const check = `if ([${names.join(', ')}].some((part) => Object.keys(part).length === 0)) throw new Error('empty');`;
  return [...imports, check].join('\n');
}

function runNode(args: string[], cwd: string): ReturnType<typeof resultOf> {
  return resultOf(spawn(process.execPath, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] }));
}
