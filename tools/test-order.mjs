import { statSync } from 'node:fs';

/** Suites that run long and whose files are short, since their cases stand elsewhere. Begun last, each would run alone. */
const LONG = [
  '/torture/short.spec.ts',
  '/stores/redis.acl.spec.ts',
  '/redis/app.spec.ts',
  '/package/five-minutes.spec.ts',
  '/metrics/shipped-rules.spec.ts',
  '/stores/session-store.contract.spec.ts',
  '/stores/redis.contract.spec.ts',
];

/** The order of jest's suites: the longest first, as far as a fresh clone can know, so that two workers end together. */
export default class TestOrder {
  sort(tests) {
    const weighed = tests.map((test) => {
      const place = LONG.findIndex((suite) => test.path.endsWith(suite));
      return { test, place: place < 0 ? LONG.length : place, bytes: statSync(test.path).size };
    });
    weighed.sort((a, b) => a.place - b.place || b.bytes - a.bytes);
    return weighed.map(({ test }) => test);
  }

  /** The order is the same in each run. */
  cacheResults() {}
}
