import type { Campaign } from '../campaign.ts';
import { abortUploads } from './aborted-uploads.ts';
import { uploadInParallel } from './parallel-uploads.ts';

/** For each round of parallel uploads, so many uploads are broken off. */
const ABORTS_PER_ROUND = 400;
const ADAPTERS = ['express', 'fastify'] as const;

/** The count is that of uploads broken off. */
export const campaign: Campaign = {
  name: 'limits',
  title: 'limits hold at every instant, and an upload that breaks off leaves nothing',
  goal: 10_000,
  short: 200,
  async run(context) {
    let tried = await uploadInParallel(context, Math.ceil(context.count / ABORTS_PER_ROUND));
    for (const adapter of ADAPTERS) {
      tried += await abortUploads(context, adapter, Math.ceil(context.count / ADAPTERS.length));
    }
    return { tried };
  },
};
