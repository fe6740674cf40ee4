import { inspect } from 'node:util';
import * as classValidator from 'class-validator';
import type { BindingRule } from '../../domain/binding.js';
import type { BudgetLimits } from '../../domain/budgets.js';
import { SessionsError } from '../../domain/errors.js';
import type { ResourceLimits } from '../../domain/limits.js';
import { BUILT_IN_RESOURCE_TYPES } from '../../domain/resource.js';
import { oneLine } from '../watch/log.js';
import { bindingRuleOf } from './binding-rule.js';
import { conflictsOf } from './conflicts.js';
import { collectGiven, type Environment, type GivenOptions } from './given-options.js';
import type { OptionKind } from './option-kinds.js';
import { DEFAULTS, labelOf, OPTIONS, type OptionName } from './options.js';
import { SessionsSettings } from './settings.js';

/**
 * The options of an application. An option that is missing or `undefined` is read from the environment, or has its default.
 * An option may be the text that its environment variable would hold, as ConfigService gives it: `'900'`, `'true'`, `'a,b'`.
 */
export type SessionsOptions = {
  readonly [Name in OptionName]?: SessionsSettings[Name] | EnvironmentText | undefined;
};

/** Any text; editors still propose the words that an option takes. */
type EnvironmentText = string & NonNullable<unknown>;

type DurationName = Extract<OptionName, `${string}Seconds`>;
type InMilliseconds<Name> = Name extends `${infer Stem}Seconds` ? `${Stem}Ms` : never;

/**
 * Every option under its name, checked and frozen. Paths are absolute. Durations are in milliseconds: `maxIdleSeconds`
 * is `maxIdleMs`.
 */
export interface SessionsConfig
  extends
    Readonly<Omit<SessionsSettings, DurationName>>,
    Readonly<Record<InMilliseconds<DurationName>, number>> {
  /** `maxResources`, `maxBytes`, `maxStreamsPerSession` and `onLimit` together. */
  readonly limits: ResourceLimits;
  /** The bounds of files beyond one session together. */
  readonly budgets: BudgetLimits;
  /** `bindIp` and `bindAgent` as one rule. */
  readonly binding: BindingRule;
  /** The built-in types and the application's. */
  readonly resourceTypes: readonly string[];
}

for (const [name, { kind }] of OPTIONS) {
  for (const check of kind.checks(classValidator)) check(SessionsSettings.prototype, name);
}

const { maxDurationSeconds, maxIdleSeconds, maxResources, maxBytes } = DEFAULTS;

/** Two sets of limits to copy. `production` equals the defaults. */
export const presets = Object.freeze({
  development: Object.freeze({
    maxDurationSeconds: 7200,
    maxIdleSeconds: 1800,
    maxResources: 200,
    maxBytes: 209_715_200,
  }),
  production: Object.freeze({ maxDurationSeconds, maxIdleSeconds, maxResources, maxBytes }),
});

/**
 * Reads each option from `options`, else from the environment, else from `defaults`, else from those of the table.
 * @throws SessionsError `CONFIG_INVALID`: one message that lists every fault by name and value; secrets are not shown
 */
export function resolveConfig(
  options: SessionsOptions = {},
  environment: Environment = process.env,
  defaults: SessionsOptions = {},
): SessionsConfig {
  const faults: string[] = [];
  const { given, fromFiles } = collectGiven(options, environment, faults);
  const settings = withDefaults({ ...defaults, ...given });
  faults.push(...invalidOf(settings, fromFiles), ...conflictsOf(settings));
  if (faults.length > 0) {
    const list = faults.map((fault) => `  - ${fault}`).join('\n');
    throw new SessionsError('CONFIG_INVALID', `Invalid settings of nest-sessions:\n${list}`);
  }
  return toConfig(settings);
}

/**
 * Three defaults depend on other options: `maxIdleSeconds` is at most the duration, `maxSessionsPerNetwork` a tenth of all, and a
 * Redis URL selects that store.
 */
function withDefaults(given: GivenOptions): SessionsSettings {
  const settings = Object.assign(new SessionsSettings(), given);
  const { maxDurationSeconds, redisUrls } = settings;
  if (given.maxIdleSeconds === undefined && Number.isFinite(maxDurationSeconds)) {
    settings.maxIdleSeconds = Math.min(settings.maxIdleSeconds, maxDurationSeconds);
  }
  if (given.maxSessionsPerNetwork === undefined && Number.isFinite(settings.maxSessions)) {
    settings.maxSessionsPerNetwork = Math.ceil(settings.maxSessions / 10);
  }
  const hasRedisUrls = Array.isArray(redisUrls) && redisUrls.length > 0;
  if (given.store === undefined && hasRedisUrls) settings.store = 'redis';
  return settings;
}

function invalidOf(settings: SessionsSettings, fromFiles: ReadonlySet<OptionName>): string[] {
  return classValidator.validateSync(settings).map(({ property, constraints = {} }) => {
    const messages = [...new Set(Object.values(constraints))];
    const name = property as OptionName;
    const source = fromFiles.has(name) ? OPTIONS.get(name)?.fileEnvironment : undefined;
    const label = source === undefined ? labelOf(name) : `${name} (${source})`;
    return `${label}: ${messages.join('; ')}${shown(name, settings[name])}`;
  });
}

function shown(name: OptionName, value: unknown): string {
  if (OPTIONS.get(name)?.kind.isSecret) return '';
  const text =
    typeof value === 'string' ? JSON.stringify(value) : inspect(value, { depth: 0, customInspect: false });
  return `, not ${oneLine(text, 80)}`;
}

function toConfig(settings: SessionsSettings): SessionsConfig {
  const { maxResources, maxBytes, maxStreamsPerSession, onLimit, resourceTypes } = settings;
  const types = [...new Set([...BUILT_IN_RESOURCE_TYPES, ...resourceTypes])];
  return Object.freeze({
    ...Object.fromEntries([...OPTIONS].map(([name, { kind }]) => configEntry(name, kind, settings[name]))),
    limits: Object.freeze({ maxResources, maxBytes, maxStreams: maxStreamsPerSession, onLimit }),
    budgets: Object.freeze(budgetsOf(settings)),
    binding: bindingRuleOf(settings),
    resourceTypes: Object.freeze(types),
  }) as SessionsConfig;
}

function budgetsOf(settings: SessionsSettings): BudgetLimits {
  const { maxResourcesPerUser, maxBytesPerUser, maxBytesPerNetwork, maxTotalBytes } = settings;
  return { maxResourcesPerUser, maxBytesPerUser, maxBytesPerNetwork, maxTotalBytes };
}

function configEntry(name: OptionName, kind: OptionKind<unknown>, value: unknown): [string, unknown] {
  if (name.endsWith('Seconds')) return [name.replace(/Seconds$/, 'Ms'), Number(value) * 1000];
  const kept = value === null ? null : (kind.toConfig?.(value) ?? value);
  return [name, Array.isArray(kept) ? Object.freeze([...(kept as unknown[])]) : kept];
}
