import * as fc from 'fast-check';
import { Session } from '../../../libs/sessions/dist/core/handles/session.js';
import type { SessionToken } from '../../../libs/sessions/dist/core/tokens/session-token.js';
import type { SessionService } from '../../../libs/sessions/dist/core/sessions/session.service.js';
import { Command, outcomeOf, same } from './command.ts';
import { USERS } from './comparison.ts';
import { takeSession, type SessionInHand, type World } from './hands.ts';
import { STREAM_CLOSED_ELSEWHERE_MS, type Pair } from './pair.ts';
import type { Which } from './plain-model.ts';

const CLIENTS = [
  { ipAddress: '192.0.2.1', userAgent: 'test' },
  { ipAddress: '192.0.2.2', userAgent: 'test' },
] as const;

export const which = fc.constantFrom<Which>(0, 1);
export const index = fc.nat(47);
/** So much likelier than the others: those need something to work on. */
export function often<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T>[] {
  return Array.from({ length: 4 }, () => arbitrary);
}

const key = fc.constantFrom('cart', 'clé');
const client = fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, fc.constant(1));
const hasSession = ({ sessions }: World): boolean => sessions.length > 0;

export const sessionCommands = [
  fc.tuple(which, client).map((args) => open(...args)),
  ...often(fc.tuple(which, index, fc.constantFrom(0, 0, 0, 0, 1, 2), client).map((args) => request(...args))),
  fc.tuple(which, index).map((args) => touch(...args)),
  ...often(fc.tuple(which, index, fc.constantFrom(...USERS)).map((args) => login(...args))),
  fc.tuple(which, index).map((args) => regenerate(...args)),
  fc.tuple(which, index, key, fc.constantFrom('a', '12345678901234567890')).map((args) => setValue(...args)),
  fc.tuple(which, index, key).map((args) => takeValue(...args)),
  fc.tuple(which, index, fc.constantFrom('ended', 'admin'), fc.boolean()).map((args) => end(...args)),
  fc.tuple(which, fc.constantFrom(...USERS)).map((args) => endAllOf(...args)),
  fc.tuple(which, index).map((args) => describe(...args)),
];

export function open(by: Which, who: number): Command {
  return new Command(
    'open',
    [by, who],
    () => true,
    async ({ model, sessions }, { cores }) => {
      const hasRoom = model.makesRoom(who, by);
      const opening = await cores[by].service.open(CLIENTS[who]!);
      same(opening.kind, hasRoom ? 'opened' : 'refused', 'Opening is');
      if (opening.kind === 'refused') return;
      const plain = model.opened(opening.session.id, opening.token.reveal(), who, by);
      sessions.push({ plain, real: opening.session, token: 0 });
    },
  );
}

/** A request as the HTTP border makes it: the token is looked up, and the session touched. `age`: how old the token. */
export function request(by: Which, chosen: number, age: number, who: number): Command {
  return new Command('request', [by, chosen, age, who], hasSession, async (world, pair) => {
    const { model } = world;
    const { plain } = takeSession(world, chosen);
    const token = Math.max(0, plain.tokens.length - 1 - age);
    const looksIdle = plain.state === 'open' && !['expired', null].includes(model.whyOver(plain, [by]));
    const other: Which = by === 0 ? 1 : 0;
    const waits = looksIdle && model.maySpeakFor(plain, by, other);
    const identify = (): ReturnType<SessionService['identify']> =>
      pair.cores[by].service.identify(plain.tokens[token]!.text, CLIENTS[who]!);
    const finding = await (waits ? whileTheOtherBeats(pair, by, identify) : identify());
    if (looksIdle) {
      // By itself it says that it lives only where the token still stands for the session.
      await pair.cores[by].thisProcess.beat();
      model.beat(by);
    }
    if (waits) model.beat(other);
    const known = looksIdle && !waits ? [by] : ([0, 1] as const);
    const expected = model.kindOf(plain, token, who, known);
    if (finding.kind !== expected) {
      const isStale = finding.kind === 'live' && plain.client === who && model.mayBeUnheard(plain, by);
      if (!isStale) throw new Error(`The token is ${finding.kind}, and not ${expected}`);
    }
    const over =
      plain.state === 'open' && token === plain.tokens.length - 1 ? model.whyOver(plain, known) : null;
    if (over !== null) model.end(plain, over, by);
    if (finding.kind !== 'live') return;
    pair.cores[by].finder.touch(plain.id, finding.record.tokenHash);
    model.touch(plain, by, 1);
    if (plain.state === 'open' && !model.mayBeUnheard(plain, by)) {
      same(finding.record.userId, plain.userId, 'The user of the request is');
    }
    world.sessions.push({ plain, real: new Session(finding.record), token });
  });
}

/** Whoever holds touches of a session that looks idle writes them within a second: here, within milliseconds. */
async function whileTheOtherBeats<T>(pair: Pair, by: Which, work: () => Promise<T>): Promise<T> {
  const beats: Promise<void>[] = [];
  const timer = setInterval(() => beats.push(pair.other(by).thisProcess.beat()), 20);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    await Promise.all(beats);
    for (const core of pair.cores) await core.thisProcess.beat();
  }
}

function touch(by: Which, chosen: number): Command {
  return new Command('touch', [by, chosen], hasSession, async (world, { cores }) => {
    const { model } = world;
    const { plain, real } = takeSession(world, chosen);
    if (model.isLate(plain)) return;
    cores[by].service.touch(real);
    model.touch(plain, by, 0);
  });
}

function login(by: Which, chosen: number, userId: string): Command {
  return new Command('login', [by, chosen, userId], hasSession, async (world, { cores }) => {
    const hand = takeSession(world, chosen);
    const { plain } = hand;
    const isTaken = plain.userId !== null && plain.userId !== userId;
    const outcome = await outcomeOf(cores[by].service.login(hand.real, userId));
    const refused = refusal(hand) ?? (isTaken ? { rejected: 'SESSION_TAKEN' } : null);
    if (refused || 'rejected' in outcome) return same(outcome, refused, 'Logging in');
    world.model.makesRoomForUser(userId, plain, by);
    plain.userId = userId;
    replaced(world, hand, outcome.answer, by);
  });
}

function setValue(by: Which, chosen: number, name: string, value: string): Command {
  return new Command('setValue', [by, chosen, name, value], hasSession, async (world, { cores }) => {
    const hand = takeSession(world, chosen);
    if (world.model.isLate(hand.plain)) return;
    const outcome = await outcomeOf(cores[by].service.set(hand.real, name as never, value as never));
    const refused = refusal(hand);
    if (refused || 'rejected' in outcome) return same(outcome, refused, 'Setting a value');
    hand.plain.data.set(name, value);
  });
}

function takeValue(by: Which, chosen: number, name: string): Command {
  return new Command('takeValue', [by, chosen, name], hasSession, async (world, { cores }) => {
    const hand = takeSession(world, chosen);
    if (world.model.isLate(hand.plain)) return;
    const outcome = await outcomeOf(cores[by].service.take(hand.real, name as never));
    same(outcome, refusal(hand) ?? { answer: hand.plain.data.get(name) }, 'The value is');
    if ('answer' in outcome) hand.plain.data.delete(name);
  });
}

function regenerate(by: Which, chosen: number): Command {
  return new Command('regenerate', [by, chosen], hasSession, async (world, { cores }) => {
    const hand = takeSession(world, chosen);
    const outcome = await outcomeOf(cores[by].service.regenerate(hand.real));
    const refused = refusal(hand);
    if (refused || 'rejected' in outcome) return same(outcome, refused, 'Regenerating');
    replaced(world, hand, outcome.answer, by);
  });
}

function replaced({ model }: World, hand: SessionInHand, token: SessionToken, by: Which): void {
  hand.plain.tokens.at(-1)!.replacedAt = model.now;
  hand.plain.tokens.push({ text: token.reveal(), replacedAt: null });
  hand.token = hand.plain.tokens.length - 1;
  model.change(hand.plain, by);
}

function refusal({ plain, token }: SessionInHand): { rejected: string } | null {
  if (plain.state !== 'open') return { rejected: 'SESSION_GONE' };
  return token === plain.tokens.length - 1 ? null : { rejected: 'SESSION_STALE' };
}

function end(by: Which, chosen: number, reason: 'ended' | 'admin', thorough: boolean): Command {
  return new Command('end', [by, chosen, reason, thorough], hasSession, async (world, pair) => {
    const { plain, real } = takeSession(world, chosen);
    // The other process hears of it within half a second: here, within milliseconds.
    const timer = thorough
      ? setInterval(() => void pair.other(by).feed.read(), STREAM_CLOSED_ELSEWHERE_MS)
      : null;
    try {
      const ended = await pair.cores[by].service.end(real, reason, { thorough });
      same(ended !== null, plain.state === 'open', 'Ending it is possible');
      same(ended?.unfinished ?? null, null, 'What is unfinished');
    } finally {
      if (timer) clearInterval(timer);
    }
    if (thorough) {
      await pair.other(by).feed.read();
      world.model.hear(by === 0 ? 1 : 0);
    }
    if (plain.state !== 'open') return;
    world.model.end(plain, reason, by);
    if (thorough) world.model.hear(by === 0 ? 1 : 0);
    for (const { plain: stream, closedFor } of world.streams) {
      if (stream.session !== plain || (stream.by !== by && !thorough)) continue;
      same(closedFor.length > 0, true, 'A stream of the ended session is closed');
    }
  });
}

function endAllOf(by: Which, userId: string): Command {
  return new Command('endAllOf', [by, userId], hasSession, async ({ model }, { cores }) => {
    const due = model.open.filter((session) => session.userId === userId);
    same(await cores[by].service.endAllOf(userId), due.length, 'Sessions of the user that were ended');
    for (const session of due) model.end(session, 'ended', by);
  });
}

/** One session, and the list of all, as admin and CLI see them. */
function describe(by: Which, chosen: number): Command {
  return new Command('describe', [by, chosen], hasSession, async (world, { cores }) => {
    const { model } = world;
    const { plain } = takeSession(world, chosen);
    const { service } = cores[by];
    const details = await service.describe(plain);
    model.flush(by);
    const live = model.open.filter((session) => model.whyOver(session, [by]) === null);
    same(details?.id ?? null, live.includes(plain) ? plain.id : null, 'The session described is');
    const listed = await service.list({ limit: 100, sort: 'created_at' });
    same(listed.map(({ id }) => id).toSorted(), live.map(({ id }) => id).toSorted(), 'The list is');
    for (const userId of USERS) {
      const expected = live.filter((session) => session.userId === userId).map(({ id }) => id);
      const found = (await service.listByUser(userId)).map(({ id }) => id);
      same(found.toSorted(), expected.toSorted(), 'The sessions of the user are');
    }
  });
}
