import { BadRequestException, Injectable, type ArgumentMetadata, type PipeTransform } from '@nestjs/common';

const MAX_DEPTH = 8;
const POISONOUS = new Set(['__proto__', 'constructor', 'prototype']);

/** Refuses bodies that nothing here asks for, before code that walks them by recursion does: deep ones, poisonous keys. */
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
    if (depth > MAX_DEPTH) throw new BadRequestException('The body is nested too deeply.');
    const objects = level.filter((value) => typeof value === 'object' && value !== null);
    if (objects.some((value) => Object.keys(value).some((key) => POISONOUS.has(key)))) {
      throw new BadRequestException('The body has a key that is not allowed.');
    }
    level = objects.flatMap((value) => Object.values(value) as unknown[]);
  }
}
