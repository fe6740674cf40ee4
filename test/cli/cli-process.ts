import { spawn, type ChildProcess } from 'node:child_process';
import { resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '../..');
export const BIN = resolve(ROOT, 'libs/sessions/dist/program/bin.js');

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliSetting {
  /** Default: the library's own, under the working directory. */
  readonly storagePath?: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Default: the package's own. */
  readonly program?: string;
  /** User and group to run it as. */
  readonly uid?: number;
}

/** Starts a command as a shell would, with these settings alone. */
export function startCli(args: readonly string[], setting: CliSetting = {}): ChildProcess {
  return spawn(process.execPath, [setting.program ?? BIN, ...args], {
    cwd: setting.cwd ?? ROOT,
    env: environmentOf(setting),
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(setting.uid !== undefined && { uid: setting.uid, gid: setting.uid }),
  });
}

export async function runCli(args: readonly string[], setting: CliSetting = {}): Promise<CliResult> {
  return resultOf(startCli(args, setting));
}

export function resultOf(child: ChildProcess): Promise<CliResult> {
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => (output[name] += text));
  }
  return new Promise((done, fail) => {
    child.once('error', fail);
    child.once('close', (code) => done({ code, ...output }));
  });
}

export function environmentOf({ storagePath, env }: CliSetting): Record<string, string> {
  const { PATH = '', HOME = '' } = process.env;
  const settings: Record<string, string> = { PATH, HOME, SESSION_BALLAST_BYTES: '0', ...env };
  if (storagePath !== undefined) settings['SESSION_STORAGE_PATH'] = storagePath;
  return settings;
}
