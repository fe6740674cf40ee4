import type { MachineClocks } from '#sessions/core/clock/machine-clocks';
import { AnchoredClock } from '#sessions/core/clock/system-clock';
import { SessionsCore, type CoreParts } from '#sessions/core/core';
import { resolveConfig } from '#sessions/core/config/config';
import { MemoryFileStorage } from '#sessions/storage/memory/memory-file-storage';
import { MemoryStorageRoot } from '#sessions/storage/memory/memory-storage-root';
import { MemorySessionStore } from '#sessions/stores/sqlite/memory-session-store';
import { CLIENT } from '../support/world.js';

const SECOND = 1000;
const MINUTE = 60_000;
/** After it, a process that could not say goodbye counts as dead. */
const SILENT_MS = 11_000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const YEARS = 10 * 365 * DAY;
const NOON = 1_800_000_000_000;
const silent = { debug() {}, log() {}, warn() {}, error() {} };

/** A machine whose clocks go as the test says. */
class Machine implements MachineClocks {
  private wall = NOON;
  private sinceBoot = 60 * SECOND;
  private boots = 1;
  /** What the system says of its sleep. */
  slept = 0;

  wallMs(): number {
    return this.wall;
  }

  monotonicMs(): number {
    return this.sinceBoot;
  }

  driftMs(): number {
    return this.wall - this.sinceBoot;
  }

  sleptMs(): number {
    return this.slept;
  }

  bootId(): string {
    return `boot-${this.boots}`;
  }

  sleep(ms: number): void {
    this.wall += ms;
    this.slept += ms;
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
    this.slept = 0;
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
    const config = resolveConfig({ openRate: 0, maxUnconfirmedPerNetwork: 0, maxSessionsPerNetwork: 0 }, {});
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

  it('makes every process delete nothing for ten minutes after a boot that is a day ahead', async () => {
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
    machine.pass(9 * MINUTE);
    expect((await beside.core.cleanup.run('idle')).items).toBe(0);
    machine.pass(30 * SECOND);
    await beside.core.cleanup.runAll();
    expect(await store.ledger.totals()).toMatchObject({ open: 0, ending: 0, ended: { idle: 1 } });
    expect(await store.resources.find(resourceId)).toBeNull();
  });

  describe('and a machine that sleeps', () => {
    it('goes on in its sleep: the first request after a wake-up sees the gap', async () => {
      const { core, clock } = await startProcess();
      const { token } = await openWithFile(core);
      machine.sleep(8 * HOUR);
      expect(await kindOf(core, token)).toBe('ended');
      expect(clock.now()).toBe(NOON + 8 * HOUR);
      expect((await startProcess()).clock.now()).toBe(NOON + 8 * HOUR);
      machine.pass(SECOND);
      expect(clock.now()).toBe(NOON + 8 * HOUR + SECOND);
    });

    it('is not in doubt afterwards', async () => {
      const { core } = await startProcess();
      await openWithFile(core);
      machine.sleep(8 * HOUR);
      await core.cleanup.runAll();
      expect(core.clockTrust.status()).toMatchObject({ verdict: 'ok' });
      expect(await store.ledger.totals()).toMatchObject({ open: 0, ending: 0 });
    });

    it('counts a sleep below two seconds as none, and never falls when the reading does', async () => {
      const { clock } = await startProcess();
      machine.sleep(1900);
      expect(clock.now()).toBe(NOON);
      machine.sleep(3100);
      expect(clock.now()).toBe(NOON + 5000);
      machine.slept = 4000;
      machine.setWall(100);
      expect(clock.now()).toBe(NOON + 5000);
    });
  });

  describe('and a wall clock that leaps without a sleep', () => {
    it.each([HOUR, -HOUR])('deletes nothing for ten minutes, in any process: %d ms', async (shift) => {
      const { core } = await startProcess();
      const beside = await startProcess();
      const { resourceId } = await openWithFile(core);
      machine.pass(HOUR);
      machine.setWall(shift);
      await core.clockTrust.check();
      await beside.core.cleanup.runAll();
      const late = await startProcess();
      await late.core.cleanup.runAll();
      expect(await store.resources.find(resourceId)).not.toBeNull();
      expect(await store.ledger.totals()).toMatchObject({ open: 1, ending: 0 });
      for (const each of [core, beside.core, late.core]) {
        expect(each.clockTrust.status()).toMatchObject({
          verdict: 'doubted',
          doubtedUntil: NOON + HOUR + 10 * MINUTE,
        });
      }
      machine.pass(10 * MINUTE);
      await late.core.cleanup.runAll();
      expect(await store.ledger.totals()).toMatchObject({ open: 0, ending: 0 });
    });

    it('deletes again as soon as an operator trusts the clock', async () => {
      const { core } = await startProcess();
      await openWithFile(core);
      machine.pass(HOUR);
      machine.setWall(HOUR);
      await core.clockTrust.check();
      const operator = await startProcess();
      expect(operator.core.clockTrust.status().verdict).toBe('doubted');
      expect(await operator.core.clockTrust.trust()).toMatchObject({ verdict: 'ok' });
      await core.cleanup.runAll();
      expect(await store.ledger.totals()).toMatchObject({ open: 0, ending: 0 });
    });

    it('is not in doubt after a step of seconds', async () => {
      const { core } = await startProcess();
      machine.setWall(30 * SECOND);
      await core.clockTrust.check();
      expect(core.clockTrust.status().verdict).toBe('ok');
    });
  });

  describe('and a first boot ten years ahead', () => {
    it('is told to be wrong, also after the wall clock is put right and another boot', async () => {
      machine.setWall(YEARS);
      const { core } = await startProcess();
      expect(core.clockTrust.status().verdict).toBe('ok');
      machine.setWall(-YEARS);
      expect(core.clockTrust.status()).toMatchObject({
        verdict: 'wrong',
        now: NOON + YEARS,
        systemTime: NOON,
      });
      const rebooted = await reboot(0);
      expect(rebooted.core.clockTrust.status().verdict).toBe('wrong');
    });

    it('is put right for all processes by an operator, and no session outlives its limits', async () => {
      machine.setWall(YEARS);
      const server = await startProcess();
      const before = await openWithFile(server.core);
      machine.setWall(-YEARS);
      const operator = await startProcess();
      expect(await operator.core.clockTrust.trust()).toMatchObject({ verdict: 'ok', now: NOON });
      await server.core.clockTrust.check();
      expect(server.clock.now()).toBe(NOON);
      expect(await kindOf(server.core, before.token)).toBe('ended');
      const { token } = await openWithFile(server.core);
      machine.pass(5 * SECOND);
      await server.core.thisProcess.beat();
      await server.core.clockTrust.check();
      expect(await kindOf(server.core, token)).toBe('live');
      await server.core.cleanup.runAll();
      expect(await store.ledger.totals()).toMatchObject({ open: 1, ending: 0 });
      expect(await store.resources.find(before.resourceId)).toBeNull();
      const rebooted = await reboot(SILENT_MS);
      expect(rebooted.clock.now()).toBeLessThan(NOON + MINUTE);
      expect(rebooted.core.clockTrust.status().verdict).toBe('ok');
    });

    it('writes of the former time that arrive after the trust hold nothing up', async () => {
      machine.setWall(YEARS);
      const server = await startProcess();
      machine.setWall(-YEARS);
      const operator = await startProcess();
      await operator.core.clockTrust.trust();
      // The server has not noticed yet.
      await server.core.thisProcess.beat();
      const late = await openWithFile(server.core);
      await server.core.clockTrust.check();
      expect(await kindOf(server.core, late.token)).toBe('ended');
      expect((await store.fleet.listProcesses()).map(({ at }) => at)).toEqual([NOON, NOON]);
      expect((await reboot(SILENT_MS)).clock.now()).toBeLessThan(NOON + MINUTE);
    });
  });

  it('is trusted after days without a process, once an operator vouches for it', async () => {
    const { core } = await startProcess();
    await openWithFile(core);
    const rebooted = await reboot(3 * DAY);
    expect(rebooted.core.clockTrust.status().verdict).toBe('doubted');
    expect(await rebooted.core.clockTrust.trust()).toMatchObject({ verdict: 'ok' });
    await rebooted.core.cleanup.runAll();
    expect(await store.ledger.totals()).toMatchObject({ open: 0, ending: 0 });
  });
});
