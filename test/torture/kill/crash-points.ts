import { OPERATION_NAMES } from '#sessions/ports/store/store-groups';
import type { Action } from '../slim/slim-plan.ts';

/** A step of what a server does; it can be killed right before it and right after it. */
export interface Step {
  readonly name: string;
  /** Only on the way up: the first one on a new folder, or any. */
  readonly only?: 'first boot' | 'boot';
}

const sql = (text: string): string => `sql ${text}`;

/** Every step of reserve, write, adopt, claim, complete, place, release, end, trash, cleanup and regenerate, and of the start that comes first. */
export const STEPS = {
  start: [
    { name: 'linkSync database draft', only: 'first boot' },
    { name: 'rmSync database draft', only: 'first boot' },
    { name: 'create marker draft', only: 'first boot' },
    { name: 'writeFile marker draft', only: 'first boot' },
    { name: 'sync marker draft', only: 'first boot' },
    { name: 'link marker draft', only: 'first boot' },
    { name: 'unlink marker draft', only: 'first boot' },
    { name: 'mkdir s', only: 'first boot' },
    { name: 'mkdir trash', only: 'first boot' },
    { name: 'mkdir tmp', only: 'first boot' },
    { name: 'mkdir claims', only: 'first boot' },
    { name: 'create ballast.part', only: 'first boot' },
    { name: 'datasync ballast.part', only: 'first boot' },
    { name: 'rename ballast.part', only: 'first boot' },
    { name: 'store.clock.anchor', only: 'boot' },
  ],
  open: ['store.sessions.open', 'store.sessions.findEvictable'],
  reserve: ['store.resources.reserve', 'store.resources.grow'],
  write: [
    'storage.create',
    'mkdir shard',
    'mkdir id',
    'create part',
    'writer.write',
    'writev part',
    'writer.finish',
    'datasync part',
    'rename part',
    'sync id',
    'sync shard',
    'writer.abort',
    'unlink part',
  ],
  adopt: [
    'storage.adopt',
    'adoption.place',
    'link source',
    'adoption.complete',
    'unlink source',
    'rename linked',
  ],
  claim: [
    'claims.prepare',
    'create claim note',
    'writeFile claim note',
    'sync claim note',
    'link claim note',
    'unlink claim note',
    'sync claims',
    'link id',
    'create claim draft',
    'writeFile claim draft',
    'sync claim draft',
    'sync claim folder',
    'claim.place',
    'link claim draft',
    'claim.complete',
    'unlink claim draft',
  ],
  complete: ['store.resources.complete'],
  place: ['store.resources.place', 'storage.remove', 'unlink id', 'store.releases.finishRelease'],
  use: ['store.resources.use', 'storage.read', 'store.resources.unuse'],
  release: ['store.releases.beginRelease'],
  end: [
    'store.endings.beginEnd',
    'storage.discardSession',
    'rename id',
    'sync trash',
    'store.endings.finishEnd',
  ],
  trash: ['storage.emptyTrash', 'unlinkSync id', 'rmdirSync id'],
  cleanup: [
    'store.endings.findIdle',
    'store.endings.findExpired',
    'store.fleet.listProcesses',
    { name: 'store.fleet.dropProcess', only: 'boot' },
    'store.endings.leaseEnding',
    'store.releases.leaseReleasing',
    'storageRoot.restoreBallast',
    'unlink ballast',
    'rename ballast.part',
    'store.endings.dropTombstones',
    'store.ledger.identity',
    'storageRoot.noteStore',
    'create marker draft',
    'sync marker draft',
    'rename marker draft',
    'storage.scan',
    'store.resources.known',
    'storage.removeScanned',
    'storage.removeEmptyFolder',
    'rmdir id',
    'store.ledger.recordRun',
    'store.fleet.heartbeat',
  ],
  regenerate: ['store.sessions.regenerate'],
  login: ['store.sessions.login'],
  commit: ['store.sessions.touch', sql('BEGIN IMMEDIATE'), sql('COMMIT')],
} satisfies Record<string, readonly (string | Step)[]>;

export interface CrashPoint {
  readonly name: string;
  readonly only: Step['only'];
  /** What brings it about. */
  readonly favour: Action;
}

/** The action that leads through each group of steps. */
const ACTIONS: Readonly<Record<keyof typeof STEPS, Action>> = {
  start: 'open',
  open: 'open',
  reserve: 'upload',
  write: 'upload',
  adopt: 'adopt',
  claim: 'claim',
  complete: 'upload',
  place: 'upload',
  use: 'download',
  release: 'upload',
  end: 'end',
  trash: 'end',
  cleanup: 'cleanup',
  regenerate: 'regenerate',
  login: 'login',
  commit: 'download',
};

const STORE = 'store.';
const OPERATIONS: ReadonlySet<string> = new Set(OPERATION_NAMES);

export const CRASH_POINTS: readonly CrashPoint[] = Object.entries(STEPS).flatMap(([group, steps]) =>
  steps.flatMap((step): CrashPoint[] => {
    const { name, only } = typeof step === 'string' ? { name: step } : step;
    if (name.startsWith(STORE) && !OPERATIONS.has(name.slice(STORE.length)))
      throw new Error(`A crash point names ${name}, which no store has`);
    const favour = ACTIONS[group as keyof typeof STEPS];
    return [`before ${name}`, `after ${name}`].map((name) => ({ name, only, favour }));
  }),
);

/** Where a command is killed, while it cleans up after all of them or ends one session. */
export interface CommandPoint {
  readonly name: string;
  readonly does: 'clean up' | 'end one';
}

export const COMMAND_POINTS: readonly CommandPoint[] = [
  ...['unlink part', 'rename marker draft', sql('COMMIT')].map((name) => ({
    name,
    does: 'clean up' as const,
  })),
  ...['rename id', 'sync trash', 'unlinkSync id', 'rmdirSync id', sql('COMMIT')].map((name) => ({
    name,
    does: 'end one' as const,
  })),
].flatMap(({ name, does }) => [
  { name: `before ${name}`, does },
  { name: `after ${name}`, does },
]);
