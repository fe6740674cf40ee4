// A server without HTTP, in a process of its own: it boots in a fraction of a second, and does what its parent asks.
import { finished } from 'node:stream/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { resolveConfig } from '../../../libs/sessions/dist/core/config/config.js';
import { SessionsCore } from '../../../libs/sessions/dist/core/core.js';
import { Session } from '../../../libs/sessions/dist/core/handles/session.js';
import { AnchoredClock } from '../../../libs/sessions/dist/core/clock/system-clock.js';
import { CLEANUP_JOBS } from '../../../libs/sessions/dist/domain/events.js';
import { createLocalStorage } from '../../../libs/sessions/dist/storage/local/create-local-storage.js';
import { SqliteSessionStore } from '../../../libs/sessions/dist/stores/sqlite/sqlite-session-store.js';
import type { SessionToken } from '../../../libs/sessions/dist/core/tokens/session-token.js';
import type {
  Answer,
  Ended,
  Question,
  RemoteCalls,
  RemoteSettings,
  Replaced,
  Served,
  Watched,
} from './protocol.ts';

const DATABASE = 'sessions.db';
const CLIENT = { ipAddress: '192.0.2.1', userAgent: 'torture' };
const TICK_MS = 200;
/** One in so many watched sessions has files written to it, one after the other. */
const UPLOADS_OF = 20;
/** Refused sessions are asked for again now and then: they are not to come back. */
const AGAIN_EVERY_ROUNDS = 50;

const settings: RemoteSettings = JSON.parse(process.argv[2] ?? '{}');
const core = makeCore(settings);
await core.start();
const ended: Ended[] = [];
core.events.on('session.ended', ({ sessionId, reason }) => {
  ended.push({ id: sessionId, reason, at: now() });
});
const ticking = setInterval(() => {
  if (settings.cleansUp) for (const job of CLEANUP_JOBS) void core.cleanup.runIfDue(job);
}, TICK_MS);

let watching: Promise<Watched[]> | null = null;
let isWatching = false;

const calls: RemoteCalls = {
  open: (count) =>
    Promise.all(
      Array.from({ length: count }, async () => {
        const opening = await core.service.open(CLIENT);
        if (opening.kind !== 'opened') throw new Error(`The session was refused: ${opening.reason}`);
        return { id: opening.session.id, token: opening.token.reveal(), at: now() };
      }),
    ),
  request,
  login: (token, userId) => replaced(token, (session) => core.service.login(session, userId)),
  regenerate: (token) => replaced(token, (session) => core.service.regenerate(session)),
  async end(id) {
    const outcome = await core.service.end({ id });
    // The store has not taken it: it holds here alone until it does.
    if (outcome?.unfinished?.code === 'STORE_UNAVAILABLE') throw outcome.unfinished;
    return { outcome: outcome ? 'ended' : 'none', at: now() };
  },
  upload,
  async download(resourceId) {
    const { stream } = await core.service.openResource({ id: resourceId });
    let bytes = 0;
    for await (const chunk of stream) bytes += (chunk as Buffer).length;
    return bytes;
  },
  async watch(tokens, uploads) {
    isWatching = true;
    watching = watch(tokens, uploads);
  },
  async unwatch() {
    isWatching = false;
    return (await watching) ?? [];
  },
  ended: async () => ended.splice(0),
  async cleanUp() {
    for (const job of CLEANUP_JOBS) await core.cleanup.run(job);
  },
};

process.on('message', (question: Question) => void answer(question));
process.once('SIGTERM', () => void stop());
process.once('disconnect', () => void stop());
process.send?.('ready');

async function answer({ id, call, args }: Question): Promise<void> {
  const work = calls[call] as (...args: readonly unknown[]) => Promise<unknown>;
  let told: Answer;
  try {
    told = { id, answer: (await work(...args)) ?? null };
  } catch (error) {
    told = { id, failure: codeOf(error) };
  }
  if (process.connected) process.send?.(told);
}

async function stop(): Promise<void> {
  clearInterval(ticking);
  await core.quiesce();
  await core.stop();
  process.exit(0);
}

/** As the HTTP border does it: looked up, and touched. */
async function request(token: string): Promise<Served> {
  const askedAt = now();
  const finding = await core.service.identify(token, CLIENT);
  const at = now();
  if (finding.kind !== 'live') return { kind: finding.kind, userId: null, askedAt, at };
  core.finder.touch(finding.record.id, finding.record.tokenHash);
  return { kind: 'live', userId: finding.record.userId, askedAt, at };
}

async function withSession<T>(
  token: string,
  work: (session: Session) => Promise<T>,
): Promise<{ answer: T } | { code: string }> {
  const finding = await core.service.identify(token, CLIENT);
  if (finding.kind !== 'live') return { code: finding.kind };
  try {
    return { answer: await work(new Session(finding.record)) };
  } catch (error) {
    return { code: codeOf(error) };
  }
}

async function replaced(token: string, work: (session: Session) => Promise<SessionToken>): Promise<Replaced> {
  const outcome = await withSession(token, work);
  const at = now();
  return 'code' in outcome
    ? { outcome: outcome.code, token: null, at }
    : { outcome: 'done', token: outcome.answer.reveal(), at };
}

async function upload(
  id: string,
  chunks: readonly number[],
): Promise<{ outcome: string; resourceId: string | null }> {
  try {
    const sink = await core.service.createFile({ id }, { type: 'audio_file' });
    for (const bytes of chunks) {
      if (sink.destroyed) break;
      if (!sink.write(Buffer.alloc(bytes, 1))) await Promise.race([drained(sink), finished(sink)]);
    }
    sink.end();
    await finished(sink);
    return { outcome: 'ready', resourceId: sink.resourceId };
  } catch (error) {
    return { outcome: codeOf(error), resourceId: null };
  }
}

function drained(sink: NodeJS.WritableStream): Promise<void> {
  return new Promise((resolve) => sink.once('drain', () => resolve()));
}

async function watch(tokens: readonly string[], uploads: boolean): Promise<Watched[]> {
  const all = tokens.map((token): Watched => {
    const nothing = { requests: 0, lastServedAt: 0, lastUploadBegunAt: 0 };
    return { token, ...nothing, firstRefusedAt: null, revived: false };
  });
  const uploading = uploads ? all.filter((_, index) => index % UPLOADS_OF === 0).map(keepUploading) : [];
  for (let round = 0; isWatching; round += 1) {
    const asked = all.filter(
      ({ firstRefusedAt }) => firstRefusedAt === null || round % AGAIN_EVERY_ROUNDS === 0,
    );
    await Promise.all(asked.map(look));
    await nextTurn();
  }
  await Promise.all(uploading);
  return all;
}

async function look(watched: Watched): Promise<void> {
  let served: Served;
  try {
    served = await request(watched.token);
  } catch (error) {
    // A store that cannot answer serves nobody.
    if (codeOf(error) === 'STORE_UNAVAILABLE') return;
    throw error;
  }
  watched.requests += 1;
  if (served.kind !== 'live') {
    watched.firstRefusedAt ??= served.at;
    return;
  }
  if (watched.firstRefusedAt !== null) watched.revived = true;
  watched.lastServedAt = served.askedAt;
}

async function keepUploading(watched: Watched): Promise<void> {
  const finding = await core.service.identify(watched.token, CLIENT);
  if (finding.kind !== 'live') return;
  while (isWatching) {
    const begunAt = now();
    const { outcome } = await upload(finding.record.id, [100]);
    if (outcome === 'ready') watched.lastUploadBegunAt = begunAt;
    else await nextTurn();
  }
}

function makeCore({ root, options }: RemoteSettings): SessionsCore {
  const config = resolveConfig(
    { openRate: 0, maxUnconfirmedPerNetwork: 0, maxSessionsPerNetwork: 0, storagePath: root, ...options },
    {},
  );
  const files = createLocalStorage({
    root,
    minFreeBytes: 0,
    minFreeInodes: 0,
    ballastBytes: 0,
    reservedNames: [DATABASE, `${DATABASE}-wal`, `${DATABASE}-shm`],
  });
  const store = new SqliteSessionStore({ path: `${root}/${DATABASE}` });
  const log = { debug() {}, log() {}, warn: say, error: say };
  return new SessionsCore({
    config,
    store,
    ...files,
    clock: new AnchoredClock(),
    role: 'server',
    logFor: () => log,
  });
}

function say(message: string): void {
  if (process.env['TORTURE_LOG']) process.stderr.write(`${process.pid}: ${message}\n`);
}

function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error) return String(error.code);
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** The machine's monotonic clock: the same for all its processes. */
function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
