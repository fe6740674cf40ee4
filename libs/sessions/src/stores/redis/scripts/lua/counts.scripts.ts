import { PROVISIONAL_MS } from '../../../../domain/lifetime.js';
import { RATE_SLOT_MS, RATE_SLOTS } from '../../../../domain/rates/rate-ring.js';
import { RedisScript } from '../redis.script.js';

/** Beyond the last instant that matters, since clocks of processes differ from that of Redis, which expires keys. */
const KEPT_LONGER_MS = 60_000;

/** What `countEvent` of the domain does. A ring is the newest slot, then the counts. */
const RATE_RING = `
-- ring or nil, instant, length of a slot → the ring, moved on to the instant
local function turned_to(ring, at, slot_ms)
  local slot = math.floor(at / slot_ms)
  if not ring or math.abs(slot - ring[1]) >= ${RATE_SLOTS} then return { slot } end
  while ring[1] < slot do
    ring[1] = ring[1] + 1
    table.insert(ring, 2, 0)
  end
  while #ring > ${RATE_SLOTS} + 1 do table.remove(ring) end
  return ring
end

-- such a ring, instant, limit, length of a slot → the milliseconds until one more event fits, or nil if it does now
local function wait_of(ring, at, limit, slot_ms)
  local sum = 0
  for i = 2, #ring do
    sum = sum + ring[i]
    if sum >= limit then return (ring[1] - (i - 2) + ${RATE_SLOTS}) * slot_ms - at end
  end
end
`;

/**
 * KEYS: counts, then openings, provisional sessions and, on one server, the budget of networks; per session: bucket, id, limit of
 * open sessions, openings of its network in a minute (0: no limit), provisional ones of it (0: no limit), instant, its idle end,
 * sessions of it without a user (0: no limit), position of the keys of its network (0: none) → per session `reserved` (it counts as
 * open from now on), `full`, `network-full`, or `rate` or `unconfirmed`, a colon and the milliseconds to wait.
 */
export const RESERVE_COUNTS = new RedisScript(
  'write',
  `
local call = redis.call
local time = call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
local taken = tonumber(call('HGET', KEYS[1], 'taken') or '0')
local answers = {}
local added = 0

-- position of the keys of a network → what this call knows of it: it reads and writes a network once
local networks = {}
local function network_at(first, at)
  local network = networks[first]
  if not network then
    local raw = call('GET', KEYS[first])
    call('ZREMRANGEBYSCORE', KEYS[first + 1], '-inf', at)
    network = { ring = raw and cjson.decode(raw) }
    networks[first] = network
  end
  return network
end

${RATE_RING}
-- id, limit of open sessions, then as above → what refuses the session, or nil once its network counts it
local function refused(id, most, rate, most_provisional, at, idle_end, most_of_network, first)
  local network = KEYS[first] and network_at(first, at)
  if network and rate > 0 then
    network.ring = turned_to(network.ring, at, ${RATE_SLOT_MS})
    local wait = wait_of(network.ring, at, rate, ${RATE_SLOT_MS})
    if wait then return string.format('rate:%.0f', wait) end
  end
  local provisional = KEYS[first + 1]
  if network and most_provisional > 0 and call('ZCARD', provisional) >= most_provisional then
    return string.format('unconfirmed:%.0f', call('ZRANGE', provisional, 0, 0, 'WITHSCORES')[2] - at)
  end
  -- Before the limit of all: who is beyond a limit of its own makes nobody else go. The opening itself keeps this limit exactly.
  if network and most_of_network > 0 and tonumber(call('HGET', KEYS[first + 2], 'sessions') or 0) >= most_of_network then
    return 'network-full'
  end
  if taken + added >= most then return 'full' end
  if not network then return end
  if rate > 0 then
    network.ring[2] = (network.ring[2] or 0) + 1
    network.counted = true
  end
  call('ZADD', provisional, idle_end, id)
  network.kept_for = math.max(network.kept_for or 0, idle_end - at)
end

for i = 1, #ARGV, 9 do
  local bucket, id = ARGV[i], ARGV[i + 1]
  local facts = {}
  for j = 2, 8 do facts[j - 1] = tonumber(ARGV[i + j]) end
  local answer
  if call('ZADD', KEYS[2], 'NX', now, id) == 1 then
    answer = refused(id, unpack(facts))
    if answer then
      call('ZREM', KEYS[2], id)
    else
      call('HINCRBY', KEYS[1], 'reserved:' .. bucket, 1)
      added = added + 1
    end
  end
  answers[#answers + 1] = answer or 'reserved'
end
for first, network in pairs(networks) do
  if network.counted then
    call('SET', KEYS[first], cjson.encode(network.ring), 'PX', ${RATE_SLOTS * RATE_SLOT_MS + KEPT_LONGER_MS})
  end
  if network.kept_for then call('PEXPIRE', KEYS[first + 1], network.kept_for + ${KEPT_LONGER_MS}) end
end
if added > 0 then call('HINCRBY', KEYS[1], 'taken', added) end
return answers
`,
);

/**
 * KEYS: state of a key; instant, limit, length of a slot, milliseconds of a block or 0 → milliseconds to wait, 0 if the event was
 * counted; then the events of the window, and the milliseconds until the oldest counts no more. It is `countRate` of the domain.
 */
export const COUNT_RATE = new RedisScript(
  'write',
  `
${RATE_RING}
local at, limit, slot_ms, block_ms = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local raw = redis.call('GET', KEYS[1])
local state = raw and cjson.decode(raw) or {}
local blocked_ms = (state.blocked_until or 0) - at
if blocked_ms > 0 and blocked_ms <= block_ms then return { blocked_ms } end

local function keep()
  local kept_for = math.max(${RATE_SLOTS} * slot_ms, block_ms) + ${KEPT_LONGER_MS}
  redis.call('SET', KEYS[1], cjson.encode(state), 'PX', string.format('%.0f', kept_for))
end

local ring = turned_to(state.ring, at, slot_ms)
local wait = wait_of(ring, at, limit, slot_ms)
if wait then
  if block_ms == 0 then return { wait } end
  state.blocked_until = at + block_ms
  keep()
  return { block_ms }
end
ring[2] = (ring[2] or 0) + 1
state = { ring = ring }
keep()
local events, oldest = 0, 2
for i = 2, #ring do
  events = events + ring[i]
  if ring[i] > 0 then oldest = i end
end
return { 0, events, (ring[1] - (oldest - 2) + ${RATE_SLOTS}) * slot_ms - at }
`,
);

/**
 * KEYS: counts, then keys of networks; per entry: bucket, its created and closed, session id or '', whether that session was
 * opened, id of a session that its network no longer counts or '', position of the keys of that network or 0 → nothing
 */
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
for i = 1, #ARGV, 7 do
  local bucket, created, closed, id, opened, over, keys = unpack(ARGV, i, i + 6)
  if id ~= '' and redis.call('ZREM', KEYS[2], id) == 1 and opened == '0' then
    redis.call('HINCRBY', KEYS[1], 'reserved:' .. bucket, -1)
    taken = taken - 1
  end
  if keys ~= '0' then redis.call('ZREM', KEYS[keys + 1], over) end
  raise('reserved:' .. bucket, created, 1)
  raise('closed:' .. bucket, closed, -1)
end
if taken ~= 0 then redis.call('HINCRBY', KEYS[1], 'taken', taken) end
`,
);

/** KEYS: provisional sessions of a network; per session: id, idle end, '' if it is not provisional any more → nothing */
export const RECOUNT_PROVISIONAL = new RedisScript(
  'free',
  `
local last
for i = 1, #ARGV, 2 do
  if ARGV[i + 1] == '' then
    redis.call('ZREM', KEYS[1], ARGV[i])
  else
    redis.call('ZADD', KEYS[1], ARGV[i + 1], ARGV[i])
    last = true
  end
end
if last then redis.call('PEXPIRE', KEYS[1], ${PROVISIONAL_MS + KEPT_LONGER_MS}) end
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
