import type { DatabaseOptions } from './sqlite.database.js';
import type { Fault } from './sqlite.errors.js';
import type { OperationName } from '../../ports/store-groups.js';

/** What the worker is started with. */
export type WorkerOptions = DatabaseOptions;

/** One operation asked for. Arguments and answers travel as JSON: cheaper than clones, and plain objects at both ends. */
export interface Call {
  readonly id: number;
  readonly name: OperationName;
  /** Its arguments, in JSON. */
  readonly args: string;
}

export type Reply =
  { readonly id: number; readonly answer: string } | { readonly id: number; readonly fault: Fault };

export type ToWorker =
  { readonly kind: 'calls'; readonly calls: readonly Call[] } | { readonly kind: 'close' };

export type FromWorker =
  | { readonly kind: 'opened' }
  | { readonly kind: 'refused'; readonly fault: Fault }
  | { readonly kind: 'replies'; readonly replies: readonly Reply[] }
  | { readonly kind: 'closed' };
