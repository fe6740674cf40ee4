import 'reflect-metadata';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ConsoleLogger, type LogLevel } from '@nestjs/common';
import {
  hardenHttpServer,
  resolveConfig,
  SESSIONS_CONFIG,
  SessionsError,
  type SessionsConfig,
} from 'nest-sessions';
import { SessionsWsAdapter } from 'nest-sessions/ws';
import { SettingError, readAppSettings, type AppSettings } from './app.settings.js';
import { bootLine } from './boot-line.js';
import { createApp } from './http-adapter.js';
import { PlainBodyPipe } from './plain-body.pipe.js';
import { createValidationPipe } from './validation.js';

/** Time for requests in flight to finish after a stop signal. */
const DRAIN_MS = 5000;
const DRAIN_CHECK_MS = 50;
/** What service managers, terminals and their users send; Nest stops on each of them. */
const STOP_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const;
const LOG_LEVELS: LogLevel[] = ['fatal', 'error', 'warn'];

async function serve(settings: AppSettings): Promise<void> {
  resolveConfig(); // Reports bad settings before anything starts.
  // Logs are buffered until the app listens: a failed start is reported once, below, not by every part of Nest.
  const app = await createApp(settings, { bufferLogs: true, autoFlushLogs: false, abortOnError: false });
  app.useLogger(new ConsoleLogger(process.env['NEST_LOG_LEVEL'] ? {} : { logLevels: LOG_LEVELS }));
  app.useWebSocketAdapter(new SessionsWsAdapter(app));
  app.useGlobalPipes(new PlainBodyPipe(), createValidationPipe());
  hardenHttpServer(app);
  app.enableShutdownHooks([], { useProcessExit: true });
  for (const signal of STOP_SIGNALS) process.once(signal, () => drain(app.getHttpServer()));
  await app.listen(settings.port, settings.host);
  const { port } = app.getHttpServer().address() as AddressInfo;
  const config = app.get<SessionsConfig>(SESSIONS_CONFIG);
  process.stdout.write(`${bootLine({ ...settings, port }, config)}\n`);
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

surviveClosedLog();
try {
  await serve(readAppSettings(process.env));
} catch (error) {
  process.stderr.write(`${explain(error)}\n`);
  process.exit(1);
}
