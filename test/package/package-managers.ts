import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { resultOf, type CliResult } from '../cli/cli-process.js';

/** The package managers beside npm, which Node brings; both are plain JavaScript without dependencies. */
const TOOLS = ['pnpm@10.34.8', '@yarnpkg/cli-dist@4.18.1'];
const NODE = process.execPath;
/** Nest 12.5 does not list a package that its own types import; Plug'n'Play finds only what is listed. */
const YARN_SETTINGS = `
nodeLinker: pnp
enableTelemetry: false
enableImmutableInstalls: false
packageExtensions:
  '@nestjs/core@*':
    dependencies: { '@standard-schema/spec': '^1.0.0' }
`;

export interface Command {
  readonly command: string;
  readonly args: readonly string[];
}

/** How a package manager installs an app and runs programs in it, as its manual says. */
export interface PackageManager {
  /** Settings of the app: a file's name and its text. */
  readonly settings: Readonly<Record<string, string>>;
  readonly install: Command;
  /** The command line of a program of one of the app's packages. */
  exec(...program: string[]): Command;
  /** The command line that runs a file of the app in this very Node. */
  readonly start: (file: string) => Command;
}

export type ManagerName = 'npm' | 'pnpm' | 'Yarn PnP';
export const MANAGERS: readonly ManagerName[] = ['npm', 'pnpm', 'Yarn PnP'];

/** Installs pnpm and Yarn into `folder`, away from the workspace. */
export async function packageManagersIn(folder: string): Promise<Record<ManagerName, PackageManager>> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{ "private": true }');
  await run(npm('install', '--no-audit', '--no-fund', '--prefer-offline', ...TOOLS), folder);
  const programs = join(folder, 'node_modules');
  const pnpm = (...args: string[]): Command => node(join(programs, 'pnpm/bin/pnpm.cjs'), ...args);
  const yarn = (...args: string[]): Command => node(join(programs, '@yarnpkg/cli-dist/bin/yarn.js'), ...args);
  return {
    npm: {
      settings: {},
      install: npm('install', '--no-audit', '--no-fund', '--prefer-offline'),
      exec: (...program) => ({ command: 'npx', args: program }),
      start: node,
    },
    pnpm: {
      settings: {},
      install: pnpm('install', '--prefer-offline'),
      exec: (...program) => pnpm('exec', ...program),
      start: node,
    },
    'Yarn PnP': {
      settings: {
        '.yarnrc.yml': YARN_SETTINGS,
        'yarn.lock': '',
      },
      install: yarn('install'),
      exec: (...program) => yarn(...program),
      // `yarn node` starts a second process, which would not get the signals of the test.
      start: (file) => node('--require', './.pnp.cjs', '--loader', './.pnp.loader.mjs', file),
    },
  };
}

/** Rejects, with all that it printed, unless it ends with 0. */
export async function run({ command, args }: Command, cwd: string): Promise<CliResult> {
  const result = await resultOf(spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] }));
  if (result.code === 0) return result;
  const { code, stdout, stderr } = result;
  throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${stdout}\n${stderr}`);
}

function npm(...args: string[]): Command {
  return { command: 'npm', args };
}

function node(...args: string[]): Command {
  return { command: NODE, args };
}
