import { createHash } from 'node:crypto';

/**
 * - `write` is refused where Redis is out of memory;
 * - `free` runs even then: it gives memory back, or takes next to none;
 * - `read` changes nothing.
 */
export type ScriptKind = 'write' | 'free' | 'read';

const FLAGS: Readonly<Record<ScriptKind, string>> = {
  write: '#!lua',
  free: '#!lua flags=allow-oom',
  read: '#!lua flags=no-writes',
};

/** A script whose text never changes: whatever differs comes as a key or an argument. */
export class RedisScript {
  readonly source: string;
  readonly sha: string;

  constructor(kind: ScriptKind, body: string) {
    this.source = `${FLAGS[kind]}\n${body}`;
    this.sha = createHash('sha1').update(this.source).digest('hex');
  }
}
