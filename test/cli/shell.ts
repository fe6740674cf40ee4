import { spawn } from 'node:child_process';
import { BIN, environmentOf, resultOf, ROOT, type CliResult, type CliSetting } from './cli-process.js';

/** Runs a shell script, for pipes and redirections: `$CLI list | head -1`. */
export function runInShell(script: string, setting: CliSetting = {}): Promise<CliResult> {
  const env = { ...environmentOf(setting), CLI: `${process.execPath} ${setting.program ?? BIN}` };
  return resultOf(spawn('bash', ['-c', script], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] }));
}
