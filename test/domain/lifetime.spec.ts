import { boundTo, endCondition, evictionRank } from '#sessions/domain/lifetime';
import { idleEndsAt, meetsEndCondition, whyOver } from 'nest-sessions/store';

const HOUR = 3_600_000;
const session = {
  confirmed: true,
  expiresAt: HOUR,
  idleMs: 900_000,
  lastActivityAt: 0,
  resourceCount: 0,
  incomingCount: 0,
  dataBytes: 0,
  userId: null,
};

describe('When is a session over', () => {
  it('is idle at the exact instant of its idle end, not a millisecond before', () => {
    expect(whyOver(session, 899_999)).toBeNull();
    expect(whyOver(session, 900_000)).toBe('idle');
  });

  it('expires at its absolute end whatever the activity', () => {
    const active = { ...session, lastActivityAt: HOUR - 1 };
    expect(whyOver(active, HOUR - 1)).toBeNull();
    expect(whyOver(active, HOUR)).toBe('expired');
  });

  it('is expired rather than idle if both are true', () => {
    expect(whyOver(session, HOUR)).toBe('expired');
  });

  it('idles out after 60 s without resources and user if its cookie never came back', () => {
    const provisional = { ...session, confirmed: false };
    expect(idleEndsAt(provisional)).toBe(60_000);
    expect(whyOver(provisional, 59_999)).toBeNull();
    expect(whyOver(provisional, 60_000)).toBe('unconfirmed');
  });

  it.each([
    ['confirmed', { confirmed: true }],
    ['a resource', { confirmed: false, resourceCount: 1 }],
    ['data', { confirmed: false, dataBytes: 1 }],
    ['a file on its way in', { confirmed: false, incomingCount: 1 }],
    ['a user', { confirmed: false, userId: 'ada' }],
  ])('lives its full idle time with %s', (_what, change) => {
    expect(idleEndsAt({ ...session, ...change })).toBe(900_000);
  });

  it('never lives longer for being provisional', () => {
    expect(idleEndsAt({ ...session, confirmed: false, idleMs: 5000 })).toBe(5000);
  });
});

describe('The order of evictions', () => {
  it.each([
    [0, 'its cookie never came back and it holds nothing', { confirmed: false }],
    [1, 'its cookie never came back', { confirmed: false, resourceCount: 1 }],
    [2, 'it holds nothing', {}],
    [1, 'its cookie never came back, and it has data', { confirmed: false, dataBytes: 1 }],
    [null, 'it has a resource', { resourceCount: 1 }],
    [null, 'it has data', { dataBytes: 1 }],
    [null, 'it has a user', { confirmed: false, userId: 'ada' }],
  ])('is %s where %s', (rank, _what, change) => {
    expect(evictionRank({ ...session, ...change })).toBe(rank);
  });
});

describe('The condition of an end', () => {
  const active = { ...session, lastActivityAt: 5 };

  it('requires of an idle session no activity since', () => {
    const condition = endCondition('idle', active);
    expect(condition && meetsEndCondition(active, condition)).toBe(true);
    expect(condition && meetsEndCondition({ ...active, userId: 'ada', resourceCount: 1 }, condition)).toBe(
      true,
    );
    expect(condition && meetsEndCondition({ ...active, lastActivityAt: 6 }, condition)).toBe(false);
  });

  it.each([
    ['active', { lastActivityAt: 6 }],
    ['given a resource', { resourceCount: 1 }],
    ['bringing a file', { incomingCount: 1 }],
    ['given a user', { userId: 'ada' }],
  ])('requires that an evicted session was not %s since', (_what, change) => {
    const condition = endCondition('evicted', active);
    expect(condition && meetsEndCondition(active, condition)).toBe(true);
    expect(condition && meetsEndCondition({ ...active, ...change }, condition)).toBe(false);
  });

  it.each([
    ['its cookie comes back', { confirmed: true }],
    ['it is active', { lastActivityAt: 6 }],
    ['it gets a resource', { resourceCount: 1 }],
    ['it gets a user', { userId: 'ada' }],
  ])('requires that an unconfirmed session has not changed: %s', (_what, change) => {
    const unconfirmed = { ...active, confirmed: false };
    for (const reason of ['unconfirmed', 'evicted'] as const) {
      const condition = endCondition(reason, unconfirmed);
      expect(condition && meetsEndCondition(unconfirmed, condition)).toBe(true);
      expect(condition && meetsEndCondition({ ...unconfirmed, ...change }, condition)).toBe(false);
    }
  });

  it.each([
    [true, 'ada'],
    [false, 'eve'],
    [false, null],
  ])('is met: %s, by a session that is bound to %s, if it is for ada', (isMet, userId) => {
    expect(meetsEndCondition({ ...active, userId }, boundTo('ada'))).toBe(isMet);
  });

  it.each(['expired', 'ended', 'admin'] as const)('is none for the reason %s', (reason) => {
    expect(endCondition(reason, active)).toBeUndefined();
  });
});
