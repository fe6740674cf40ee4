import { KEPT_AFTER_END_MS } from '../redis.layout.js';
import { QuestionScript } from '../question-script.js';
import { RedisScript } from '../redis.script.js';

/**
 * Creates the store if the key `store` is missing. Arguments: generation, layout, number of buckets and key of the journal of a new
 * store. Answers those of the store that is there.
 */
export const PREPARE = new RedisScript(
  'write',
  `
redis.call('HSETNX', KEYS[1], 'generation', ARGV[1])
redis.call('HSETNX', KEYS[1], 'layout', ARGV[2])
redis.call('HSETNX', KEYS[1], 'buckets', ARGV[3])
redis.call('HSETNX', KEYS[1], 'journalKey', ARGV[4])
return redis.call('HMGET', KEYS[1], 'generation', 'layout', 'buckets', 'journalKey')
`,
);

/** KEYS: store; layout to migrate to → the layout it comes from, also of a migration that was not finished, or '' for none to do */
export const BEGIN_MIGRATION = new RedisScript(
  'write',
  `
local layout = redis.call('HGET', KEYS[1], 'layout')
if tonumber(layout) < tonumber(ARGV[1]) then
  redis.call('HSETNX', KEYS[1], 'migratingFrom', layout)
  redis.call('HSET', KEYS[1], 'layout', ARGV[1])
end
return redis.call('HGET', KEYS[1], 'migratingFrom') or ''
`,
);

/** KEYS: store; layout that it has now → nothing, unless a still newer version has begun to migrate it */
export const FINISH_MIGRATION = new RedisScript(
  'free',
  `
if redis.call('HGET', KEYS[1], 'layout') == ARGV[1] then redis.call('HDEL', KEYS[1], 'migratingFrom') end
`,
);

/** A hash; fields → values, '' for a missing one */
export const FIELDS = new QuestionScript(
  `
local found = redis.call('HMGET', KEY, unpack(ARGV))
for i = 1, #found do found[i] = found[i] or '' end
return found
`,
);

/** A hash → field, value, field, value … */
export const HASH = new QuestionScript(`return redis.call('HGETALL', KEY)`);

/**
 * KEYS: processes; id, instant, heartbeat → whether the process was listed; `lost`, with nothing changed, while the resources of
 * the lost process are to be freed
 */
export const HEARTBEAT = new RedisScript(
  'free',
  `
local id, at, raw = unpack(ARGV)
if redis.call('HEXISTS', KEYS[2], id) == 1 then return 'lost' end
local beat = cjson.decode(raw)
local known = redis.call('HGET', KEYS[1], id)
if known then
  known = cjson.decode(known)
  beat.at = math.max(beat.at, known.at)
  beat.flushedThroughAt = math.max(beat.flushedThroughAt, known.flushedThroughAt)
end
redis.call('HSET', KEYS[1], id, cjson.encode(beat))
local node = redis.call('HGET', KEYS[4], beat.nodeId)
node = node and cjson.decode(node) or { lastSeenAt = 0 }
node.lastSeenAt = math.max(node.lastSeenAt, tonumber(at))
if beat.role == 'server' then node.address = beat.address end
redis.call('HSET', KEYS[4], beat.nodeId, cjson.encode(node))
local seen = redis.call('GET', KEYS[3])
if not seen or tonumber(seen) < tonumber(at) then redis.call('SET', KEYS[3], at) end
return known and 1 or 0
`,
);

/** KEYS: processes; id, silent since → whether the process was struck off; it counts as lost until its resources are freed */
export const STRIKE_OFF = new RedisScript(
  'free',
  `
local known = redis.call('HGET', KEYS[1], ARGV[1])
if not known or cjson.decode(known).at > tonumber(ARGV[2]) then return 0 end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
return 1
`,
);

/** KEYS: processes; id of a lost process whose resources are freed → nothing */
export const FORGET_LOST = new RedisScript('free', `redis.call('HDEL', KEYS[2], ARGV[1])`);

/** KEYS: processes; node → nothing */
export const FORGET_NODE = new RedisScript('free', `redis.call('HDEL', KEYS[4], ARGV[1])`);

/** KEYS: processes → the newest instant of a heartbeat, or '' */
export const SEEN = new RedisScript('read', `return redis.call('GET', KEYS[3]) or ''`);

/**
 * KEYS: job; items, failures, last success or '', process, things left, orphans found, then fields and values of the run
 * → nothing. The field `trouble:<process>` has failed runs in a row, things left and orphans, with colons between.
 */
export const RECORD_RUN = new RedisScript(
  'free',
  `
redis.call('HINCRBY', KEYS[1], 'runs', 1)
redis.call('HINCRBY', KEYS[1], 'totalItems', ARGV[1])
redis.call('HINCRBY', KEYS[1], 'totalFailures', ARGV[2])
if ARGV[3] ~= '' then redis.call('HSET', KEYS[1], 'lastSuccessAt', ARGV[3]) end
local trouble, waiting, found = 'trouble:' .. ARGV[4], ARGV[5], ARGV[6]
local failed = tonumber(ARGV[2]) + tonumber(waiting) > 0
if failed or tonumber(found) > 0 then
  local known = string.match(redis.call('HGET', KEYS[1], trouble) or '0', '^%d+')
  local runs = failed and known + 1 or 0
  redis.call('HSET', KEYS[1], trouble, string.format('%.0f:', runs) .. waiting .. ':' .. found)
else
  redis.call('HDEL', KEYS[1], trouble)
end
redis.call('HSET', KEYS[1], unpack(ARGV, 7))
`,
);

/** KEYS: job; process that is gone → nothing */
export const FORGET_TROUBLE = new RedisScript('free', `redis.call('HDEL', KEYS[1], 'trouble:' .. ARGV[1])`);

/** KEYS: failures of a node; most that are kept, then items and values → nothing */
export const NOTE_FAILURES = new RedisScript(
  'free',
  `
for i = 2, #ARGV, 2 do
  local is_known = redis.call('HEXISTS', KEYS[1], ARGV[i]) == 1
  if is_known or redis.call('HLEN', KEYS[1]) < tonumber(ARGV[1]) then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  end
end
redis.call('PEXPIRE', KEYS[1], ${KEPT_AFTER_END_MS})
`,
);

/** KEYS: failures of a node; items, or none for all → nothing */
export const FORGET_FAILURES = new RedisScript(
  'free',
  `
local items = #ARGV > 0 and ARGV or redis.call('HKEYS', KEYS[1])
if #items > 0 then redis.call('HDEL', KEYS[1], unpack(items)) end
`,
);

/** KEYS: user; id, milliseconds that the key must live at least → nothing */
export const ADD_TO_USER = new RedisScript(
  'write',
  `
redis.call('SADD', KEYS[1], ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
`,
);

/** KEYS: user; ids → nothing */
export const REMOVE_FROM_USER = new RedisScript('free', `redis.call('SREM', KEYS[1], unpack(ARGV))`);

/** KEYS: user → ids */
export const OF_USER = new RedisScript('read', `return redis.call('SMEMBERS', KEYS[1])`);

/** No keys → nothing. It writes nothing, but Redis refuses it whenever it refuses writes. */
export const PROBE = new RedisScript('write', `return 1`);
