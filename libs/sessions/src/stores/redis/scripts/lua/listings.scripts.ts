import { BucketScript } from '../bucket-script.js';
import { QuestionScript } from '../question-script.js';
import { call } from './includes/sessions.includes.js';

/**
 * An index; highest score, limit, and the end of the previous page, if any: score, id → the next page: id, score, id, score …
 * ordered by score and id
 */
export const UP_TO = new QuestionScript(
  `
local call = redis.call
local highest, limit, score, id = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
if not score then return call('ZRANGEBYSCORE', KEY, '-inf', highest, 'WITHSCORES', 'LIMIT', 0, limit) end
-- The rank of the first entry after the previous page: those of one score are in the order of their ids.
local low, high = call('ZCOUNT', KEY, '-inf', '(' .. score), call('ZCOUNT', KEY, '-inf', score)
while low < high do
  local middle = math.floor((low + high) / 2)
  if call('ZRANGE', KEY, middle, middle)[1] > id then high = middle else low = middle + 1 end
end
return call('ZRANGEBYSCORE', KEY, '-inf', highest, 'WITHSCORES', 'LIMIT', low, limit)
`,
);

/**
 * An index of leases; latest end of a lease, limit per node, nodes → id, lease, id, lease … ordered by lease and id for
 * each node
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

/** An index; score, limit → id, score, id, score … of those above the score, highest first */
export const ABOVE = new QuestionScript(
  `return redis.call('ZREVRANGEBYSCORE', KEY, '+inf', '(' .. ARGV[1], 'WITHSCORES', 'LIMIT', 0, ARGV[2])`,
);

/** A set of names; name, limit → the first names after this one, in the order of their bytes */
export const NAMES_AFTER = new QuestionScript(
  `return redis.call('ZRANGEBYLEX', KEY, '(' .. ARGV[1], '+', 'LIMIT', 0, ARGV[2])`,
);

/** The beginning of budgets; users → sessions, resources and bytes of each; '' for none */
export const USAGES = new QuestionScript(
  `
local found = {}
for i, user in ipairs(ARGV) do
  local usage = redis.call('HMGET', KEY .. 'user:' .. user, 'sessions', 'resources', 'bytes')
  for _, field in ipairs({ 1, 2, 3 }) do found[#found + 1] = usage[field] or '' end
end
return found
`,
);

/** An index; highest score → count */
export const COUNT_UP_TO = new QuestionScript(`return redis.call('ZCOUNT', KEY, '-inf', ARGV[1])`);

/**
 * limit, `asc` or `desc`, and the end of the previous page or nil: instant, id → the next page of KEY: id, score, id, score …
 * unordered. Entries of one instant are paged by ascending id in both directions; a sorted set alone does so only in one.
 */
const PAGE_LUA = `
local call = redis.call
local function page(limit, direction, instant, id)
  local found = {}

  local function add(entries)
    for i = 1, #entries do found[#found + 1] = entries[i] end
  end

  local function left() return limit - #found / 2 end

  -- The ranks of the first entry at this instant with a greater id, and of the first entry after this instant.
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
  -- The earliest of these instants may have more entries, with lower ids.
  local earliest = earlier[#earlier]
  while #earlier > 0 and earlier[#earlier] == earliest do
    earlier[#earlier] = nil
    earlier[#earlier] = nil
  end
  add(earlier)
  add(call('ZRANGEBYSCORE', KEY, earliest, earliest, 'WITHSCORES', 'LIMIT', 0, left()))
  return found
end
`;

/** An index; limit, `asc` or `desc`, and the end of the previous page, if any: instant, id → as `page` */
export const PAGE = new QuestionScript(
  `${PAGE_LUA}
return page(tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4])
`,
);

/**
 * An index of open sessions and the others beside it; entries to look at, entries to answer at most, `asc` or `desc`, the position
 * before the first one: value, id; the last value to look at; then, each or '': latest activity, latest opening, least bytes, and three
 * amounts of which one must be surpassed: files, bytes, streams; `1` to answer addresses → entries that match, in order: id, value, id,
 * value …, with addresses four each; the id and value of the last one that was looked at, unless it is the last of all
 */
export const MATCHING = new QuestionScript(
  `${PAGE_LUA}
local looked, most, direction, value, id, until_value = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local active, opened, least_bytes, files, bytes, streams, with_addresses = unpack(ARGV, 7, 13)

local function amount(key, of) return tonumber(call('ZSCORE', key, of) or 0) end
local function more(key, of, than) return amount(key, of) > tonumber(than) end

local function matches(of)
  return not (active ~= '' and more(ACTIVITY, of, active))
    and not (opened ~= '' and more(CREATED, of, opened))
    and (least_bytes == '' or more(BYTES, of, least_bytes))
    and (files == '' or more(FILES, of, files) or more(BYTES, of, bytes) or more(STREAMS, of, streams))
end

local found, entries = {}, {}
local flat = page(looked, direction, value, id)
for i = 1, #flat, 2 do entries[#entries + 1] = { id = flat[i], text = flat[i + 1], value = tonumber(flat[i + 1]) } end
local is_falling = direction == 'desc'
if is_falling then
  table.sort(entries, function(a, b)
    if a.value ~= b.value then return a.value > b.value end
    return a.id < b.id
  end)
end
local width = with_addresses == '1' and 4 or 2
local last = #entries == looked and entries[#entries] or nil
for _, entry in ipairs(entries) do
  local furthest = tonumber(until_value)
  if furthest and (is_falling and entry.value < furthest or not is_falling and entry.value > furthest) then
    last = nil
    break
  end
  if matches(entry.id) then
    found[#found + 1] = entry.id
    found[#found + 1] = entry.text
    if width == 4 then
      local record = call('GET', SESSIONS .. entry.id) or ''
      found[#found + 1] = string.match(record, '"ipAddress":"([^"]*)"') or ''
      found[#found + 1] = string.match(record, '"otherAddress":"([^"]*)"') or ''
    end
    if #found == most * width then
      last = entry
      break
    end
  end
end
return { found, last and { last.id, last.text } or {} }
`,
  ['CREATED', 'ACTIVITY', 'BYTES', 'FILES', 'STREAMS', 'SESSIONS'],
);

/** number of the last read change, limit → number of the last of the next changes or that number, their count, their records in order */
export const CHANGES_SINCE = new BucketScript(
  'read',
  { keys: ['sessions', 'changes'], includes: [call] },
  `
local entries = call('ZRANGEBYSCORE', CHANGES, '(' .. ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[2])
if #entries == 0 then return { ARGV[1], '0' } end
local keys = {}
for i = 1, #entries, 2 do keys[#keys + 1] = SESSIONS .. entries[i] end
local found = { entries[#entries], #keys }
for _, raw in ipairs(call('MGET', unpack(keys))) do found[#found + 1] = raw or nil end
return found
`,
);
