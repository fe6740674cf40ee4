import { RedisScript } from '../redis.script.js';

/** KEYS: counts; per session: bucket, id, limit of open sessions → per session `reserved` (it counts as open from now on) or `full` */
export const RESERVE_COUNTS = new RedisScript(
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

/** KEYS: counts; per entry: bucket, its created and closed, session id or '', whether that session was opened → nothing */
export const SETTLE_COUNTS = new RedisScript(
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

/** KEYS: counts; age in milliseconds → session ids of unsettled reservations of at least this age */
export const STALE_RESERVATIONS = new RedisScript(
  'read',
  `
local time = redis.call('TIME')
return redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', time[1] * 1000 - tonumber(ARGV[1]), 'LIMIT', 0, 1000)
`,
);

/** KEYS: counts → `1` if no reservation is pending, then field, value, field, value … */
export const READ_COUNTS = new RedisScript(
  'read',
  `
local fields = redis.call('HGETALL', KEYS[1])
table.insert(fields, 1, redis.call('ZCARD', KEYS[2]) == 0 and '1' or '0')
return fields
`,
);

/** KEYS: counts; per bucket: bucket, its reserved and closed as read here, its own created and closed → number of corrections */
export const CORRECT_COUNTS = new RedisScript(
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
