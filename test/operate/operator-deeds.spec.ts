import { randomUUID } from 'node:crypto';
import { SessionsError } from '#sessions/domain/errors';
import type { AuditEntry } from '#sessions/domain/journal/audit-entry';
import { OperatorDeeds, type Requester } from '#sessions/operate/journal/operator-deeds';
import { World } from '../support/world.js';

const BY = { kind: 'admin', keyId: '0a1b2c3d' } as const;
const CLI = { kind: 'cli', user: 'root', host: 'here' } as const;
const NONE = { sessions: 0, resources: 0, bytes: 0 };
const NO_SIGNAL = new AbortController().signal;

describe('The deeds of an operator', () => {
  let world: World;
  let lines: string[];

  function deedsOf(requester: Requester = { by: BY, network: '192.0.2.0/24' }): OperatorDeeds {
    const write = (level: string) => (line: string) => void lines.push(`${level}: ${line}`);
    const log = { debug: write('debug'), log: write('log'), warn: write('warn'), error: write('error') };
    return new OperatorDeeds(world.core, requester, log);
  }

  async function audit(): Promise<Omit<AuditEntry, 'at'>[]> {
    const { entries } = await world.store.audit.read({ from: 0, to: Number.MAX_SAFE_INTEGER, limit: 100 });
    return entries.map(({ at: _at, ...entry }) => entry);
  }

  beforeEach(async () => {
    lines = [];
    world = await World.create('memory');
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await world.close();
  });

  it('an end: entered once, by the store, and logged', async () => {
    const { session } = await world.open();
    await world.write(session, 10);
    expect(await deedsOf().end(session.id)).toMatchObject({ resources: 1, bytes: 10 });
    const entry = { deed: 'end', by: BY, subject: session.id, sessions: 1, resources: 1, bytes: 10 };
    expect(await audit()).toEqual([{ ...entry, outcome: 'done' }]);
    expect(lines).toEqual([
      `log: deed=end subject=${session.id} by=admin:0a1b2c3d outcome=done sessions=1 resources=1 bytes=10 network=192.0.2.0/24`,
    ]);
  });

  it('an end of what is over or unknown: nothing', async () => {
    const { session } = await world.open();
    await world.service.end(session);
    const unknown = randomUUID();
    expect(await deedsOf().end(session.id)).toBeNull();
    expect(await deedsOf().end(unknown)).toBeNull();
    const entry = { deed: 'end', by: BY, outcome: 'nothing', ...NONE };
    expect(await audit()).toEqual([
      { ...entry, subject: unknown },
      { ...entry, subject: session.id },
    ]);
    expect(lines.filter((line) => line.includes('outcome=nothing'))).toHaveLength(2);
  });

  it('an end that the store refuses: failed', async () => {
    const { session } = await world.open();
    const failure = new SessionsError('STORE_UNAVAILABLE', 'no');
    const refusing = jest.spyOn(world.store.endings, 'beginEnd').mockRejectedValue(failure);
    expect((await deedsOf().end(session.id))?.unfinished?.code).toBe('STORE_UNAVAILABLE');
    refusing.mockRejectedValue(new SessionsError('STORE_INCOMPATIBLE', 'no'));
    const { session: other } = await world.open();
    await expect(deedsOf().end(other.id)).rejects.toMatchObject({ code: 'STORE_INCOMPATIBLE' });
    const entry = { deed: 'end', by: BY, outcome: 'failed', ...NONE };
    expect(await audit()).toEqual([
      { ...entry, subject: other.id },
      { ...entry, subject: session.id },
    ]);
  });

  it('are done, though the audit does not take them: a warning tells', async () => {
    const failure = new SessionsError('STORE_UNAVAILABLE', 'the disk is full');
    jest.spyOn(world.store.audit, 'append').mockRejectedValue(failure);
    const reports = await deedsOf({ by: CLI, network: null }).cleanUp({}, NO_SIGNAL);
    expect(reports).toHaveLength(3);
    expect(lines).toEqual([
      expect.stringMatching(/^warn: The audit lacks .*cleanup, done.*the disk is full/),
    ]);
  });

  it('a cleanup: the sessions that it ended; a dry run is no deed', async () => {
    await world.open();
    await world.open();
    world.clock.advance(3_600_000);
    const deeds = deedsOf({ by: CLI, network: null });
    await deeds.cleanUp({ dryRun: true }, NO_SIGNAL);
    expect(await audit()).toEqual([]);
    await deeds.cleanUp({}, NO_SIGNAL);
    const entry = { deed: 'cleanup', by: CLI, subject: null, outcome: 'done' };
    expect(await audit()).toEqual([{ ...entry, ...NONE, sessions: 2 }]);
    expect(lines).toEqual([]);
  });

  it('a cleanup that leaves something, or is interrupted: failed', async () => {
    await world.open();
    world.clock.advance(3_600_000);
    const failure = new SessionsError('STORAGE_UNAVAILABLE', 'no');
    jest.spyOn(world.store.endings, 'beginEnd').mockRejectedValueOnce(failure);
    const stopped = new AbortController();
    const deeds = deedsOf({ by: CLI, network: null });
    await deeds.cleanUp({}, NO_SIGNAL);
    const cleaning = deeds.cleanUp({}, stopped.signal);
    stopped.abort();
    await cleaning;
    expect((await audit()).map(({ outcome }) => outcome)).toEqual(['failed', 'failed']);
  });

  it('a node, a user, the clock', async () => {
    const { session } = await world.open();
    await world.service.login(session, 'anna');
    const deeds = deedsOf({ by: CLI, network: null });
    const node = randomUUID();
    expect(await deeds.forgetNode(node)).toBe('unknown');
    expect(await deeds.forgetNode(world.core.thisProcess.nodeId)).toBe('live');
    expect(await deeds.forgetUser('anna')).toMatchObject({ sessions: 1 });
    expect(await deeds.forgetUser('nobody')).toEqual({ sessions: 0, timelines: 0, pending: null });
    await expect(deeds.trustClock()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    const entries = await audit();
    expect(entries.map(({ deed, outcome }) => `${deed} ${outcome}`)).toEqual([
      'trust-clock failed',
      'forget-user nothing',
      'forget-user done',
      'end done',
      'forget-node failed',
      'forget-node nothing',
    ]);
    expect(entries.map(({ subject }) => subject)).toEqual([
      null,
      null,
      null,
      session.id,
      world.core.thisProcess.nodeId,
      node,
    ]);
    expect(JSON.stringify(entries)).not.toContain('anna');
  });
});
