/* oxlint-disable no-await-in-loop -- the order is tested, and a moment is awaited */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { AppProcess } from '../support/app-process.js';
import { Browser } from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import { entriesBelow, pathOf } from '../support/files-on-disk.js';
import { freePort } from '../support/free-port.js';
import { bytesOf, formOf } from '../support/recordings.js';
import { fileOf, newKey, Place } from '../storage/local-support.js';
import { Prometheus } from './prometheus.js';

const PACKAGE = resolve(import.meta.dirname, '../../libs/sessions');
const RULES = join(PACKAGE, 'alerts/prometheus.yml');
const DASHBOARD = join(PACKAGE, 'dashboards/grafana.json');
const RECORDING = 'hola-es.mp3';
const WITHIN_MS = 30_000;
/** More than so many orphans, and most of all files: a sweep deletes none of them. */
const HELD = 110;

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}
const dashboard = JSON.parse(readFileSync(DASHBOARD, 'utf8')) as {
  panels: Panel[];
  templating: { list: { name: string; definition?: string }[] };
};

/** The rules as shipped, but for their patience: minutes become seconds. */
function impatient(rules: string): string {
  return rules.replaceAll(/\[5m\]/g, '[8s]').replaceAll(/for: \d+m/g, 'for: 1s');
}

/** The reference app on a small disk of its own, scraped by a Prometheus with the shipped rules. */
describe('The shipped alert rules and dashboard', () => {
  const place = new Place();
  const root = join(place.path, 'disk/root');
  const hog = join(place.path, 'disk/hog');
  const fired = new Set<string>();
  let port: number;
  let app: AppProcess;
  let prometheus: Prometheus;
  let orphans: string;

  function startApp(): Promise<AppProcess> {
    const recording = statSync(resolve(import.meta.dirname, '../fixtures/audio', RECORDING)).size;
    const settings = {
      PORT: String(port),
      MAX_BYTES_PER_SESSION: String(Math.ceil(recording * 1.2)),
      MAX_SESSIONS: '12',
      SESSION_MAX_SESSIONS_PER_NETWORK: '0',
      SESSION_MAX_UNCONFIRMED_PER_NETWORK: '1',
      SESSION_OPEN_RATE: '0',
      SESSION_ALERT_ACTIVE_SESSIONS: '5',
      SESSION_CLEANUP_INTERVAL: '2',
      MAX_SESSION_IDLE_TIME: '20',
      SESSION_ORPHAN_GRACE: '60',
      SESSION_MIN_FREE_BYTES: String(6 << 20),
    };
    return AppProcess.start('express', settings, root);
  }

  beforeAll(async () => {
    place.mountTmpfs(join(place.path, 'disk'), 'size=64m,nr_inodes=12000');
    port = await freePort();
    app = await startApp();
    prometheus = await Prometheus.start(`127.0.0.1:${port}`, impatient(readFileSync(RULES, 'utf8')));
    // They are orphans after a minute, which the other tests take.
    orphans = dirname(fileOf(root, newKey()));
    mkdirSync(orphans, { recursive: true, mode: 0o700 });
    for (let count = 0; count < HELD; count += 1) {
      const name = fileOf(root, newKey()).slice(-32);
      writeFileSync(join(orphans, name), '', { mode: 0o600 });
    }
    await eventually('Prometheus has scraped it twice', async () => {
      const [counted] = await prometheus.query('count_over_time(nest_sessions_store_up[1m])');
      return Number(counted?.value[1]) >= 2;
    });
  }, 60_000);

  afterAll(async () => {
    await prometheus?.stop();
    unmountBelow(root);
    await app?.destroy();
    await place.leave();
  });

  async function firing(): Promise<string[]> {
    return (await prometheus.rules()).filter(({ state }) => state === 'firing').map(({ name }) => name);
  }

  async function fire(...names: string[]): Promise<void> {
    const missing = new Set(names);
    const seeAll = async (): Promise<boolean> => {
      for (const name of await firing()) if (missing.delete(name)) fired.add(name);
      return missing.size === 0;
    };
    await eventually('they all fire', seeAll, WITHIN_MS).catch((error: unknown) => {
      throw new Error(`Of ${names.join(', ')} these did not fire: ${[...missing].join(', ')}`, {
        cause: error,
      });
    });
  }

  async function clear(...names: string[]): Promise<void> {
    const still = async (): Promise<boolean> => (await firing()).some((name) => names.includes(name));
    await eventually(`these clear: ${names.join(', ')}`, async () => !(await still()), WITHIN_MS);
  }

  /** A session that holds a file, near the limit. */
  async function upload(): Promise<number> {
    const body = formOf(await bytesOf(RECORDING), RECORDING, 'audio/mpeg');
    return (await new Browser(app.url).fetch('/audio', { method: 'POST', body })).status;
  }

  async function endAll(): Promise<void> {
    const { sessions } = await app.admin<{ sessions: { session_id: string }[] }>('');
    for (const { session_id: id } of sessions) {
      await app.admin(`/${id}/cleanup`, { method: 'POST' }).catch(() => {});
    }
  }

  /** The next try of what failed would come after a minute: this has it come with the next run. Answers whether there is one. */
  function retryNow(change = ''): boolean {
    const db = new DatabaseSync(join(root, 'sessions.db'), { timeout: 5000 });
    try {
      db.exec('UPDATE ending_parts SET leased_until = 0');
      return db.prepare(`UPDATE failures SET ${change} retry_at = 0`).run().changes !== 0;
    } finally {
      db.close();
    }
  }

  it('pass promtool', async () => {
    const rules = spawnSync('promtool', ['check', 'rules', RULES], { encoding: 'utf8' });
    expect({ status: rules.status, stderr: rules.stderr }).toEqual({ status: 0, stderr: '' });
    const input = await (await fetch(`${app.url}/metrics`)).text();
    const metrics = spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' });
    expect(metrics).toMatchObject({ status: 0, stdout: '', stderr: '' });
  });

  it('have summaries for operators, and metrics that the server exports', async () => {
    const rules = await prometheus.rules();
    expect(rules.length).toBeGreaterThan(10);
    const names = new Set(rules.flatMap(({ query }) => query.match(/\bnest_sessions_\w+/g) ?? []));
    for (const name of names) expect([name, (await prometheus.query(name)).length > 0]).toEqual([name, true]);
    expect(rules.filter(({ lastError }) => lastError)).toEqual([]);
    expect(await firing()).toEqual([]);
  });

  it('fire for many sessions, sessions near a limit and refused visitors, and clear', async () => {
    for (let count = 0; count < 11; count += 1) expect(await upload()).toBe(201);
    for (let count = 0; count < 40; count += 1) await fetch(`${app.url}/session`);
    const names = ['NestSessionsMany', 'NestSessionsNearLimit', 'NestSessionsAlmostFull'];
    await fire(...names, 'NestSessionsVisitorsRefused');
    await endAll();
    await clear(...names, 'NestSessionsVisitorsRefused');
  }, 90_000);

  it('answer every query of the dashboard', async () => {
    await upload();
    const empty: string[] = [];
    const panels = dashboard.panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ expr }) => [title, expr] as const),
    );
    expect(panels.length).toBeGreaterThan(40);
    for (const [title, expr] of panels) {
      const query = expr.replaceAll('$__rate_interval', '8s').replaceAll('$job', '.*');
      expect(query).not.toContain('$');
      if ((await prometheus.query(query)).length === 0) empty.push(`${title}: ${query}`);
    }
    expect(empty).toEqual([]);
    for (const { definition } of dashboard.templating.list.filter((variable) => variable.definition)) {
      const [, name = '', label = ''] = /^label_values\((\w+), (\w+)\)$/.exec(definition!) ?? [];
      const values = (await prometheus.query(name)).map(({ metric }) => metric[label]);
      expect(values).toEqual(['speech']);
    }
  });

  it('fire for a full disk and a file that nobody can delete, and clear', async () => {
    // It idles out after 20 seconds: the cleanup cannot delete its file, which is a mount.
    const [file = ''] = entriesBelow(join(root, 's'))
      .map(pathOf)
      .filter((path) => !path.startsWith(orphans));
    place.mount(['--bind', file, file], file);
    // Leaves 3 MiB of 64, and 9,500 inodes of 12,000.
    writeFileSync(hog, Buffer.alloc(60 << 20));
    mkdirSync(`${hog}s`);
    for (let count = 0; count < 2500; count += 1) writeFileSync(join(`${hog}s`, String(count)), '');
    const names = ['NestSessionsDiskLow', 'NestSessionsInodesLow', 'NestSessionsFilesRefused'];
    expect(await upload()).toBe(507);
    await fire(...names, 'NestSessionsCleanupFailing');
    // The first try is noted by the run after the one that ended the session; the next one is then the fifth.
    await eventually('a try is noted', async () => retryNow('tries = 4,'), WITHIN_MS);
    await fire('NestSessionsStuck');
    rmSync(hog);
    rmSync(`${hog}s`, { recursive: true });
    unmountBelow(root);
    retryNow();
    await clear(...names, 'NestSessionsStuck', 'NestSessionsCleanupFailing');
  }, 120_000);

  it('fire for orphans that a sweep does not dare to delete, and clear', async () => {
    await eventually(
      'they are old enough',
      async () => (await firing()).includes('NestSessionsOrphansFound'),
      90_000,
    );
    fired.add('NestSessionsOrphansFound');
    expect(readdirSync(orphans)).toHaveLength(HELD);
    rmSync(orphans, { recursive: true });
    await clear('NestSessionsOrphansFound');
  }, 120_000);

  it('fire for a locked database and a late cleanup, and clear', async () => {
    const names = ['NestSessionsStoreErrors', 'NestSessionsStoreSlow', 'NestSessionsCleanupLate'];
    const db = new DatabaseSync(join(root, 'sessions.db'), { timeout: 5000 });
    db.exec('BEGIN IMMEDIATE');
    try {
      await fire(...names);
    } finally {
      db.exec('ROLLBACK');
      db.close();
    }
    await clear(...names);
  }, 90_000);

  it('fire for a store that is away, and clear', async () => {
    const [here, away] = [join(root, 'sessions.db'), join(place.path, 'disk/away.db')];
    renameSync(here, away);
    await fire('NestSessionsStoreDown');
    renameSync(away, here);
    await clear('NestSessionsStoreDown');
  }, 60_000);

  it('fire for servers that are gone, and clear', async () => {
    await app.stop();
    await fire('NestSessionsAbsent');
    app = await startApp();
    await clear('NestSessionsAbsent');
  }, 60_000);

  it('have all fired', async () => {
    const all = (await prometheus.rules()).map(({ name }) => name);
    expect([...fired].toSorted()).toEqual(all.toSorted());
  });
});

function unmountBelow(folder: string): void {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  const paths = mounts.map((line) => line.split(' ')[1] ?? '');
  for (const path of paths.filter((mounted) => mounted.startsWith(`${folder}/`))) {
    spawnSync('umount', ['-l', path]);
  }
}
