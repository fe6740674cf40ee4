import { pipeline, type Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { hasCode, SessionsError, staleSession } from '../../domain/errors.js';
import { isReadable, STREAM_TYPE, type NewResource, type ResourceRecord } from '../../domain/resource.js';
import { isStale } from '../../domain/session.js';
import type { ByteRange } from '../../ports/storage/file-storage.js';
import { requireResource } from '../handles/arguments.js';
import { noteFoundWith, sessionFoundWith } from '../handles/found-with.js';
import { Session, type SessionRef } from '../handles/session.js';
import { underAuthority } from '../handles/under-authority.js';
import type { CoreContext } from '../process/context.js';
import type { Closable, LiveConnection, Registered } from '../process/live-connections.js';
import type { Nodes } from '../process/nodes.js';
import { describeError } from '../watch/log.js';
import { FileBatch } from './file-batch.js';
import type { FileSink } from './file-sink.js';
import { FileSource } from './file-source.js';
import { keyOf, type FileDescription, type FileWriting } from './file-writing.js';
import type { Limiter } from './limiter.js';
import type { Placer } from './placer.js';
import { admitted } from './refused.js';
import type { Releaser } from './releaser.js';

export interface TrackedStream {
  readonly resourceId: string;
  /** Call it when either side has closed the connection; repeating it does nothing. */
  release(): Promise<void>;
}

/** A file opened for reading. It is in use until the stream is closed. */
export interface OpenedResource {
  readonly resource: ResourceRecord;
  readonly stream: Readable;
}

/** Creates, adopts, reads and releases the resources of sessions. */
export class Resources {
  private readonly batches = new Map<string, FileBatch>();

  constructor(
    private readonly context: CoreContext,
    private readonly parts: {
      readonly writing: FileWriting;
      readonly limiter: Limiter;
      readonly placer: Placer;
      readonly releaser: Releaser;
      readonly nodes: Nodes;
    },
  ) {}

  /** Files that take their places together. `announcedBytes`: what they will hold at least. */
  async beginBatch(session: SessionRef, announcedBytes: number): Promise<FileBatch> {
    await this.parts.limiter.refuseAnnounced(session, announcedBytes);
    return new FileBatch(session, this.parts, this.batches);
  }

  createFile(session: SessionRef, description: FileDescription): Promise<FileSink> {
    return this.parts.writing.create(session, description);
  }

  adoptFile(session: SessionRef, path: string, description: FileDescription): Promise<ResourceRecord> {
    return this.parts.writing.adopt(session, path, description);
  }

  async trackStream(
    session: SessionRef,
    connection: Closable,
    description: Omit<FileDescription, 'type'>,
  ): Promise<TrackedStream> {
    const { writing, limiter, releaser } = this.parts;
    const describe = (): NewResource => writing.describe(session, { ...description, type: STREAM_TYPE });
    let resource = describe();
    let isReserved = false;
    let released: Promise<void> | undefined;
    const release = (): Promise<void> => (released ??= releaser.abandon(resource));
    const registered: Registered = {
      get resourceId() {
        return resource.id;
      },
      // Under a new id: the store is about to drop the former one.
      restore: async () => {
        if (!isReserved || released) return;
        const former = resource;
        resource = describe();
        try {
          await limiter.reserveStream(session, resource);
          if (released) await releaser.abandon(resource);
        } finally {
          await releaser.abandon(former);
        }
      },
    };
    // Registered before it is reserved: an end in between closes it, an earlier end refuses the reservation.
    const live = this.context.connections.add(
      session,
      {
        suspend: () => connection.suspend?.(),
        close: async (reason) => {
          await connection.close(reason);
          await release();
        },
      },
      registered,
    );
    try {
      await limiter.reserveStream(session, resource);
      isReserved = true;
    } catch (error) {
      live.remove();
      throw error;
    }
    return {
      get resourceId() {
        return resource.id;
      },
      release: () => {
        live.remove();
        return release();
      },
    };
  }

  async open(resource: Pick<ResourceRecord, 'id'>, range?: ByteRange): Promise<OpenedResource> {
    requireResource(resource);
    const session = await this.sessionOf(resource);
    const { touches, clock } = this.context;
    const source = new FileSource(() => touches.add(session.id, clock.now(), 0));
    // Registered before the use: an end in between finds it, an earlier one refuses the use.
    let isUsed = false;
    const live = this.context.connections.add(
      session,
      {
        suspend: () => source.suspend(),
        close: (reason) => {
          if (reason === 'stale') source.destroy(staleSession());
          else if (reason !== 'shutdown')
            source.destroy(new SessionsError('SESSION_GONE', 'The session ended while the file was read.'));
        },
      },
      // If the file has gone meanwhile, the open one stays readable.
      { restore: async () => void (isUsed && !source.destroyed && (await this.use(resource.id, session))) },
    );
    // Whoever opened it gets the error too, unless it is destroyed before that.
    source.on('error', () => {});
    try {
      const used = await this.read(live, resource.id, source, range);
      isUsed = true;
      return { resource: noteFoundWith(used, session), stream: source };
    } catch (error) {
      live.remove();
      throw error;
    }
  }

  /** Begins to read a file into its source. */
  private async read(
    live: LiveConnection,
    id: string,
    source: FileSource,
    range: ByteRange | undefined,
  ): Promise<ResourceRecord> {
    const { used, endUse } = await this.beginUse(id, live.session);
    try {
      if (used?.sessionId !== live.session.id) throw gone();
      await this.requireHere(used);
      live.requireOpen();
      const file = used.type === STREAM_TYPE ? null : await this.context.storage.read(keyOf(used), range);
      if (!file) throw gone();
      this.carry(file, source, live, endUse);
      return used;
    } catch (error) {
      await endUse();
      throw error;
    }
  }

  /** The session that a file is read with: the `Session` that it was found with, or its id alone. */
  private async sessionOf(
    resource: Pick<ResourceRecord, 'id'> & Partial<ResourceRecord>,
  ): Promise<SessionRef> {
    const foundWith = sessionFoundWith(resource);
    if (foundWith) return foundWith;
    const sessionId = resource.sessionId ?? (await this.context.store.resources.find(resource.id))?.sessionId;
    if (sessionId === undefined) throw gone();
    return { id: sessionId };
  }

  /**
   * Records a read. A store that is read-only because its disk is full does not block reads: an eviction that misses the
   * use unlinks the file, and the open file stays readable.
   */
  private async beginUse(
    id: string,
    session: SessionRef,
  ): Promise<{ used: ResourceRecord | null; endUse: () => Promise<unknown> }> {
    try {
      await this.context.thisProcess.requireListed();
      const used = admitted(await this.use(id, session));
      return { used, endUse: async () => used && this.endUse(used) };
    } catch (error) {
      if (!hasCode(error, 'STORE_UNAVAILABLE')) throw error;
      return { used: await this.findReadable(id, session), endUse: async () => {} };
    }
  }

  private use(id: string, session: SessionRef): Promise<ResourceRecord | 'stale' | null> {
    const { store, thisProcess, clock } = this.context;
    return underAuthority(session, (authority) =>
      store.resources.use(id, authority, thisProcess.id, clock.now()),
    );
  }

  private async findReadable(id: string, session: SessionRef): Promise<ResourceRecord | null> {
    const { store } = this.context;
    const found = await store.resources.find(id);
    if (!found || !isReadable(found)) return null;
    const record = await store.sessions.find(found.sessionId);
    if (record?.state !== 'open') return null;
    if (isStale(record, Session.authorityOf(session))) throw staleSession();
    return found;
  }

  async requireHere(resource: Pick<ResourceRecord, 'nodeId'>): Promise<void> {
    if (this.parts.nodes.isElsewhere(resource)) throw await this.parts.nodes.elsewhere(resource);
  }

  async find(session: SessionRef, resourceId: string): Promise<ResourceRecord | null> {
    const { store } = this.context;
    const found = admitted(
      await underAuthority(session, (authority) => store.resources.findOf(session.id, authority, resourceId)),
    );
    return found && isReadable(found) ? noteFoundWith(found, session) : null;
  }

  async list(session: SessionRef): Promise<ResourceRecord[]> {
    const held = await this.context.store.resources.list([session.id]);
    return held.filter((resource) => resource.state !== 'releasing');
  }

  /** Lets go of what the store says this process writes or streams, and it does not: a lost write of the store. */
  async releaseStrays(): Promise<void> {
    const { store, thisProcess, connections } = this.context;
    const held = await store.fleet.listHeld(thisProcess.id);
    const own = connections.resourceIds;
    const strays = held.filter(({ id }) => !own.has(id) && !this.batches.has(id));
    await Promise.all(strays.map((stray) => this.parts.releaser.abandon(stray)));
  }

  async release(resource: Pick<ResourceRecord, 'id'>): Promise<boolean> {
    requireResource(resource);
    const isReleased = (await this.parts.releaser.release([resource])) > 0;
    this.batches.get(resource.id)?.leave(resource.id);
    return isReleased;
  }

  private async endUse({ id, sessionId }: ResourceRecord): Promise<void> {
    try {
      const { store, thisProcess, clock } = this.context;
      if (await store.resources.unuse(id, thisProcess.id, clock.now())) {
        await this.parts.placer.placeOverdrawnSoon(sessionId);
      }
    } catch (error) {
      const reason = describeError(error);
      this.context.failures.note(
        'Failed ends of uses',
        `Resource ${id} counts as in use until this process exits, unuse failed: ${reason}`,
        'warn',
      );
    }
  }

  /** Ends the use with the source. */
  private carry(
    file: Readable,
    source: FileSource,
    live: LiveConnection,
    endUse: () => Promise<unknown>,
  ): void {
    try {
      live.requireOpen();
    } catch (error) {
      file.destroy();
      throw error;
    }
    pipeline(file, source, () => {});
    void finished(source)
      .catch(() => {})
      .then(async () => {
        live.remove();
        await endUse();
      });
  }
}

function gone(): SessionsError {
  return new SessionsError('RESOURCE_GONE', 'There is no such resource in this session.');
}
