import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCore } from '#sessions/assembly/start-core';
import { resolveConfig } from '#sessions/core/config/config';
import type { SessionsCore } from '#sessions/core/core';
import { systemClocks } from '#sessions/core/clock/machine-clocks';
import { AnchoredClock } from '#sessions/core/clock/system-clock';
import { eventually } from '../support/eventually.js';
import { CLIENT } from '../support/world.js';
import { runCli, type CliResult } from './cli-process.js';

const YEARS = 10 * 365 * 24 * 3_600_000;
const silent = { debug() {}, log() {}, warn() {}, error() {} };

describe('A store that was first anchored ten years ahead', () => {
  let storagePath: string;
  let server: SessionsCore;
  const run = (...args: string[]): Promise<CliResult> => runCli(args, { storagePath });

  async function start(clock: AnchoredClock): Promise<SessionsCore> {
    const config = resolveConfig({ storagePath, openRate: 0, ballastBytes: 0 }, {});
    return startCore({ config, clock, role: 'server', logFor: () => silent });
  }

  beforeEach(async () => {
    storagePath = join(await mkdtemp(join(tmpdir(), 'nest-sessions-clock-')), 'root');
    const ahead = { ...systemClocks, wallMs: () => Date.now() + YEARS };
    const first = await start(new AnchoredClock(ahead));
    await first.quiesce();
    await first.stop();
    server = await start(new AnchoredClock());
  });
  afterEach(async () => {
    await server.quiesce();
    await server.stop();
    await rm(join(storagePath, '..'), { recursive: true, force: true });
  });

  it('is told by stats and clock, and put right by clock --trust, also for the running server', async () => {
    await server.service.open(CLIENT);
    expect(server.clock.now()).toBeGreaterThan(Date.now() + YEARS - 60_000);
    const stats = await run('stats');
    expect([stats.code, stats.stdout]).toEqual([0, expect.stringContaining('run: sessions clock --trust')]);
    const shown = JSON.parse((await run('clock', '--json')).stdout) as Record<string, unknown>;
    expect(shown).toMatchObject({ state: 'wrong' });

    const trusted = await run('clock', '--trust', '--yes', '--json');
    expect([trusted.code, trusted.stderr]).toEqual([0, '']);
    expect(JSON.parse(trusted.stdout)).toMatchObject({ state: 'ok', doubted_until: null });
    await eventually('the server follows', async () => server.clock.now() < Date.now() + 60_000, 5000);
    expect(server.clockTrust.status().verdict).toBe('ok');
    await server.cleanup.run('expired');
    expect(await server.store.ledger.totals()).toMatchObject({ open: 0, ended: { expired: 1 } });
    expect((await run('stats')).stdout).not.toContain('--trust');
  });

  it('is not put right without a terminal to ask on, or --yes', async () => {
    expect(await run('clock', '--trust')).toMatchObject({ code: 2 });
    expect(await run('clock', '--yes')).toMatchObject({ code: 2 });
    expect(server.clockTrust.status().verdict).toBe('wrong');
  });
});
