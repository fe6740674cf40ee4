import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { MessageEvent } from '@nestjs/common';
import { Subject } from 'rxjs';
import { LiveFeed } from '#sessions/admin/page/live-feed';
import type { LiveList, LiveTotals } from '#sessions/admin/page/live-lists';
import type { Polled } from '#sessions/admin/page/shared-poll';

const IDLE_MS = 30_000;

/** What the feed needs of a response: the bytes that the reader has still to take. */
class Reader extends EventEmitter {
  writableLength = 0;
  destroyed = false;
  idleFor: (() => void) | undefined;

  setTimeout(ms: number, callback?: () => void): void {
    if (callback && ms === IDLE_MS) this.idleFor = callback;
  }

  destroy(): void {
    this.destroyed = true;
  }
}

describe('The events of a page', () => {
  const list = new Subject<Polled<LiveList>>();
  const totals = new Subject<Polled<LiveTotals>>();
  const closing = new Subject<void>();
  let reader: Reader;
  let isOver: boolean;
  let sent: MessageEvent[];
  let isComplete: boolean;

  const listOf = (content: string): Polled<LiveList> => ({ found: { json: `"${content}"`, content } });
  const active = (count: number): Polled<LiveTotals> => ({
    found: { active: count, total_created: 0, total_cleaned: 0 },
  });
  const types = () => sent.map(({ type }) => type);

  beforeEach(() => {
    [reader, isOver, sent, isComplete] = [new Reader(), false, [], false];
    const feed = new LiveFeed(reader as unknown as ServerResponse, () => isOver, IDLE_MS);
    feed.of({ list, totals, closing }).subscribe({
      next: (message) => sent.push(message),
      complete: () => (isComplete = true),
    });
  });
  afterEach(() => closing.next());

  it('has a list when it changed', () => {
    for (const content of ['a', 'a', 'b', 'b', 'a']) list.next(listOf(content));
    expect(sent).toEqual(['"a"', '"b"', '"a"'].map((data) => ({ type: 'page', data })));
  });

  it('keeps one list for a slow reader, the latest', () => {
    list.next(listOf('a'));
    reader.writableLength = 1;
    for (const content of ['b', 'c']) {
      list.next(listOf(content));
      totals.next(active(1));
    }
    expect(types()).toEqual(['page']);
    reader.writableLength = 0;
    list.next(listOf('c'));
    expect(sent.at(-1)).toEqual({ type: 'page', data: '"c"' });
    expect(sent).toHaveLength(2);
  });

  it('disconnects a reader that takes nothing at all', () => {
    reader.idleFor?.();
    expect(reader.destroyed).toBe(false);
    reader.writableLength = 1;
    reader.idleFor?.();
    expect(reader.destroyed).toBe(true);
  });

  it('tells once a poll that the store does not answer', () => {
    list.next(null);
    totals.next(null);
    expect(types()).toEqual(['fault']);
    totals.next(active(3));
    expect(sent.at(-1)).toMatchObject({ type: 'totals', data: { active: 3 } });
  });

  it.each([
    ['totals', () => totals.next(active(1))],
    ['a list', () => list.next(listOf('b'))],
    ['a fault', () => totals.next(null)],
  ])('ends with the sign-in, whatever comes next: %s', (_, happen) => {
    isOver = true;
    reader.writableLength = 1;
    happen();
    expect([types(), isComplete]).toEqual([['signed-out'], true]);
    expect([list.observed, totals.observed]).toEqual([false, false]);
  });

  it('ends with the server', () => {
    closing.next();
    expect([sent, isComplete, list.observed]).toEqual([[], true, false]);
  });
});
