import { setTimeout as wait } from 'node:timers/promises';
import { resolveConfig } from '#sessions/core/config/config';
import { RefusalLog } from '#sessions/core/resources/refusal-log';
import { SessionEventBus } from '#sessions/core/watch/event-bus';
import type { SessionEvents } from '#sessions/domain/events';
import type { SessionStore } from '#sessions/ports/store/session-store';
import { ManualClock } from 'nest-sessions/testing';

const config = resolveConfig({ maxResources: 7, maxBytes: 900, maxStreamsPerSession: 3 }, {});

type Refusal = SessionEvents['resource.refused'];

function refusal(reason: Refusal['reason'], changes: Partial<Refusal> = {}): Refusal {
  return { sessionId: 's', reason, sizeBytes: null, limitBytes: null, network: '192.0.2.7/32', ...changes };
}

describe('The log of refusals', () => {
  const clock = new ManualClock();
  let lines: string[];
  let events: SessionEventBus;
  let find: jest.Mock;

  beforeEach(() => {
    lines = [];
    find = jest.fn(() => Promise.resolve({ ipAddress: '2001:db8:1:2ff::9' }));
    events = new SessionEventBus({ note: (...told) => lines.push(told.join()) });
    const note = (message: string): void => void lines.push(message);
    const log = { debug: note, log: note, warn: note, error: note };
    const store = { sessions: { find } } as unknown as SessionStore;
    new RefusalLog({ config, store, clock, events, log }).listen();
  });

  /** The lines after some refusals; each is written in a later turn of the event loop. */
  async function after(...refusals: Refusal[]): Promise<string[]> {
    for (const one of refusals) events.emit('resource.refused', one);
    await wait(5);
    return lines;
  }

  it('says why a stream is refused, with the setting and its value', async () => {
    expect(await after(refusal('streams'))).toEqual([
      'A stream of network 192.0.2.7/32 was refused: its session has as many as ' +
        'maxStreamsPerSession (SESSION_MAX_STREAMS_PER_SESSION) 3 allows.',
    ]);
  });

  it('says why a file is refused while others are on their way', async () => {
    expect(await after(refusal('in_use', { sizeBytes: 55 }))).toEqual([
      'A file (55 bytes) of network 192.0.2.7/32 was refused: other files of its session are on their way, as many as ' +
        'maxResources (MAX_RESOURCES_PER_SESSION) 7 or maxBytes (MAX_BYTES_PER_SESSION) 900 allow.',
    ]);
  });

  it('once a minute for each reason', async () => {
    expect(await after(refusal('streams'), refusal('streams'), refusal('disk'))).toHaveLength(2);
    clock.advance(59_999);
    expect(await after(refusal('streams'))).toHaveLength(2);
    clock.advance(1);
    expect(await after(refusal('streams'))).toHaveLength(3);
  });

  it('asks the store for a network that the request did not tell, and does without one', async () => {
    const untold = { network: null };
    expect((await after(refusal('limit', untold)))[0]).toContain(
      'of network 2001:db8:1:200:0:0:0:0/56 was refused',
    );
    find.mockRejectedValueOnce(new Error('away')).mockResolvedValueOnce(null);
    await after(
      refusal('disk', untold),
      refusal('in_use', untold),
      refusal('too_large', { sessionId: null, ...untold }),
    );
    expect(lines.slice(1)).toEqual(Array(3).fill(expect.stringContaining('of network unknown was refused')));
  });
});
