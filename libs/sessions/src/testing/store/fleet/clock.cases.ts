import assert from 'node:assert/strict';
import type { ClockAnchor, ClockReading } from '../../../ports/clock.js';
import { LEASE_MS } from '../../../ports/endings.js';
import type { SessionStore } from '../../../ports/store/session-store.js';
import {
  anEnd,
  atOnce,
  beat,
  lease,
  MINUTE,
  NODE,
  NOW,
  opened,
  PROCESS,
  ready,
  same,
  sameIds,
  sessionNow,
  type SessionStoreCase,
} from '../store.fixtures.js';

const YEARS = 10 * 365 * 24 * 60 * MINUTE;
const BOOT = 'boot-1 time:[1]';

export const clockCases: readonly SessionStoreCase[] = [
  {
    name: 'the first clock reading of a boot anchors all processes, unless the store has its own clock',
    async run(store) {
      const reading = { wallMs: NOW + 0.25, monotonicMs: 1000.5, bootId: BOOT };
      const later = { wallMs: NOW + 900, monotonicMs: 1500, bootId: BOOT };
      const anchors = [
        await store.clock.anchor(reading),
        ...(await atOnce(3, () => store.clock.anchor(later))),
      ];
      if (hasOwnClock(anchors, [reading, later, later, later])) return;
      const wallOffsetMs = NOW + 0.25 - 1000.5;
      for (const anchor of anchors) same(anchor, { ...reading, lastSeenAt: null, wallOffsetMs, edition: 0 });
    },
  },
  {
    name: 'the anchor of a new boot includes the newest instant that the store had seen',
    async run(store) {
      await store.clock.anchor({ wallMs: NOW, monotonicMs: 1, bootId: BOOT });
      const session = await opened(store);
      await store.fleet.heartbeat(beat({ at: NOW + 70 }));
      await store.sessions.touch([{ sessionId: session.id, at: NOW + 50, requests: 1 }]);
      const reading = { wallMs: NOW - 5, monotonicMs: 1, bootId: 'boot-2' };
      const anchor = await store.clock.anchor(reading);
      assert.equal(anchor.lastSeenAt, NOW + 70);
      if (hasOwnClock([anchor], [reading])) return;
      const expected = { ...reading, lastSeenAt: NOW + 70, wallOffsetMs: NOW - 6, edition: 0 };
      same(anchor, expected);
      await store.fleet.heartbeat(beat({ at: NOW + 99 }));
      same(await store.clock.anchor(reading), expected);
    },
  },
  {
    name: 'two time namespaces of one boot have an anchor each, and keep it',
    async run(store) {
      const here = { wallMs: NOW, monotonicMs: 5000, bootId: BOOT };
      const there = { wallMs: NOW + 10, monotonicMs: 1_000_000, bootId: 'boot-1 time:[2]' };
      const anchors = [await store.clock.anchor(here), await store.clock.anchor(there)];
      same(
        anchors.map(({ monotonicMs }) => monotonicMs),
        [5000, 1_000_000],
      );
      const again = { ...here, wallMs: NOW + 99, monotonicMs: 5099 };
      const anchor = await store.clock.anchor(again);
      if (!hasOwnClock([anchor], [again])) same(anchor, anchors[0]);
    },
  },
  {
    name: 'a doubt of the clock is known to all, and only a later one replaces it',
    async run(store) {
      const { wallOffsetMs } = await store.clock.anchor({ wallMs: NOW, monotonicMs: 5000, bootId: BOOT });
      same((await store.clock.read()).doubtedUntil, null);
      await store.clock.doubt({ until: NOW + 600, bootId: BOOT, wallOffsetMs: NOW + 77 });
      await store.clock.doubt({ until: NOW + 500, bootId: BOOT, wallOffsetMs: NOW + 77 });
      same((await store.clock.read()).doubtedUntil, NOW + 600);
      const anchor = await store.clock.anchor({ wallMs: NOW, monotonicMs: 5000, bootId: BOOT });
      same(anchor.wallOffsetMs, wallOffsetMs === null ? null : NOW + 77);
    },
  },
  {
    name: 'trust ends the doubt, begins an edition, and anchors anew, whatever the store had seen',
    async run(store) {
      const reading = { wallMs: NOW, monotonicMs: 5000, bootId: BOOT };
      await store.clock.anchor({ wallMs: NOW + YEARS, monotonicMs: 4000, bootId: BOOT });
      await opened(store, { createdAt: NOW + YEARS, expiresAt: NOW + YEARS + MINUTE });
      await store.clock.doubt({ until: NOW + YEARS, bootId: BOOT, wallOffsetMs: 0 });
      const anchor = await store.clock.trust(reading);
      const isOwn = hasOwnClock([anchor], [reading]);
      if (!isOwn)
        same(
          { ...anchor, lastSeenAt: 0 },
          { ...reading, lastSeenAt: 0, wallOffsetMs: NOW - 5000, edition: 1 },
        );
      assert.ok((anchor.lastSeenAt ?? 0) <= (isOwn ? Date.now() + MINUTE : NOW));
      const { edition, doubtedUntil } = await store.clock.read();
      same([edition, doubtedUntil], [1, null]);
      const next = await store.clock.anchor({ ...reading, monotonicMs: 6000 });
      same(next.edition, 1);
      assert.ok((next.lastSeenAt ?? 0) <= (isOwn ? Date.now() + MINUTE : NOW));
      if (!isOwn) same(next.monotonicMs, 5000);
    },
  },
  {
    name: 'sessions opened or used after an instant that is forgotten expire at it, and no others',
    async run(store) {
      const usual = await opened(store);
      const opened2036 = await opened(store, {
        createdAt: NOW + YEARS,
        expiresAt: NOW + YEARS + 60 * MINUTE,
      });
      const used2036 = await opened(store, { expiresAt: NOW + YEARS + 60 * MINUTE });
      await store.sessions.touch([{ sessionId: used2036.id, at: NOW + YEARS, requests: 1 }]);
      const at = NOW + MINUTE;
      await store.clock.forgetAfter(at);
      const left = (await sessionNow(store, usual)).expiresAt;
      same(left, usual.expiresAt);
      for (const session of [opened2036, used2036]) {
        const { expiresAt, createdAt, lastActivityAt } = await sessionNow(store, session);
        same([expiresAt, createdAt <= at, lastActivityAt <= at], [at, true, true]);
      }
      sameIds(
        (await store.endings.findExpired(at, 10)).toSorted((a, b) => a.id.localeCompare(b.id)),
        [opened2036, used2036].toSorted((a, b) => a.id.localeCompare(b.id)),
      );
      await store.clock.forgetAfter(at);
      same((await store.endings.countDue(at)).expired, 2);
    },
  },
  {
    name: 'heartbeats, runs and leases after an instant that is forgotten hold nothing up',
    async run(store) {
      const late = lease(NOW + YEARS + MINUTE);
      await store.fleet.heartbeat(beat({ at: NOW + YEARS, flushedThroughAt: NOW + YEARS }));
      const [ending, releasing] = [await opened(store), await opened(store)];
      await ready(store, ending.id);
      const file = await ready(store, releasing.id);
      await store.endings.beginEnd(ending.id, anEnd({ lease: late }));
      await store.releases.beginRelease([file.id], late);
      await recordRunAt(store, NOW + YEARS);
      await store.clock.forgetAfter(NOW);
      same(
        (await store.fleet.listProcesses()).map(({ at, flushedThroughAt }) => [at, flushedThroughAt]),
        [[NOW, NOW]],
      );
      same(
        (await store.fleet.listNodes()).map(({ lastSeenAt }) => lastSeenAt),
        [NOW],
      );
      const [run] = await store.ledger.listRuns();
      same([run?.startedAt, run?.lastSuccessAt, run?.nextRunAt], [NOW, NOW, NOW]);
      const soon = { at: NOW + LEASE_MS, lease: lease(), limit: 10 };
      sameIds(await store.endings.leaseEnding(soon), [ending]);
      sameIds(await store.releases.leaseReleasing(soon), [file]);
      await store.endings.finishEnd(ending.id, NODE, NOW);
      same((await sessionNow(store, ending)).state, 'ended');
    },
  },
];

function recordRunAt(store: SessionStore, startedAt: number): Promise<void> {
  const counts = {
    durationMs: 5,
    items: 0,
    failures: 0,
    succeeded: true,
    waiting: 0,
    found: 0,
    lastError: null,
  };
  return store.ledger.recordRun({
    job: 'idle',
    processId: PROCESS,
    startedAt,
    nextRunAt: startedAt + MINUTE,
    ...counts,
  });
}

/** Whether each anchor is the wall time at its reading, so that the store has its own clock. */
function hasOwnClock(anchors: readonly ClockAnchor[], readings: readonly ClockReading[]): boolean {
  return anchors.every(({ wallMs, monotonicMs, bootId, wallOffsetMs }, index) => {
    const reading = readings[index];
    const isOfReading = monotonicMs === reading?.monotonicMs && bootId === reading.bootId;
    return (
      isOfReading &&
      wallOffsetMs === null &&
      wallMs !== reading.wallMs &&
      Math.abs(wallMs - Date.now()) < MINUTE
    );
  });
}
