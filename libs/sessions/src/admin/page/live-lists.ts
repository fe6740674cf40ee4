import { Inject, Injectable } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { SessionsCore } from '../../core/core.js';
import { endedSessions } from '../../operate/figures.js';
import type { SessionListQuery } from '../../operate/lists/session-list.query.js';
import { sessionListJson } from '../../operate/views/session-views.js';
import { sharedPoll, type Polled } from './shared-poll.js';

const PERIOD_MS = 2000;
/** They change by themselves: a page counts the seconds, and is told the totals. */
const PASSING: ReadonlySet<string> = new Set(['duration_seconds', 'idle_seconds', 'stats']);

/** A page of a list, as the admin route answers it. */
export interface LiveList {
  readonly json: string;
  /** Equal for two lists that a page need not tell apart. */
  readonly content: string;
}

export interface LiveTotals {
  readonly active: number;
  readonly total_created: number;
  readonly total_cleaned: number;
}

/** Lists and totals as they change. Everybody who watches the same list shares what is asked of the store. */
@Injectable()
export class LiveLists {
  readonly totals: Observable<Polled<LiveTotals>>;
  private readonly lists = new Map<string, Observable<Polled<LiveList>>>();

  constructor(@Inject(SessionsCore) private readonly core: SessionsCore) {
    this.totals = sharedPoll(() => this.readTotals(), PERIOD_MS);
  }

  /** Without the resources of sessions. */
  list(asked: SessionListQuery): Observable<Polled<LiveList>> {
    const query: SessionListQuery = asked.state === 'live' ? { ...asked, resources: 'none' } : asked;
    const name = JSON.stringify(query);
    const known = this.lists.get(name);
    if (known) return known;
    const list = sharedPoll(
      () => this.readList(query),
      PERIOD_MS,
      () => this.lists.delete(name),
    );
    this.lists.set(name, list);
    return list;
  }

  private async readList(query: SessionListQuery): Promise<LiveList> {
    let json = '';
    for await (const piece of await sessionListJson(this.core, query)) json += piece;
    const content = JSON.stringify(JSON.parse(json), (key, value: unknown) =>
      PASSING.has(key) ? undefined : value,
    );
    return { json, content };
  }

  private async readTotals(): Promise<LiveTotals> {
    const totals = await this.core.service.totals();
    return { active: totals.open, total_created: totals.created, total_cleaned: endedSessions(totals) };
  }
}
