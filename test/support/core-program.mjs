// A server without HTTP, as a process of its own: node core-program.mjs STORAGE_PATH. It tells the code of each opening.
import { startCore } from '../../libs/sessions/dist/assembly/start-core.js';
import { resolveConfig } from '../../libs/sessions/dist/core/config/config.js';
import { AnchoredClock } from '../../libs/sessions/dist/core/clock/system-clock.js';

const silent = { debug() {}, log() {}, warn() {}, error() {} };
const config = resolveConfig(
  { storagePath: process.argv[2], openRate: 0, ballastBytes: 0, minFreeBytes: 0 },
  {},
);
const core = await startCore({ config, clock: new AnchoredClock(), role: 'server', logFor: () => silent });
process.on('message', () => {
  const client = { ipAddress: '192.0.2.1', userAgent: 'old' };
  void core.service
    .open(client)
    .then(
      ({ kind }) => kind,
      ({ code }) => code,
    )
    .then((told) => process.send(told));
});
process.send('started');
