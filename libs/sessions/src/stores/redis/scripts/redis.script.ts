import { createHash } from 'node:crypto';
import { BUCKET_KEYS, type BucketKey } from './redis.layout.js';
import { mentions, withDefinitions } from './redis.script.prelude.js';

/**
 * - `write` is refused where Redis is out of memory;
 * - `free` runs even then: it gives memory back, or takes next to none;
 * - `read` changes nothing.
 */
type Kind = 'write' | 'free' | 'read';

const FLAGS: Readonly<Record<Kind, string>> = {
  write: '#!lua',
  free: '#!lua flags=allow-oom',
  read: '#!lua flags=no-writes',
};

/** A script whose text never changes: whatever differs comes as a key or an argument. */
export class RedisScript {
  readonly source: string;
  readonly sha: string;

  constructor(kind: Kind, body: string) {
    this.source = `${FLAGS[kind]}\n${body}`;
    this.sha = createHash('sha1').update(this.source).digest('hex');
  }
}

/** A script that asks the same of each key, by the name `KEY`, and changes nothing: one answer for each, in their order. */
export class QuestionScript extends RedisScript {
  constructor(body: string) {
    super(
      'read',
      `
local function answer(KEY)
${body}
end
local answers = {}
for i = 1, #KEYS do answers[i] = answer(KEYS[i]) end
return answers
`,
    );
  }
}

/**
 * A script on the keys of one bucket, which it has by name, in capitals. Redis reads the keys and makes the functions anew
 * with each call: it is given those that it mentions, and no more.
 */
export class BucketScript extends RedisScript {
  readonly keys: readonly BucketKey[];

  constructor(kind: Kind, body: string) {
    const text = withDefinitions(body);
    const keys = BUCKET_KEYS.filter((key) => mentions(text, key.toUpperCase()));
    super(kind, `local ${keys.join(', ').toUpperCase()} = unpack(KEYS)\n${text}`);
    this.keys = keys;
  }
}
