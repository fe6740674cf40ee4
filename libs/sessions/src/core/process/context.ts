import type { Clock } from '../../ports/clock.js';
import type { FileStorage } from '../../ports/storage/file-storage.js';
import type { SessionStore } from '../../ports/store/session-store.js';
import type { StorageRoot } from '../../ports/storage/storage-root.js';
import type { OwedEnds } from '../watch/owed-ends.js';
import type { LiveConnections } from './live-connections.js';
import type { ClockTrust } from '../clock/clock-trust.js';
import type { SessionsConfig } from '../config/config.js';
import type { SessionEventBus } from '../watch/event-bus.js';
import type { Log } from '../watch/log.js';
import type { RepeatedFailures } from '../watch/repeated-failures.js';
import type { ThisProcess } from './this-process.js';
import type { TokenCodec } from '../tokens/token-codec.js';
import type { SessionJournal } from '../watch/session-journal.js';
import type { SessionCache } from './session-cache.js';
import type { TouchBuffer } from './touch-buffer.js';

/** What the parts of one process share: config, ports and the state of the process. */
export interface CoreContext {
  readonly config: SessionsConfig;
  readonly store: SessionStore;
  readonly storage: FileStorage;
  readonly storageRoot: StorageRoot;
  readonly clock: Clock;
  readonly clockTrust: ClockTrust;
  readonly events: SessionEventBus;
  readonly thisProcess: ThisProcess;
  readonly tokens: TokenCodec;
  readonly cache: SessionCache;
  readonly touches: TouchBuffer;
  readonly connections: LiveConnections;
  readonly owedEnds: OwedEnds;
  readonly journal: SessionJournal;
  /** For what fails once per session, file or request: `log` would have a line for each. */
  readonly failures: RepeatedFailures;
  readonly log: Log;
}
