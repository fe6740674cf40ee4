import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { resolveConfig } from 'nest-sessions';
import { AnchoredClock } from '#sessions/core/clock/system-clock';
import { startCore } from '#sessions/assembly/start-core';

const storagePath = join(tmpdir(), `never-made-${process.pid}`);
const silent = { debug() {}, log() {}, warn() {}, error() {} };
const parts = { clock: new AnchoredClock(), role: 'server', logFor: () => silent } as const;

describe('On Windows', () => {
  it('sessions and files are kept in memory where the store is memory', async () => {
    const config = resolveConfig({ store: 'memory', storagePath }, {});
    const core = await startCore({ ...parts, config, platform: 'win32' });
    try {
      const opening = await core.service.open({ ipAddress: '192.0.2.1', userAgent: 'x' });
      if (opening.kind !== 'opened') throw new Error(opening.kind);
      const { session } = opening;
      const sink = await core.service.createTempFile(session, {});
      await finished(sink.end('hello'));
      expect(await core.service.findResource(session, sink.resourceId)).toMatchObject({ sizeBytes: 5 });
      expect(existsSync(storagePath)).toBe(false);
    } finally {
      await core.quiesce();
      await core.stop();
    }
  });

  it.each([{ store: 'sqlite' }, { redisUrls: 'redis://127.0.0.1:9' }] as const)(
    'the boot says that %j is not for it, and what is',
    async (options) => {
      const config = resolveConfig({ ...options, storagePath }, {});
      await expect(startCore({ ...parts, config, platform: 'win32' })).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringMatching(
          /^On Windows .* \(SESSION_STORE\) is (sqlite|redis): set it to memory/,
        ) as string,
      });
      expect(existsSync(storagePath)).toBe(false);
    },
  );

  it('elsewhere nothing changes: the memory store has its files on disk', async () => {
    const config = resolveConfig(
      { store: 'memory', storagePath: `${storagePath}-linux`, minFreeBytes: 0 },
      {},
    );
    const core = await startCore({ ...parts, config, platform: 'darwin' });
    await core.stop();
    expect(existsSync(`${storagePath}-linux`)).toBe(true);
  });
});
