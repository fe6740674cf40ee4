import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { SessionsError } from 'nest-sessions';
import type { CampaignContext } from '../campaign.ts';
import { Chance } from './chance.ts';
import { CLIENT, SmallCore } from './small-core.ts';

const SESSIONS = 12;
/** What no column should hold, in the language of the store. */
const VALUES = [
  'NULL',
  "''",
  "'x'",
  '-1',
  '0',
  '1.5',
  '9e18',
  '-9e18',
  '9007199254740993',
  "x'00'",
  "x'ffffffff'",
  '\'{"a":1}\'',
  'zeroblob(1000000)',
  "'\u0000'",
  "'open'",
  "'ending'",
  "'ready'",
  '(SELECT 1)',
];
const SKIPPED = new Set(['key']);

/** A store whose contents somebody has changed, by statements or bit by bit: it is told, or read, and nothing worse. */
export class StoreAttack {
  readonly #context: CampaignContext;
  readonly #chance: Chance;
  #folder = '';
  #tokens: string[] = [];
  #taken = 0;

  constructor(context: CampaignContext) {
    this.#context = context;
    this.#chance = new Chance(context.random);
  }

  /** How many of the changed stores were opened; the others were refused. */
  get taken(): number {
    return this.#taken;
  }

  async run(count: number): Promise<number> {
    this.#folder = await mkdtemp(join(tmpdir(), 'nest-sessions-torture-'));
    try {
      await this.#prepare();
      for (let number = 0; number < count; number += 1) await this.#attack();
    } finally {
      await rm(this.#folder, { recursive: true, force: true });
    }
    return count;
  }

  async #prepare(): Promise<void> {
    const small = await SmallCore.start();
    try {
      for (let number = 0; number < SESSIONS; number += 1) {
        const { session, token } = await small.open();
        this.#tokens.push(token.reveal());
        await small.write(session, 'x'.repeat(number * 100));
      }
      await small.stop();
      await copyFile(small.database, join(this.#folder, 'whole.db'));
    } finally {
      await small.destroy();
    }
  }

  async #attack(): Promise<void> {
    const root = await mkdtemp(join(tmpdir(), 'nest-sessions-torture-'));
    const database = join(root, 'sessions.db');
    try {
      await copyFile(join(this.#folder, 'whole.db'), database);
      const harm = this.#chance.oneIn(2) ? this.#changeCells(database) : await this.#flipBits(database);
      await this.#use(root, harm);
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  }

  #changeCells(path: string): string {
    const database = new DatabaseSync(path);
    try {
      database.exec('PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON');
      const done: string[] = [];
      for (let harms = 1 + this.#chance.below(3); harms > 0; harms -= 1)
        done.push(this.#changeCell(database));
      return done.join('; ');
    } finally {
      database.close();
    }
  }

  #changeCell(database: DatabaseSync): string {
    const table = this.#chance.pick([
      'sessions',
      'sessions',
      'resources',
      'resources',
      'store',
      'type_totals',
      'ended_totals',
      'processes',
    ]);
    const columns = database.prepare(`SELECT name FROM pragma_table_info('${table}')`).all();
    const names = columns.map(({ name }) => String(name)).filter((name) => !SKIPPED.has(name));
    const statement = `UPDATE ${table} SET ${this.#chance.pick(names)} = ${this.#chance.pick(VALUES)}`;
    try {
      database.exec(statement);
      return statement;
    } catch {
      return `${statement} (refused)`;
    }
  }

  async #flipBits(path: string): Promise<string> {
    const bytes = await readFile(path);
    const flips = 1 + this.#chance.below(64);
    for (let flip = 0; flip < flips; flip += 1) {
      // Every third one where all else hangs on it: in the first page.
      const at = this.#chance.below(this.#chance.oneIn(3) ? 4096 : bytes.length);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << this.#chance.below(8));
    }
    await writeFile(path, bytes);
    return `${flips} bits flipped`;
  }

  async #use(root: string, harm: string): Promise<void> {
    let small: SmallCore;
    try {
      small = await SmallCore.start({}, root);
      this.#taken += 1;
    } catch (error) {
      if (!(error instanceof SessionsError))
        this.#context.violation(`store (${harm}), opened: ${String(error)}`);
      return;
    }
    const { service, cleanup } = small.core;
    const calls: Record<string, () => unknown> = {
      ...Object.fromEntries(
        this.#tokens.map((token, index) => [`identify ${index}`, () => service.identify(token, CLIENT)]),
      ),
      list: async () => {
        for (const { id } of await service.list({ limit: 100, sort: 'created_at' }))
          await service.describe({ id });
      },
      totals: () => service.totals(),
      open: () => service.open(CLIENT),
      cleanup: () => cleanup.runAll(),
      'open again': () => service.open(CLIENT),
    };
    for (const [name, call] of Object.entries(calls)) {
      try {
        await call();
      } catch (error) {
        if (!(error instanceof SessionsError))
          this.#context.violation(`store (${harm}), ${name}: ${String(error)}`);
      }
    }
    await small
      .stop()
      .catch((error: unknown) => this.#context.violation(`store (${harm}), stop: ${String(error)}`));
  }
}
