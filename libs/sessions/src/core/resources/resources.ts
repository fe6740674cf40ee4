import { PassThrough, pipeline, type Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { hasCode, SessionsError } from '../../domain/errors.js';
import { isReadable, STREAM_TYPE, type ResourceRecord } from '../../domain/resource.js';
import type { ByteRange } from '../../ports/file-storage.js';
import { requireResource } from '../handles/arguments.js';
import type { SessionRef } from '../handles/session.js';
import { underAuthority } from '../handles/under-authority.js';
import type { CoreContext } from '../process/context.js';
import type { CloseReason } from '../process/live-connections.js';
import type { Nodes } from '../process/nodes.js';
import { describeError } from '../watch/log.js';
import { FileBatch } from './file-batch.js';
import type { FileSink } from './file-sink.js';
import { keyOf, type FileDescription, type FileWriting } from './file-writing.js';
import type { Limiter } from './limiter.js';
import type { Placer } from './placer.js';
import { admitted } from './refused.js';
import type { Releaser } from './releaser.js';

/** A live connection of any kind, closed when its session ends or the process shuts down. */
export interface Closable {
  close(reason: CloseReason): void | Promise<void>;
}

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
    const resource = this.parts.writing.describe(session, { ...description, type: STREAM_TYPE });
    let released: Promise<void> | undefined;
    const release = (): Promise<void> => (released ??= this.parts.releaser.abandon(resource));
    // Registered before it is reserved: an end in between closes it, an earlier end refuses the reservation.
    const unregister = this.context.connections.add(session.id, async (reason) => {
      await connection.close(reason);
      await release();
    });
    try {
      await this.parts.limiter.reserveStream(session, resource);
    } catch (error) {
      unregister();
      throw error;
    }
    return {
      resourceId: resource.id,
      release: () => {
        unregister();
        return release();
      },
    };
  }

  async open(resource: Pick<ResourceRecord, 'id'>, range?: ByteRange): Promise<OpenedResource> {
    requireResource(resource);
    const { used, endUse } = await this.beginUse(resource.id);
    if (!used) throw gone();
    try {
      await this.requireHere(used);
      const file = used.type === STREAM_TYPE ? null : await this.context.storage.read(keyOf(used), range);
      if (!file) throw gone();
      return { resource: used, stream: this.metered(used, file, endUse) };
    } catch (error) {
      await endUse();
      throw error;
    }
  }

  /**
   * Records a read. A store that is read-only because its disk is full does not block reads: an eviction that misses the
   * use unlinks the file, and the open file stays readable.
   */
  private async beginUse(
    id: string,
  ): Promise<{ used: ResourceRecord | null; endUse: () => Promise<unknown> }> {
    const { store, thisProcess, clock } = this.context;
    try {
      await thisProcess.requireListed();
      const used = admitted(await store.resources.use(id, null, thisProcess.id, clock.now()));
      return { used, endUse: async () => used && this.endUse(used) };
    } catch (error) {
      if (!hasCode(error, 'STORE_UNAVAILABLE')) throw error;
      return { used: await this.findReadable(id), endUse: async () => {} };
    }
  }

  private async findReadable(id: string): Promise<ResourceRecord | null> {
    const found = await this.context.store.resources.find(id);
    if (!found || !isReadable(found)) return null;
    const session = await this.context.store.sessions.find(found.sessionId);
    return session?.state === 'open' ? found : null;
  }

  async requireHere(resource: Pick<ResourceRecord, 'nodeId'>): Promise<void> {
    if (this.parts.nodes.isElsewhere(resource)) throw await this.parts.nodes.elsewhere(resource);
  }

  async find(session: SessionRef, resourceId: string): Promise<ResourceRecord | null> {
    const { store } = this.context;
    const found = admitted(
      await underAuthority(session, (authority) => store.resources.findOf(session.id, authority, resourceId)),
    );
    return found && isReadable(found) ? found : null;
  }

  async list(session: SessionRef): Promise<ResourceRecord[]> {
    const held = await this.context.store.resources.list([session.id]);
    return held.filter((resource) => resource.state !== 'releasing');
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
      this.context.log.warn(
        `Resource ${id} counts as in use until this process exits, unuse failed: ${reason}`,
      );
    }
  }

  /** Touches the session as bytes are read; ends the use with the stream, and the stream with the session. */
  private metered(resource: ResourceRecord, file: Readable, endUse: () => Promise<unknown>): Readable {
    const metered = new PassThrough({
      transform: (chunk, _encoding, done) => {
        this.context.touches.add(resource.sessionId, this.context.clock.now(), 0);
        done(null, chunk);
      },
    });
    const unregister = this.context.connections.add(resource.sessionId, (reason) => {
      if (reason === 'shutdown') return;
      metered.destroy(new SessionsError('SESSION_GONE', 'The session ended while the file was read.'));
    });
    pipeline(file, metered, () => {});
    void finished(metered)
      .catch(() => {})
      .then(async () => {
        unregister();
        await endUse();
      });
    return metered;
  }
}

function gone(): SessionsError {
  return new SessionsError('RESOURCE_GONE', 'There is no such resource in this session.');
}
