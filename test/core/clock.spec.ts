import { AnchoredClock, type MachineClocks } from '#sessions/core/process/system-clock';
import { SessionsCore, type CoreParts } from '#sessions/core/core';
import { resolveConfig } from '#sessions/core/config/config';
import { MemoryFileStorage } from '#sessions/storage/memory/memory-file-storage';
import { MemoryStorageRoot } from '#sessions/storage/memory/memory-storage-root';
import { MemorySessionStore } from '#sessions/stores/sqlite/memory-session-store';
import { CLIENT } from '../support/world.js';

const SECOND = 1000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOON = 1_800_000_000_000;
const silent = { debug() {}, log() {}, warn() {}, error() {} };

/** A machine whose clocks go as the test says. */
class Machine implements MachineClocks {
  private wall = NOON;
  private sinceBoot = 60 * SECOND;
  private boots = 1;

  wallMs(): number {
    return this.wall;
  }

  monotonicMs(): number {
    return this.sinceBoot;
  }

  bootId(): string {
    return `boot-${this.boots}`;
  }

  pass(ms: number): void {
    this.wall += ms;
    this.sinceBoot += ms;
  }

  setWall(byMs: number): void {
    this.wall += byMs;
  }

  boot(): void {
    this.boots += 1;
    this.sinceBoot = 30 * SECOND;
  }
}

describe('The time of a store', () => {
  let machine: Machine;
  let store: MemorySessionStore;
  let files: Pick<CoreParts, 'storage' | 'storageRoot'>;
  const running: SessionsCore[] = [];
  beforeEach(() => {
    machine = new Machine();
    store = new MemorySessionStore();
    files = { storage: new MemoryFileStorage(), storageRoot: new MemoryStorageRoot() };
  });
  afterEach(async () => {
    for (const core of running.splice(0)) await core.stop();
  });

  async function startProcess(): Promise<{ core: SessionsCore; clock: AnchoredClock }> {
    const clock = new AnchoredClock(machine);
    const config = resolveConfig({ openRate: 0 }, {});
    const core = new SessionsCore({ config, store, ...files, clock, role: 'server', logFor: () => silent });
    running.push(core);
    await core.start();
    return { core, clock };
  }

  async function openWithFile(
    core: SessionsCore,
  ): Promise<{ id: string; token: string; resourceId: string }> {
    const opening = await core.service.open(CLIENT);
    if (opening.kind !== 'opened') throw new Error(opening.reason);
    const { session, token } = opening;
    core.finder.touch(session.id, token.hash);
    const sink = await core.service.createFile(session, { type: 'audio_file' });
    await new Promise<void>((resolve) => sink.once('close', resolve).end('a file'));
    return { id: session.id, token: token.reveal(), resourceId: sink.resourceId };
  }

  async function reboot(shiftMs: number): Promise<{ core: SessionsCore; clock: AnchoredClock }> {
    for (const core of running.splice(0)) await core.stop();
    machine.boot();
    machine.setWall(shiftMs);
    await store.connect();
    return startProcess();
  }

  const kindOf = async (core: SessionsCore, token: string): Promise<string> =>
    (await core.service.identify(token, CLIENT)).kind;

  it.each([HOUR, -HOUR, 365 * DAY, -365 * DAY])(
    'does not change when the wall clock is set: %d ms',
    async (shift) => {
      const { core, clock } = await startProcess();
      const { token } = await openWithFile(core);
      machine.setWall(shift);
      expect(clock.now()).toBe(NOON);
      const beside = await startProcess();
      expect(beside.clock.now()).toBe(NOON);
      machine.pass(15 * 60 * SECOND - 1);
      expect(await kindOf(beside.core, token)).toBe('live');
      machine.pass(1);
      expect(await kindOf(beside.core, token)).toBe('ended');
    },
  );

  it.each([-HOUR, -DAY, -365 * DAY])(
    'never goes back: a boot %d ms behind continues from the last instant of the store',
    async (shift) => {
      const before = await startProcess();
      const { token } = await openWithFile(before.core);
      machine.pass(60 * SECOND);
      await before.core.thisProcess.beat();
      const { core, clock } = await reboot(shift);
      expect(clock.now()).toBe(NOON + 60 * SECOND);
      expect(await kindOf(core, token)).toBe('live');
      machine.pass(14 * 60 * SECOND);
      expect(await kindOf(core, token)).toBe('ended');
    },
  );

  it('follows the wall clock of a new boot that is ahead', async () => {
    const { core } = await startProcess();
    const { token } = await openWithFile(core);
    const rebooted = await reboot(HOUR);
    expect(rebooted.clock.now()).toBe(NOON + HOUR);
    expect(await kindOf(rebooted.core, token)).toBe('ended');
    expect(await store.ledger.totals()).toMatchObject({ open: 0, ended: { expired: 1 } });
  });

  it('makes every process delete nothing for one interval after a boot that is a day ahead', async () => {
    const { core } = await startProcess();
    const { token, resourceId } = await openWithFile(core);
    const rebooted = await reboot(DAY);
    machine.pass(30 * SECOND);
    const beside = await startProcess();
    for (const each of [rebooted.core, beside.core]) {
      expect(await kindOf(each, token)).toBe('ended');
      for (const report of await each.cleanup.runAll()) expect(report.items).toBe(0);
    }
    expect(await store.resources.find(resourceId)).not.toBeNull();
    expect(await store.ledger.totals()).toMatchObject({ open: 1, ending: 0 });
    machine.pass(30 * SECOND);
    await beside.core.cleanup.runAll();
    expect(await store.ledger.totals()).toMatchObject({ open: 0, ending: 0, ended: { idle: 1 } });
    expect(await store.resources.find(resourceId)).toBeNull();
  });
});
