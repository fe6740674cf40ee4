import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { withServers, type Round } from './round.ts';

const MAX_RESOURCES = 12;
const MAX_BYTES = 1_000_000;
const UPLOADS = 16;
const ROUNDS_PER_ROUND = 5;
const EXPECTED = new Set(['ready', 'RESOURCES_IN_USE', 'RESOURCE_TOO_LARGE']);

/** Both processes upload to one session; somebody else reads the database all the while. */
export async function raceLimits({ root, rounds, random, violation, note }: Round): Promise<void> {
  const options = { maxResources: MAX_RESOURCES, maxBytes: MAX_BYTES };
  await withServers({ root, options, cleansUp: true }, async (servers) => {
    const reader = new Reader(root, violation);
    let uploads = 0;
    try {
      for (let round = 0; round < rounds * ROUNDS_PER_ROUND; round += 1) {
        const [session] = await servers[0].ask.open(1);
        if (!session) throw new Error('No session was opened');
        const uploading = servers.flatMap((server) =>
          Array.from({ length: UPLOADS }, () => server.ask.upload(session.id, chunks(random))),
        );
        for (const { outcome } of await reader.readWhile(Promise.all(uploading))) {
          if (!EXPECTED.has(outcome)) violation(`An upload to a session at its limits: ${outcome}`);
        }
        uploads += uploading.length;
        await servers[0].ask.end(session.id);
      }
    } finally {
      reader.close();
    }
    note(
      `${uploads} parallel uploads from both; read ${reader.looks.toLocaleString('en')} times, up to ${reader.mostResources} resources and ${reader.mostBytes.toLocaleString('en')} bytes`,
    );
  });
}

function chunks(random: () => number): number[] {
  return Array.from({ length: 1 + Math.floor(random() * 6) }, () => 1 + Math.floor(random() * 60_000));
}

/** Looks at what every session holds, as the database has it at one instant. */
class Reader {
  looks = 0;
  mostResources = 0;
  mostBytes = 0;
  private readonly db: DatabaseSync;
  private readonly select: ReturnType<DatabaseSync['prepare']>;
  private readonly violation: (message: string) => void;

  constructor(root: string, violation: (message: string) => void) {
    this.violation = violation;
    this.db = new DatabaseSync(join(root, 'sessions.db'), { readOnly: true });
    this.select = this.db.prepare(`
      SELECT s.resource_count AS told, s.bytes_used AS told_bytes, count(r.key) AS held, ifnull(sum(r.size_bytes), 0) AS held_bytes
      FROM sessions s LEFT JOIN resources r
        ON r.session_key = s.key AND r.state = 'ready' AND r.overdrawn_at IS NULL
      WHERE s.state = 'open' GROUP BY s.key`);
  }

  async readWhile<T>(work: Promise<T>): Promise<T> {
    let isUnderWay = true;
    const done = work.finally(() => (isUnderWay = false));
    while (isUnderWay) {
      this.look();
      await nextTurn();
    }
    return done;
  }

  close(): void {
    this.db.close();
  }

  private look(): void {
    this.looks += 1;
    for (const row of this.select.all()) {
      const [told, toldBytes, held, heldBytes] = ['told', 'told_bytes', 'held', 'held_bytes'].map((name) =>
        Number(row[name]),
      ) as [number, number, number, number];
      this.mostResources = Math.max(this.mostResources, held);
      this.mostBytes = Math.max(this.mostBytes, heldBytes);
      if (held > MAX_RESOURCES || heldBytes > MAX_BYTES) {
        this.violation(`A session holds ${held} resources and ${heldBytes} bytes`);
      }
      if (held !== told || heldBytes !== toldBytes) {
        this.violation(
          `A session holds ${held} resources and ${heldBytes} bytes, and counts ${told} and ${toldBytes}`,
        );
      }
    }
  }
}
