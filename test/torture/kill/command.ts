import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dueSoon } from '../slim/database.ts';
import type { Lane } from '../slim/lane.ts';
import type { Ledger } from '../slim/ledger.ts';
import { passTime } from '../slim/pass-time.ts';
import type { CommandPoint } from './crash-points.ts';
import { CRASH_PLAN, DATABASE, type CrashPlan } from '../slim/slim-plan.ts';

const BIN = fileURLToPath(new URL('../../../libs/sessions/dist/program/bin.js', import.meta.url));
const HOOKS = new URL('../slim/crash-hooks.ts', import.meta.url).href;
/** From when on a command is at work, and by when it is done. */
const AT_WORK_MS = { from: 350, to: 900 };
const AFTER_DEATH_MS = 62_000;

/** Runs `sessions cleanup`, of everything or of one session, on what a dead server left; and kills it on the way. */
export async function killCommand(
  lane: Lane,
  point: CommandPoint | null,
  random: () => number,
): Promise<{ told: string; killed: boolean; fault: string | null }> {
  const database = join(lane.root, DATABASE);
  passTime(database, AFTER_DEATH_MS);
  lane.ledger.follow(lane.journal);
  const does = point?.does ?? (random() < 0.5 ? 'end one' : 'clean up');
  const session = does === 'end one' ? anyWithFiles(lane.ledger, random) : undefined;
  for (const id of session === undefined ? dueSoon(database) : [session]) lane.ledger.mayEnd(id);

  const words = session === undefined ? ['--orphan-grace', '0', '--force'] : [session, '--yes'];
  const told = `sessions cleanup ${words.join(' ')}, killed ${point?.name ?? 'at random'}`;
  const crash: CrashPlan | null = point && {
    point: point.name,
    // Commits are many; anything else may happen only once.
    nth: point.name.endsWith('COMMIT') ? 1 + Math.floor(random() * 5) : 1,
    armed: 'boot',
  };
  const child = spawn(process.execPath, ['--import', HOOKS, BIN, 'sessions', 'cleanup', ...words], {
    env: {
      ...process.env,
      SESSION_STORAGE_PATH: lane.root,
      SESSION_MIN_FREE_BYTES: '0',
      SESSION_MIN_FREE_INODES: '0',
      SESSION_BALLAST_BYTES: '65536',
      ...(crash && { [CRASH_PLAN]: JSON.stringify(crash) }),
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const killing =
    crash === null
      ? setTimeout(
          () => child.kill('SIGKILL'),
          AT_WORK_MS.from + random() * (AT_WORK_MS.to - AT_WORK_MS.from),
        )
      : undefined;
  await once(child, 'close');
  clearTimeout(killing);
  // It may have been done before; a session may have been over.
  const killed = child.signalCode === 'SIGKILL';
  const isFine = killed || child.exitCode === 0 || child.exitCode === 3;
  if (child.exitCode === 0 && session !== undefined) lane.ledger.ended.add(session);
  return { told, killed, fault: isFine ? null : `exit code ${child.exitCode}: ${errors.slice(0, 1000)}` };
}

/** A session that may have something to delete. */
function anyWithFiles({ files }: Ledger, random: () => number): string | undefined {
  const sessions = [...files.values()].filter(({ settled, mayGo }) => settled && !mayGo);
  return sessions[Math.floor(random() * sessions.length)]?.sessionId;
}
