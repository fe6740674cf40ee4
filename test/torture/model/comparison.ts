import { PlainTokens } from '../../../libs/sessions/dist/core/tokens/plain-tokens.js';
import { allDeleted, same } from './command.ts';
import type { World } from './hands.ts';
import { bytesOf, isInPlace, type PlainModel } from './plain-model.ts';
import type { Pair } from './pair.ts';

export const USERS = ['ada', 'Eve 🙂'];
const tokens = new PlainTokens();

/** Throws where the store holds anything else than the model says. Reads only, all at once. */
export async function compare({ model }: World, { cores }: Pair): Promise<void> {
  const { store } = cores[0];
  const ids = model.sessions.map(({ id }) => id);
  await allDeleted(store);
  const [records, resources, totals] = await Promise.all([
    Promise.all(ids.map((id) => store.sessions.find(id))),
    store.resources.list(ids),
    store.ledger.totals(),
  ]);
  for (const [index, session] of model.sessions.entries()) {
    const record = records[index] ?? null;
    const inPlace = session.resources.filter(isInPlace);
    const incoming = session.resources.filter((resource) => !isInPlace(resource));
    same(
      record && {
        state: record.state,
        reason: record.endReason,
        userId: record.userId,
        tokenHash: record.tokenHash,
        lastActivityAt: record.lastActivityAt,
        requestCount: record.requestCount,
        confirmed: record.confirmed,
        resourceCount: record.resourceCount,
        bytesUsed: record.bytesUsed,
        streamCount: record.streamCount,
        incomingCount: record.incomingCount,
        incomingBytes: record.incomingBytes,
      },
      session.state === 'forgotten'
        ? null
        : {
            state: session.state,
            reason: session.reason,
            userId: session.userId,
            tokenHash: tokens.open(session.tokens.at(-1)?.text ?? '')?.hash,
            lastActivityAt: session.lastActivityAt,
            requestCount: session.requestCount,
            confirmed: session.confirmed,
            resourceCount: inPlace.length,
            bytesUsed: bytesOf(inPlace),
            streamCount: inPlace.filter(({ type }) => type === 'stream').length,
            incomingCount: incoming.length,
            incomingBytes: bytesOf(incoming),
          },
      `Session ${index} is`,
    );
  }
  const byId = (a: { id: string }, b: { id: string }): number => (a.id < b.id ? -1 : 1);
  same(
    resources
      .map(({ id, state, overdrawn, sizeBytes, lastUsedAt, uses }) => {
        return { id, state, overdrawn, sizeBytes, lastUsedAt, uses };
      })
      .toSorted(byId),
    model.resources
      .map(({ id, state, overdrawnAt, sizeBytes, lastUsedAt, uses }) => ({
        id,
        state,
        overdrawn: overdrawnAt !== null,
        sizeBytes,
        lastUsedAt,
        uses: uses[0] + uses[1],
      }))
      .toSorted(byId),
    'The resources are',
  );
  same(
    { created: totals.created, open: totals.open, ending: totals.ending, ended: totals.ended },
    { created: model.created, open: model.open.length, ending: 0, ended: model.ended },
    'The totals are',
  );
  for (const userId of USERS) {
    same({ ...(await store.budgets.ofUser(userId)) }, model.usageOf(userId), `What ${userId} counts for is`);
  }
  for (const { type, released, releasedBytes, evicted, active, activeBytes } of totals.types) {
    same(
      { released, releasedBytes, evicted, active, activeBytes },
      {
        ...(model.gone.get(type) ?? { released: 0, releasedBytes: 0, evicted: 0 }),
        ...activeOf(model, type),
      },
      `The totals of ${type} are`,
    );
  }
}

function activeOf(model: PlainModel, type: string): { active: number; activeBytes: number } {
  const held = model.resources.filter((resource) => resource.type === type);
  return { active: held.length, activeBytes: bytesOf(held) };
}
