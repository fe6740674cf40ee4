import type { Campaign } from '../campaign.ts';
import { floodWithStrangers } from './flood-of-strangers.ts';
import { sendSlowClients } from './slow-clients.ts';

const ADAPTERS = ['express', 'fastify'] as const;
/** Of each kind, for so many requests of strangers. */
const REQUESTS_PER_SLOW_CLIENT = 5000;

/** The count is that of requests without a cookie. */
export const campaign: Campaign = {
  name: 'floods',
  title: 'neither strangers nor slow clients take the server from its users',
  goal: 200_000,
  short: 3000,
  async run(context) {
    const ofEachKind = Math.ceil(context.count / REQUESTS_PER_SLOW_CLIENT);
    let tried = 0;
    for (const adapter of ADAPTERS) tried += await sendSlowClients(context, adapter, ofEachKind);
    return { tried: tried + (await floodWithStrangers(context)) };
  },
};
