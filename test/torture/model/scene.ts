import { finished } from 'node:stream/promises';
import type { SessionsCore } from '../../../libs/sessions/dist/core/core.js';
import { Session } from '../../../libs/sessions/dist/core/handles/session.js';
import type { SessionToken } from '../../../libs/sessions/dist/core/tokens/session-token.js';
import { allDeleted, codeOf } from './command.ts';
import { DURATION_MS, IDLE_MS, type Stage } from './stage.ts';
import type { Turn, Watcher } from './watched-store.ts';

const CLIENT = { ipAddress: '192.0.2.1', userAgent: 'test' };

type Which = 0 | 1;
export const ACTORS = [
  'request',
  'request',
  'login',
  'regenerate',
  'upload',
  'upload',
  'download',
  'track',
  'flush',
  'hear',
  'sweep',
] as const;
export type Deed = (typeof ACTORS)[number] | 'end' | 'expire' | 'idle' | 'evict';

/** What an application may be told at any time when a session ends under its hands. */
const EXPECTED = new Set([
  'SESSION_GONE',
  'SESSION_STALE',
  'RESOURCE_GONE',
  'UPLOAD_ABORTED',
  'RESOURCES_IN_USE',
]);

/** One session in two processes, whose every call of the store waits for its turn. */
export class Scene implements Watcher {
  turn: Turn = async () => {};
  private readonly stage: Stage;
  private session!: Session;
  sessionId = '';
  private readonly tokens: string[] = [];
  private readonly faults: string[] = [];
  /** Where the end is known: from then on, no request that begins there is served. */
  private readonly knows: [boolean, boolean] = [false, false];
  private isOver = false;
  /** Whether so much time has passed at once that one process may have taken the other for dead. */
  private hasLeapt = false;
  private lastActivityAt = 0;
  private readonly listening: [Promise<void>, Promise<void>] = [Promise.resolve(), Promise.resolve()];
  /** Other sessions that were opened. */
  private readonly strangers = new Set<string>();
  private readonly openStreams = new Set<object>();
  private resourceId: string | null = null;

  private constructor(stage: Stage) {
    this.stage = stage;
  }

  /** `bare`: with nothing that would keep the session from being evicted. `isKnown`: who has it in the cache already. */
  static async set(stage: Stage, bare: boolean, isKnown: readonly [boolean, boolean]): Promise<Scene> {
    const scene = new Scene(stage);
    await scene.open(bare, isKnown);
    stage.watcher = scene;
    return scene;
  }

  /** One of those who act at the same time; what it is told is checked as it comes. */
  async play(does: Deed, by: Which): Promise<void> {
    const core = this.stage.cores[by];
    await this.turn(`${does} begins in ${by}`);
    try {
      await this.deeds[does](core, by);
    } catch (error) {
      const code = codeOf(error);
      const isLost = this.hasLeapt && does === 'upload' && code === 'STORAGE_UNAVAILABLE';
      if (!EXPECTED.has(code) && !isLost) this.fault(`${does}: ${code}`);
    }
  }

  /** When all have acted: the session is over everywhere, and nothing of it is left. */
  async assertOver(): Promise<void> {
    if (await this.stage.cores[0].service.end(this.session)) this.knows[0] = true;
    for (const [by, core] of this.stage.cores.entries()) {
      if (!this.knows[by]) await core.feed.read();
      for (const token of this.tokens) {
        const { kind } = await core.service.identify(token, CLIENT);
        if (kind === 'live') this.fault('A token is live after the end');
      }
      await core.feed.read();
      await core.thisProcess.beat();
    }
    const { store } = this.stage;
    await allDeleted(store);
    const record = await store.sessions.find(this.session.id);
    if (record?.state !== 'ended') this.fault(`At last the session is ${record?.state ?? 'gone'}`);
    if (record?.resourceCount !== 0 || record.bytesUsed + record.incomingCount + record.incomingBytes !== 0)
      this.fault('The session still counts something');
    const left = await store.resources.list([this.session.id]);
    if (left.length > 0) this.fault(`${left.length} records of resources are left`);
    const nothingKnown = async (ids: readonly string[]) => ids.map(() => '');
    for await (const { files } of this.stage.storage.scan(nothingKnown)) {
      if (files > 0) this.fault(`${files} files are left`);
    }
    if (this.openStreams.size > 0) this.fault('A stream is open after the end');
    for (const id of this.strangers) await this.stage.cores[0].service.end({ id });
    this.stage.clear();
    if (this.faults.length > 0) throw new Error(this.faults.join('; '));
  }

  private readonly deeds: Record<Deed, (core: SessionsCore, by: Which) => Promise<void>> = {
    request: (core, by) => this.request(core, by),
    login: async (core, by) => this.renew(by, (mine) => core.service.login(mine, 'ada')),
    regenerate: async (core, by) => this.renew(by, (mine) => core.service.regenerate(mine)),
    upload: async ({ service }) => {
      const sink = await service.createFile(this.session, { type: 'audio_file' });
      sink.write(Buffer.alloc(10, 1));
      sink.end(Buffer.alloc(10, 1));
      await finished(sink);
    },
    download: async ({ service }) => {
      if (this.resourceId === null) return;
      const { stream } = await service.openResource({ id: this.resourceId });
      await stream.toArray();
    },
    track: async (core) => this.track(core),
    flush: async ({ thisProcess }) => thisProcess.beat(),
    hear: (core, by) => this.hear(core, by),
    sweep: async ({ cleanup }) => void (await cleanup.run('orphans')),
    end: async ({ service }, by) => {
      if (await service.end(this.session)) this.knows[by] = true;
    },
    expire: async ({ cleanup }) => {
      this.hasLeapt = true;
      this.stage.clock.advance(DURATION_MS);
      await cleanup.run('expired');
    },
    idle: async ({ cleanup }, by) => {
      this.hasLeapt = true;
      this.stage.clock.advance(IDLE_MS);
      await this.stage.cores[by === 0 ? 1 : 0].thisProcess.beat();
      await cleanup.run('idle');
    },
    evict: async ({ service }) => {
      const opening = await service.open(CLIENT);
      if (opening.kind === 'opened') this.strangers.add(opening.session.id);
    },
  };

  private async request(core: SessionsCore, by: Which): Promise<void> {
    const mustNotServe = this.knows[by];
    const token = this.tokens.at(-1) ?? '';
    const finding = await core.service.identify(token, CLIENT);
    if (finding.kind !== 'live') return;
    if (mustNotServe) this.fault('A request was served where the end is known');
    if (this.stage.clock.now() >= finding.record.expiresAt)
      this.fault('A request was served past the absolute end');
    core.finder.touch(this.session.id, finding.record.tokenHash);
    const now = this.stage.clock.now();
    if (now < this.lastActivityAt + IDLE_MS) this.lastActivityAt = now;
  }

  private async renew(by: Which, work: (mine: Session) => Promise<SessionToken>): Promise<void> {
    const old = this.tokens.at(-1) ?? '';
    const mine = this.mySession();
    const token = await work(mine);
    this.session = mine;
    this.tokens.push(token.reveal());
    const { kind } = await this.stage.cores[by].service.identify(old, CLIENT);
    if (kind === 'live') this.fault('A token was served after it was replaced');
  }

  private async track({ service }: SessionsCore): Promise<void> {
    const connection = {
      close: () => void this.openStreams.delete(connection),
    };
    this.openStreams.add(connection);
    try {
      await service.trackStream(this.session, connection);
    } catch (error) {
      this.openStreams.delete(connection);
      throw error;
    }
  }

  /** One read after the other: only one that began after the end is sure to tell of it. */
  private hear(core: SessionsCore, by: Which): Promise<void> {
    const reading = this.listening[by].then(async () => {
      const wasOver = this.isOver;
      await core.feed.read();
      if (wasOver) this.knows[by] = true;
    });
    this.listening[by] = reading.catch(() => {});
    return reading;
  }

  /** A handle of its own for each handler: it knows the token that its request came with. */
  private mySession(): Session {
    return Object.assign(Object.create(Session.prototype), this.session);
  }

  /** All resources are our session's; another one is opened, and maybe ended to make room, but nothing else. */
  concerns([first]: readonly unknown[]): boolean {
    if (typeof first === 'object' && first !== null && 'sessionId' in first) {
      return first.sessionId === this.sessionId;
    }
    return typeof first === 'string' && !this.strangers.has(first);
  }

  /** In the instant of its end. */
  ended(reason: string): void {
    this.isOver = true;
    const idleForMs = this.stage.clock.now() - this.lastActivityAt;
    if (reason === 'idle' && idleForMs < IDLE_MS) this.fault(`It was ended for being idle ${idleForMs} ms`);
  }

  private async open(bare: boolean, isKnown: readonly [boolean, boolean]): Promise<void> {
    for (const { thisProcess, feed } of this.stage.cores) {
      await thisProcess.beat();
      await feed.read();
    }
    const opening = await this.stage.cores[0].service.open(CLIENT);
    if (opening.kind !== 'opened') throw new Error('The scene cannot be set');
    this.session = opening.session;
    this.sessionId = opening.session.id;
    this.lastActivityAt = this.stage.clock.now();
    this.tokens.push(opening.token.reveal());
    for (const by of [0, 1] as const) if (isKnown[by]) await this.request(this.stage.cores[by], by);
    if (bare) return;
    const sink = await this.stage.cores[0].service.createFile(this.session, { type: 'audio_file' });
    sink.end(Buffer.alloc(10, 1));
    await finished(sink);
    this.resourceId = sink.resourceId;
  }

  fault(what: string): void {
    this.faults.push(what);
  }
}
