// A server with files, on the built package: a process of its own, told by messages when to clean up. Started by
// server-process.ts alone. No decorators here, since Node takes this file as it is: they are applied as what they are.
import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Controller, Delete, Get, Module, Param, Post, UseInterceptors, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { Inject } from '@nestjs/common';
import {
  Cleanup,
  CLEANUP_JOBS,
  CurrentSession,
  DownloadInterceptor,
  SessionService,
  SessionsModule,
  SkipSession,
  UploadedResource,
  UploadInterceptor,
  type ResourceRecord,
  type Session,
} from 'nest-sessions';
import { SessionsAdminModule } from 'nest-sessions/admin';
import { SessionsHealthIndicator, SessionsHealthModule } from 'nest-sessions/health';
import { ManualClock } from 'nest-sessions/testing';
import { resolveConfig } from '../../../libs/sessions/dist/core/config/config.js';
import { createLocalStorage } from '../../../libs/sessions/dist/storage/local/create-local-storage.js';
import { SqliteSessionStore } from '../../../libs/sessions/dist/stores/sqlite/sqlite-session-store.js';
import type { CleanupDone, FromServer, ServerPlan, ToServer } from './server-messages.ts';

const DATABASE = 'sessions.db';

class FileController {
  private readonly sessions: SessionService;

  constructor(sessions: SessionService) {
    this.sessions = sessions;
  }

  whoAmI(session: Session): object {
    return { id: session.id };
  }

  plain(): object {
    return { plain: true };
  }

  upload(resource: ResourceRecord): object {
    return { id: resource.id, sizeBytes: resource.sizeBytes };
  }

  async download(session: Session, id: string): Promise<ResourceRecord | null> {
    return this.sessions.findResource(session, id);
  }

  async end(session: Session): Promise<object> {
    const ended = await this.sessions.end(session);
    return { ended: ended !== null };
  }
}

class HealthController {
  private readonly health: HealthCheckService;
  private readonly sessions: SessionsHealthIndicator;

  constructor(health: HealthCheckService, sessions: SessionsHealthIndicator) {
    this.health = health;
    this.sessions = sessions;
  }

  check() {
    return this.health.check([() => this.sessions.isHealthy()]);
  }
}

function route(type: Type, name: string, ...decorators: MethodDecorator[]): void {
  const descriptor = Object.getOwnPropertyDescriptor(type.prototype, name);
  if (!descriptor) throw new TypeError(`There is no ${name}`);
  for (const decorate of decorators) decorate(type.prototype as object, name, descriptor);
}

function argument(type: Type, name: string, index: number, decorate: ParameterDecorator): void {
  decorate(type.prototype as object, name, index);
}

function declareRoutes(): void {
  Inject(SessionService)(FileController, undefined, 0);
  route(FileController, 'whoAmI', Get('session'));
  argument(FileController, 'whoAmI', 0, CurrentSession());
  route(FileController, 'plain', Get('plain'), SkipSession());
  route(FileController, 'upload', Post('files'), UseInterceptors(UploadInterceptor('file')));
  argument(FileController, 'upload', 0, UploadedResource());
  route(FileController, 'download', Get('files/:id'), UseInterceptors(DownloadInterceptor));
  argument(FileController, 'download', 0, CurrentSession());
  argument(FileController, 'download', 1, Param('id'));
  route(FileController, 'end', Delete('session'));
  argument(FileController, 'end', 0, CurrentSession());
  Controller()(FileController);

  Inject(HealthCheckService)(HealthController, undefined, 0);
  Inject(SessionsHealthIndicator)(HealthController, undefined, 1);
  route(HealthController, 'check', Get(), HealthCheck());
  SkipSession()(HealthController);
  Controller('health')(HealthController);
}

async function serve(plan: ServerPlan): Promise<void> {
  declareRoutes();
  const clock = plan.manualClock ? new ManualClock() : undefined;
  const options = {
    storagePath: plan.root,
    adminTokens: [plan.adminToken],
    openRate: 0,
    maxUnconfirmedPerNetwork: 0,
    maxSessionsPerNetwork: 0,
    cleanupIntervalSeconds: 86_400,
    ...plan.options,
  };
  const adapters = { ...adaptersFor(plan, resolveConfig(options, {}), clock), ...(clock && { clock }) };
  // oxlint-disable-next-line typescript/no-extraneous-class -- a module is a class
  class FileServerModule {}
  Module({
    imports: [
      SessionsModule.forRoot({ ...options, adapters }),
      SessionsAdminModule,
      TerminusModule,
      SessionsHealthModule,
    ],
    controllers: [FileController, HealthController],
  })(FileServerModule);
  const app = await NestFactory.create(FileServerModule, { logger: ['error', 'warn'], abortOnError: false });
  const server = (await app.listen(0, '127.0.0.1')) as { address(): AddressInfo };
  const cleanup = app.get(Cleanup);

  process.on('message', (message: ToServer) => {
    if (message.kind === 'advance') clock?.advance(message.ms);
    else void cleanUp(cleanup, message.graceMs).then((reports) => tell({ kind: 'cleaned', reports }));
  });
  process.once('disconnect', () => process.exit(0));
  tell({ kind: 'listening', port: server.address().port });
}

/** Where the database lies elsewhere, store and storage are put together by hand, as the module does. */
function adaptersFor(plan: ServerPlan, config: ReturnType<typeof resolveConfig>, clock?: ManualClock) {
  if (plan.database === undefined) return {};
  const files = createLocalStorage({
    root: config.storagePath,
    minFreeBytes: config.minFreeBytes,
    minFreeInodes: config.minFreeInodes,
    ballastBytes: config.ballastBytes,
    reservedNames: [DATABASE],
    ...(clock && { monotonicMs: () => clock.monotonic() }),
    onWarning: (message) => console.warn(`storage: ${message}`),
  });
  const store = new SqliteSessionStore({ path: join(plan.database, DATABASE) });
  return { ...files, store };
}

/** One cleanup: each job once, as its schedule has it. A job that fails stops none of the others. */
async function cleanUp(cleanup: Cleanup, graceMs: number): Promise<CleanupDone[]> {
  const reports: CleanupDone[] = [];
  for (const job of CLEANUP_JOBS) {
    try {
      const { items, failures, lastError, sweep } = await cleanup.run(job, { orphanGraceMs: graceMs });
      reports.push({ job, items, failures, lastError, deletedOrphans: sweep?.deleted ?? 0 });
    } catch (error) {
      reports.push({ job, items: 0, failures: 1, lastError: String(error), deletedOrphans: 0 });
    }
  }
  return reports;
}

function tell(message: FromServer): void {
  process.send?.(message);
}

await serve(JSON.parse(process.argv[2] ?? '') as ServerPlan);
