import {
  anEnd,
  lease,
  opened,
  ready,
  same,
  sessionNow,
  writing,
  type SessionStoreCase,
} from '../store.fixtures.js';

export const usageCases: readonly SessionStoreCase[] = [
  {
    name: 'sessions that hold more than a bound of files, bytes or streams are found, and others are not',
    async run(store) {
      const bound = { files: 2, bytes: 1000, streams: 3 };
      const above = async (limit = 10) => (await store.sessions.findAbove(bound, limit)).toSorted();
      const [files, bytes, streams, mixed, none] = [
        await opened(store),
        await opened(store),
        await opened(store),
        await opened(store),
        await opened(store),
      ];
      const stream = (sessionId: string) => writing(store, sessionId, 0, { type: 'stream', nodeId: null });
      for (let count = 0; count < 2; count += 1) {
        for (const { id } of [files, mixed]) await ready(store, id);
      }
      for (let count = 0; count < 3; count += 1) for (const { id } of [streams, mixed]) await stream(id);
      await ready(store, bytes.id, 1000);
      await writing(store, none.id, 5000);
      same(await above(), []);
      const third = await ready(store, files.id);
      const fourth = await stream(streams.id);
      await ready(store, bytes.id, 1);
      same(await above(), [files.id, bytes.id, streams.id].toSorted());
      same((await above(2)).length, 2);
      for (const resource of [third, fourth]) {
        await store.releases.beginRelease([resource.id], lease());
        await store.releases.finishRelease([resource.id]);
      }
      same(await above(), [bytes.id]);
      await store.endings.beginEnd(bytes.id, anEnd());
      same(await above(), []);
      same((await sessionNow(store, none)).resourceCount, 0);
    },
  },
];
