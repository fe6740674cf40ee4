// A process (node --expose-gc) that serves many requests, four at a time. Prints how many bytes of those that are over a
// collection of the young generation leaves.
import { getHeapStatistics } from 'node:v8';
import {
  RequestInFlight,
  RequestsInFlight,
} from '../../../libs/sessions/dist/core/sessions/requests-in-flight.js';

const AT_ONCE = 4;
const REQUESTS = 4000;

class Request extends RequestInFlight {
  isOver = false;
  isEventStream = false;
  /** What a response keeps alive. */
  headers = Array.from({ length: 100 }, (_, index) => ({ name: `header ${index}`, value: [index] }));
}

const requests = new RequestsInFlight(
  { find: async () => null },
  { beforeFlush() {}, add() {} },
  { now: () => 0 },
);
const session = { id: 'one', createdAt: 0, lastActivityAt: 0, idleEndsAt: 900_000 };
const begun = [];
const serve = () => {
  if (begun.length === AT_ONCE) begun.shift().end();
  begun.push(new Request(session, 0, false, requests));
  requests.begin(begun.at(-1));
};

for (let count = 0; count < AT_ONCE; count += 1) serve();
// Whatever lives now belongs to the old generation.
globalThis.gc();
const before = getHeapStatistics().used_heap_size;
for (let count = 0; count < REQUESTS; count += 1) serve();
globalThis.gc({ type: 'minor' });
globalThis.gc({ type: 'minor' });
process.stdout.write(String(getHeapStatistics().used_heap_size - before));
