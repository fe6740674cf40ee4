import type { FileSink } from '../../../libs/sessions/dist/core/resources/file-sink.js';
import type { OpenedResource } from '../../../libs/sessions/dist/core/ways-out/file-reading.js';
import type { TrackedStream } from '../../../libs/sessions/dist/core/resources/resources.js';
import { Session } from '../../../libs/sessions/dist/core/handles/session.js';
import { LIMITS, type PlainModel, type PlainResource, type PlainSession, type Which } from './plain-model.ts';

/** A session as a handler holds it: with the token that its request came with. */
export interface SessionInHand {
  readonly plain: PlainSession;
  readonly real: Session;
  /** Index of the token that it has. */
  token: number;
}

export interface UploadInHand {
  readonly plain: PlainResource;
  readonly sink: FileSink;
  readonly closed: Promise<unknown>;
}

export interface DownloadInHand {
  readonly plain: PlainResource;
  readonly by: Which;
  readonly opened: OpenedResource;
}

export interface StreamInHand {
  /** Another one after its process was taken for dead. */
  plain: PlainResource;
  readonly tracked: TrackedStream;
  /** Why it was closed from our side. */
  readonly closedFor: string[];
}

/** What the application holds while commands come and go: the model's side and the real one, side by side. */
export class World {
  readonly model: PlainModel;
  readonly sessions: SessionInHand[] = [];
  readonly uploads: UploadInHand[] = [];
  readonly downloads: DownloadInHand[] = [];
  readonly streams: StreamInHand[] = [];

  constructor(model: PlainModel) {
    this.model = model;
    model.onReturn = (which) => takeUpAgain(this, which);
  }
}

/** A process that was taken for dead registers its streams again, under new ids, and its downloads. */
function takeUpAgain({ model, streams, downloads }: World, which: Which): void {
  for (const stream of streams) {
    const { plain, tracked, closedFor } = stream;
    const { session, by } = plain;
    if (by !== which || session.state !== 'open' || closedFor.some(isBeforeReturn)) continue;
    if (model.streamsOf(session) >= LIMITS.maxStreams) continue;
    stream.plain = model.reserved('', session, plain.type, by);
    Object.defineProperty(stream.plain, 'id', { get: () => tracked.resourceId });
  }
  for (const { plain, by, opened } of downloads) {
    if (by !== which || opened.stream.destroyed || !model.isHeld(plain) || plain.state !== 'ready') continue;
    plain.uses[which] += 1;
    plain.lastUsedAt = model.now;
  }
}

/** A process ends a session for its idleness only after it has said that it lives. */
function isBeforeReturn(reason: string): boolean {
  return reason !== 'idle' && reason !== 'unconfirmed';
}

export function take<T>(from: readonly T[], index: number): T {
  const found = from[index % from.length];
  if (found === undefined) throw new Error('The command was not to be run: there is nothing to choose from');
  return found;
}

/** Mostly one of those that still can do something; now and then one that is over. */
export function takeSession({ sessions }: World, index: number): SessionInHand {
  const open = sessions.filter(({ plain }) => plain.state === 'open');
  return take(index % 4 > 0 && open.length > 0 ? open : sessions, Math.floor(index / 4));
}

export function putAway<T>(from: T[], what: T): void {
  from.splice(from.indexOf(what), 1);
}
