import { pipeline, type Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { SessionsError, staleSession } from '../../domain/errors.js';
import type { ResourceRecord } from '../../domain/resource.js';
import type { ByteRange } from '../../ports/storage/file-storage.js';
import { noteFoundWith } from '../handles/found-with.js';
import type { CoreContext } from '../process/context.js';
import type { LiveConnection } from '../process/live-connections.js';
import { keyOf } from '../resources/file-writing.js';
import { FileSource } from './file-source.js';
import { goneFile, type FileUse, type FileUses, type ResourceRef } from './file-uses.js';

/** A file opened for reading. It is in use until the stream is closed. */
export interface OpenedResource {
  readonly resource: ResourceRecord;
  readonly stream: Readable;
}

/** Reads files as streams. */
export class FileReading {
  constructor(
    private readonly context: CoreContext,
    private readonly uses: FileUses,
  ) {}

  async open(resource: ResourceRef, range?: ByteRange): Promise<OpenedResource> {
    const session = await this.uses.sessionOf(resource);
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
      {
        restore: async () =>
          void (isUsed && !source.destroyed && (await this.uses.restore(resource.id, session))),
      },
    );
    // Whoever opened it gets the error too, unless it is destroyed before that.
    source.on('error', () => {});
    try {
      const file = await this.read(live, resource.id, source, range);
      isUsed = true;
      return { resource: noteFoundWith(file, session), stream: source };
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
    const use = await this.uses.begin(id, live.session);
    try {
      live.requireOpen();
      const bytes = await this.context.storage.read(keyOf(use.file), range);
      if (!bytes) throw goneFile();
      carry(bytes, source, live, use);
      return use.file;
    } catch (error) {
      await use.end();
      throw error;
    }
  }
}

/** Ends the use with the source. */
function carry(bytes: Readable, source: FileSource, live: LiveConnection, use: FileUse): void {
  try {
    live.requireOpen();
  } catch (error) {
    bytes.destroy();
    throw error;
  }
  pipeline(bytes, source, () => {});
  void finished(source)
    .catch(() => {})
    .then(async () => {
      live.remove();
      await use.end();
    });
}
