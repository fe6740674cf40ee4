import { lstat } from 'node:fs/promises';
import type { StoreIdentity } from '../../../ports/session-store.js';
import { AsyncFolder } from '../folders/async-folder.js';
import { markerVersion, readMarker, replaceMarker, type MarkerOnDisk } from './marker.js';
import type { RootPaths } from '../folders/paths.js';
import type { PreparedRoot } from './root.js';
import { isAbsence, unavailable } from '../folders/storage-error.js';

/** What the marker said at the last look. */
export interface RootState {
  /** Whether the root is there, and is the one that was connected to. */
  readonly present: boolean;
  /** Whether it also belongs to the connected store, as far as that store's history goes. */
  readonly trusted: boolean;
  /** Why it is not trusted; `null` while it is. */
  readonly doubt: string | null;
}

const OTHER_STORE =
  'The files in the storage root belong to another store: no orphan is deleted, and no new file taken. ' +
  "Put that store back, or confirm a cleanup (sessions cleanup --confirm): then the files are this one's.";
const BEHIND =
  'The store is older than the files in the storage root (a restored backup?): no orphan is deleted, and no new file taken. ' +
  "Put the newer store back, or confirm a cleanup (sessions cleanup --confirm): then the files are this one's.";
const ABSENT = 'The storage root is gone, or another is in its place: mount or restore it.';

/**
 * Knows whether the root is still there and still belongs to the store. Asked before each deletion and each new file, at
 * the price of two system calls.
 */
export class RootGuard {
  readonly rootId: string;
  private readonly paths: RootPaths;
  private marker: MarkerOnDisk;
  private counter: number;
  private doubt: string | null = null;
  /**
   * At the connect, the store's history had been read before the marker: another process may have noted a later one in
   * between. The first history that is read after it tells.
   */
  private undecided = false;
  private readonly counterAtConnect: number;
  private warned: string | null = null;

  constructor(
    root: PreparedRoot,
    private store: StoreIdentity,
    private readonly onWarning: (message: string) => void,
  ) {
    this.paths = root.paths;
    this.marker = root.marker;
    this.rootId = root.marker.root;
    this.counter = store.counter;
    this.counterAtConnect = root.marker.counter;
    if (root.marker.store === store.generation && root.marker.counter > store.counter) {
      this.doubt = BEHIND;
      this.undecided = true;
    }
    this.warn(this.currentDoubt());
  }

  async look(): Promise<RootState> {
    const present = await this.isPresent();
    const doubt = present ? this.currentDoubt() : ABSENT;
    this.warn(doubt);
    return { present, trusted: doubt === null, doubt };
  }

  /** Rejects with `STORAGE_UNAVAILABLE` unless the root is the one that was connected to. */
  async assertPresent(): Promise<void> {
    const { present } = await this.look();
    if (!present) throw unavailable(ABSENT);
  }

  /** Keeps how far the store has come. A store that has fallen back, or is another, is not noted but distrusted. */
  async note(store: StoreIdentity): Promise<void> {
    await this.assertPresent();
    this.judge(store);
    const { trusted } = await this.look();
    if (!trusted) return;
    const written = await AsyncFolder.use(this.paths.root, async (root) => {
      const marker = await readMarker(root);
      if (!this.isOurs(marker)) return false;
      this.take(marker);
      if (marker.counter < store.counter) await replaceMarker(root, { ...marker, counter: store.counter });
      return true;
    });
    if (!written) throw unavailable(ABSENT);
  }

  /** Writes into the marker that the files belong to this store, as it is now: every process of it believes that at once. */
  async trust(store: StoreIdentity): Promise<void> {
    const written = await AsyncFolder.use(this.paths.root, async (root) => {
      const marker = await readMarker(root);
      if (!this.isOurs(marker)) return false;
      const { generation, counter } = store;
      const confirmations = marker.confirmations + 1;
      await replaceMarker(root, { root: marker.root, store: generation, counter, confirmations });
      return true;
    });
    if (!written) throw unavailable(ABSENT);
    this.store = store;
    // Takes the new marker in.
    await this.look();
  }

  private judge(store: StoreIdentity): void {
    if (store.generation !== this.store.generation) {
      this.store = store;
      const isBehind = store.generation === this.marker.store && store.counter < this.marker.counter;
      this.doubt = isBehind ? BEHIND : null;
      this.counter = store.counter;
    } else if (store.counter < this.counter) this.doubt = BEHIND;
    else if (this.undecided && store.counter >= this.counterAtConnect) this.doubt = null;
    this.undecided = false;
    this.counter = Math.max(this.counter, store.counter);
  }

  private async isPresent(): Promise<boolean> {
    if (!(await isFolder(this.paths.root))) return false;
    const version = await markerVersion(this.paths.marker);
    if (version === this.marker.version) return true;
    const marker = version === null ? null : await AsyncFolder.use(this.paths.root, readMarker);
    if (!this.isOurs(marker)) return false;
    this.take(marker);
    return true;
  }

  private take(marker: MarkerOnDisk): void {
    // Somebody has looked, and said whose the files are: what was doubted before counts no more.
    if (marker.confirmations !== this.marker.confirmations) {
      this.doubt = null;
      this.undecided = false;
      this.counter = marker.counter;
    }
    this.marker = marker;
  }

  private isOurs(marker: MarkerOnDisk | null | 'unreadable'): marker is MarkerOnDisk {
    return marker !== null && marker !== 'unreadable' && marker.root === this.rootId;
  }

  private currentDoubt(): string | null {
    return this.doubt ?? (this.marker.store === this.store.generation ? null : OTHER_STORE);
  }

  private warn(doubt: string | null): void {
    if (doubt !== null && doubt !== this.warned) this.onWarning(doubt);
    this.warned = doubt;
  }
}

/** A link there is not the root, wherever it leads: who put it there may lead it elsewhere between two looks. */
async function isFolder(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isDirectory();
  } catch (error) {
    if (isAbsence(error)) return false;
    throw error;
  }
}
