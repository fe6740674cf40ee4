import { BadRequestException, Injectable, type PipeTransform } from '@nestjs/common';
import { readSessionListQuery } from '../operate/session-list.query.js';
import type { SessionQuery } from '../ports/store/session-store.js';

/** Validates the query string, whatever pipes the application uses. Faults become a 400, as from Nest's own pipes. */
@Injectable()
export class SessionListPipe implements PipeTransform<Record<string, unknown>, SessionQuery> {
  transform(given: Record<string, unknown>): SessionQuery {
    const read = readSessionListQuery(given);
    if (read.kind === 'invalid') throw new BadRequestException(read.faults);
    return read.query;
  }
}
