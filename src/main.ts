import 'reflect-metadata';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  hardenHttpServer,
  resolveConfig,
  SESSIONS_CONFIG,
  SessionsError,
  type SessionsConfig,
} from 'nest-sessions';
import { SessionsWsAdapter } from 'nest-sessions/ws';
import { readAppSettings, type AppSettings } from './app.settings.js';
import { bootLine } from './boot-line.js';
import { createApp } from './http-adapter.js';
import { AppLogger } from './log/app-logger.js';
import { readLogSettings, type LogSettings } from './log/log.settings.js';
import { PlainBodyPipe } from './plain-body.pipe.js';
import { SettingError } from './setting-error.js';
import { createValidationPipe } from './validation.js';

/** Time for requests in flight to finish after a stop signal. */
const DRAIN_MS = 5000;
const DRAIN_CHECK_MS = 50;
/** What service managers, terminals and their users send; Nest stops on each of them. */
const STOP_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const;

async function serve(settings: AppSettings, logger: AppLogger): Promise<void> {
  resolveConfig(); // Reports bad settings before anything starts.
  // Logs are buffered until the app listens: a failed start is reported once, below, not by every part of Nest.
  const app = await createApp(settings, { bufferLogs: true, autoFlushLogs: false, abortOnError: false });
  app.useLogger(logger);
  app.useWebSocketAdapter(new SessionsWsAdapter(app));
  app.useGlobalPipes(new PlainBodyPipe(), createValidationPipe());
  hardenHttpServer(app);
  app.enableShutdownHooks([], { useProcessExit: true });
  for (const signal of STOP_SIGNALS) process.once(signal, () => drain(app.getHttpServer()));
  await app.listen(settings.port, settings.host);
  const { port } = app.getHttpServer().address() as AddressInfo;
  const config = app.get<SessionsConfig>(SESSIONS_CONFIG);
  logger.announce(bootLine({ ...settings, port }, config));
  app.flushLogs();
}

/** Without a listener, a reader of the log that goes away (EPIPE), or a terminal that closes (EIO), ends the process. */
function surviveClosedLog(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
}

/** Idle keep-alive connections would delay the shutdown. */
function drain(server: Server): void {
  setInterval(() => server.closeIdleConnections(), DRAIN_CHECK_MS).unref();
  setTimeout(() => server.closeAllConnections(), DRAIN_MS).unref();
}

/** A sentence for an error that the operator can fix; a stack only for a bug. */
function explain(error: unknown): string {
  if (error instanceof SettingError || error instanceof SessionsError) return error.message;
  if (!(error instanceof Error)) return String(error);
  switch ('code' in error ? error.code : undefined) {
    case 'EADDRINUSE':
      return 'Another server already listens on the port: choose another one with PORT.';
    case 'EACCES':
      return 'This user may not listen on the port: choose one above 1023 with PORT.';
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return 'HOST must be an address of this machine.';
    default:
      return error.stack ?? error.message;
  }
}

function loggerOf(settings: LogSettings): AppLogger {
  const isTerminal = process.stdout.isTTY && process.stderr.isTTY;
  const logger = new AppLogger(settings, { environment: process.env, isTerminal });
  if (settings.format === 'json') logger.takeConsole();
  return logger;
}

surviveClosedLog();
let logger = loggerOf({ format: 'text', levels: new Map() });
try {
  logger = loggerOf(readLogSettings(process.env));
  await serve(readAppSettings(process.env), logger);
} catch (error) {
  logger.announceFailure(explain(error));
  process.exit(1);
}
