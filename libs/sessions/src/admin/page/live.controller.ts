import { finished } from 'node:stream';
import {
  Get,
  Inject,
  Query,
  Req,
  Res,
  ServiceUnavailableException,
  Sse,
  UseGuards,
  type MessageEvent,
  type OnModuleDestroy,
} from '@nestjs/common';
import { Subject, type Observable } from 'rxjs';
import { SessionsCore } from '../../core/core.js';
import { nodeResponse, type PlatformRequest, type PlatformResponse } from '../../http/platform-message.js';
import { readSessionListQuery, type SessionListQuery } from '../../operate/lists/session-list.query.js';
import { readFleetOverview, type FleetOverview } from '../../operate/overview.js';
import { SingleFlight } from '../../operate/single-flight.js';
import { fleetOverviewView } from '../../operate/views/overview-views.js';
import { AdminTokenGuard } from '../access/admin-token.guard.js';
import { ListQueryPipe } from '../routes/list-query.pipe.js';
import { AdminPageController } from './admin-page-controller.decorator.js';
import { LiveFeed } from './live-feed.js';
import { LiveLists } from './live-lists.js';
import { SignIns } from './sign-ins.js';

/** Each has a connection of its own. */
const MOST_WATCHERS = 50;

/** What the page shows that changes by itself. */
@UseGuards(AdminTokenGuard)
@AdminPageController()
export class LiveController implements OnModuleDestroy {
  private readonly closing = new Subject<void>();
  private watching = 0;
  private readonly overviews: SingleFlight<FleetOverview>;

  constructor(
    @Inject(SessionsCore) private readonly core: SessionsCore,
    @Inject(SignIns) private readonly signIns: SignIns,
    @Inject(LiveLists) private readonly lists: LiveLists,
  ) {
    this.overviews = new SingleFlight(() => readFleetOverview(core));
  }

  /** Cleanup, processes, nodes and alerts. Pages that ask at the same time get the same answer. */
  @Get('overview')
  async overview() {
    return fleetOverviewView(await this.overviews.ask());
  }

  /** Query parameters as those of the list. */
  @Sse('events')
  events(
    @Query(new ListQueryPipe(readSessionListQuery)) query: SessionListQuery,
    @Req() request: PlatformRequest,
    @Res({ passthrough: true }) response: PlatformResponse,
  ): Observable<MessageEvent> {
    if (this.watching >= MOST_WATCHERS) {
      throw new ServiceUnavailableException(`${MOST_WATCHERS} pages watch already: close one.`);
    }
    const endsAt = this.endOf(request);
    const node = nodeResponse(response);
    this.watching += 1;
    finished(node, () => (this.watching -= 1));
    const feed = new LiveFeed(node, () => this.core.clock.now() >= endsAt, this.core.config.downloadIdleMs);
    return feed.of({ list: this.lists.list(query), totals: this.lists.totals, closing: this.closing });
  }

  /** A header has no end. */
  private endOf(request: PlatformRequest): number {
    if (request.headers['x-admin-token'] !== undefined) return Infinity;
    return this.signIns.read(request)?.expiresAt ?? Infinity;
  }

  onModuleDestroy(): void {
    this.closing.next();
  }
}
