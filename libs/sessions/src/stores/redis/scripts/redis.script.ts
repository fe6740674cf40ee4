import { createHash } from 'node:crypto';

/**
 * - `write` fails while Redis is out of memory;
 * - `free` runs even then: it frees memory, or needs hardly any;
 * - `read` changes nothing.
 */
export type ScriptKind = 'write' | 'free' | 'read';

const FLAGS: Readonly<Record<ScriptKind, string>> = {
  write: '#!lua',
  free: '#!lua flags=allow-oom',
  read: '#!lua flags=no-writes',
};

/** A script with a constant text, which Redis caches: variable parts are keys or arguments. */
export class RedisScript {
  readonly source: string;
  readonly sha: string;

  constructor(kind: ScriptKind, body: string) {
    this.source = `${FLAGS[kind]}\n${body}`;
    this.sha = createHash('sha1').update(this.source).digest('hex');
  }
}
