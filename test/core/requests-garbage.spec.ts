import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Session } from '#sessions/core/handles/session';
import { RequestInFlight, RequestsInFlight } from '#sessions/core/sessions/requests-in-flight';
import type { TouchBuffer } from '#sessions/core/process/touch-buffer';

const PROCESS = join(__dirname, 'support/request-process.mjs');
const MEBIBYTE = 1024 * 1024;

class Request extends RequestInFlight {
  isOver = false;
  readonly isEventStream = false;
}

describe('Requests that are over', () => {
  it('are garbage that a collection of the young generation finds', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', PROCESS]);
    expect(Number(stdout)).toBeLessThan(MEBIBYTE);
  }, 60_000);

  it('count no more, whatever the order in which they end', () => {
    let flush = (_now: number): void => {};
    const touched: string[] = [];
    const touches = {
      beforeFlush: (note: (now: number) => void) => void (flush = note),
      add: (id: string) => void touched.push(id),
    } as unknown as TouchBuffer;
    const requests = new RequestsInFlight({ find: async () => null }, touches, { now: () => 0 } as never);
    const session = (id: string) => ({ id, createdAt: 0, lastActivityAt: 0, idleEndsAt: 3000 }) as Session;
    const all = ['a', 'b', 'c', 'd', 'e', 'f'].map((id) => new Request(session(id), 0, false, requests));
    const [a, b, c, d, e, f] = all as [Request, Request, Request, Request, Request, Request];
    const flushed = (): string[] => {
      touched.length = 0;
      flush(10_000_000);
      for (const request of all) request.notedAt = 0;
      return touched.toSorted();
    };
    for (const request of all) requests.begin(request);
    b.end();
    b.end();
    f.end();
    expect(flushed()).toEqual(['a', 'c', 'd', 'e']);
    a.isOver = true;
    e.isOver = true;
    expect(flushed()).toEqual(['c', 'd']);
    for (const request of [c, a, d]) request.end();
    expect(flushed()).toEqual([]);
    requests.begin(b);
    expect(flushed()).toEqual(['b']);
  });
});
