import { BadRequestException, type PipeTransform } from '@nestjs/common';
import type { ReadQuery } from '../../operate/lists/page-query.js';

/** Validates the query string, whatever pipes the application uses. Faults become a 400, as from Nest's own pipes. */
export class ListQueryPipe<Query> implements PipeTransform<Record<string, unknown>, Query> {
  constructor(private readonly readQuery: (given: Record<string, unknown>) => ReadQuery<Query>) {}

  transform(given: Record<string, unknown>): Query {
    const read = this.readQuery(given);
    if (read.kind === 'invalid') throw new BadRequestException(read.faults);
    return read.query;
  }
}
