import { BucketScript } from '../bucket-script.js';
import { KEPT_AFTER_END_MS, KEPT_UNTENDED_MS } from '../redis.layout.js';
import { moveCounted } from './includes/budgets.includes.js';
import { dropTimeline, recount } from './includes/journal.includes.js';
import { drop, lose } from './includes/resources.includes.js';
import { afterColon, call, count, membersOf, read } from './includes/sessions.includes.js';

/** Entries of an index that are looked at in one run: the jobs of the cleanup end or drop the first ones, so that others follow. */
const LOOKED_AT = 1000;

/**
 * instant → nothing. Removes from the indexes and sums of the bucket what is left of records that have expired or were lost,
 * as far as it is due at the instant; lengthens the lifetimes of records whose end waits, e.g. for a node that is away, and
 * of the indexes. Changes nothing where there is nothing to mend.
 */
export const MEND = new BucketScript(
  'free',
  {
    keys: [
      'sessions',
      'tokens',
      'resources',
      'data',
      'opened',
      'marks',
      'deeds',
      'requests',
      'held',
      'overdrawn',
      'by_process',
      'idle',
      'expiry',
      'created',
      'activity',
      'evictable',
      'bytes',
      'files',
      'streams',
      'ending',
      'ended',
      'tombstones',
      'changes',
      'releasing',
      'totals',
      'counted',
      'budgets',
    ],
    includes: [call, read, count, membersOf, afterColon, drop, lose, moveCounted, dropTimeline, recount],
  },
  `
local at = ARGV[1]
local has_forgotten = false

local function is_gone(key, id) return call('EXISTS', key .. id) == 0 end
local function id_of(member) return string.match(member, '[^:]+$') end
local function due(key) return call('ZRANGEBYSCORE', key, '-inf', at, 'LIMIT', 0, ${LOOKED_AT}) end

-- Counts a session without a record as expired if it was open: its absolute end was first to come.
local function forget(id)
  local created_at, expires_at = call('ZSCORE', CREATED, id), call('ZSCORE', EXPIRY, id)
  for _, key in ipairs({ IDLE, EXPIRY, CREATED, ACTIVITY, EVICTABLE, BYTES, FILES, STREAMS }) do call('ZREM', key, id) end
  call('ZREM', ENDED, id)
  local had_ended = call('ZREM', TOMBSTONES, id) == 1
  local was_known = call('ZREM', CHANGES, id) == 1
  call('DEL', DATA .. id)
  drop_timeline(id)
  has_forgotten = true
  local network = string.match(call('HGET', COUNTED, id) or '', '^%d+:%d+:network:(.*)$')
  if network then call('ZREM', BUDGETS .. 'evictable:' .. network, id) end
  move_counted(id, '', 0, 0)
  if expires_at then
    count('open', -1)
    count('closed', 1)
    count('ended:expired', 1)
    count('ended_duration_ms', math.max(0, expires_at - (created_at or expires_at)))
  elseif was_known and not had_ended then
    count('ending', -1)
  end
  for _, member in ipairs(members_of(HELD, id)) do
    local resource = read(RESOURCES, after_colon(member, id))
    if resource then drop(resource, false) else lose(member) end
  end
end

-- The resources whose records are there: only they stay in the index of processes, and in the sums.
local function keep_resources()
  for _, member in ipairs(call('ZRANGE', BY_PROCESS, 0, -1)) do
    if is_gone(RESOURCES, id_of(member)) then call('ZREM', BY_PROCESS, member) end
  end
  local sums = {}
  for _, name in ipairs(call('HKEYS', TOTALS)) do
    if string.match(name, '^active') or string.match(name, '^node:') then sums[name] = 0 end
  end
  for _, member in ipairs(call('ZRANGE', HELD, 0, -1)) do
    local resource = read(RESOURCES, id_of(member))
    if resource then
      local function add(name, by) sums[name] = (sums[name] or 0) + by end
      add('active:' .. resource.type, 1)
      add('active_bytes:' .. resource.type, resource.sizeBytes)
      if resource.nodeId then add('node:' .. resource.nodeId, 1) end
    end
  end
  for name, sum in pairs(sums) do call('HSET', TOTALS, name, string.format('%.0f', sum)) end
end

-- Writes only if half of the lifetime is over: most runs change nothing.
local function lengthen(key, ms)
  if call('PTTL', key) < ms / 2 then call('PEXPIRE', key, ms) end
end

for _, key in ipairs({ IDLE, EXPIRY, TOMBSTONES }) do
  for _, id in ipairs(due(key)) do
    if is_gone(SESSIONS, id) then forget(id) end
  end
end
for _, member in ipairs(call('ZRANGE', ENDING, 0, -1)) do
  local session = read(SESSIONS, id_of(member))
  if session then
    lengthen(SESSIONS .. session.id, ${KEPT_AFTER_END_MS})
    lengthen(TOKENS .. session.tokenHash, ${KEPT_AFTER_END_MS})
    for _, key in ipairs({ OPENED, MARKS, DEEDS, REQUESTS }) do lengthen(key .. session.id, ${KEPT_AFTER_END_MS}) end
    for _, held in ipairs(members_of(HELD, session.id)) do
      lengthen(RESOURCES .. after_colon(held, session.id), ${KEPT_AFTER_END_MS})
    end
  else
    call('ZREM', ENDING, member)
    forget(id_of(member))
  end
end
for _, member in ipairs(call('ZRANGE', RELEASING, 0, -1)) do
  if is_gone(RESOURCES, id_of(member)) then call('ZREM', RELEASING, member) end
end
for _, id in ipairs(due(OVERDRAWN)) do
  if is_gone(RESOURCES, id) then call('ZREM', OVERDRAWN, id) end
end
if call('HDEL', TOTALS, 'lost') == 1 then keep_resources() end
if has_forgotten then recount() end
for _, key in ipairs(KEYS) do
  if key ~= TOTALS then lengthen(key, ${KEPT_UNTENDED_MS}) end
end
`,
);
