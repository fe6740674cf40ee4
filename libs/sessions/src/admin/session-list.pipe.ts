import { BadRequestException, Injectable, type PipeTransform } from '@nestjs/common';
import { readSessionListQuery } from '../operate/session-list.query.js';
import type { SessionQuery } from '../ports/session-store.js';

/** Checks a parsed query string by itself, whatever pipes the application has, and answers as Nest's own pipes do. */
@Injectable()
export class SessionListPipe implements PipeTransform<Record<string, unknown>, SessionQuery> {
  transform(given: Record<string, unknown>): SessionQuery {
    const read = readSessionListQuery(given);
    if (read.kind === 'invalid') throw new BadRequestException(read.faults);
    return read.query;
  }
}
