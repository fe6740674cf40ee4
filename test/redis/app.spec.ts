// oxlint-disable import/no-unassigned-import -- a suite runs by being loaded
import { AppProcess } from '../support/app-process.js';
import { RedisServer } from '../support/redis-servers.js';
import '../app/audio.spec.js';
import '../app/bad-bodies.spec.js';
import '../app/lifecycle.spec.js';
import '../app/live.spec.js';
import '../app/operations.spec.js';
import '../app/speech.spec.js';

// Everything that the app promises, once more with its sessions in Redis: the suites above run in here.
let redis: RedisServer;

beforeAll(async () => {
  redis = await RedisServer.start();
  AppProcess.redisUrl = redis.url;
});

afterAll(async () => {
  AppProcess.redisUrl = null;
  await redis.stop();
});

describe('the app on Redis', () => {
  it('keeps its sessions there', async () => {
    const app = await AppProcess.start('express');
    try {
      expect(app.bootLine).toContain('| store redis |');
      expect(await redis.command('DBSIZE')).toBeGreaterThan(0);
    } finally {
      await app.destroy();
    }
  });
});
