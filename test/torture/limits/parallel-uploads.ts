import type { CampaignContext } from '../campaign.ts';
import { Child } from '../processes/child.ts';
import type { CoreSetUp, Outcomes, UploadsAsked } from '../processes/core-process.ts';
import { Database } from '../processes/database.ts';
import { filesIn, folderOf } from '../processes/folder.ts';
import { withFolder } from '../processes/scratch.ts';
import type { Sighting, WatchSetUp } from './watcher.ts';

const PROCESSES = 3;
const UPLOADS = 64;
/** In every second round the disk takes so long to delete a file, at most. */
const SLOW_MS = 300;
const MAX_RESOURCES = 20;
const MAX_BYTES = 6 * 1024 * 1024;
/** What a session at its limits may say; all else is a broken promise. */
const REFUSALS = new Set([
  'RESOURCES_IN_USE',
  'RESOURCE_TOO_LARGE',
  'aborted',
  'refused by its handler',
  'read',
]);

/** Rounds of parallel uploads to one session, by several processes at once; how many uploads there were. */
export async function uploadInParallel(context: CampaignContext, rounds: number): Promise<number> {
  return withFolder(async (root) => {
    const options = {
      storagePath: root,
      maxResources: MAX_RESOURCES,
      maxBytes: MAX_BYTES,
      openRate: 0,
      maxUnconfirmedPerNetwork: 0,
      maxSessionsPerNetwork: 0,
      minFreeBytes: 0,
      ballastBytes: 0,
    };
    const children: Child[] = [];
    try {
      for (let started = 0; started < PROCESSES; started += 1) {
        const setUp: CoreSetUp = { role: 'server', options };
        children.push(await Child.start(new URL('../processes/core-process.ts', import.meta.url), setUp));
      }
      const watchSetUp: WatchSetUp = { root, maxResources: MAX_RESOURCES, maxBytes: MAX_BYTES };
      const watcher = await Child.start(new URL('watcher.ts', import.meta.url), watchSetUp);
      children.push(watcher);
      const database = new Database(root);
      const tally = new Tally();
      for (let round = 0; round < rounds; round += 1) {
        await new Round(context, { root, database, servers: children.slice(0, PROCESSES), watcher }).run(
          tally,
        );
      }
      database.close();
      tally.tell(context);
      return rounds * UPLOADS;
    } finally {
      await Promise.all(children.map((child) => child.kill()));
    }
  });
}

interface Scene {
  readonly root: string;
  readonly database: Database;
  readonly servers: readonly Child[];
  readonly watcher: Child;
}

class Round {
  private readonly context: CampaignContext;
  private readonly scene: Scene;

  constructor(context: CampaignContext, scene: Scene) {
    this.context = context;
    this.scene = scene;
  }

  async run(tally: Tally): Promise<void> {
    const { random } = this.context;
    const { servers, watcher } = this.scene;
    const anyServer = (): Child => servers[Math.floor(random() * servers.length)]!;
    const sessionId = await anyServer().ask<string>('open');
    await watcher.ask('watch', sessionId);
    const isSlow = random() < 0.5;
    const shares = servers.map((_, index) => Math.floor((UPLOADS + index) / servers.length));
    const outcomes = await Promise.all(
      servers.map((server, index) => {
        const asked: UploadsAsked = {
          sessionId,
          uploads: shares[index]!,
          seed: Math.floor(random() * 2 ** 31),
          mostBytes: MAX_BYTES * 1.05,
          slowMs: isSlow ? SLOW_MS : 0,
        };
        return server.ask<Outcomes>('upload', asked);
      }),
    );
    const sighting = await watcher.ask<Sighting>('told');
    tally.add(outcomes, sighting);
    for (const beyond of sighting.beyond) this.context.violation(`beyond a limit: ${beyond}`);
    this.checkEnds(outcomes);
    this.checkAgreement(sessionId);
    await anyServer().ask('end', sessionId);
    const left = filesIn(folderOf(this.scene.root, sessionId));
    if (left.length > 0) this.context.violation(`${left.length} files are left of an ended session`);
  }

  private checkEnds(outcomes: readonly Outcomes[]): void {
    const ends = outcomes.flatMap((outcome) => Object.entries(outcome));
    for (const [end, times] of ends) {
      if (end !== 'placed' && !REFUSALS.has(end)) this.context.violation(`${times} uploads: ${end}`);
    }
    const uploads = ends.reduce((sum, [, times]) => sum + times, 0);
    if (uploads !== UPLOADS) this.context.violation(`${uploads} of ${UPLOADS} uploads came to an end`);
  }

  /** When all is quiet, the counts are what is on the disk, file by file. */
  private checkAgreement(sessionId: string): void {
    const { database, root } = this.scene;
    const records = database.resources(sessionId);
    const files = new Map(filesIn(folderOf(root, sessionId)).map(({ name, bytes }) => [name, bytes]));
    const holdings = database.holdings(sessionId);
    for (const { id, state, bytes } of records) {
      if (state !== 'ready') this.context.violation(`a resource stays ${state}`);
      else if (files.get(id) !== bytes) {
        this.context.violation(`${bytes} bytes on record, ${files.get(id) ?? 'no file'} on disk`);
      }
    }
    if (files.size !== records.length) {
      this.context.violation(`${files.size} files for ${records.length} resources`);
    }
    if (JSON.stringify(holdings?.said) !== JSON.stringify(holdings?.summed)) {
      this.context.violation(
        `the session says ${JSON.stringify(holdings?.said)}, but ${JSON.stringify(holdings?.summed)}`,
      );
    }
  }
}

/** What came of all rounds together. */
class Tally {
  private readonly ends: Outcomes = {};
  private looks = 0;
  private most = { resources: 0, bytes: 0, files: 0, fileBytes: 0 };

  add(outcomes: readonly Outcomes[], sighting: Sighting): void {
    for (const [end, times] of outcomes.flatMap((outcome) => Object.entries(outcome))) {
      this.ends[end] = (this.ends[end] ?? 0) + times;
    }
    this.looks += sighting.looks;
    const { most } = this;
    this.most = {
      resources: Math.max(most.resources, sighting.resources),
      bytes: Math.max(most.bytes, sighting.bytes),
      files: Math.max(most.files, sighting.files),
      fileBytes: Math.max(most.fileBytes, sighting.fileBytes),
    };
  }

  tell({ note, violation }: CampaignContext): void {
    const ends = Object.entries(this.ends).map(([end, times]) => `${times} ${end}`);
    const { resources, bytes, files, fileBytes } = this.most;
    note(
      `parallel uploads from ${PROCESSES} processes: ${ends.join(', ')}; ${this.looks} looks from outside, at most ` +
        `${resources} resources and ${bytes} bytes in place, of ${MAX_RESOURCES} and ${MAX_BYTES}; ` +
        `${files} files and ${fileBytes} bytes on disk, of twice that`,
    );
    if (!this.ends['placed']) violation('no upload got in at all');
  }
}
