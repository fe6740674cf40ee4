import { randomUUID } from 'node:crypto';
import { PassThrough, pipeline, type Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { inBucketOf } from '../../domain/bucket.js';
import { bytesAhead } from '../../domain/bytes-ahead.js';
import { hasCode, SessionsError } from '../../domain/errors.js';
import { STREAM_TYPE, type NewResource, type ResourceRecord } from '../../domain/resource.js';
import type { ByteRange } from '../../ports/file-storage.js';
import type { CloseReason } from '../process/live-connections.js';
import { requireResource, requireSession, requireTexts } from '../handles/arguments.js';
import type { CoreContext } from '../process/context.js';
import { FileSink } from './file-sink.js';
import type { Limiter } from './limiter.js';
import { describeError, oneLine } from '../watch/log.js';
import type { Nodes } from '../process/nodes.js';
import type { Releaser } from './releaser.js';
import type { SessionRef } from '../handles/session.js';

const MAX_NAME = 255;

/** Describes a file that an application adds. */
export interface FileDescription {
  /** One of the built-in types or of the option `resourceTypes`. */
  readonly type: string;
  /** What the file is for: free text for people, on one line, cut to 255 characters. */
  readonly purpose?: string;
  /** The user's name of the file, on one line, cut to 255 characters. Never used as a path. */
  readonly fileName?: string;
  readonly mediaType?: string;
}

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
  constructor(
    private readonly context: CoreContext,
    private readonly limiter: Limiter,
    private readonly releaser: Releaser,
    private readonly nodes: Nodes,
  ) {}

  async createFile(session: SessionRef, description: FileDescription): Promise<FileSink> {
    const resource = this.describe(session, description);
    const { maxBytes } = this.context.config.limits;
    const reservedBytes = await this.limiter.reserve(resource, 0, bytesAhead(0, maxBytes));
    const writer = await this.context.storage.create(keyOf(resource)).catch(async (error: unknown) => {
      await this.releaser.abandon(resource);
      throw error;
    });
    let unregister = (): void => {};
    const sink = new FileSink(resource.id, reservedBytes, {
      writer,
      grow: (reserved, needed) =>
        this.limiter.grow(resource, reserved, needed, bytesAhead(reserved, maxBytes)),
      settle: (sizeBytes) => this.settle(resource, sizeBytes),
      noteActivity: () => this.context.touches.add(session.id, this.context.clock.now(), 0),
      abandon: async () => {
        unregister();
        await writer.abort().catch((error: unknown) => {
          this.context.log.warn(
            `Aborting the file of resource ${resource.id} failed: ${describeError(error)}`,
          );
        });
        await this.releaser.abandon(resource);
      },
    });
    unregister = this.context.connections.add(session.id, (reason) => {
      if (reason === 'shutdown') return;
      sink.destroy(new SessionsError('SESSION_GONE', 'The session ended while the file was written.'));
    });
    // An error without a listener would crash the process when the session ends.
    sink.on('error', () => {});
    sink.once('close', unregister);
    return sink;
  }

  async adoptFile(session: SessionRef, path: string, description: FileDescription): Promise<ResourceRecord> {
    const resource = this.describe(session, description);
    const adoption = await this.context.storage.adopt(keyOf(resource), path);
    await this.limiter.reserve(resource, adoption.sizeBytes, adoption.sizeBytes);
    try {
      await adoption.place();
      const settled = await this.settle(resource, adoption.sizeBytes);
      await adoption.complete();
      return settled;
    } catch (error) {
      await adoption.abort().catch((failure: unknown) => {
        this.context.log.warn(
          `Aborting the adoption of resource ${resource.id} failed: ${describeError(failure)}`,
        );
      });
      await this.releaser.abandon(resource);
      throw error;
    }
  }

  async trackStream(
    session: SessionRef,
    connection: Closable,
    description: Omit<FileDescription, 'type'>,
  ): Promise<TrackedStream> {
    const resource = this.describe(session, { ...description, type: STREAM_TYPE });
    let released: Promise<void> | undefined;
    const release = (): Promise<void> => (released ??= this.releaser.abandon(resource));
    // Registered before it is reserved: an end in between closes it, an earlier end refuses the reservation.
    const unregister = this.context.connections.add(session.id, async (reason) => {
      await connection.close(reason);
      await release();
    });
    try {
      await this.limiter.reserve(resource, 0, 0);
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
  private async beginUse(id: string): Promise<{ used: ResourceRecord | null; endUse: () => Promise<void> }> {
    const { store, thisProcess, clock } = this.context;
    try {
      await thisProcess.requireListed();
      return {
        used: await store.resources.use(id, thisProcess.id, clock.now()),
        endUse: () => this.endUse(id),
      };
    } catch (error) {
      if (!hasCode(error, 'STORE_UNAVAILABLE')) throw error;
      return { used: await this.findReadable(id), endUse: async () => {} };
    }
  }

  private async findReadable(id: string): Promise<ResourceRecord | null> {
    const found = await this.context.store.resources.find(id);
    if (found?.state !== 'ready') return null;
    const session = await this.context.store.sessions.find(found.sessionId);
    return session?.state === 'open' ? found : null;
  }

  async requireHere(resource: Pick<ResourceRecord, 'nodeId'>): Promise<void> {
    if (this.nodes.isElsewhere(resource)) throw await this.nodes.elsewhere(resource);
  }

  async find(session: SessionRef, resourceId: string): Promise<ResourceRecord | null> {
    const resource = await this.context.store.resources.find(resourceId);
    return resource?.sessionId === session.id && resource.state === 'ready' ? resource : null;
  }

  async list(session: SessionRef): Promise<ResourceRecord[]> {
    const held = await this.context.store.resources.list([session.id]);
    return held.filter((resource) => resource.state !== 'releasing');
  }

  async release(resource: Pick<ResourceRecord, 'id'>): Promise<boolean> {
    requireResource(resource);
    return (await this.releaser.release([resource])) > 0;
  }

  private describe(session: SessionRef, description: FileDescription): NewResource {
    requireSession(session);
    requireTexts(description, ['fileName', 'purpose', 'mediaType']);
    if (!this.context.config.resourceTypes.includes(description.type)) {
      throw new SessionsError(
        'RESOURCE_TYPE_UNKNOWN',
        'Unknown resource type: add it to resourceTypes (SESSION_RESOURCE_TYPES).',
      );
    }
    return {
      // 12 bits are the session's bucket, 110 are random.
      id: inBucketOf(session.id, randomUUID()),
      sessionId: session.id,
      type: description.type,
      purpose: normalize(description.purpose),
      fileName: normalize(description.fileName),
      mediaType: normalize(description.mediaType),
      sizeBytes: 0,
      createdAt: this.context.clock.now(),
      processId: this.context.thisProcess.id,
      nodeId: description.type === STREAM_TYPE ? null : this.context.thisProcess.nodeId,
    };
  }

  private async settle(resource: NewResource, sizeBytes: number): Promise<ResourceRecord> {
    const settled = await this.context.store.resources.settle(resource.id, {
      sizeBytes,
      mediaType: resource.mediaType,
      at: this.context.clock.now(),
    });
    if (!settled) throw new SessionsError('SESSION_GONE', 'The session ended before the file was complete.');
    this.context.touches.add(resource.sessionId, this.context.clock.now(), 0);
    this.context.events.emit('resource.ready', {
      sessionId: settled.sessionId,
      resourceId: settled.id,
      type: settled.type,
      sizeBytes,
    });
    return settled;
  }

  private async endUse(id: string): Promise<void> {
    try {
      await this.context.store.resources.unuse(id, this.context.thisProcess.id, this.context.clock.now());
    } catch (error) {
      const reason = describeError(error);
      this.context.log.warn(
        `Resource ${id} counts as in use until this process exits, unuse failed: ${reason}`,
      );
    }
  }

  /** Touches the session as bytes are read; ends the use with the stream, and the stream with the session. */
  private metered(resource: ResourceRecord, file: Readable, endUse: () => Promise<void>): Readable {
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

function keyOf(resource: Pick<ResourceRecord, 'id' | 'sessionId'>): {
  sessionId: string;
  resourceId: string;
} {
  return { sessionId: resource.sessionId, resourceId: resource.id };
}

/** Text of users: in normal form C, on one line, cut to 255 characters. */
function normalize(text: string | null | undefined): string | null {
  return text === undefined || text === null ? null : oneLine(text.toWellFormed().normalize('NFC'), MAX_NAME);
}

function gone(): SessionsError {
  return new SessionsError('RESOURCE_GONE', 'There is no such resource in this session.');
}
