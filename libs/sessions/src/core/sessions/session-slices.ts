import { setImmediate as nextTurn } from 'node:timers/promises';
import type { SessionRecord } from '../../domain/session.js';
import type { ResourcesGroup } from '../../ports/resources.js';
import { detailsOf, type SessionDetails } from './session-details.js';

/**
 * Most sessions, and most of their resources, in one slice: few, as reading one and writing it as JSON blocks the event
 * loop. A session with more resources is a slice of its own.
 */
const SLICE = 100;

/** Reads the resources of many sessions in slices, so that a large page delays no request. */
export class SessionSlices {
  private turn: Promise<void> = Promise.resolve();

  constructor(private readonly resources: Pick<ResourcesGroup, 'list'>) {}

  /** The sessions with their resources, in the given order. Reads a slice when it is asked for, and keeps none. */
  async *read(records: readonly SessionRecord[]): AsyncGenerator<SessionDetails[], void, void> {
    for (const slice of slicesOf(records)) {
      await this.nextTurn();
      const resources = await this.resources.list(slice.map(({ id }) => id));
      const bySession = Map.groupBy(resources, ({ sessionId }) => sessionId);
      yield slice.map((record) => detailsOf(record, bySession.get(record.id) ?? []));
    }
  }

  /** All readers together begin one slice in each turn of the event loop, so that their number delays no request either. */
  private nextTurn(): Promise<void> {
    this.turn = this.turn.then(() => nextTurn());
    return this.turn;
  }
}

function* slicesOf(records: readonly SessionRecord[]): Generator<SessionRecord[], void, void> {
  let slice: SessionRecord[] = [];
  let resources = 0;
  for (const record of records) {
    const isFull = slice.length === SLICE || resources + record.resourceCount > SLICE;
    if (slice.length > 0 && isFull) {
      yield slice;
      [slice, resources] = [[], 0];
    }
    slice.push(record);
    resources += record.resourceCount;
  }
  if (slice.length > 0) yield slice;
}
