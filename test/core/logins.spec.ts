import { SessionsError } from '#sessions/domain/errors';
import { Session } from '#sessions/core/handles/session';
import type { SessionToken } from '#sessions/core/tokens/session-token';
import type { TokenCarrier } from '#sessions/core/handles/token-carrier';
import { CLIENT, STORES, World } from '../support/world.js';

const ROUNDS = 300;

/** What a response would tell its client. */
class Response implements TokenCarrier {
  readonly use = 'cookie';
  readonly carried: string[] = [];
  /** How long the client keeps the latest token. */
  keptSeconds: number | null | undefined;
  isCleared = false;

  carry(token: SessionToken, keptSeconds: number | null): void {
    this.carried.push(token.reveal());
    this.keptSeconds = keptSeconds;
  }

  sent(): Promise<void> {
    return Promise.resolve();
  }

  clear(): void {
    this.isCleared = true;
  }
}

/** What two logins at once may come to. */
const oneOf = (one: string, other: string): string[][] => [
  [one, 'SESSION_STALE'],
  ['SESSION_STALE', other],
];
const away = (): SessionsError => new SessionsError('STORE_UNAVAILABLE', 'The answer is lost.');

describe.each(STORES)('A login on %s', (store) => {
  let world: World;
  beforeEach(async () => (world = await World.create(store)));
  afterEach(() => world.close());

  /** Another object of the session, as another request with the same token has. */
  async function twinOf(token: SessionToken): Promise<Session> {
    const found = await world.service.identify(token.reveal(), CLIENT);
    if (found.kind !== 'live') throw new Error(`The token is ${found.kind}`);
    return new Session(found.record);
  }

  async function userOf(token: SessionToken): Promise<string | null> {
    return (await twinOf(token)).userId;
  }

  /** Whose session the token of a login is, or why there is none. */
  async function outcomeOf(login: PromiseSettledResult<SessionToken>): Promise<unknown> {
    return login.status === 'fulfilled' ? userOf(login.value) : Reflect.get(Object(login.reason), 'code');
  }

  it('takes a copy of the object too, as an application may keep one', async () => {
    const { session } = await world.open();
    const copy = JSON.parse(JSON.stringify(session)) as Session;
    const fresh = await world.service.login(copy, 'ada');
    expect(copy.userId).toBe('ada');
    expect(await userOf(fresh)).toBe('ada');
    await world.service.regenerate(copy);
  });

  it('gives the session ends of its own, which its object shows, and remembers it until the next login', async () => {
    const { session } = await world.open();
    const response = new Response();
    session.carryTokensBy(response);
    const { createdAt, lastActivityAt } = session;
    world.clock.advance(1000);
    await world.service.login(session, 'ada', {
      maxDurationSeconds: 86_400,
      maxIdleSeconds: 7200,
      remember: true,
    });
    const ends = { expiresAt: createdAt + 1000 + 86_400_000, idleEndsAt: lastActivityAt + 7_200_000 };
    expect(session).toMatchObject({ ...ends, remembered: true });
    expect(await world.service.describe(session)).toMatchObject(ends);
    expect(response.keptSeconds).toBe(86_400);
    await world.service.login(session, 'ada');
    expect(session).toMatchObject({ ...ends, remembered: false });
    expect(response.keptSeconds).toBeNull();
  });

  it.each([
    ['maxDurationSeconds', 0],
    ['maxDurationSeconds', 400 * 86_400 + 1],
    ['maxIdleSeconds', 1.5],
    ['maxIdleSeconds', '60'],
    ['remember', 'yes'],
  ])('refuses %s %j, and changes nothing', async (option, value) => {
    const { session, token } = await world.open();
    const login = world.service.login(session, 'ada', { [option]: value });
    await expect(login).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(option),
    });
    expect(await world.kindOf(token)).toBe('live');
  });

  it('binds the user and replaces the token, in one step, and the session goes on', async () => {
    const events: unknown[] = [];
    for (const name of ['session.login', 'session.regenerated', 'session.ended'] as const) {
      world.service.events.on(name, (event) => events.push([name, event]));
    }
    const { session, token } = await world.open();
    const file = await world.write(session, 10);
    const { id, expiresAt } = session;
    const response = new Response();
    session.carryTokensBy(response);
    const fresh = await world.service.login(session, 'ada');
    expect(session).toMatchObject({ id, expiresAt, userId: 'ada' });
    expect(response.carried).toEqual([fresh.reveal()]);
    expect(await world.kindOf(token)).toBe('replaced');
    expect(await userOf(fresh)).toBe('ada');
    expect(await world.service.describe(session)).toMatchObject({
      userId: 'ada',
      resources: [{ id: file.id }],
    });
    expect(events).toEqual([['session.login', { sessionId: id, userId: 'ada' }]]);
  });

  it('by the same user again gives a fresh token', async () => {
    const { session } = await world.open();
    const first = await world.service.login(session, 'ada');
    const second = await world.service.login(session, 'ada');
    expect([await world.kindOf(first), await world.kindOf(second)]).toEqual(['replaced', 'live']);
  });

  it(`never gives anybody a token of somebody else's session: two at once, ${ROUNDS} times`, async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const { session, token } = await world.open();
      const other = round % 3 === 0 ? session : await twinOf(token);
      const logins = await Promise.allSettled([
        world.service.login(session, 'ada'),
        world.service.login(other, 'eve'),
      ]);
      expect(oneOf('ada', 'eve')).toContainEqual(await Promise.all(logins.map(outcomeOf)));
    }
  }, 60_000);

  it('makes every other object of the session stale, for all but its end', async () => {
    const { session, token } = await world.open();
    const twin = await twinOf(token);
    await world.service.login(session, 'ada');
    const stale = { code: 'SESSION_STALE' };
    await expect(world.service.describe(twin)).rejects.toMatchObject(stale);
    await expect(world.service.login(twin, 'ada')).rejects.toMatchObject(stale);
    await expect(world.service.login(twin, 'eve', { ifTaken: 'restart' })).rejects.toMatchObject(stale);
    await expect(world.service.regenerate(twin)).rejects.toMatchObject(stale);
    expect(await world.service.describe({ id: twin.id })).toMatchObject({ userId: 'ada' });
    expect(await world.service.end(twin)).toMatchObject({ sessionId: session.id });
  });

  it('does not cut off what was begun with its own object: a description goes on', async () => {
    const { session } = await world.open();
    const find = world.store.sessions.find.bind(world.store.sessions);
    jest.spyOn(world.store.sessions, 'find').mockImplementationOnce(async (id) => {
      await world.service.login(session, 'ada');
      return find(id);
    });
    expect(await world.service.describe(session)).toMatchObject({ userId: 'ada' });
  });

  it('leaves each of several tokens that it replaced in quick succession without a new session', async () => {
    const { session, token } = await world.open();
    const replaced = [
      token,
      await world.service.login(session, 'ada'),
      await world.service.regenerate(session),
    ];
    await world.service.regenerate(session);
    world.clock.advance(29_999);
    for (const old of replaced) expect(await world.kindOf(old)).toBe('replaced');
    await world.service.end(session);
    for (const old of replaced) expect(await world.kindOf(old)).toBe('replaced');
    world.clock.advance(1);
    for (const old of replaced) expect(await world.kindOf(old)).toBe('unknown');
  });

  describe('whose answer from the store is lost', () => {
    it.each(['login', 'regenerate'] as const)('is repeated, and has the first result: %s', async (step) => {
      const { session, token } = await world.open();
      const { sessions } = world.store;
      for (const loses of ['before', 'after'] as const) {
        const call = (sessions[step] as (...args: unknown[]) => Promise<never>).bind(sessions);
        jest.spyOn(sessions, step).mockImplementationOnce(async (...args: unknown[]) => {
          if (loses === 'after') await call(...args);
          throw away();
        });
        const fresh =
          step === 'login'
            ? await world.service.login(session, 'ada')
            : await world.service.regenerate(session);
        expect(await world.kindOf(fresh)).toBe('live');
      }
      expect(await world.kindOf(token)).toBe('replaced');
      expect(await world.service.describe(session)).toMatchObject({
        userId: step === 'login' ? 'ada' : null,
      });
    });

    it('fails if no repeat is answered, and gives no token', async () => {
      const { session, token } = await world.open();
      const response = new Response();
      session.carryTokensBy(response);
      const failing = jest
        .spyOn(world.store.sessions, 'login')
        .mockImplementation(() => Promise.reject(away()));
      const login = world.service.login(session, 'ada');
      const outcome = await login.catch((error: unknown) => error);
      expect(outcome).toMatchObject({ code: 'STORE_UNAVAILABLE' });
      failing.mockRestore();
      expect(response.carried).toEqual([]);
      expect(await world.kindOf(token)).toBe('live');
    }, 20_000);
  });

  describe('to a session of another user', () => {
    let session: Session;
    let token: SessionToken;
    let response: Response;

    beforeEach(async () => {
      ({ session } = await world.open());
      token = await world.service.login(session, 'ada');
      response = new Response();
      session.carryTokensBy(response);
    });

    it('is refused, and changes nothing', async () => {
      await expect(world.service.login(session, 'eve')).rejects.toMatchObject({ code: 'SESSION_TAKEN' });
      expect(session.userId).toBe('ada');
      expect(await userOf(token)).toBe('ada');
      expect(response.carried).toEqual([]);
    });

    it('ends it where the login restarts, and goes into a new, empty one, under the same object', async () => {
      const reasons: string[] = [];
      world.service.events.on('session.ended', ({ reason }) => reasons.push(reason));
      const file = await world.write(session, 10);
      const formerId = session.id;
      const fresh = await world.service.login(session, 'eve', { ifTaken: 'restart' });
      expect(reasons).toEqual(['ended']);
      expect(await world.service.describe({ id: formerId })).toBeNull();
      expect(session.id).not.toBe(formerId);
      expect(session).toMatchObject({ userId: 'eve', ...CLIENT });
      expect(await world.service.describe(session)).toMatchObject({
        id: session.id,
        userId: 'eve',
        resources: [],
      });
      expect(await world.service.findResource(session, file.id)).toBeNull();
      expect(response).toMatchObject({ carried: [fresh.reveal()], isCleared: false });
      expect(await userOf(fresh)).toBe('eve');
      await world.write(session, 10);
      // A parallel request must not get a new session, whose cookie would replace the good one.
      expect(await world.kindOf(token)).toBe('replaced');
      expect(await world.service.listByUser('ada')).toEqual([]);
    });

    it('has one winner where two restart it at once, and leaves nothing of the other', async () => {
      const twin = await twinOf(token);
      const logins = await Promise.allSettled([
        world.service.login(session, 'eve', { ifTaken: 'restart' }),
        world.service.login(twin, 'bob', { ifTaken: 'restart' }),
      ]);
      expect(oneOf('eve', 'bob')).toContainEqual(await Promise.all(logins.map(outcomeOf)));
      expect((await world.service.totals()).open).toBe(1);
    });

    it('is refused, and ends nothing, where no new one can be opened', async () => {
      await world.close();
      world = await World.create(store, { maxSessions: 1 });
      ({ session } = await world.open());
      await world.service.login(session, 'ada');
      const restart = world.service.login(session, 'eve', { ifTaken: 'restart' });
      await expect(restart).rejects.toMatchObject({ code: 'SESSIONS_FULL' });
      expect(await world.service.describe(session)).toMatchObject({ userId: 'ada' });
    });
  });

  it('keeps the files of before, or nothing of them', async () => {
    const { session } = await world.open();
    const planted = await world.write(session, 10);
    const sink = await world.service.createFile(session, { type: 'audio_file' });
    await world.service.login(session, 'ada');
    expect(await world.service.findResource(session, planted.id)).not.toBeNull();
    await world.service.login(session, 'ada', { keep: 'nothing' });
    expect(await world.service.describe(session)).toMatchObject({
      resourceCount: 0,
      bytesUsed: 0,
      resources: [],
    });
    const failed = new Promise((resolve) => sink.once('error', resolve));
    sink.end(Buffer.alloc(5));
    expect(await failed).toMatchObject({ code: expect.stringMatching(/_GONE$/) });
    await world.write(session, 10);
    expect(await world.service.describe(session)).toMatchObject({ resourceCount: 1 });
  });

  it.each([{ ifTaken: 'ask' }, { keep: 'some' }])('refuses the options %j', async (options) => {
    const { session, token } = await world.open();
    const login = world.service.login(session, 'ada', options as never);
    await expect(login).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(await world.kindOf(token)).toBe('live');
  });

  it.each([
    ['nothing', ''],
    ['too much', 'x'.repeat(256)],
    ['half a character', 'ada\ud800'],
    ['the other half', '\udfffada'],
    ['what is left of broken text', 'ada\ufffd'],
    ['a NUL', 'ada\0'],
    ['a line break', 'ada\neve'],
    ['a control character', 'ada\u0085'],
    ['no text', 7 as never],
  ])('refuses %s as a user id', async (_what, userId) => {
    const { session } = await world.open();
    const refused = { code: 'INVALID_ARGUMENT' };
    await expect(world.service.login(session, userId)).rejects.toMatchObject(refused);
    await expect(world.service.listByUser(userId)).rejects.toMatchObject(refused);
    await expect(world.service.endAllOf(userId)).rejects.toMatchObject(refused);
    await expect(world.service.endOneOf(userId, session.id)).rejects.toMatchObject(refused);
  });

  it('keeps every other user id as it is', async () => {
    const ids = [
      'x'.repeat(255),
      ' ',
      'Ada',
      'ada',
      'a\u0301',
      '\u00e1',
      '🙂',
      '__proto__',
      'null',
      'a:b*{c}',
    ];
    for (const userId of ids) await world.service.login((await world.open()).session, userId);
    for (const userId of ids) {
      const found = await world.service.listByUser(userId);
      expect(found.map((session) => session.userId)).toEqual([userId]);
    }
  });
});
