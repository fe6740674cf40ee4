import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { percentile } from '../../processes/scratch.ts';
import { run } from '../mounts.ts';
import { BYTES, type Scene } from '../scene.ts';
import type { Visitor } from '../visitor.ts';

const VISITORS = 10;
const EVERY_MS = 20;
const MOST_MS = 100;
/** Thaws the disk even if the campaign cannot any more: nothing that waits for a frozen one can be killed. */
const WATCHDOG_SPARE_SECONDS = 10;

/** Everything on one disk, and it answers nobody for a while: whoever needs no file of it goes on. */
export async function frozenDisk(scene: Scene, seconds: number): Promise<void> {
  const root = join(scene.folder, 'root');
  scene.mounts.ext4(join(scene.folder, 'image'), root, 64 * 1024 * 1024);
  const options = { minFreeBytes: 0, minFreeInodes: 0, ballastBytes: 0 };
  await scene.serve({ root, options }, async (server) => {
    const { visitor: uploader, file } = await scene.visitorWithFile(server);
    const visitors: Visitor[] = [];
    for (let count = 0; count < VISITORS; count += 1) visitors.push(await server.visit());
    await ask(visitors, 1000);

    const watchdog = spawn('sh', ['-c', `sleep ${seconds + WATCHDOG_SPARE_SECONDS}; fsfreeze -u ${root}`], {
      stdio: 'ignore',
    });
    run('fsfreeze', ['-f', root]);
    const upload = uploader.upload(BYTES).then(({ status }) => status);
    let waits: number[];
    try {
      waits = await ask(visitors, seconds * 1000);
    } finally {
      run('fsfreeze', ['-u', root]);
      watchdog.kill();
    }
    const p99 = percentile(waits, 0.99);
    scene.note(`${waits.length} requests in ${seconds} s without a disk, p99 ${p99.toFixed(1)} ms`);
    scene.holds(p99 < MOST_MS, `requests that touch no file took ${p99.toFixed(1)} ms (p99)`);
    const status = await upload;
    scene.holds([201, 503, 507, 408].includes(status), `the upload in the freeze was answered ${status}`);
    await scene.readsGoOn(server, uploader, file);
    await scene.isBackAfterTwoCleanups(server);
  });
}

/** One request after the other, by all in turn, for so long; how long each waited. */
async function ask(visitors: readonly Visitor[], ms: number): Promise<number[]> {
  const waits: number[] = [];
  const asked: Promise<void>[] = [];
  const endsAt = performance.now() + ms;
  for (let turn = 0; performance.now() < endsAt; turn += 1) {
    const visitor = visitors[turn % visitors.length];
    const askedAt = performance.now();
    if (visitor) asked.push(visitor.arrive().then(() => void waits.push(performance.now() - askedAt)));
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
  await Promise.all(asked);
  return waits;
}
