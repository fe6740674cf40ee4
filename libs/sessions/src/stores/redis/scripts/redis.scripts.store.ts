import { QuestionScript, RedisScript } from './redis.script.js';

/** KEYS: store; a generation, layout and number of buckets for a new one → those of this one */
export const PREPARE = new RedisScript(
  'write',
  `
redis.call('HSETNX', KEYS[1], 'generation', ARGV[1])
redis.call('HSETNX', KEYS[1], 'layout', ARGV[2])
redis.call('HSETNX', KEYS[1], 'buckets', ARGV[3])
return redis.call('HMGET', KEYS[1], 'generation', 'layout', 'buckets')
`,
);

/** KEYS: any key → Redis' time in milliseconds, with fractions */
export const TIME = new RedisScript(
  'read',
  `
local time = redis.call('TIME')
return string.format('%.3f', time[1] * 1000 + time[2] / 1000)
`,
);

/** A hash; fields → values, an empty text for each that is not there */
export const FIELDS = new QuestionScript(
  `
local found = redis.call('HMGET', KEY, unpack(ARGV))
for i = 1, #found do found[i] = found[i] or '' end
return found
`,
);

/** A hash → field, value, field, value … */
export const HASH = new QuestionScript(`return redis.call('HGETALL', KEY)`);

/** KEYS: processes; id, instant, heartbeat */
export const HEARTBEAT = new RedisScript(
  'free',
  `
local id, at, raw = unpack(ARGV)
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
`,
);

/** KEYS: processes; id, silent since → whether it was struck off: from now on it is lost, until all it had is freed */
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

/** KEYS: processes; id: all it had is freed */
export const FORGET_LOST = new RedisScript('free', `redis.call('HDEL', KEYS[2], ARGV[1])`);

/** KEYS: processes; node: it is known no more */
export const FORGET_NODE = new RedisScript('free', `redis.call('HDEL', KEYS[4], ARGV[1])`);

/** KEYS: processes → the newest instant of a heartbeat, if there was one */
export const SEEN = new RedisScript('read', `return redis.call('GET', KEYS[3]) or ''`);

/** KEYS: job; items, failures, last success or nothing, then fields and values of the run */
export const RECORD_RUN = new RedisScript(
  'free',
  `
redis.call('HINCRBY', KEYS[1], 'runs', 1)
redis.call('HINCRBY', KEYS[1], 'totalItems', ARGV[1])
redis.call('HINCRBY', KEYS[1], 'totalFailures', ARGV[2])
if ARGV[3] ~= '' then redis.call('HSET', KEYS[1], 'lastSuccessAt', ARGV[3]) end
redis.call('HSET', KEYS[1], unpack(ARGV, 4))
`,
);

/** KEYS: user; id */
export const ADD_TO_USER = new RedisScript('write', `redis.call('SADD', KEYS[1], ARGV[1])`);

/** KEYS: user; ids */
export const REMOVE_FROM_USER = new RedisScript('free', `redis.call('SREM', KEYS[1], unpack(ARGV))`);

/** KEYS: user → ids */
export const OF_USER = new RedisScript('read', `return redis.call('SMEMBERS', KEYS[1])`);

/** KEYS: counts; of each: bucket, session id, most → of each whether there is a place, which is then reserved */
export const RESERVE_PLACES = new RedisScript(
  'write',
  `
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
local taken = tonumber(redis.call('HGET', KEYS[1], 'taken') or '0')
local answers = {}
local added = 0
for i = 1, #ARGV, 3 do
  local bucket, id, most = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2])
  local answer = 'reserved'
  if taken + added >= most then
    if not redis.call('ZSCORE', KEYS[2], id) then answer = 'full' end
  elseif redis.call('ZADD', KEYS[2], 'NX', now, id) == 1 then
    redis.call('HINCRBY', KEYS[1], 'reserved:' .. bucket, 1)
    added = added + 1
  end
  answers[#answers + 1] = answer
end
if added > 0 then redis.call('HINCRBY', KEYS[1], 'taken', added) end
return answers
`,
);

/** KEYS: counts; of each: bucket, its created and closed, session id or nothing, whether it was opened */
export const SETTLE_PLACES = new RedisScript(
  'free',
  `
local taken = 0
local function raise(field, to, sign)
  local known = tonumber(redis.call('HGET', KEYS[1], field) or '0')
  if tonumber(to) <= known then return end
  redis.call('HSET', KEYS[1], field, to)
  taken = taken + sign * (tonumber(to) - known)
end
for i = 1, #ARGV, 5 do
  local bucket, created, closed, id, opened = unpack(ARGV, i, i + 4)
  if id ~= '' and redis.call('ZREM', KEYS[2], id) == 1 and opened == '0' then
    redis.call('HINCRBY', KEYS[1], 'reserved:' .. bucket, -1)
    taken = taken - 1
  end
  raise('reserved:' .. bucket, created, 1)
  raise('closed:' .. bucket, closed, -1)
end
if taken ~= 0 then redis.call('HINCRBY', KEYS[1], 'taken', taken) end
`,
);

/** KEYS: counts; how old in milliseconds → ids that have waited for so long */
export const STALE_PLACES = new RedisScript(
  'read',
  `
local time = redis.call('TIME')
return redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', time[1] * 1000 - tonumber(ARGV[1]), 'LIMIT', 0, 1000)
`,
);

/** KEYS: counts → `1` if none is pending, then field, value, field, value … */
export const READ_PLACES = new RedisScript(
  'read',
  `
local fields = redis.call('HGETALL', KEYS[1])
table.insert(fields, 1, redis.call('ZCARD', KEYS[2]) == 0 and '1' or '0')
return fields
`,
);

/** KEYS: counts; then of each bucket: bucket, what was reserved and closed when it was looked at, created and closed in truth */
export const CORRECT_PLACES = new RedisScript(
  'free',
  `
if redis.call('ZCARD', KEYS[2]) > 0 then return 0 end
local corrected = 0
local function set(field, seen, truth, sign)
  local known = redis.call('HGET', KEYS[1], field) or '0'
  if known ~= seen or known == truth then return end
  redis.call('HSET', KEYS[1], field, truth)
  redis.call('HINCRBY', KEYS[1], 'taken', sign * (tonumber(truth) - tonumber(known)))
  corrected = corrected + 1
end
for i = 1, #ARGV, 5 do
  set('reserved:' .. ARGV[i], ARGV[i + 1], ARGV[i + 3], 1)
  set('closed:' .. ARGV[i], ARGV[i + 2], ARGV[i + 4], -1)
end
return corrected
`,
);
