import type { TransferOutcome } from '../../domain/events.js';
import { isReadable, STREAM_TYPE, type NewResource, type ResourceRecord } from '../../domain/resource.js';
import { requireResource } from '../handles/arguments.js';
import { noteFoundWith } from '../handles/found-with.js';
import type { SessionRef } from '../handles/session.js';
import { underAuthority } from '../handles/under-authority.js';
import type { CoreContext } from '../process/context.js';
import { Transfer } from '../watch/transfer.js';
import type { Closable, Registered } from '../process/live-connections.js';
import { FileBatch } from './file-batch.js';
import type { FileSink } from './file-sink.js';
import type { FileDescription, FileWriting } from './file-writing.js';
import type { Limiter } from './limiter.js';
import type { Placer } from './placer.js';
import { admitted } from './refused.js';
import type { Releaser } from './releaser.js';

export interface TrackedStream {
  readonly resourceId: string;
  /** Call it when either side has closed the connection; repeating it does nothing. */
  release(): Promise<void>;
}

/** Creates, adopts, finds and releases the resources of sessions. */
export class Resources {
  private readonly batches = new Map<string, FileBatch>();

  constructor(
    private readonly context: CoreContext,
    private readonly parts: {
      readonly writing: FileWriting;
      readonly limiter: Limiter;
      readonly placer: Placer;
      readonly releaser: Releaser;
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
    let isCutOff = false;
    let released: Promise<void> | undefined;
    const transfer = new Transfer(this.context, 'stream', session.id);
    const release = (outcome: TransferOutcome): Promise<void> => {
      transfer.bytes = connection.transferredBytes ?? null;
      if (isReserved) transfer.end(resource.id, outcome);
      return (released ??= releaser.abandon(resource));
    };
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
          isCutOff = true;
          await connection.close(reason);
          await release('cut_off');
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
        return release(isCutOff ? 'cut_off' : 'complete');
      },
    };
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
}
