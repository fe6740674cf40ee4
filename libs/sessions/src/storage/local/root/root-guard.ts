import { lstat } from 'node:fs/promises';
import type { StoreIdentity } from '../../../ports/store/session-store.js';
import { AsyncFolder } from '../folders/async-folder.js';
import { markerVersion, readMarker, replaceMarker, type MarkerOnDisk } from './marker.js';
import type { RootPaths } from '../folders/paths.js';
import type { PreparedRoot } from './root.js';
import { isAbsence, unavailable } from '../../storage-error.js';

/** The state of the root when its marker was last read. */
export interface RootState {
  /** Whether the root exists and is the connected one. */
  readonly present: boolean;
  /** Whether it also belongs to the connected store, and not to a later state of it. */
  readonly trusted: boolean;
  /** Why the root is not trusted; `null` if it is. */
  readonly doubt: string | null;
}

const OTHER_STORE =
  'The files in the storage root belong to another store: orphans are kept, new files are refused. ' +
  'Reconnect that store, or assign the files to this store (sessions cleanup --confirm).';
const BEHIND =
  'The store is older than the files in the storage root (a restored backup?): orphans are kept, new files are refused. ' +
  'Restore the newer store, or assign the files to this store (sessions cleanup --confirm).';
const ABSENT = 'The storage root is missing or was replaced: mount or restore it.';

/**
 * Checks that the root still exists and belongs to the store. Callers check before each deletion and each new file; it
 * costs two system calls.
 */
export class RootGuard {
  readonly rootId: string;
  private readonly paths: RootPaths;
  private marker: MarkerOnDisk;
  private counter: number;
  private doubt: string | null = null;
  /**
   * `connect` reads the store's counter before the marker, so another process may have recorded a higher one in between.
   * The first counter read after `connect` decides.
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

  /** Records the store's counter. An older store, or another one, is distrusted instead. */
  async note(store: StoreIdentity): Promise<void> {
    await this.assertPresent();
    this.judge(store);
    const { trusted } = await this.look();
    if (!trusted) return;
    const written = await AsyncFolder.use(this.paths.root, async (root) => {
      const marker = await readMarker(root);
      if (!this.isOurs(marker)) return false;
      this.adopt(marker);
      if (marker.counter < store.counter) await replaceMarker(root, { ...marker, counter: store.counter });
      return true;
    });
    if (!written) throw unavailable(ABSENT);
  }

  /** Assigns the files to this store, as it is now, in the marker: every process of the store trusts it at once. */
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
    // Reads the new marker.
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
    this.adopt(marker);
    return true;
  }

  private adopt(marker: MarkerOnDisk): void {
    // An operator has confirmed the owner of the files: earlier doubts are void.
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

/** A link is never the root: its target may change between two checks. */
async function isFolder(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isDirectory();
  } catch (error) {
    if (isAbsence(error)) return false;
    throw error;
  }
}
