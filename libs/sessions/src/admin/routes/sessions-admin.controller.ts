import { Get, Inject, NotFoundException, Param, Query, Res, type StreamableFile } from '@nestjs/common';
import { SessionsCore } from '../../core/core.js';
import { isUuid } from '../../domain/ids.js';
import type { PlatformResponse } from '../../http/platform-message.js';
import { jsonInPieces } from '../../http/stream/json-in-pieces.js';
import { pastSessionView, timelineView } from '../../operate/journal/journal-views.js';
import { readPastSession } from '../../operate/journal/past-session.js';
import { readTimeline } from '../../operate/journal/timeline.js';
import { readTimelineQuery, type TimelineQuery } from '../../operate/journal/timeline.query.js';
import { readSessionListQuery, type SessionListQuery } from '../../operate/lists/session-list.query.js';
import { sessionDetailView, sessionListJson } from '../../operate/views/session-views.js';
import { AdminController } from './admin-controller.decorator.js';
import { ListQueryPipe } from './list-query.pipe.js';

/** What operators read of sessions. */
@AdminController()
export class SessionsAdminController {
  constructor(@Inject(SessionsCore) private readonly core: SessionsCore) {}

  /** Written in pieces, as fast as the client reads: a large page needs little memory, and delays no other request. */
  @Get()
  async list(
    @Query(new ListQueryPipe(readSessionListQuery)) query: SessionListQuery,
    @Res({ passthrough: true }) response: PlatformResponse,
  ): Promise<StreamableFile> {
    return jsonInPieces(await sessionListJson(this.core, query), response, this.core.config.downloadIdleMs);
  }

  /** Of a session that is over, what is known of its end, as long as its tombstone is kept. */
  @Get(':session_id')
  async show(@Param('session_id') id: string) {
    if (!isUuid(id)) throw unknownSession();
    const session = await this.core.service.describe({ id });
    if (session) return sessionDetailView(session, this.core.config.limits, this.core.clock.now());
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
}

function unknownSession(): NotFoundException {
  return new NotFoundException('No session has this id, or it ended too long ago.');
}
