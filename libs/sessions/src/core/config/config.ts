import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { validateSync } from 'class-validator';
import type { BindingRule } from '../../domain/binding.js';
import { SessionsError } from '../../domain/errors.js';
import type { ResourceLimits } from '../../domain/limits.js';
import { BUILT_IN_RESOURCE_TYPES } from '../../domain/resource.js';
import { addressKeyFor } from './client-address.js';
import { redisFaultsOf } from './redis-settings.js';
import { DEFAULTS, ENVIRONMENT, SessionsSettings } from './settings.js';

/** What an application may set; what it leaves out comes from the environment, or is the default. */
export type SessionsOptions = Partial<SessionsSettings>;

/** All settings, checked, frozen and in the units the code works in: milliseconds and bytes. */
export interface SessionsConfig {
  readonly maxDurationMs: number;
  readonly maxIdleMs: number;
  readonly limits: ResourceLimits;
  readonly onLimit: 'evict' | 'reject';
  readonly cleanupIntervalMs: number;
  readonly orphanGraceMs: number;
  /** Absolute. */
  readonly storagePath: string;
  readonly store: 'sqlite' | 'redis' | 'memory';
  /** The URLs hold passwords: they are for the client of Redis alone. */
  readonly redis: { readonly urls: readonly string[]; readonly prefix: string };
  readonly maxSessions: number;
  readonly openRate: number;
  readonly binding: BindingRule;
  readonly onMismatch: 'fresh' | 'refuse' | 'end';
  readonly cookie: {
    readonly name: string;
    readonly sameSite: 'lax' | 'strict' | 'none';
    readonly domain: string | null;
  };
  readonly allowedOrigins: readonly string[];
  readonly adminTokens: readonly string[];
  readonly metricsToken: string | null;
  /** The built-in types and the application's. */
  readonly resourceTypes: readonly string[];
  readonly adoptFrom: readonly string[];
  readonly uploadIdleMs: number;
  readonly downloadIdleMs: number;
  /** Bytes per second. */
  readonly minUploadRate: number;
  readonly minFreeBytes: number;
  readonly minFreeInodes: number;
  readonly ballastBytes: number;
  readonly cache: boolean;
  /** Where other nodes send clients that want a file of this one. */
  readonly nodeAddress: string | null;
  /** Whether a request for a file of another node is sent there. */
  readonly redirectToNode: boolean;
  readonly alerts: {
    readonly activeSessions: number;
    readonly sessionPercent: number;
    readonly cleanupFailures: number;
    readonly orphans: number;
  };
}

/** Two sets of limits to copy. `production` is what the defaults are. */
export const presets = Object.freeze({
  development: Object.freeze({
    maxDurationSeconds: 7200,
    maxIdleSeconds: 1800,
    maxResources: 200,
    maxBytes: 209_715_200,
  }),
  production: Object.freeze({
    maxDurationSeconds: 3600,
    maxIdleSeconds: 900,
    maxResources: 100,
    maxBytes: 104_857_600,
  }),
});

type SettingName = keyof SessionsSettings;
type Environment = Readonly<Record<string, string | undefined>>;
const SETTING_NAMES = Object.keys(ENVIRONMENT) as SettingName[];

/**
 * Options first, then the environment, then the defaults. Rejects with `CONFIG_INVALID` and one message that lists every
 * fault by name; values are not repeated there, since some are secrets.
 */
export function resolveConfig(
  options: SessionsOptions = {},
  environment: Environment = process.env,
): SessionsConfig {
  const faults: string[] = [];
  const given = collect(options, environment, faults);
  const settings = Object.assign(new SessionsSettings(), DEFAULTS, given);
  if (given['maxIdleSeconds'] === undefined && Number.isFinite(settings.maxDurationSeconds)) {
    settings.maxIdleSeconds = Math.min(DEFAULTS.maxIdleSeconds, settings.maxDurationSeconds);
  }
  const hasRedisUrls = Array.isArray(settings.redisUrls) && settings.redisUrls.length > 0;
  if (given['store'] === undefined && hasRedisUrls) settings.store = 'redis';
  faults.push(...faultsOf(settings));
  if (faults.length > 0) {
    const list = faults.map((fault) => `  - ${fault}`).join('\n');
    throw new SessionsError('CONFIG_INVALID', `The settings of nest-sessions are not valid:\n${list}`);
  }
  return toConfig(settings);
}

function collect(
  options: SessionsOptions,
  environment: Environment,
  faults: string[],
): Record<string, unknown> {
  const given: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    if (!(name in ENVIRONMENT)) faults.push(`${JSON.stringify(name.slice(0, 64))}: there is no such option`);
    else if (value !== undefined) given[name] = value;
  }
  for (const name of SETTING_NAMES) {
    if (given[name] !== undefined) continue;
    const text = environment[ENVIRONMENT[name]];
    if (text !== undefined && text !== '') given[name] = parse(name, text.trim());
  }
  const tokenFile = environment['ADMIN_TOKEN_FILE'];
  if (tokenFile && given['adminTokens'] === undefined) {
    given['adminTokens'] = readTokens(tokenFile, faults);
  }
  return given;
}

/** Text of the environment in the kind that the setting's default has; what does not look like it is left for the check. */
function parse(name: SettingName, text: string): unknown {
  const example = DEFAULTS[name];
  if (typeof example === 'number') return /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (typeof example === 'boolean') return text === 'true' || (text === 'false' ? false : text);
  if (Array.isArray(example)) return splitList(text);
  return text;
}

function splitList(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function readTokens(path: string, faults: string[]): string[] | undefined {
  try {
    return splitList(readFileSync(path, 'utf8').replaceAll(/\s+/g, ','));
  } catch {
    faults.push('ADMIN_TOKEN_FILE: the file cannot be read');
    return undefined;
  }
}

function faultsOf(settings: SessionsSettings): string[] {
  const faults = validateSync(settings, { forbidUnknownValues: false }).map((error) => {
    const messages = [...new Set(Object.values(error.constraints ?? {}))];
    return `${label(error.property as SettingName)}: ${messages.join('; ')}`;
  });
  const { maxIdleSeconds, maxDurationSeconds } = settings;
  // What is no number is told already, and some of it cannot even be compared.
  const areNumbers = [maxIdleSeconds, maxDurationSeconds].every(Number.isFinite);
  if (areNumbers && maxIdleSeconds > maxDurationSeconds) {
    faults.push(`${label('maxIdleSeconds')}: must not be more than ${label('maxDurationSeconds')}`);
  }
  faults.push(...redisFaultsOf(settings, label));
  return faults;
}

function label(name: SettingName): string {
  return `${name} (${ENVIRONMENT[name]})`;
}

function toConfig(settings: SessionsSettings): SessionsConfig {
  return Object.freeze<SessionsConfig>({
    maxDurationMs: settings.maxDurationSeconds * 1000,
    maxIdleMs: settings.maxIdleSeconds * 1000,
    limits: Object.freeze({ maxResources: settings.maxResources, maxBytes: settings.maxBytes }),
    onLimit: settings.onLimit,
    cleanupIntervalMs: settings.cleanupIntervalSeconds * 1000,
    orphanGraceMs: settings.orphanGraceSeconds * 1000,
    storagePath: resolve(settings.storagePath),
    store: settings.store,
    redis: Object.freeze({ urls: Object.freeze([...settings.redisUrls]), prefix: settings.redisPrefix }),
    maxSessions: settings.maxSessions,
    openRate: settings.openRate,
    binding: Object.freeze({
      addressKey: addressKeyFor(settings.bindIp),
      compareAgent: settings.bindAgent === 'exact',
    }),
    onMismatch: settings.onMismatch,
    cookie: Object.freeze({
      name: settings.cookieName,
      sameSite: settings.cookieSameSite,
      domain: settings.cookieDomain,
    }),
    allowedOrigins: Object.freeze([...settings.allowedOrigins]),
    adminTokens: Object.freeze([...settings.adminTokens]),
    metricsToken: settings.metricsToken,
    resourceTypes: Object.freeze([...new Set([...BUILT_IN_RESOURCE_TYPES, ...settings.resourceTypes])]),
    adoptFrom: Object.freeze(settings.adoptFrom.map((path) => resolve(path))),
    uploadIdleMs: settings.uploadIdleSeconds * 1000,
    downloadIdleMs: settings.downloadIdleSeconds * 1000,
    minUploadRate: settings.minUploadRate,
    minFreeBytes: settings.minFreeBytes,
    minFreeInodes: settings.minFreeInodes,
    ballastBytes: settings.ballastBytes,
    cache: settings.cache,
    nodeAddress: settings.nodeAddress,
    redirectToNode: settings.redirectToNode,
    alerts: Object.freeze({
      activeSessions: settings.alertActiveSessions,
      sessionPercent: settings.alertSessionPercent,
      cleanupFailures: settings.alertCleanupFailures,
      orphans: settings.alertOrphans,
    }),
  });
}
