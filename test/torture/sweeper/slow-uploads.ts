import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FileSink } from '../../../libs/sessions/dist/core/resources/file-sink.js';
import type { CampaignContext } from '../campaign.ts';
import { SweeperWorld } from './sweeper-world.ts';

const UPLOADS = 10;
/** One byte just before the upload would be ended for its silence. */
const PACE_MS = 29_000;

/** Uploads as slow as they may be, through sweeps of their own process and of another: every byte arrives. */
export async function sweepAmongSlowUploads(
  { violation, note }: CampaignContext,
  base: string,
  sweeps: number,
): Promise<void> {
  const root = join(base, 'slow');
  const server = await SweeperWorld.start(root);
  const other = await SweeperWorld.start(root, server.clock);
  const worlds = [server, other];
  try {
    const uploads: { readonly sink: FileSink; fault: Error | null }[] = [];
    for (let count = 0; count < UPLOADS; count += 1) {
      const sink = await server.core.service.createFile(await server.open(), { type: 'audio_file' });
      const upload = { sink, fault: null as Error | null };
      sink.on('error', (error: Error) => (upload.fault = error));
      uploads.push(upload);
    }
    for (let sweep = 0; sweep < sweeps; sweep += 1) {
      for (const { sink } of uploads) sink.write(String(sweep % 10));
      await nextTurn();
      server.clock.advance(PACE_MS);
      // Every process says every second that it lives.
      for (const { core } of worlds) await core.thisProcess.beat();
      const world = worlds[sweep % worlds.length] ?? server;
      for (const job of ['idle', 'expired'] as const) await world.core.cleanup.run(job);
      const { orphans, deleted } = await world.sweep();
      if (orphans + deleted > 0)
        violation(`sweep ${sweep}: ${orphans} uploads under way were taken for orphans`);
    }
    for (const { sink, fault } of uploads) {
      if (fault) {
        violation(`a slow upload was lost: ${fault.message}`);
        continue;
      }
      await new Promise<void>((resolve, reject) => sink.end().once('close', resolve).once('error', reject));
      const bytes = (await server.read(sink.resource)).toString();
      const expected = Array.from({ length: sweeps }, (_, sweep) => sweep % 10).join('');
      if (bytes !== expected) violation('a slow upload is not what was sent');
    }
    const minutes = Math.round((sweeps * PACE_MS) / 60_000);
    note(
      `${UPLOADS} uploads of a byte each ${PACE_MS / 1000} s, ${minutes} min long, through ${sweeps} sweeps`,
    );
  } finally {
    await other.stop();
    await server.stop();
  }
}
