import { hasCode, SessionsError, staleSession } from '../../domain/errors.js';
import { isReadable, STREAM_TYPE, type ResourceRecord } from '../../domain/resource.js';
import { isStale } from '../../domain/session.js';
import { requireResource, requireSession } from '../handles/arguments.js';
import { sessionFoundWith } from '../handles/found-with.js';
import { Session, type SessionRef } from '../handles/session.js';
import { underAuthority } from '../handles/under-authority.js';
import type { CoreContext } from '../process/context.js';
import type { Nodes } from '../process/nodes.js';
import type { Placer } from '../resources/placer.js';
import { admitted } from '../resources/refused.js';
import { describeError } from '../watch/log.js';

/** A resource to read: its record, or its id alone. */
export type ResourceRef = Pick<ResourceRecord, 'id'> & Partial<ResourceRecord>;

/** A file in use: it is not evicted until `end`. */
export interface FileUse {
  readonly file: ResourceRecord;
  end(): Promise<void>;
}

/** Begins and ends the uses of files, whichever way they go out. */
export class FileUses {
  constructor(
    private readonly context: CoreContext,
    private readonly parts: {
      readonly isLive: (sessionId: string) => Promise<boolean>;
      readonly placer: Placer;
      readonly nodes: Nodes;
    },
  ) {}

  /** The live session that a file is read with: the `Session` that it was found with, or its id alone. */
  async sessionOf(resource: ResourceRef): Promise<SessionRef> {
    requireResource(resource);
    if (resource.sessionId) requireSession({ id: resource.sessionId });
    const sessionId = resource.sessionId ?? (await this.context.store.resources.find(resource.id))?.sessionId;
    if (!sessionId || !(await this.parts.isLive(sessionId))) throw goneFile();
    return sessionFoundWith(resource) ?? { id: sessionId };
  }

  /**
   * Begins to use a file of the session that is on this node. A store that is read-only because its disk is full does not block this: an
   * eviction that misses the use unlinks the file, and what is open stays readable.
   */
  async begin(id: string, session: SessionRef): Promise<FileUse> {
    try {
      return await this.beginRecorded(id, session);
    } catch (error) {
      if (!hasCode(error, 'STORE_UNAVAILABLE')) throw error;
      return { file: await this.usable(await this.findReadable(id, session), session), end: async () => {} };
    }
  }

  /** As `begin`, but only if the store records it. */
  async beginRecorded(id: string, session: SessionRef): Promise<FileUse> {
    await this.context.thisProcess.requireListed();
    const used = admitted(await this.record(id, session));
    try {
      const file = await this.usable(used, session);
      return { file, end: () => this.end(file) };
    } catch (error) {
      if (used) await this.end(used);
      throw error;
    }
  }

  /** Records a use that the store has forgotten: it had dropped this process. */
  async restore(id: string, session: SessionRef): Promise<void> {
    await this.record(id, session);
  }

  /** Checks in the store that the file is still one of the session, and the session open. */
  async requireReadable(id: string, session: SessionRef): Promise<void> {
    if (!(await this.findReadable(id, session))) throw goneFile();
  }

  async requireHere(resource: Pick<ResourceRecord, 'nodeId'>): Promise<void> {
    if (this.parts.nodes.isElsewhere(resource)) throw await this.parts.nodes.elsewhere(resource);
  }

  private async usable(found: ResourceRecord | null, session: SessionRef): Promise<ResourceRecord> {
    if (found?.sessionId !== session.id || found.type === STREAM_TYPE) throw goneFile();
    await this.requireHere(found);
    return found;
  }

  private record(id: string, session: SessionRef): Promise<ResourceRecord | 'stale' | null> {
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

  private async end({ id, sessionId }: ResourceRecord): Promise<void> {
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
}

export function goneFile(): SessionsError {
  return new SessionsError('RESOURCE_GONE', 'There is no such resource in this session.');
}
