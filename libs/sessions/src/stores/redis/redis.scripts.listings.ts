import { BucketScript, QuestionScript } from './redis.script.js';

/** An index; at most this score, how many → id, score, id, score … in the order of scores and ids */
export const UP_TO = new QuestionScript(
  `return redis.call('ZRANGEBYSCORE', KEY, '-inf', ARGV[1], 'WITHSCORES', 'LIMIT', 0, ARGV[2])`,
);

/**
 * What nodes have to do; at most this lease, how many of each, nodes → id, lease, id, lease … in the order of leases and ids
 * for each node
 */
export const TURNS = new QuestionScript(
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
 * An index; how many, `asc` or `desc`, and where the page before ended, if there was one: instant, id → id, score,
 * id, score … Ties are in the order of the ids in both directions, which a sorted set alone gives in one.
 */
export const PAGE = new QuestionScript(
  `
local call = redis.call
local limit, direction, instant, id = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4]
local found = {}

local function below(score) return call('ZCOUNT', KEY, '-inf', '(' .. score) end

local function take(from, to)
  to = math.min(to, from + limit - #found / 2)
  if to <= from then return end
  for _, each in ipairs(call('ZRANGE', KEY, from, to - 1, 'WITHSCORES')) do found[#found + 1] = each end
end

local size = call('ZCARD', KEY)
local first, ties_end = 0, size
if instant then
  ties_end = call('ZCOUNT', KEY, '-inf', instant)
  first = below(instant)
  local high = ties_end
  while first < high do
    local middle = math.floor((first + high) / 2)
    if call('ZRANGE', KEY, middle, middle)[1] > id then high = middle else first = middle + 1 end
  end
end

if direction == 'asc' then
  take(first, size)
  return found
end
local rest = size
if instant then
  take(first, ties_end)
  rest = below(instant)
end
while rest > 0 and #found / 2 < limit do
  local start = below(call('ZRANGE', KEY, rest - 1, rest - 1, 'WITHSCORES')[2])
  take(start, rest)
  rest = start
end
return found
`,
);

/** after this change, how many → records in the order of their changes */
export const CHANGES_SINCE = new BucketScript(
  'read',
  `
local ids = call('ZRANGEBYSCORE', CHANGES, '(' .. ARGV[1], '+inf', 'LIMIT', 0, ARGV[2])
if #ids == 0 then return {} end
local found = {}
for _, raw in ipairs(call('HMGET', SESSIONS, unpack(ids))) do found[#found + 1] = raw or nil end
return found
`,
);
