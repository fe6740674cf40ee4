import type { BucketKey } from './redis.layout.js';

/** The names that a Lua text uses and does not define itself: each must be declared, and nothing else. */
export interface LuaNeeds {
  /** Keys of the bucket, which the text has by name, in capitals. */
  readonly keys?: readonly BucketKey[];
  readonly includes?: readonly LuaInclude[];
}

/** A Lua function or constant that scripts on a bucket share. */
export class LuaInclude {
  constructor(
    readonly name: string,
    readonly needs: LuaNeeds,
    readonly body: string,
  ) {}
}
