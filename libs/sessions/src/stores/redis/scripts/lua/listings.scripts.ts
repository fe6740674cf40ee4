import { BucketScript } from '../bucket-script.js';
import { QuestionScript } from '../question-script.js';
import { call } from './sessions.includes.js';

/** An index; at most this score, how many → id, score, id, score … in the order of scores and ids */
export const UP_TO = new QuestionScript(
  `return redis.call('ZRANGEBYSCORE', KEY, '-inf', ARGV[1], 'WITHSCORES', 'LIMIT', 0, ARGV[2])`,
);

/**
 * An index of what nodes may lease; the latest end of a lease, how many of each, nodes → id, lease, id, lease … in the order
 * of leases and ids for each node
 */
export const LEASABLE = new QuestionScript(
  `
local found = {}
local beyond = string.format('%016.0f', math.floor(tonumber(ARGV[1])) + 1)
for i = 3, #ARGV do
  local first = ARGV[i] .. ':'
  for _, member in ipairs(redis.call('ZRANGEBYLEX', KEY, '[' .. first, '(' .. first .. beyond, 'LIMIT', 0, ARGV[2])) do
    found[#found + 1] = string.sub(member, #first + 18)
    found[#found + 1] = string.sub(member, #first + 1, #first + 16)
  end
end
return found
`,
);

/** An index; at most this score → how many */
export const COUNT_UP_TO = new QuestionScript(`return redis.call('ZCOUNT', KEY, '-inf', ARGV[1])`);

/**
 * An index; how many, `asc` or `desc`, and where the page before ended, if there was one: instant, id → the first of what
 * comes after it: id, score, id, score … in no order. Of those at one instant the lowest ids come first in both directions,
 * which a sorted set alone gives in one.
 */
export const PAGE = new QuestionScript(
  `
local call = redis.call
local limit, direction, instant, id = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4]
local found = {}

local function add(entries)
  for i = 1, #entries do found[#found + 1] = entries[i] end
end

local function left() return limit - #found / 2 end

-- The rank of the first entry at this instant whose id comes after the given one, and of the first beyond this instant.
local function ranks()
  local low, high = call('ZCOUNT', KEY, '-inf', '(' .. instant), call('ZCOUNT', KEY, '-inf', instant)
  local beyond = high
  while low < high do
    local middle = math.floor((low + high) / 2)
    if call('ZRANGE', KEY, middle, middle)[1] > id then high = middle else low = middle + 1 end
  end
  return low, beyond
end

if direction == 'asc' then
  local first = instant and ranks() or 0
  return call('ZRANGE', KEY, first, first + limit - 1, 'WITHSCORES')
end

local newest = '+inf'
if instant then
  local first, beyond = ranks()
  if first < beyond then add(call('ZRANGE', KEY, first, math.min(beyond, first + limit) - 1, 'WITHSCORES')) end
  newest = '(' .. instant
end
local earlier = call('ZREVRANGEBYSCORE', KEY, newest, '-inf', 'WITHSCORES', 'LIMIT', 0, left())
if #earlier == 0 then return found end
-- At the earliest of these instants there may be more, with lower ids.
local earliest = earlier[#earlier]
while #earlier > 0 and earlier[#earlier] == earliest do
  earlier[#earlier] = nil
  earlier[#earlier] = nil
end
add(earlier)
add(call('ZRANGEBYSCORE', KEY, earliest, earliest, 'WITHSCORES', 'LIMIT', 0, left()))
return found
`,
);

/** after this change, how many → records in the order of their changes */
export const CHANGES_SINCE = new BucketScript(
  'read',
  { keys: ['sessions', 'changes'], includes: [call] },
  `
local ids = call('ZRANGEBYSCORE', CHANGES, '(' .. ARGV[1], '+inf', 'LIMIT', 0, ARGV[2])
if #ids == 0 then return {} end
local found = {}
for _, raw in ipairs(call('HMGET', SESSIONS, unpack(ids))) do found[#found + 1] = raw or nil end
return found
`,
);
