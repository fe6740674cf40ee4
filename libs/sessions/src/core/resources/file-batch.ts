import type { ResourceRecord } from '../../domain/resource.js';
import { OwnEnds } from '../handles/own-ends.js';
import type { SessionRef } from '../handles/session.js';
import type { FileSink } from './file-sink.js';
import type { FileDescription, FileWriting } from './file-writing.js';
import type { Limiter } from './limiter.js';
import type { Placer } from './placer.js';
import type { Releaser } from './releaser.js';

/**
 * The files that one request brings. They can be read when they are complete, but take their places together when the
 * request has succeeded, or are all removed if it fails.
 */
export class FileBatch {
  private readonly sessionId: string;
  private readonly complete: ResourceRecord[] = [];
  private unplaced: ResourceRecord[] = [];
  /** Notes what the handler of the request ends. */
  readonly ownEnds = new OwnEnds();

  constructor(
    private readonly session: SessionRef,
    private readonly parts: { writing: FileWriting; limiter: Limiter; placer: Placer; releaser: Releaser },
    /** Batches by the ids of their complete files: a file that is released leaves its batch. */
    private readonly batches: Map<string, FileBatch>,
  ) {
    this.sessionId = session.id;
  }

  /** The complete files, in the order of their completion, including released ones. */
  get files(): readonly ResourceRecord[] {
    return this.complete;
  }

  /** A writable for one more file; see `SessionService.createFile`. */
  async createFile(description: FileDescription): Promise<FileSink> {
    this.parts.limiter.refuseTooMany(this.sessionId, this.unplaced.length + 1);
    return this.parts.writing.open(this.session, description, (resource) => {
      this.complete.push(resource);
      this.unplaced.push(resource);
      this.batches.set(resource.id, this);
      return Promise.resolve(resource);
    });
  }

  /**
   * Gives the complete files their places, all in one step; repeating it places those that came since. Their records then
   * say so, too, since handlers answer with them. Removes them if the request itself has ended their session.
   * @throws SessionsError `SESSION_GONE`, `SESSION_STALE`, `RESOURCE_GONE`, `STORE_UNAVAILABLE`
   */
  async place(): Promise<void> {
    const ids = this.unplaced.map(({ id }) => id);
    if (ids.length === 0) return;
    if (this.isOver) return this.abandon();
    const placed = await this.parts.placer.place(this.session, ids);
    const byId = new Map(placed.map((resource) => [resource.id, resource]));
    for (const resource of this.unplaced) Object.assign(resource, byId.get(resource.id));
    for (const id of ids) this.leave(id);
  }

  /** Removes the files that have no place. Never rejects: the next cleanup retries what fails. */
  async abandon(): Promise<void> {
    const files = this.unplaced;
    for (const { id } of files) this.leave(id);
    await Promise.all(files.map((resource) => this.parts.releaser.abandon(resource)));
  }

  /** Whether what brought the files has itself ended their session, e.g. by a login that restarts it. */
  private get isOver(): boolean {
    return this.session.id !== this.sessionId || this.ownEnds.has(this.sessionId);
  }

  /** The file is released: it no longer takes a place. */
  leave(resourceId: string): void {
    this.batches.delete(resourceId);
    this.unplaced = this.unplaced.filter(({ id }) => id !== resourceId);
  }
}
