import type { LuaInclude, LuaNeeds } from './lua-include.js';
import { BUCKET_KEYS, type BucketKey } from './redis.layout.js';
import { RedisScript, type ScriptKind } from './redis.script.js';

/**
 * A script on the keys of one bucket. Each call costs time for its keys and functions, so the script gets only those that
 * it and its includes need. The comment above each script has its arguments, an arrow, and what it answers.
 */
export class BucketScript extends RedisScript {
  readonly keys: readonly BucketKey[];

  constructor(
    kind: ScriptKind,
    readonly needs: LuaNeeds,
    readonly body: string,
  ) {
    const includes = [...withTheirOwn(needs.includes)];
    const used = new Set(
      [needs, ...includes.map((include) => include.needs)].flatMap(({ keys = [] }) => keys),
    );
    const keys = BUCKET_KEYS.filter((key) => used.has(key));
    const names = keys.map((key) => key.toUpperCase()).join(', ');
    const definitions = includes.map((include) => include.body.trim());
    super(kind, [`local ${names} = unpack(KEYS)`, ...definitions, body].join('\n'));
    this.keys = keys;
  }
}

/** All includes once, each after its own includes. */
function withTheirOwn(includes: readonly LuaInclude[] = [], all = new Set<LuaInclude>()): Set<LuaInclude> {
  for (const include of includes) {
    withTheirOwn(include.needs.includes, all);
    all.add(include);
  }
  return all;
}
