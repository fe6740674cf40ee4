import { BadRequestException, Get, Inject, Param, Query } from '@nestjs/common';
import { SessionsCore } from '../../core/core.js';
import { isUserId, USER_ID_RULE } from '../../domain/ids.js';
import { readAudit } from '../../operate/journal/audit-page.js';
import { readAuditQuery } from '../../operate/journal/audit.query.js';
import { auditView } from '../../operate/journal/journal-views.js';
import { readUserListQuery } from '../../operate/lists/user-list.query.js';
import { readUserPage, userQuotaOf } from '../../operate/lists/user-page.js';
import { readOverview } from '../../operate/overview.js';
import { readTrends, type TrendsRange } from '../../operate/trends/trends.js';
import { trendsView } from '../../operate/trends/trends-view.js';
import { readTrendsQuery } from '../../operate/trends/trends.query.js';
import { overviewView } from '../../operate/views/overview-views.js';
import { userPageView, userView } from '../../operate/views/user-views.js';
import type { AuditQuery, UserQuery } from '../../ports/store/session-store.js';
import { AdminController } from './admin-controller.decorator.js';
import { ListQueryPipe } from './list-query.pipe.js';

/** What operators read of all sessions together. Before the routes with an id: `metrics` is none. */
@AdminController()
export class ReportsAdminController {
  constructor(@Inject(SessionsCore) private readonly core: SessionsCore) {}

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
}
