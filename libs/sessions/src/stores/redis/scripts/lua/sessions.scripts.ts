import { BucketScript } from '../bucket-script.js';
import { BUDGET_KEPT_MS } from '../redis.layout.js';
import { countSession, moveCounted } from './includes/budgets.includes.js';
import { bytesOf, enterMark, keepHash } from './includes/journal.includes.js';
import {
  call,
  counted,
  idleEnd,
  index,
  isProvisional,
  keepRecords,
  lifetime,
  openSession,
  publishChange,
  read,
  see,
  write,
} from './includes/sessions.includes.js';
import { countTrends } from './includes/trends.includes.js';
import { isReplaced, replaceable, replaceToken } from './includes/tokens.includes.js';

/**
 * id, token hash, record, instants of opening, absolute and idle end, network or '', its limit of sessions without a user or 0, text
 * of its first mark or '' → `opened`, `known`, `taken` or `network-full`, sessions created and closed in this bucket
 */
export const OPEN = new BucketScript(
  'write',
  {
    keys: [
      'sessions',
      'tokens',
      'opened',
      'timelines',
      'totals',
      'changes',
      'expiry',
      'created',
      'idle',
      'activity',
      'evictable',
      'bytes',
      'budgets',
    ],
    includes: [call, read, counted, lifetime, moveCounted, bytesOf, countTrends],
  },
  `
local id, token, raw, created_at, expires_at, idle_ends_at, network, most_of_network, mark = unpack(ARGV)
local known = read(SESSIONS, id)
if known and known.tokenHash == token then return { 'known', counted('created'), counted('closed') } end
if not known and tonumber(most_of_network) > 0 then
  local sessions = call('HGET', BUDGETS .. 'network:' .. network, 'sessions') or 0
  if tonumber(sessions) >= tonumber(most_of_network) then
    return { 'network-full', counted('created'), counted('closed') }
  end
end
local kept_ms = lifetime(expires_at, created_at)
if known or not call('SET', TOKENS .. token, id, 'NX', 'PX', kept_ms) then
  return { 'taken', counted('created'), counted('closed') }
end
local totals = call('HMGET', TOTALS, 'counter', 'created', 'open', 'closed', 'seen_at', 'entries', 'journal_bytes')
for i = 1, 7 do totals[i] = tonumber(totals[i] or 0) end
local change = totals[1] + 1
-- Not by enter(): an opening writes its totals in one call.
if mark ~= '' then
  local entry = string.format('%.0f:', totals[6] + 1) .. mark
  totals[6], totals[7] = totals[6] + 1, totals[7] + bytes_of(entry)
  call('SET', OPENED .. id, entry, 'PX', kept_ms)
  call('ZADD', TIMELINES, created_at, id)
end
call('HSET', TOTALS, 'counter', change, 'created', totals[2] + 1, 'open', totals[3] + 1,
  'seen_at', math.max(totals[5], created_at), 'entries', totals[6], 'journal_bytes', totals[7])
call('SET', SESSIONS .. id, string.format('%s,"change":%.0f}', string.sub(raw, 1, -2), change), 'PX', kept_ms)
call('ZADD', CHANGES, change, id)
call('ZADD', EXPIRY, expires_at, id)
call('ZADD', CREATED, created_at, id)
call('ZADD', IDLE, idle_ends_at, id)
call('ZADD', ACTIVITY, created_at, id)
call('ZADD', EVICTABLE, created_at, id)
call('ZADD', BYTES, 0, id)
if network ~= '' then
  local of_network = BUDGETS .. 'evictable:' .. network
  call('ZADD', of_network, created_at, id)
  call('PEXPIRE', of_network, ${BUDGET_KEPT_MS})
  move_counted(id, 'network:' .. network, 0, 0)
end
count_trends(tonumber(created_at), { 'opened', 1 })
return { 'opened', totals[2] + 1, totals[4] }
`,
);

/** token hash → record, and the instant of its replacement unless it is the current token; nothing for no session */
export const FIND_BY_TOKEN = new BucketScript(
  'read',
  { keys: ['sessions', 'tokens', 'replaced', 'replaced_at'], includes: [call] },
  `
local id = call('GET', TOKENS .. ARGV[1])
if id then return { call('GET', SESSIONS .. id) or nil } end
id = call('HGET', REPLACED, ARGV[1])
local raw = id and call('GET', SESSIONS .. id)
if raw then return { raw, call('ZSCORE', REPLACED_AT, ARGV[1]) } end
return {}
`,
);

/**
 * per touch: id, instant, requests → id, network and idle end, '' if it is not provisional, of each session that its network
 * counted
 */
export const TOUCH = new BucketScript(
  'free',
  { keys: ['sessions'], includes: [write, see, openSession, isProvisional, idleEnd, index] },
  `
local newest = ARGV[2]
local networks = {}
for i = 1, #ARGV, 3 do
  local id, at, requests = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2])
  if tonumber(at) > tonumber(newest) then newest = at end
  local session = open_session(id)
  if session then
    session.lastActivityAt = math.max(session.lastActivityAt, math.min(tonumber(at), session.expiresAt))
    session.requestCount = session.requestCount + requests
    session.confirmed = session.confirmed or requests > 0
    if session.isAwaited then
      networks[#networks + 1] = id
      networks[#networks + 1] = session.network
      networks[#networks + 1] = is_provisional(session) and string.format('%.0f', idle_end(session)) or ''
      if session.confirmed then session.isAwaited = nil end
    end
    write(SESSIONS, session)
    index(session)
  end
end
see(newest)
return networks
`,
);

/**
 * id, authority or `*`, user id, new token hash, instant, `1` to delete its data, new absolute end or '', new idle time or '', `1`
 * if the client keeps its token, most sessions of the user or 0, text of a mark or '', hash of the user or '' → `done`, `full`, or an
 * answer of `replaceable`
 */
export const LOGIN = new BucketScript(
  'write',
  {
    keys: ['sessions', 'data', 'expiry', 'budgets'],
    includes: [
      call,
      write,
      see,
      publishChange,
      index,
      replaceable,
      replaceToken,
      keepRecords,
      countSession,
      enterMark,
      keepHash,
      countTrends,
    ],
  },
  `
local id, authority, user, token, at, drops_data, expires_at, idle_ms, remembered, most, mark, hash = unpack(ARGV)
local session, refused = replaceable(id, authority, token, user)
if not session then return refused end
if tonumber(most) > 0 and not session.userId then
  local sessions = call('HGET', BUDGETS .. 'user:' .. user, 'sessions') or 0
  if tonumber(sessions) >= tonumber(most) then return 'full' end
end
if expires_at ~= '' then
  session.expiresAt = tonumber(expires_at)
  call('ZADD', EXPIRY, expires_at, id)
  keep_records(session, at)
end
if idle_ms ~= '' then session.idleMs = tonumber(idle_ms) end
session.remembered = remembered == '1'
replace_token(session, token, at)
session.userId = user
session.loggedInAt = tonumber(at)
if drops_data == '1' then
  call('DEL', DATA .. id)
  session.dataBytes = 0
end
if mark ~= '' then
  enter_mark(session, mark)
  keep_hash(session, hash)
end
publish_change(session)
write(SESSIONS, session)
index(session)
count_session(session)
count_trends(tonumber(at), { 'logins', 1 })
for _, budget in ipairs({ 'user:' .. user, 'users' }) do call('PEXPIRE', BUDGETS .. budget, ${BUDGET_KEPT_MS}) end
see(at)
return 'done'
`,
);

/**
 * id, authority or `*`, new token hash, instant, `1` to keep authorities, text of a mark or '' → `done`, or an answer of
 * `replaceable`
 */
export const REGENERATE = new BucketScript(
  'write',
  { keys: ['sessions'], includes: [write, see, publishChange, replaceable, replaceToken, enterMark] },
  `
local id, authority, token, at, keeps, mark = unpack(ARGV)
local session, refused = replaceable(id, authority, token)
if not session then return refused end
replace_token(session, token, at, keeps == '1')
if mark ~= '' then enter_mark(session, mark) end
publish_change(session)
write(SESSIONS, session)
see(at)
return 'done'
`,
);

/** id, authority or `*`, address → `done`, `taken` (another one is recorded), `gone` or `stale` */
export const LEARN_ADDRESS = new BucketScript(
  'write',
  { keys: ['sessions'], includes: [write, openSession, publishChange, isReplaced] },
  `
local id, authority, address = unpack(ARGV)
local session = open_session(id)
if not session then return 'gone' end
if is_replaced(session, authority) then return 'stale' end
if session.otherAddress then return session.otherAddress == address and 'done' or 'taken' end
session.otherAddress = address
publish_change(session)
write(SESSIONS, session)
return 'done'
`,
);
