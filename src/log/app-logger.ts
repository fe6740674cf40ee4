import { formatWithOptions } from 'node:util';
import { ConsoleLogger, type LogLevel } from '@nestjs/common';
import { LOG_LEVELS, type LogSettings } from './log.settings.js';

/** Levels of all parts that have none of their own, unless NEST_LOG_LEVEL says otherwise. */
const DEFAULT_LEVELS: LogLevel[] = ['fatal', 'error', 'warn'];
/** What the app says of itself. */
const APP = 'App';

type JsonOptions = Parameters<ConsoleLogger['getJsonLogObject']>[1];
type JsonLine = ReturnType<ConsoleLogger['getJsonLogObject']>;

/** The environment, and what the outputs are. */
export interface LogPlace {
  readonly environment: NodeJS.ProcessEnv;
  /** Whether both outputs are terminals. */
  readonly isTerminal: boolean;
}

/**
 * Nest's logger with instants in UTC to the millisecond, levels of parts, and colours on terminals alone; by `LOG_FORMAT=json` each
 * entry is one line of JSON.
 */
export class AppLogger extends ConsoleLogger {
  /** Whether the entry that is being printed is told; its stack follows. */
  private isTold = true;

  constructor(
    private readonly settings: LogSettings,
    { environment, isTerminal }: LogPlace,
  ) {
    const isJson = settings.format === 'json';
    super({
      colors: !isJson && isTerminal && !environment['NO_COLOR'],
      ...(isJson && { json: true, compact: true }),
      ...(!environment['NEST_LOG_LEVEL'] && { logLevels: DEFAULT_LEVELS }),
    });
  }

  /** Tells the operator something on stdout, whatever the levels. */
  announce(line: string): void {
    if (this.settings.format === 'text') process.stdout.write(`${line}\n`);
    else this.printAsJson(line, { context: APP, logLevel: 'log' });
  }

  /** Why the app does not start, or stops. */
  announceFailure(text: string): void {
    if (this.settings.format === 'text') process.stderr.write(`${text}\n`);
    else this.printAsJson(text, { context: APP, logLevel: 'fatal', writeStreamType: 'stderr' });
  }

  /** Packages that write to the console by themselves write entries of this log. */
  takeConsole(): void {
    for (const method of ['debug', 'log', 'info', 'warn', 'error'] as const) {
      const level = method === 'info' ? 'log' : method;
      console[method] = (...args: unknown[]) => this[level](formatWithOptions({ colors: false }, ...args), 'Console');
    }
  }

  /** Whether any part tells entries of this level. */
  override isLevelEnabled(level: LogLevel): boolean {
    return super.isLevelEnabled(level) || [...this.settings.levels.values()].some((least) => reaches(level, least));
  }

  protected override printMessages(...args: Parameters<ConsoleLogger['printMessages']>): void {
    const [, context = '', level = 'log'] = args;
    const own = this.settings.levels.get(context);
    this.isTold = own === undefined ? super.isLevelEnabled(level) : reaches(level, own);
    if (this.isTold) super.printMessages(...args);
  }

  protected override printStackTrace(stack: string): void {
    if (this.isTold) super.printStackTrace(stack);
  }

  protected override getTimestamp(): string {
    return new Date().toISOString();
  }

  protected override getJsonLogObject(message: unknown, options: JsonOptions): JsonLine {
    const { timestamp, level, context, ...rest } = super.getJsonLogObject(message, options);
    const time = new Date(timestamp).toISOString();
    return { time, level, ...(context !== undefined && { context }), ...rest } as unknown as JsonLine;
  }
}

function reaches(level: LogLevel, least: LogLevel | null): boolean {
  return least !== null && LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(least);
}
