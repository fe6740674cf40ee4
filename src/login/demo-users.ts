import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { SettingError } from '../setting-error.js';

/** The users of `DEMO_USERS`: `name:password`, comma-separated. For a demonstration: a real app stores salted hashes. */
export class DemoUsers {
  private readonly digests: ReadonlyMap<string, Buffer>;
  private readonly nobody = randomBytes(32);

  /** @throws SettingError */
  constructor(text: string) {
    const users = text === '' ? [] : text.split(',').map(userOf);
    this.digests = new Map(users);
    if (this.digests.size < users.length) throw new SettingError('DEMO_USERS must not name a user twice.');
  }

  get areNone(): boolean {
    return this.digests.size === 0;
  }

  /** Takes the same time for a wrong name, and wherever a wrong password differs. */
  has(name: string, password: string): boolean {
    return timingSafeEqual(digestOf(password), this.digests.get(name) ?? this.nobody);
  }
}

function userOf(text: string): [name: string, digest: Buffer] {
  const [name = '', ...rest] = text.split(':');
  const password = rest.join(':');
  if (name === '' || password === '') {
    throw new SettingError('DEMO_USERS must be a comma-separated list of name:password.');
  }
  return [name, digestOf(password)];
}

function digestOf(password: string): Buffer {
  return hash('sha256', password, 'buffer');
}
