import type { BucketKey } from './redis.layout.js';

/** The names that a Lua text uses but does not define. Declare exactly these. */
export interface LuaNeeds {
  /** Keys of the bucket; the text uses their names in capitals. */
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
