import { BucketScript } from '../bucket-script.js';
import { countSession } from './includes/budgets.includes.js';
import { dropTimeline, enterAudit, enterMark, keepTimeline } from './includes/journal.includes.js';
import {
  account,
  drop,
  finishPart,
  leaseMember,
  nobody,
  writeAccounts,
} from './includes/resources.includes.js';
import {
  afterColon,
  call,
  count,
  counted,
  evictionRank,
  indexUsage,
  keptUntil,
  lifetime,
  membersOf,
  openSession,
  publishChange,
  read,
  see,
  write,
} from './includes/sessions.includes.js';
import { countTrends, durationName } from './includes/trends.includes.js';

/**
 * id, reason, instant, lease, node, a condition's last activity, eviction rank and user, each or '', instant until which its
 * tombstone is kept or '', requests beyond those of the record, beginning of its last mark or '', beginning of an entry in the audit or '', digits of this bucket, most
 * bytes of its audit → record, sessions created and closed in this bucket, the network that counted it or ''; nothing if the session
 * is not open or the condition fails
 */
export const BEGIN_END = new BucketScript(
  'free',
  {
    keys: [
      'sessions',
      'tokens',
      'resources',
      'data',
      'held',
      'overdrawn',
      'ending',
      'ended',
      'idle',
      'expiry',
      'created',
      'activity',
      'evictable',
      'budgets',
    ],
    includes: [
      call,
      read,
      write,
      count,
      counted,
      indexUsage,
      see,
      openSession,
      evictionRank,
      publishChange,
      membersOf,
      afterColon,
      nobody,
      leaseMember,
      countSession,
      lifetime,
      keptUntil,
      keepTimeline,
      enterMark,
      enterAudit,
      countTrends,
      durationName,
    ],
  },
  `
local id, reason, at, lease, node, active_at, rank, user, kept_until, requests, mark, audit, place, most = unpack(ARGV)
local session = open_session(id)
if not session then return {} end
if active_at ~= '' and session.lastActivityAt > tonumber(active_at) then return {} end
if rank ~= '' and (eviction_rank(session) or 9) > tonumber(rank) then return {} end
if user ~= '' and session.userId ~= user then return {} end
local duration = math.max(0, tonumber(at) - session.createdAt)
local holds = string.format('"resources":%.0f,"bytes":%.0f}', session.resourceCount, session.bytesUsed)
if mark ~= '' then
  local lived = string.format(',"durationMs":%.0f,"requests":%.0f,', duration, session.requestCount + tonumber(requests))
  enter_mark(session, mark .. lived .. holds)
end
count_trends(tonumber(at), { 'ended:' .. reason, 1, duration_name(duration), 1 })
if audit ~= '' then enter_audit(at, audit .. ',' .. holds, place, most) end
if kept_until ~= '' then
  session.endedAt = tonumber(at)
  call('ZADD', ENDED, at, id)
  session.keptUntil = tonumber(kept_until)
  local ms = lifetime(kept_until_of(session), at)
  call('PEXPIRE', SESSIONS .. id, ms)
  call('PEXPIRE', TOKENS .. session.tokenHash, ms)
  keep_timeline(id, ms)
end
local network = session.isAwaited and session.network or ''
if session.network then call('ZREM', BUDGETS .. 'evictable:' .. session.network, id) end
session.isAwaited = nil
session.network = nil
session.ipAddress = ''
session.otherAddress = nil
session.userAgent = ''
session.state = 'ending'
session.endReason = reason
session.dataBytes = 0
call('DEL', DATA .. id)
session.parts = {}
for _, member in ipairs(members_of(HELD, id)) do
  local resource = read(RESOURCES, after_colon(member, id))
  local owner = resource and resource.nodeId
  if resource and resource.overdrawn then call('ZREM', OVERDRAWN, resource.id) end
  if owner then session.parts[owner] = owner == node and tonumber(lease) or 0 end
end
if not next(session.parts) then session.parts[NOBODY] = tonumber(lease) end
for owner, until_at in pairs(session.parts) do call('ZADD', ENDING, 0, lease_member(owner, until_at, id)) end
for _, key in ipairs({ IDLE, EXPIRY, CREATED, ACTIVITY, EVICTABLE }) do call('ZREM', key, id) end
index_usage(session)
count_session(session)
publish_change(session)
see(at)
count('open', -1)
count('closed', 1)
count('ending', 1)
count('ended:' .. reason, 1)
count('ended_duration_ms', duration)
return { write(SESSIONS, session), counted('created'), counted('closed'), network }
`,
);

/** instant, lease, node, ids → records of the leased sessions */
export const LEASE_ENDING = new BucketScript(
  'free',
  { keys: ['sessions', 'ending'], includes: [call, read, write, nobody, leaseMember] },
  `
local at, lease, node = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local leased = {}
for i = 4, #ARGV do
  local session = read(SESSIONS, ARGV[i])
  if session and session.state == 'ending' then
    for _, owner in ipairs({ node, NOBODY }) do
      local held = session.parts[owner]
      if held and held <= at then
        call('ZREM', ENDING, lease_member(owner, held, session.id))
        call('ZADD', ENDING, 0, lease_member(owner, lease, session.id))
        session.parts[owner] = lease
        leased[#leased + 1] = write(SESSIONS, session)
      end
    end
  end
end
return leased
`,
);

/**
 * id, node, instant, user whose index no longer has the session or '' → released resources and bytes; a user id alone, with
 * nothing changed, if that user's index may have it: an ended session must be in none
 */
export const FINISH_END = new BucketScript(
  'free',
  { keys: ['sessions'], includes: [read, finishPart] },
  `
local id, node, at, user = unpack(ARGV)
local session = read(SESSIONS, id)
if not session or session.state ~= 'ending' then return {} end
if session.userId and session.userId ~= user then return { session.userId } end
return { finish_part(session, node, at, true) }
`,
);

/** node, limit → id, user id, id, user id … of the first ends that wait for the node */
export const USERS_OF_ENDS = new BucketScript(
  'read',
  { keys: ['sessions', 'ending'], includes: [call, read] },
  `
local node, most = unpack(ARGV)
local found = {}
for _, member in ipairs(call('ZRANGEBYLEX', ENDING, '[' .. node .. ':', '(' .. node .. ';', 'LIMIT', 0, most)) do
  local session = read(SESSIONS, string.sub(member, #node + 19))
  if session and session.userId then
    found[#found + 1] = session.id
    found[#found + 1] = session.userId
  end
end
return found
`,
);

/** node, instant, limit → number of processed ends that waited for the node, released resources and bytes */
export const FORGET_ENDS = new BucketScript(
  'free',
  { keys: ['sessions', 'ending'], includes: [call, read, finishPart] },
  `
local node, at, most = ARGV[1], ARGV[2], ARGV[3]
local members = call('ZRANGEBYLEX', ENDING, '[' .. node .. ':', '(' .. node .. ';', 'LIMIT', 0, most)
local resources, bytes = 0, 0
for _, member in ipairs(members) do
  local session = read(SESSIONS, string.sub(member, #node + 19))
  if session and session.state == 'ending' then
    local some, size = finish_part(session, node, at, false)
    resources, bytes = resources + some, bytes + size
  else
    call('ZREM', ENDING, member)
  end
end
return { #members, resources, bytes }
`,
);

/** node, cursor, `-` to begin → the next cursor or '', released resources and bytes of sessions that are not ending */
export const FORGET_FILES = new BucketScript(
  'free',
  { keys: ['sessions', 'resources', 'held'], includes: [call, read, drop, account, writeAccounts] },
  `
local node, cursor = unpack(ARGV)
local resources, bytes = 0, 0
local members = call('ZRANGEBYLEX', HELD, cursor, '+', 'LIMIT', 0, 500)
for _, member in ipairs(members) do
  local resource = read(RESOURCES, string.match(member, '[^:]+$'))
  if resource and resource.nodeId == node then
    local one, size = drop(resource, false)
    resources, bytes = resources + one, bytes + size
    local session = read(SESSIONS, resource.sessionId)
    if session then
      account(session, resource, -1)
      write_accounts(session)
    end
  end
end
return { #members == 500 and '(' .. members[500] or '', resources, bytes }
`,
);

/** hash of a user → id, instant of the end, id, instant … of the sessions with it that are over and kept, in no order */
export const ENDED_OF_USER = new BucketScript(
  'read',
  { keys: ['hashes', 'ended'], includes: [call, membersOf, afterColon] },
  `
local hash = ARGV[1]
local found = {}
for _, member in ipairs(members_of(HASHES, hash)) do
  local id = after_colon(member, hash)
  local ended_at = call('ZSCORE', ENDED, id)
  if ended_at then
    found[#found + 1] = id
    found[#found + 1] = ended_at
  end
end
return found
`,
);

/** instant, ids → id of each dropped tombstone */
export const DROP_TOMBSTONES = new BucketScript(
  'free',
  {
    keys: ['sessions', 'tokens', 'ended', 'tombstones', 'changes', 'hashes'],
    includes: [call, read, keptUntil, dropTimeline],
  },
  `
local dropped = {}
for i = 2, #ARGV do
  local id = ARGV[i]
  local session = read(SESSIONS, id)
  if session and session.state == 'ended' and kept_until_of(session) <= tonumber(ARGV[1]) then
    call('DEL', SESSIONS .. id, TOKENS .. session.tokenHash)
    for _, key in ipairs({ ENDED, TOMBSTONES, CHANGES }) do call('ZREM', key, id) end
    drop_timeline(id)
    if session.userHash then call('ZREM', HASHES, session.userHash .. ':' .. id) end
    dropped[#dropped + 1] = id
  end
end
return dropped
`,
);
