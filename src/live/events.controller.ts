import { Controller, Sse, type MessageEvent } from '@nestjs/common';
import { CurrentSession, Session } from 'nest-sessions';
import { map, type Observable } from 'rxjs';
import { Progress } from './progress.js';

/** Progress as server-sent events. The library tracks the connection and ends it with its session. */
@Controller('events')
export class EventsController {
  constructor(private readonly progress: Progress) {}

  @Sse()
  stream(@CurrentSession() session: Session): Observable<MessageEvent> {
    return this.progress.of(session.id).pipe(map(({ kind, ...data }) => ({ type: kind, data })));
  }
}
