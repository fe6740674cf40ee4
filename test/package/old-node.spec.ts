import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { resultOf, runCli, type CliResult } from '../cli/cli-process.js';

const ROOT = resolve(import.meta.dirname, '../..');
const AS_NODE_18 = `--import=${pathToFileURL(resolve(import.meta.dirname, '../support/as-node-18.mjs')).href}`;
const SENTENCE = 'nest-sessions needs Node.js 22.23, 24.14 or newer; this is 18.20.8';

const APP = `
  import 'reflect-metadata';
  import { Module } from '@nestjs/common';
  import { NestFactory } from '@nestjs/core';
  import { SessionsModule } from 'nest-sessions';
  class App {}
  Module({ imports: [SessionsModule.forRoot({ redisUrls: ['redis://127.0.0.1:9'] })] })(App);
  await NestFactory.create(App, { logger: false, abortOnError: false });
`;
const STORE = `
  import { SqliteSessionStore } from './libs/sessions/dist/stores/sqlite/sqlite-session-store.js';
  await new SqliteSessionStore({ path: '/nowhere/sessions.db' }).connect();
`;

const AS_NODE_12 =
  "data:text/javascript,Object.defineProperty(process.versions, 'node', { value: '12.22.12' })";

function run(...args: string[]): Promise<CliResult> {
  return resultOf(spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] }));
}

describe('on an old Node.js a sentence says which one is needed', () => {
  it.each([
    ['in an app', APP],
    ['from the SQLite store alone', STORE],
  ])('%s', async (_where, program) => {
    const { code, stderr } = await run(AS_NODE_18, '--input-type=module', '--eval', program);
    expect(code).toBe(1);
    expect(stderr).toContain(`SessionsError: ${SENTENCE}\n`);
  });

  it('on the command line, and nothing else', async () => {
    const env = { NODE_OPTIONS: AS_NODE_18 };
    expect(await runCli(['--help'], { env })).toEqual({
      code: 1,
      stdout: '',
      stderr: `error: ${SENTENCE}\n`,
    });
  });

  it('from the workspace, whose own commands the machine runs', async () => {
    const { code, stdout, stderr } = await run('--import', AS_NODE_12, 'tools/run.mjs');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(
      /^nest-sessions needs Node\.js 22\.23, 24\.14 or newer; this is 12\.22\.12\. .+\n$/,
    );
  });
});
