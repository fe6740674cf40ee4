import { randomBytes } from 'node:crypto';
import { DEFAULTS, ENVIRONMENT, hasCode, resolveConfig, type SessionsOptions } from 'nest-sessions';
import type { CampaignContext } from '../campaign.ts';
import { SETTING_VALUES } from './cases/command-lines.ts';
import { Chance } from './chance.ts';
import { mutate } from './mutation.ts';

/** What a program may hand over, whatever its compiler says. */
const VALUES: readonly unknown[] = [
  null,
  0,
  -0,
  -1,
  1.5,
  Number.NaN,
  Infinity,
  2 ** 31,
  2 ** 53,
  1n,
  true,
  false,
  '',
  ' ',
  'null',
  '900',
  '15m',
  [],
  {},
  [null],
  [[]],
  [''],
  [1],
  () => 1,
  Symbol('x'),
  new Date(Number.NaN),
  /x/,
  new Map(),
  Object.create(null),
  { toString: null },
  { length: 5 },
  Buffer.from('x'),
  new Proxy({}, {}),
  ['a\0b'],
];
/** A timer beyond this goes off at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
const FEW = 4;

/** Settings of all kinds: they are taken, or all their faults are told by name, without a value. */
export function attackSettings(count: number, context: CampaignContext): number {
  const chance = new Chance(context.random);
  const [names, variables] = [Object.keys(DEFAULTS), [...Object.values(ENVIRONMENT), 'ADMIN_TOKEN_FILE']];
  for (let tries = 0; tries < count; tries += 1) {
    const secret = `${randomBytes(8).toString('hex')}\u0007`;
    const environment: Record<string, string> = { ADMIN_TOKEN: secret };
    for (let few = chance.below(FEW); few > 0; few -= 1)
      environment[chance.pick(variables)] = mutate(chance.pick(SETTING_VALUES), chance);
    const options: Record<string, unknown> = {};
    for (let few = chance.below(FEW); few > 0; few -= 1)
      options[chance.oneIn(20) ? '__proto__x' : chance.pick(names)] = chance.pick(VALUES);
    resolveOne(options, environment, secret, context);
  }
  return count;
}

function resolveOne(
  options: SessionsOptions,
  environment: Record<string, string>,
  secret: string,
  context: CampaignContext,
): void {
  const given = (): string =>
    Object.entries({ ...environment, ...options })
      .map(
        ([name, value]) =>
          `${name}=${String(typeof value === 'object' ? Object.prototype.toString.call(value) : value).slice(0, 60)}`,
      )
      .join(' ');
  try {
    const config = resolveConfig(options, environment);
    const timers = [config.cleanupIntervalMs, config.uploadIdleMs];
    if (!timers.every((ms) => ms > 0 && ms <= LONGEST_TIMER_MS))
      context.violation(`settings ${given()}: a timer of ${timers.join(' or ')} ms`);
    if (!(config.maxIdleMs <= config.maxDurationMs))
      context.violation(`settings ${given()}: idle longer than all`);
    if (environment['ADMIN_TOKEN'] === secret && !('adminTokens' in options))
      context.violation(`settings ${given()}: a short admin token was taken`);
  } catch (error) {
    if (!hasCode(error, 'CONFIG_INVALID')) context.violation(`settings ${given()}: ${String(error)}`);
    else if (error.message.includes(secret.slice(0, 16)))
      context.violation(`settings ${given()}: the message repeats a secret`);
  }
}
