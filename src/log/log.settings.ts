import type { LogLevel } from '@nestjs/common';
import { SettingError } from '../setting-error.js';

/** What the log of the app looks like, and how much it tells. */
export interface LogSettings {
  /** One JSON object a line, or text for people. */
  readonly format: 'text' | 'json';
  /** The least level of parts that tell more, or less, than the others; `null`: nothing. */
  readonly levels: ReadonlyMap<string, LogLevel | null>;
}

/** The parts of the library that log, by the names that its lines have. */
export const LOG_PARTS = [
  'SessionAlerts',
  'SessionCleanup',
  'SessionDownloads',
  'SessionResources',
  'SessionService',
  'SessionSockets',
  'SessionStorage',
  'Sessions',
  'SessionsAdmin',
  'SessionsAudit',
  'SessionsThrottler',
] as const;

/** The least important first. */
export const LOG_LEVELS = ['verbose', 'debug', 'log', 'warn', 'error', 'fatal'] as const;
const OFF = 'off';

/** @throws SettingError */
export function readLogSettings(environment: NodeJS.ProcessEnv): LogSettings {
  return {
    format: readFormat(environment['LOG_FORMAT']?.trim() || 'text'),
    levels: readLevels(environment['SESSION_LOG']?.trim() ?? ''),
  };
}

function readFormat(text: string): LogSettings['format'] {
  if (text === 'text' || text === 'json') return text;
  throw new SettingError(`LOG_FORMAT must be text or json, not ${JSON.stringify(text)}.`);
}

function readLevels(text: string): LogSettings['levels'] {
  const levels = new Map<string, LogLevel | null>();
  for (const entry of text.split(',').filter((given) => given.trim() !== '')) {
    const [part = '', level = '', ...more] = entry.split(':').map((word) => word.trim());
    if (more.length > 0 || level === '')
      throw new SettingError(
        `SESSION_LOG must be a list such as SessionCleanup:debug,SessionsAdmin:warn, not ${JSON.stringify(text)}.`,
      );
    requireKnown('part', part, LOG_PARTS);
    requireKnown('level', level, [...LOG_LEVELS, OFF]);
    if (levels.has(part)) throw new SettingError(`SESSION_LOG names ${part} twice.`);
    levels.set(part, level === OFF ? null : (level as LogLevel));
  }
  return levels;
}

function requireKnown(what: string, name: string, known: readonly string[]): void {
  if (known.includes(name)) return;
  throw new SettingError(
    `SESSION_LOG has an unknown ${what} ${JSON.stringify(name)}; known are ${known.join(', ')}.`,
  );
}
