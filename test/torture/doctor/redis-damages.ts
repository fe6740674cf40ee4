import { randomUUID } from 'node:crypto';
import { FILE_DAMAGES } from './file-damages.ts';
import type { Damage } from './round.ts';
import type { RedisGround, RedisVictim } from './redis-ground.ts';

type RedisDamage = Damage<RedisGround, RedisVictim>;

/** A field of a record is not what it counts. */
function field(name: string, code: string, of: 'sessions' | 'resources'): RedisDamage {
  return {
    name: `${name} of a record in Redis`,
    async plant(ground, { id, bucket, file }) {
      const subject = of === 'sessions' ? id : file.id;
      await ground.change(`${bucket}${of}:${subject}`, (record) => (record[name] = Number(record[name]) + 3));
      // Indexes and budgets have the right amount.
      return { code, subject, alsoCodes: ['index', 'budget'], isMended: true };
    },
  };
}

function total(name: string, code: string, subject: string): RedisDamage {
  return {
    name: `${name} of a bucket`,
    async plant(ground, { bucket }) {
      await ground.on('HINCRBY', `${bucket}totals`, name, '2');
      return { code, subject, isMended: true };
    },
  };
}

/** A sorted set is not as the record says. */
function index(
  name: string,
  plant: (ground: RedisGround, key: string, id: string) => Promise<unknown>,
): RedisDamage {
  return {
    name: `index ${name}`,
    async plant(ground, { id, bucket }) {
      await plant(ground, `${bucket}${name}`, id);
      return { code: 'index', subject: id, isMended: true };
    },
  };
}

export const REDIS_DAMAGES: readonly RedisDamage[] = [
  ...FILE_DAMAGES,
  field('resourceCount', 'session-counts', 'sessions'),
  field('incomingBytes', 'session-counts', 'sessions'),
  field('dataBytes', 'data-bytes', 'sessions'),
  field('uses', 'uses', 'resources'),
  total('active:audio_file', 'totals', 'active:audio_file'),
  total('open', 'totals', 'open'),
  total('journal_bytes', 'journal-bytes', 'journal'),
  index('idle', (ground, key, id) => ground.on('ZINCRBY', key, '5000', id)),
  index('expiry', (ground, key, id) => ground.on('ZREM', key, id)),
  index('files', (ground, key, id) => ground.on('ZADD', key, '99', id)),
  {
    name: 'the key of a token',
    async plant(ground, { id, bucket }) {
      const record = await ground.change(`${bucket}sessions:${id}`, () => {});
      await ground.on('DEL', `${bucket}tokens:${String(record['tokenHash'])}`);
      return { code: 'index', subject: id, isMended: true };
    },
  },
  {
    name: 'what a session counts for',
    async plant(ground, { id, bucket }) {
      await ground.on('HDEL', `${bucket}counted`, id);
      return { code: 'index', subject: id, alsoCodes: ['budget'], isMended: true };
    },
  },
  {
    name: 'the budget of a user in Redis',
    async plant(ground, { userId }) {
      await ground.on('HINCRBY', `budgets:user:${userId}`, 'bytes', '77');
      return { code: 'budget', subject: `user:${userId}`, isMended: true };
    },
  },
  {
    name: 'the budget of a user in Redis is gone',
    async plant(ground, { userId }) {
      await ground.on('DEL', `budgets:user:${userId}`);
      return { code: 'budget', subject: `user:${userId}`, isMended: true };
    },
  },
  {
    name: 'the budget of all in Redis',
    async plant(ground) {
      await ground.on('HINCRBY', 'budgets:all', 'resources', '-1');
      return { code: 'budget', subject: 'all', isMended: true };
    },
  },
  {
    name: 'the counter of changes of a bucket',
    async plant(ground, { bucket }) {
      await ground.on('HINCRBY', `${bucket}totals`, 'counter', '-1');
      return { code: 'change-counter', subject: 'feed', isMended: true };
    },
  },
  {
    name: 'a read of a process that Redis does not list',
    async plant(ground, { bucket, file }) {
      const processId = randomUUID();
      await ground.change(`${bucket}resources:${file.id}`, (record) => {
        record['uses'] = 1;
        record['usedBy'] = { [processId]: 1 };
      });
      await ground.on('ZADD', `${bucket}by_process`, '0', `${processId}:${file.id}`);
      return { code: 'unowned', subject: processId, isMended: true };
    },
  },
  {
    name: 'an entry of a release that is over',
    async plant(ground, { bucket }) {
      const id = randomUUID();
      await ground.on('ZADD', `${bucket}releasing`, '0', `-:0000000000000000:${id}`);
      return { code: 'lost-rows', subject: id, isMended: true };
    },
  },
  {
    name: 'the record of a resource is gone',
    async plant(ground, { bucket, file, released }) {
      await ground.on('DEL', `${bucket}resources:${file.id}`);
      const alsoCodes = ['session-counts', 'totals', 'orphans', 'index', 'budget'];
      return { code: 'lost-rows', subject: file.id, alsoCodes, isMended: true, leaves: released };
    },
  },
  {
    name: 'the record of a session is gone',
    async plant(ground, { id, bucket, folder, userId }) {
      await ground.on('DEL', `${bucket}sessions:${id}`);
      const alsoCodes = ['totals', 'orphans', 'index', 'budget'];
      const files = `file ${folder.slice(ground.root.length + 1)}`;
      const leaves = [bucket, 'budgets:', '{counts}:', 'user:', files, `budgets:user:${userId}`];
      return { code: 'lost-rows', subject: id, alsoCodes, isMended: true, leaves };
    },
  },
  {
    name: 'a record that is no JSON',
    standsAlone: true,
    async plant(ground, { id, bucket }) {
      const key = `${bucket}sessions:${id}`;
      const before = String(await ground.on('GET', key));
      await ground.on('SET', key, before.slice(1), 'KEEPTTL');
      const alsoCodes = ['totals', 'index', 'session-counts'];
      const undo = (): Promise<unknown> => ground.on('SET', key, before, 'KEEPTTL');
      return { code: 'unreadable', subject: id, alsoCodes, isMended: false, undo };
    },
  },
  {
    name: 'a server that evicts sessions',
    async plant(ground) {
      await ground.run('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
      const undo = (): Promise<unknown> => ground.run('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
      return { code: 'server-settings', subject: 'maxmemory-policy', isMended: false, undo };
    },
  },
];
