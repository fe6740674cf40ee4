import { hash } from 'node:crypto';
import { ADD_TO_USER, OF_USER, REMOVE_FROM_USER } from '../scripts/lua/store.scripts.js';
import type { RedisBuckets } from './redis.buckets.js';
import { textsOf } from './redis.values.js';

/**
 * The session ids of each user. It is in another slot than the sessions, so it is written before a login and read with care:
 * it never lacks a session of the user, and may have others.
 */
export class UserIndex {
  constructor(private readonly buckets: RedisBuckets) {}

  /** Adds a session; the entry stays for the given time at least. */
  async add(userId: string, sessionId: string, lifetimeMs: number): Promise<void> {
    await this.buckets.run(ADD_TO_USER, [this.#key(userId)], [sessionId, Math.ceil(lifetimeMs)]);
  }

  async list(userId: string): Promise<string[]> {
    return textsOf(await this.buckets.run(OF_USER, [this.#key(userId)], []));
  }

  /** Removes sessions that are not, and will not be, this user's. */
  async remove(userId: string, sessionIds: readonly string[]): Promise<void> {
    await this.buckets.run(REMOVE_FROM_USER, [this.#key(userId)], sessionIds);
  }

  #key(userId: string): string {
    return this.buckets.layout.user(hash('sha256', userId, 'base64url'));
  }
}
