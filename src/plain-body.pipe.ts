import { BadRequestException, Injectable, type ArgumentMetadata, type PipeTransform } from '@nestjs/common';

const MAX_DEPTH = 8;
const PROTOTYPE_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

/** Refuses deep bodies and keys that reach prototypes, before other code walks the body recursively. */
@Injectable()
export class PlainBodyPipe implements PipeTransform<unknown, unknown> {
  transform(value: unknown, { type }: ArgumentMetadata): unknown {
    if (type === 'body') assertPlain(value);
    return value;
  }
}

function assertPlain(body: unknown): void {
  let level = [body];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MAX_DEPTH)
      throw new BadRequestException(`The body is nested deeper than ${MAX_DEPTH} levels.`);
    const objects = level.filter((value) => typeof value === 'object' && value !== null);
    if (objects.some((value) => Object.keys(value).some((key) => PROTOTYPE_KEYS.has(key)))) {
      throw new BadRequestException('The body has a reserved key.');
    }
    level = objects.flatMap((value) => Object.values(value) as unknown[]);
  }
}
