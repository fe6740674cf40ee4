import { LEASE_MS } from '../../../../ports/endings.js';
import { BucketScript } from '../bucket-script.js';
import { RedisScript } from '../redis.script.js';
import { leaseMember, leaseTo } from './includes/resources.includes.js';
import { call, index, keptUntil, read, write } from './includes/sessions.includes.js';

/** KEYS: processes → time of Redis in milliseconds, with fractions; edition; end of the doubt, or '' */
export const READ_CLOCK = new RedisScript(
  'read',
  `
local time = redis.call('TIME')
local known = redis.call('HMGET', KEYS[5], 'edition', 'doubted_until')
return { string.format('%.3f', time[1] * 1000 + time[2] / 1000), known[1] or '0', known[2] or '' }
`,
);

/** KEYS: processes; instant → nothing */
export const DOUBT_CLOCK = new RedisScript(
  'free',
  `
local known = redis.call('HGET', KEYS[5], 'doubted_until')
if not known or tonumber(known) < tonumber(ARGV[1]) then redis.call('HSET', KEYS[5], 'doubted_until', ARGV[1]) end
`,
);

/** KEYS: processes → nothing */
export const TRUST_CLOCK = new RedisScript(
  'free',
  `
redis.call('HINCRBY', KEYS[5], 'edition', 1)
redis.call('HDEL', KEYS[5], 'doubted_until')
`,
);

/** KEYS: processes; instant → nothing. No process or node has been heard later. */
export const FORGET_HEARTBEATS_AFTER = new RedisScript(
  'free',
  `
local at = tonumber(ARGV[1])
local function clamp(key, fields)
  local all = redis.call('HGETALL', key)
  for i = 1, #all, 2 do
    local record = cjson.decode(all[i + 1])
    local isLater = false
    for _, field in ipairs(fields) do
      if record[field] > at then
        record[field] = at
        isLater = true
      end
    end
    if isLater then redis.call('HSET', key, all[i], cjson.encode(record)) end
  end
end
clamp(KEYS[1], { 'at', 'flushedThroughAt' })
clamp(KEYS[4], { 'lastSeenAt' })
local seen = redis.call('GET', KEYS[3])
if seen and tonumber(seen) > at then redis.call('SET', KEYS[3], ARGV[1]) end
`,
);

/** KEYS: job; instant → nothing. The job has not run later. */
export const FORGET_RUN_AFTER = new RedisScript(
  'free',
  `
local at = tonumber(ARGV[1])
local function is_later(field)
  local value = tonumber(redis.call('HGET', KEYS[1], field) or '')
  return value ~= nil and value > at
end
if not is_later('startedAt') and not is_later('lastSuccessAt') then return end
for _, field in ipairs({ 'startedAt', 'lastSuccessAt', 'nextRunAt' }) do
  if is_later(field) then redis.call('HSET', KEYS[1], field, ARGV[1]) end
end
`,
);

/** instant → nothing. Sessions opened or used later expire at it, and no lease lasts much longer. */
export const FORGET_AFTER = new BucketScript(
  'free',
  {
    keys: [
      'sessions',
      'resources',
      'created',
      'activity',
      'expiry',
      'overdrawn',
      'tombstones',
      'ending',
      'ended',
      'releasing',
      'replaced_at',
      'totals',
    ],
    includes: [call, read, write, index, keptUntil, leaseMember, leaseTo],
  },
  `
local at = tonumber(ARGV[1])
local later = '(' .. ARGV[1]
local latest_lease = at + ${LEASE_MS}

local function clamp(session)
  -- A tombstone is kept as long after its end as before.
  local ended_later = session.endedAt and session.endedAt > at
  if ended_later then
    session.keptUntil = session.keptUntil - (session.endedAt - at)
    session.endedAt = at
    call('ZADD', ENDED, at, session.id)
  end
  if session.createdAt <= at and session.lastActivityAt <= at then return ended_later end
  session.createdAt = math.min(session.createdAt, at)
  session.lastActivityAt = math.min(session.lastActivityAt, at)
  session.expiresAt = math.min(session.expiresAt, at)
  return true
end

for _, key in ipairs({ CREATED, ACTIVITY }) do
  for _, id in ipairs(call('ZRANGEBYSCORE', key, later, '+inf')) do
    local session = read(SESSIONS, id)
    if session and clamp(session) then
      write(SESSIONS, session)
      call('ZADD', CREATED, session.createdAt, id)
      call('ZADD', EXPIRY, session.expiresAt, id)
      index(session)
    end
  end
end
for _, id in ipairs(call('ZRANGEBYSCORE', TOMBSTONES, later, '+inf')) do
  local session = read(SESSIONS, id)
  if session and clamp(session) then
    write(SESSIONS, session)
    call('ZADD', TOMBSTONES, kept_until_of(session), id)
  end
end
for _, member in ipairs(call('ZRANGE', ENDING, 0, -1)) do
  local owner, lease, id = string.match(member, '^(.*):(%d+):([^:]+)$')
  local session = read(SESSIONS, id)
  if session then
    local is_later = clamp(session)
    if session.parts and tonumber(lease) > latest_lease then
      call('ZREM', ENDING, member)
      call('ZADD', ENDING, 0, lease_member(owner, at, id))
      session.parts[owner] = at
      is_later = true
    end
    if is_later then write(SESSIONS, session) end
  end
end
for _, member in ipairs(call('ZRANGE', RELEASING, 0, -1)) do
  local lease, id = string.match(member, ':(%d+):([^:]+)$')
  local resource = tonumber(lease) > latest_lease and read(RESOURCES, id)
  if resource then lease_to(resource, at) end
end
for _, key in ipairs({ REPLACED_AT, OVERDRAWN }) do
  for _, member in ipairs(call('ZRANGEBYSCORE', key, later, '+inf')) do call('ZADD', key, at, member) end
end
local seen = call('HGET', TOTALS, 'seen_at')
if seen and tonumber(seen) > at then call('HSET', TOTALS, 'seen_at', ARGV[1]) end
`,
);
