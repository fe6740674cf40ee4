import { randomUUID } from 'node:crypto';
import { inBucketOf } from '../../domain/bucket.js';
import { bytesAhead } from '../../domain/bytes-ahead.js';
import { hasCode, SessionsError, staleSession } from '../../domain/errors.js';
import { STREAM_TYPE, type NewResource, type ResourceRecord } from '../../domain/resource.js';
import { requireSession, requireTexts } from '../handles/arguments.js';
import { fileNameOf } from './file-name.js';
import type { SessionRef } from '../handles/session.js';
import { underAuthority } from '../handles/under-authority.js';
import type { Adoption, FileWriter } from '../../ports/storage/file-storage.js';
import { noteFoundWith } from '../handles/found-with.js';
import type { CoreContext } from '../process/context.js';
import type { LiveConnection } from '../process/live-connections.js';
import { describeError, oneLine } from '../watch/log.js';
import { FileSink } from './file-sink.js';
import type { Limiter } from './limiter.js';
import type { OpenSinks } from './open-sinks.js';
import type { Placer } from './placer.js';
import { admitted, stalledFile, whyGone } from './refused.js';
import { WrittenFile } from './written-file.js';
import type { Releaser } from './releaser.js';
import { StallNote } from './stall-note.js';

const MAX_TEXT = 255;

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

/** Brings files into sessions: reserves, writes and completes them. */
export class FileWriting {
  constructor(
    private readonly context: CoreContext,
    private readonly parts: { limiter: Limiter; placer: Placer; releaser: Releaser; sinks: OpenSinks },
  ) {}

  /** Opens a writable for a new file; `then` gets the complete one, and answers it as the sink's resource. */
  async open(
    session: SessionRef,
    description: FileDescription,
    then: (complete: ResourceRecord) => Promise<ResourceRecord>,
  ): Promise<FileSink> {
    const { limiter, sinks } = this.parts;
    const resource = this.describe(session, description);
    const { maxBytes } = this.context.config.limits;
    let sink: FileSink | undefined;
    const registered = new WrittenFile(resource.id, (error) => sink?.destroy(error));
    const connection = this.context.connections.add(
      session,
      {
        suspend: () => sink?.suspend(),
        close: (reason) => {
          if (reason === 'stale') sink?.destroy(staleSession());
          else if (reason !== 'shutdown')
            sink?.destroy(new SessionsError('SESSION_GONE', 'The session ended while the file was written.'));
        },
      },
      registered,
    );
    try {
      const reservedBytes = await limiter.reserve(session, resource, 0, bytesAhead(0, maxBytes));
      registered.isReserved = true;
      const writer = await this.begin(resource, connection);
      sink = this.sink(connection, resource, reservedBytes, writer, then);
    } catch (error) {
      connection.remove();
      throw error;
    }
    sinks.add(sink);
    return sink;
  }

  /** Begins the file of a reserved resource; leaves nothing if that fails, or the connection was cut off meanwhile. */
  private async begin(resource: NewResource, connection: LiveConnection): Promise<FileWriter> {
    let writer: FileWriter | undefined;
    try {
      connection.requireOpen();
      writer = await this.context.storage.create(keyOf(resource));
      connection.requireOpen();
      return writer;
    } catch (error) {
      this.parts.limiter.noteUnbegun(resource.sessionId, error);
      await this.abandon(resource, writer);
      throw error;
    }
  }

  private sink(
    { session, remove }: LiveConnection,
    resource: NewResource,
    reservedBytes: number,
    writer: FileWriter,
    then: (complete: ResourceRecord) => Promise<ResourceRecord>,
  ): FileSink {
    const { limiter } = this.parts;
    const { store } = this.context;
    const { maxBytes } = this.context.config.limits;
    const sink = new FileSink(resource.id, reservedBytes, {
      writer,
      grow: (reserved, needed) =>
        limiter.grow(session, resource, reserved, needed, bytesAhead(reserved, maxBytes)),
      stall: new StallNote(
        (since) => store.resources.noteStall(resource.id, since),
        () => this.isReleased(resource),
      ),
      whyReleased: () => this.whyReleased(resource),
      whyFailed: (error) => this.whyFailed(resource, error),
      complete: async (sizeBytes) => then(await this.complete(session, resource, sizeBytes)),
      noteActivity: () => this.context.touches.add(resource.sessionId, this.context.clock.now(), 0),
      now: () => this.context.clock.monotonic(),
      abandon: async () => {
        remove();
        await this.abandon(resource, writer);
      },
    });
    // An error without a listener would crash the process when the session ends.
    sink.on('error', () => {});
    sink.once('close', remove);
    return sink;
  }

  private async abandon(resource: NewResource, writer: FileWriter | undefined): Promise<void> {
    await writer?.abort().catch((error: unknown) => {
      this.context.failures.note(
        'Failed aborts of files',
        `Aborting the file of resource ${resource.id} failed: ${describeError(error)}`,
        'warn',
      );
    });
    await this.parts.releaser.abandon(resource);
  }

  /** Opens a writable for a new file, which takes its place when it is complete. */
  create(session: SessionRef, description: FileDescription): Promise<FileSink> {
    return this.open(session, description, (complete) => this.placed(session, complete));
  }

  async adopt(session: SessionRef, path: string, description: FileDescription): Promise<ResourceRecord> {
    const resource = this.describe(session, description);
    // It has nothing to close: each step asks whether it was cut off.
    const registered = new WrittenFile(resource.id, () => {});
    const connection = this.context.connections.add(session, { close: () => {} }, registered);
    try {
      const adoption = await this.context.storage.adopt(keyOf(resource), path);
      connection.requireOpen();
      await this.parts.limiter.reserve(session, resource, adoption.sizeBytes, adoption.sizeBytes);
      registered.isReserved = true;
      return await this.adoptReserved(connection, resource, adoption);
    } catch (error) {
      this.parts.limiter.noteUnbegun(session.id, error);
      throw error;
    } finally {
      connection.remove();
    }
  }

  private async adoptReserved(
    connection: LiveConnection,
    resource: NewResource,
    adoption: Adoption,
  ): Promise<ResourceRecord> {
    const { session } = connection;
    try {
      connection.requireOpen();
      await adoption.place();
      connection.requireOpen();
      const complete = await this.complete(session, resource, adoption.sizeBytes);
      const placed = await this.placed(session, complete);
      await adoption.complete();
      return placed;
    } catch (error) {
      await adoption.abort().catch((failure: unknown) => {
        this.context.failures.note(
          'Failed aborts of files',
          `Aborting the adoption of resource ${resource.id} failed: ${describeError(failure)}`,
          'warn',
        );
      });
      await this.parts.releaser.abandon(resource);
      throw await this.whyFailed(resource, error);
    }
  }

  /** The record of a new resource to reserve. */
  describe(session: SessionRef, description: FileDescription): NewResource {
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
      fileName: typeof description.fileName === 'string' ? fileNameOf(description.fileName) : null,
      mediaType: normalize(description.mediaType),
      sizeBytes: 0,
      createdAt: this.context.clock.now(),
      processId: this.context.thisProcess.id,
      nodeId: description.type === STREAM_TYPE ? null : this.context.thisProcess.nodeId,
    };
  }

  private async complete(
    session: SessionRef,
    resource: NewResource,
    sizeBytes: number,
  ): Promise<ResourceRecord> {
    const completed = { sizeBytes, mediaType: resource.mediaType, at: this.context.clock.now() };
    const complete = admitted(
      await underAuthority(session, (authority) =>
        this.context.store.resources.complete(resource.id, authority, completed),
      ),
    );
    return noteFoundWith(complete, session);
  }

  /** To store and storage a file is gone, too, that was released, or given up while this process stood still. */
  private async whyFailed({ sessionId }: NewResource, error: unknown): Promise<unknown> {
    if (!hasCode(error, 'SESSION_GONE') && !hasCode(error, 'RESOURCE_GONE')) return error;
    return whyGone(this.context, sessionId).catch((failure: unknown) => failure);
  }

  /** Of an end, and of a standstill of this process, the sink is told by others, with the right reason. */
  private async isReleased({ id, sessionId }: NewResource): Promise<boolean> {
    const { store, thisProcess } = this.context;
    if ((await store.resources.find(id))?.state === 'writing' || thisProcess.isSilent) return false;
    return (await store.sessions.find(sessionId))?.state === 'open';
  }

  /** Why a file is gone that had stalled. */
  private async whyReleased({ sessionId }: NewResource): Promise<unknown> {
    const error = await whyGone(this.context, sessionId).catch((failure: unknown) => failure);
    return hasCode(error, 'RESOURCE_GONE') ? stalledFile() : error;
  }

  private async placed(session: SessionRef, complete: ResourceRecord): Promise<ResourceRecord> {
    const [placed = complete] = await this.parts.placer.place(session, [complete.id]);
    return noteFoundWith(placed, session);
  }
}

export function keyOf(resource: Pick<ResourceRecord, 'id' | 'sessionId'>): {
  sessionId: string;
  resourceId: string;
} {
  return { sessionId: resource.sessionId, resourceId: resource.id };
}

/** Text of users: in normal form C, on one line, cut to 255 characters. */
function normalize(text: string | null | undefined): string | null {
  return text === undefined || text === null ? null : oneLine(text.toWellFormed().normalize('NFC'), MAX_TEXT);
}
