import { finished } from 'node:stream/promises';
import { resolveConfig } from '../../../libs/sessions/dist/core/config/config.js';
import { SessionsCore } from '../../../libs/sessions/dist/core/core.js';
import { Session } from '../../../libs/sessions/dist/core/handles/session.js';
import { MemoryFileStorage } from '../../../libs/sessions/dist/storage/memory/memory-file-storage.js';
import { MemoryStorageRoot } from '../../../libs/sessions/dist/storage/memory/memory-storage-root.js';
import { MemorySessionStore } from '../../../libs/sessions/dist/stores/sqlite/memory-session-store.js';
import { ManualClock } from '../../../libs/sessions/dist/testing/manual-clock.js';
import type { CampaignContext } from '../campaign.ts';

const USERS = 100;
/** So long lie between two uploads of the address: it meets the limit of openings, then that of sessions. */
const BETWEEN_MS = 4;
const MINUTE_MS = 60_000;
const STRANGER = { ipAddress: '198.51.100.1', userAgent: 'stranger' };
const silent = { debug() {}, log() {}, warn() {}, error() {} };

/**
 * One-byte uploads without a cookie from one address, at the defaults, beside users elsewhere, none of whom loses a session or is
 * refused anything. The clock is moved by hand: an hour of it passes in a minute.
 */
export async function floodFromOneAddress(context: CampaignContext, uploads: number): Promise<string> {
  const config = resolveConfig({}, {});
  const clock = new ManualClock();
  const store = new MemorySessionStore();
  const core = new SessionsCore({
    config,
    store,
    storage: new MemoryFileStorage(),
    storageRoot: new MemoryStorageRoot(),
    clock,
    role: 'server',
    logFor: () => silent,
  });
  await core.start();
  try {
    return await flood(context, core, clock, uploads);
  } finally {
    await core.quiesce();
    await core.stop();
  }
}

async function flood(
  context: CampaignContext,
  core: SessionsCore,
  clock: ManualClock,
  uploads: number,
): Promise<string> {
  const users = await Promise.all(Array.from({ length: USERS }, (_, index) => arrive(core, index)));
  const answers = new Map<string, number>();
  let most = 0;
  let visitedAt = clock.now();
  for (let upload = 0; upload < uploads; upload += 1) {
    clock.advance(BETWEEN_MS);
    const answer = await uploadOnce(core);
    answers.set(answer, (answers.get(answer) ?? 0) + 1);
    if (clock.now() - visitedAt < MINUTE_MS) continue;
    visitedAt = clock.now();
    await visit(core, users, context);
    await core.thisProcess.beat();
    for (const job of ['idle', 'expired'] as const) await core.cleanup.run(job);
    most = Math.max(most, await heldBy(core));
    context.progress(upload, uploads);
  }
  await visit(core, users, context);
  most = Math.max(most, await heldBy(core));
  if (most > core.config.maxSessionsPerNetwork)
    context.violation(`The address held ${most} sessions of ${core.config.maxSessionsPerNetwork}`);
  const told = [...answers].map(([answer, times]) => `${times.toLocaleString('en')} ${answer}`);
  return `${uploads.toLocaleString('en')} uploads without a cookie from one address (${told.join(', ')}), which held ${most.toLocaleString('en')} sessions at most; ${USERS} users elsewhere kept theirs`;
}

/** Sessions of the address: of all but the users. */
async function heldBy(core: SessionsCore): Promise<number> {
  return (await core.service.totals()).open - USERS;
}

interface User {
  readonly client: { readonly ipAddress: string; readonly userAgent: string };
  readonly token: string;
}

async function arrive(core: SessionsCore, index: number): Promise<User> {
  const client = { ipAddress: `192.0.2.${index}`, userAgent: 'user' };
  const opening = await core.service.open(client);
  if (opening.kind !== 'opened') throw new Error(`A user was refused: ${opening.reason}`);
  return { client, token: opening.token.reveal() };
}

async function visit(
  core: SessionsCore,
  users: readonly User[],
  { violation }: CampaignContext,
): Promise<void> {
  for (const [index, { client, token }] of users.entries()) {
    const found = await core.service.identify(token, client);
    if (found.kind !== 'live') {
      // An hour is the longest that a session lives at the defaults: its user comes back.
      if (found.kind !== 'ended') violation(`The session of user ${index} is ${found.kind}`);
      continue;
    }
    core.finder.touch(found.record.id, found.record.tokenHash);
    await write(core, new Session(found.record)).catch((error: unknown) =>
      violation(`An upload of user ${index} was refused: ${String(error)}`),
    );
  }
}

async function uploadOnce(core: SessionsCore): Promise<string> {
  const opening = await core.service.open(STRANGER);
  if (opening.kind !== 'opened') return opening.reason;
  try {
    await write(core, opening.session);
    return 'taken';
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
}

async function write(core: SessionsCore, session: Session): Promise<void> {
  const sink = await core.service.createFile(session, { type: 'audio_file' });
  sink.end(Buffer.alloc(1, 1));
  await finished(sink);
}
