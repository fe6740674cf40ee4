import { PROVISIONAL_MS } from '../../../../../domain/lifetime.js';
import { LuaInclude } from '../../lua-include.js';
import { BUDGET_KEPT_MS, CHANGES_CHANNEL, KEPT_AFTER_END_MS } from '../../redis.layout.js';

/*
 * Includes of scripts that read and write sessions. A record is JSON; null fields of the domain are absent in it. SESSIONS,
 * TOKENS and RESOURCES are the beginnings of keys: an id or a hash follows.
 */

export const call = new LuaInclude('call', {}, `local call = redis.call`);

/** beginning of a key, id → record, or nil */
export const read = new LuaInclude(
  'read',
  { includes: [call] },
  `
local function read(key, id)
  local raw = call('GET', key .. id)
  return raw and cjson.decode(raw) or nil
end`,
);

/** beginning of a key, record that is stored already → its JSON. The lifetime of the key stays. */
export const write = new LuaInclude(
  'write',
  { includes: [call] },
  `
local function write(key, record)
  local raw = cjson.encode(record)
  call('SET', key .. record.id, raw, 'KEEPTTL')
  return raw
end`,
);

/** absolute end of a session, instant → the lifetime of its records from that instant on, in milliseconds */
export const lifetime = new LuaInclude(
  'lifetime',
  {},
  `
local function lifetime(expires_at, at)
  return string.format('%.0f', math.max(0, expires_at - at) + ${KEPT_AFTER_END_MS})
end`,
);

/** session → the instant until which its tombstone is kept */
export const keptUntil = new LuaInclude(
  'kept_until_of',
  {},
  `
local function kept_until_of(session)
  return math.max(session.expiresAt, session.keptUntil or 0)
end`,
);

/** key of an index of `owner:id`, owner → the members of that owner */
export const membersOf = new LuaInclude(
  'members_of',
  { includes: [call] },
  `
local function members_of(key, owner)
  local first = '[' .. owner .. ':'
  return call('ZRANGEBYLEX', key, first, '(' .. owner .. ';')
end`,
);

/** `owner:id`, owner → id */
export const afterColon = new LuaInclude(
  'after_colon',
  {},
  `
local function after_colon(member, owner)
  return string.sub(member, #owner + 2)
end`,
);

/** session, instant: its records live until its absolute end and longer, as those that are written from now on */
export const keepRecords = new LuaInclude(
  'keep_records',
  {
    keys: ['sessions', 'resources', 'data', 'opened', 'marks', 'deeds', 'requests', 'held'],
    includes: [call, lifetime, membersOf, afterColon],
  },
  `
local function keep_records(session, at)
  local ms = lifetime(session.expiresAt, at)
  for _, key in ipairs({ SESSIONS, DATA, OPENED, MARKS, DEEDS, REQUESTS }) do call('PEXPIRE', key .. session.id, ms) end
  for _, held in ipairs(members_of(HELD, session.id)) do
    call('PEXPIRE', RESOURCES .. after_colon(held, session.id), ms)
  end
end`,
);

/** name of a total, number to add */
export const count = new LuaInclude(
  'count',
  { keys: ['totals'], includes: [call] },
  `
local function count(name, by)
  if by ~= 0 then call('HINCRBY', TOTALS, name, by) end
end`,
);

/** name of a total → its text */
export const counted = new LuaInclude(
  'counted',
  { keys: ['totals'], includes: [call] },
  `
local function counted(name)
  return call('HGET', TOTALS, name) or '0'
end`,
);

/** instant: the bucket keeps the newest */
export const see = new LuaInclude(
  'see',
  { keys: ['totals'], includes: [call] },
  `
local function see(at)
  local seen = call('HGET', TOTALS, 'seen_at')
  if not seen or tonumber(seen) < tonumber(at) then call('HSET', TOTALS, 'seen_at', at) end
end`,
);

/** id → session, or nil if it is not open */
export const openSession = new LuaInclude(
  'open_session',
  { keys: ['sessions'], includes: [read] },
  `
local function open_session(id)
  local session = read(SESSIONS, id)
  if session and session.state == 'open' then return session end
end`,
);

/** session → whether it is disposable: `isDisposable` of the domain */
export const isDisposable = new LuaInclude(
  'is_disposable',
  {},
  `
local function is_disposable(session)
  return session.resourceCount == 0 and session.incomingCount == 0 and session.dataBytes == 0
    and not session.userId
end`,
);

/** session → whether its cookie never came back, and it holds nothing: `isProvisional` of the domain */
export const isProvisional = new LuaInclude(
  'is_provisional',
  { includes: [isDisposable] },
  `
local function is_provisional(session)
  return not session.confirmed and is_disposable(session)
end`,
);

/** session → its rank, or nil if it is never evicted: `evictionRank` of the domain */
export const evictionRank = new LuaInclude(
  'eviction_rank',
  { includes: [isDisposable, isProvisional] },
  `
local function eviction_rank(session)
  if session.userId then return nil end
  if is_provisional(session) then return 0 end
  if not session.confirmed then return 1 end
  return is_disposable(session) and 2 or nil
end`,
);

/** session → its score among the evictable, which sorts by rank, then by last activity; nil if it is never evicted */
export const evictionScore = new LuaInclude(
  'eviction_score',
  { includes: [evictionRank] },
  `
local function eviction_score(session)
  local rank = eviction_rank(session)
  return rank and rank * 1e14 + session.lastActivityAt
end`,
);

/** session → its idle end: `idleEndsAt` of the domain */
export const idleEnd = new LuaInclude(
  'idle_end',
  { includes: [isProvisional] },
  `
local function idle_end(session)
  if is_provisional(session) then
    return session.lastActivityAt + math.min(${PROVISIONAL_MS}, session.idleMs)
  end
  return session.lastActivityAt + session.idleMs
end`,
);

/** open session: updates the indexes of idle end, activity and evictable sessions, of all and of its network */
export const index = new LuaInclude(
  'index',
  { keys: ['idle', 'activity', 'evictable', 'budgets'], includes: [call, idleEnd, evictionScore] },
  `
local function index(session)
  call('ZADD', IDLE, idle_end(session), session.id)
  call('ZADD', ACTIVITY, session.lastActivityAt, session.id)
  local score = eviction_score(session)
  local of_network = session.network and BUDGETS .. 'evictable:' .. session.network
  if score then
    call('ZADD', EVICTABLE, score, session.id)
    if of_network and call('ZADD', of_network, score, session.id) == 1 then
      call('PEXPIRE', of_network, ${BUDGET_KEPT_MS})
    end
  else
    call('ZREM', EVICTABLE, session.id)
    if of_network then call('ZREM', of_network, session.id) end
  end
end`,
);

/** open session: updates the indexes of what it holds; any other session leaves them */
export const indexUsage = new LuaInclude(
  'index_usage',
  { keys: ['bytes', 'files', 'streams'], includes: [call] },
  `
local function index_usage(session)
  local is_open = session.state == 'open'
  local streams = session.streamCount
  local function set(key, amount, is_listed)
    if is_open and is_listed then call('ZADD', key, amount, session.id) else call('ZREM', key, session.id) end
  end
  set(BYTES, session.bytesUsed, true)
  set(FILES, session.resourceCount - streams, session.resourceCount > streams)
  set(STREAMS, streams, streams > 0)
end`,
);

/** session: sets the number of a new change; the caller writes it */
export const stamp = new LuaInclude(
  'stamp',
  { keys: ['totals', 'changes'], includes: [call] },
  `
local function stamp(session)
  session.change = call('HINCRBY', TOTALS, 'counter', 1)
  call('ZADD', CHANGES, session.change, session.id)
end`,
);

/** session: stamps a change and notifies other processes. Ignores a missing permission to publish: they also poll. */
export const publishChange = new LuaInclude(
  'publish_change',
  { keys: ['totals'], includes: [stamp] },
  `
local function publish_change(session)
  stamp(session)
  redis.pcall('PUBLISH', string.match(TOTALS, '^[^{]*') .. '${CHANGES_CHANNEL}', '')
end`,
);
