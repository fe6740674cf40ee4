import {
  BadRequestException,
  Controller,
  Get,
  HttpCode,
  HttpStatus,
  Inject,
  Logger,
  NotFoundException,
  Param,
  Post,
  Query,
  Req,
  Res,
  StreamableFile,
  UseGuards,
  VERSION_NEUTRAL,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { networkOf } from '../core/config/client-address.js';
import { SessionsCore } from '../core/core.js';
import { isUserId, isUuid, USER_ID_RULE } from '../domain/ids.js';
import type { PlatformRequest, PlatformResponse } from '../http/platform-message.js';
import { addressOf } from '../http/client/client-reader.js';
import { SkipSession } from '../http/session/skip-session.decorator.js';
import { jsonInPieces } from '../http/stream/json-in-pieces.js';
import { readAudit } from '../operate/journal/audit-page.js';
import { readAuditQuery } from '../operate/journal/audit.query.js';
import { auditView, pastSessionView, timelineView } from '../operate/journal/journal-views.js';
import { OperatorDeeds } from '../operate/journal/operator-deeds.js';
import { readPastSession } from '../operate/journal/past-session.js';
import { readTimeline } from '../operate/journal/timeline.js';
import { readTimelineQuery, type TimelineQuery } from '../operate/journal/timeline.query.js';
import { readOverview } from '../operate/overview.js';
import { readSessionListQuery } from '../operate/lists/session-list.query.js';
import { SessionPage } from '../operate/lists/session-page.js';
import { readTrends, type TrendsRange } from '../operate/trends/trends.js';
import { trendsView } from '../operate/trends/trends-view.js';
import { readTrendsQuery } from '../operate/trends/trends.query.js';
import { readUserListQuery } from '../operate/lists/user-list.query.js';
import { readUserPage, userQuotaOf } from '../operate/lists/user-page.js';
import { endedView } from '../operate/views/cleanup-views.js';
import { overviewView } from '../operate/views/overview-views.js';
import { pageJson, sessionDetailView } from '../operate/views/session-views.js';
import { userPageView, userView } from '../operate/views/user-views.js';
import type { AuditQuery, SessionQuery, UserQuery } from '../ports/store/session-store.js';
import { operatorOf } from './access/admin-credential.js';
import { AdminTokenGuard } from './access/admin-token.guard.js';
import { ListQueryPipe } from './list-query.pipe.js';

/** Admin endpoints. Requests to them open and touch no session. */
@Controller({ path: 'admin/sessions', version: VERSION_NEUTRAL })
@SkipSession()
@UseGuards(AdminTokenGuard)
export class SessionsAdminController {
  private readonly logger = new Logger('SessionsAdmin');

  constructor(
    @Inject(SessionsCore) private readonly core: SessionsCore,
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
  ) {}

  /** Written in pieces, as fast as the client reads: a large page needs little memory, and delays no other request. */
  @Get()
  async list(
    @Query(new ListQueryPipe(readSessionListQuery)) query: SessionQuery,
    @Res({ passthrough: true }) response: PlatformResponse,
  ): Promise<StreamableFile> {
    const pieces = pageJson(await SessionPage.open(this.core, query));
    return jsonInPieces(pieces, response, this.core.config.downloadIdleMs);
  }

  @Get('metrics')
  async metrics() {
    return overviewView(await readOverview(this.core));
  }

  @Get('users')
  async users(@Query(new ListQueryPipe(readUserListQuery)) query: UserQuery) {
    return userPageView(await readUserPage(this.core, query), userQuotaOf(this.core));
  }

  /** Zeros for a user without an open session: the store knows no others. */
  @Get('users/:user_id')
  async user(@Param('user_id') userId: string) {
    if (!isUserId(userId)) throw new BadRequestException([`user_id ${USER_ID_RULE}`]);
    const usage = await this.core.store.budgets.ofUser(userId);
    return userView({ userId, ...usage }, userQuotaOf(this.core));
  }

  /** Counts by minute, hour or day. */
  @Get('trends')
  async trends(@Query(new ListQueryPipe(readTrendsQuery)) range: TrendsRange) {
    return trendsView(await readTrends(this.core, range));
  }

  /** What operators did; its first page also has the wrong tokens, counted by network and minute. */
  @Get('audit')
  async audit(@Query(new ListQueryPipe(readAuditQuery)) query: AuditQuery) {
    return auditView(await readAudit(this.core, query));
  }

  /** Of a session that is over, what is known of its end, as long as its tombstone is kept. */
  @Get(':session_id')
  async show(@Param('session_id') id: string) {
    if (!isUuid(id)) throw unknownSession();
    const session = await this.core.service.describe({ id });
    if (session) return sessionDetailView(session, this.core.clock.now());
    const past = await readPastSession(this.core, id);
    if (!past) throw unknownSession();
    return pastSessionView(past);
  }

  @Get(':session_id/timeline')
  async timeline(
    @Param('session_id') id: string,
    @Query(new ListQueryPipe(readTimelineQuery)) query: TimelineQuery,
  ) {
    const timeline = isUuid(id) ? await readTimeline(this.core, id, query) : null;
    if (!timeline) throw unknownSession();
    return timelineView(timeline);
  }

  /** Answers after the files are deleted and the streams closed; 202 if a node with files is away or late. */
  @Post(':session_id/cleanup')
  @HttpCode(200)
  async cleanup(
    @Param('session_id') id: string,
    @Req() request: PlatformRequest,
    @Res({ passthrough: true }) response: object,
  ) {
    const requester = { by: operatorOf(request), network: networkOf(addressOf(request)) };
    const deeds = new OperatorDeeds(this.core, requester, this.logger);
    const ended = isUuid(id) ? await deeds.end(id) : null;
    if (!ended) throw noSuchSession();
    const { unfinished, pending } = ended;
    if (unfinished) throw unfinished;
    if (pending) this.host.httpAdapter.status(response, HttpStatus.ACCEPTED);
    return endedView(ended);
  }
}

function unknownSession(): NotFoundException {
  return new NotFoundException('No session has this id, or it ended too long ago.');
}

function noSuchSession(): NotFoundException {
  return new NotFoundException('No live session has this id.');
}
