import {
  Controller,
  Get,
  HttpCode,
  HttpStatus,
  Inject,
  Ip,
  Logger,
  NotFoundException,
  Param,
  Post,
  Query,
  Res,
  UseGuards,
  VERSION_NEUTRAL,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { canonicalAddress, networkOf } from '../core/config/client-address.js';
import type { SessionsConfig } from '../core/config/config.js';
import { SessionsCore } from '../core/core.js';
import { SessionService } from '../core/sessions/session.service.js';
import { CLEANUP_JOBS, type CleanupJob } from '../domain/events.js';
import { SkipSession } from '../http/session/skip-session.decorator.js';
import { SESSIONS_CONFIG } from '../core/config/tokens.js';
import { Clock } from '../ports/clock.js';
import type { JobRun } from '../ports/session-store.js';
import { AdminTokenGuard } from './admin-token.guard.js';
import { encodeCursor } from '../operate/page-cursor.js';
import { readSessionListQuery } from '../operate/session-list.query.js';
import {
  endedView,
  jobView,
  metricsView,
  sessionDetailView,
  sessionView,
  statsView,
} from '../operate/views.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What operators may see and do. None of it begins or touches a session. */
@Controller({ path: 'admin/sessions', version: VERSION_NEUTRAL })
@SkipSession()
@UseGuards(AdminTokenGuard)
export class SessionsAdminController {
  private readonly logger = new Logger('SessionsAdmin');

  constructor(
    @Inject(SessionService) private readonly sessions: SessionService,
    @Inject(SessionsCore) private readonly core: SessionsCore,
    @Inject(SESSIONS_CONFIG) private readonly config: SessionsConfig,
    @Inject(Clock) private readonly clock: Clock,
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
  ) {}

  @Get()
  async list(@Query() given: Record<string, unknown>) {
    const query = readSessionListQuery(given);
    const found = await this.sessions.list({ ...query, limit: query.limit + 1 });
    // After it, so that an end which the list shows is counted.
    const totals = await this.sessions.totals();
    const now = this.clock.now();
    const page = found.slice(0, query.limit);
    const last = found.length > query.limit ? page.at(-1) : undefined;
    const instant = query.sort.endsWith('created_at') ? last?.createdAt : last?.lastActivityAt;
    return {
      sessions: page.map((session) => sessionView(session, now)),
      stats: statsView(totals),
      ...(last &&
        instant !== undefined && { next_cursor: encodeCursor(query.sort, { instant, id: last.id }) }),
    };
  }

  @Get('metrics')
  async metrics() {
    const [totals, runs] = await Promise.all([this.sessions.totals(), this.core.store.ledger.listRuns()]);
    const cleanup = CLEANUP_JOBS.map((job) => {
      const run = runs.find((known) => known.job === job);
      return [job, jobView(run, this.nextRunAt(job, run))];
    });
    return { ...metricsView(totals, this.config), cleanup: Object.fromEntries(cleanup) };
  }

  @Get(':session_id')
  async show(@Param('session_id') id: string) {
    const session = UUID.test(id) ? await this.sessions.describe({ id }) : null;
    if (!session) throw noSuchSession();
    return sessionDetailView(session, this.clock.now());
  }

  /** Answers when the files are gone and the streams closed; 202 where a node that holds some is away, or late. */
  @Post(':session_id/cleanup')
  @HttpCode(200)
  async cleanup(
    @Param('session_id') id: string,
    @Ip() address: string | undefined,
    @Res({ passthrough: true }) response: object,
  ) {
    const ended = UUID.test(id) ? await this.sessions.end({ id }, 'admin', { thorough: true }) : null;
    if (!ended) throw noSuchSession();
    const { resources, unfinished, pending } = ended;
    const network = networkOf(canonicalAddress(address));
    const isDone = !unfinished && !pending;
    this.logger.log(`cleanup session=${id} network=${network} resources=${resources} done=${isDone}`);
    if (unfinished) throw unfinished;
    if (pending) this.host.httpAdapter.status(response, HttpStatus.ACCEPTED);
    return endedView(ended);
  }

  /** A server cleans up on its own schedule; anything else knows only what the latest run announced. */
  private nextRunAt(job: CleanupJob, run: JobRun | undefined): number | null {
    if (this.core.role === 'server') return this.clock.now() + this.core.cleanup.nextRunInMs(job);
    return run?.nextRunAt ?? null;
  }
}

function noSuchSession(): NotFoundException {
  return new NotFoundException('There is no such live session.');
}
