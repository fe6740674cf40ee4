import type { DatabaseOptions } from './database/sqlite.database.js';
import type { Fault } from './database/sqlite.errors.js';
import type { Holder } from '../../ports/store/store-trouble.js';
import type { OperationName } from '../../ports/store/store-groups.js';

/** The `workerData` of a worker. */
export interface WorkerOptions extends DatabaseOptions {
  readonly contents: 'sessions' | 'rates';
  /** The file that other threads have opened (see `fileAt`): another one is refused. `null` if none has yet. */
  readonly file: string | null;
  /** See `migrate`. */
  readonly migrations: readonly string[];
  readonly silent: readonly Holder[];
  /** Maximum calls per transaction, and so answers per message. */
  readonly maxBatch: number;
}

/** A call of one operation. Arguments and answers are JSON: cheaper than structured clones. */
export interface Call {
  readonly id: number;
  readonly name: OperationName;
  /** The arguments as JSON. */
  readonly args: string;
}

export type Reply =
  { readonly id: number; readonly answer: string } | { readonly id: number; readonly fault: Fault };

export type ToWorker =
  { readonly kind: 'calls'; readonly calls: readonly Call[] } | { readonly kind: 'close' };

export type FromWorker =
  | { readonly kind: 'opened'; readonly file: string }
  | { readonly kind: 'refused'; readonly fault: Fault }
  | { readonly kind: 'replies'; readonly replies: readonly Reply[] }
  | { readonly kind: 'closed' };
