import { bucketScript } from './redis.script.js';

/** id, reason, instant, lease, whether there is a condition, last activity, whether it must be disposable */
export const BEGIN_END = bucketScript(
  'free',
  `
local id, reason, at, lease, conditional, active_at, disposable = unpack(ARGV)
local session = open_session(id)
if not session then return {} end
if conditional == '1' then
  if session.lastActivityAt > tonumber(active_at) then return {} end
  if disposable == '1' and not is_disposable(session) then return {} end
end
session.state = 'ending'
session.endReason = reason
session.leasedUntil = tonumber(lease)
for _, key in ipairs({ IDLE, EXPIRY, CREATED, ACTIVITY, DISPOSABLE }) do call('ZREM', key, id) end
call('ZADD', ENDING, lease, id)
stamp(session)
see(at)
count('open', -1)
count('closed', 1)
count('ending', 1)
count('ended:' .. reason, 1)
count('ended_duration_ms', math.max(0, tonumber(at) - session.createdAt))
return { write(SESSIONS, session), counted('created'), counted('closed') }
`,
);

/** instant, lease, ids → records of those that could be claimed */
export const CLAIM_ENDING = bucketScript(
  'free',
  `
local claimed = {}
for i = 3, #ARGV do
  local session = read(SESSIONS, ARGV[i])
  if session and session.state == 'ending' and session.leasedUntil <= tonumber(ARGV[1]) then
    session.leasedUntil = tonumber(ARGV[2])
    call('ZADD', ENDING, ARGV[2], session.id)
    claimed[#claimed + 1] = write(SESSIONS, session)
  end
end
return claimed
`,
);

/** id, instant → resources and bytes let go, user id */
export const FINISH_END = bucketScript(
  'free',
  `
local id, at = unpack(ARGV)
local session = read(SESSIONS, id)
if not session or session.state ~= 'ending' then return {} end
local resources, bytes = 0, 0
for _, member in ipairs(members_of(HELD, id)) do
  local resource = read(RESOURCES, after_colon(member, id))
  if resource then
    local one, size = drop(resource, false)
    resources, bytes = resources + one, bytes + size
  end
end
session.state = 'ended'
session.leasedUntil = nil
session.resourceCount = 0
session.bytesUsed = 0
session.ipAddress = ''
session.userAgent = ''
call('ZREM', ENDING, id)
call('ZADD', TOMBSTONES, session.expiresAt, id)
stamp(session)
see(at)
count('ending', -1)
write(SESSIONS, session)
return { resources, bytes, session.userId or '' }
`,
);

/** instant, ids → id and user id of each that was dropped */
export const DROP_TOMBSTONES = bucketScript(
  'free',
  `
local dropped = {}
for i = 2, #ARGV do
  local id = ARGV[i]
  local session = read(SESSIONS, id)
  if session and session.state == 'ended' and session.expiresAt <= tonumber(ARGV[1]) then
    call('HDEL', SESSIONS, id)
    call('HDEL', TOKENS, session.tokenHash)
    local older = session.previousTokenHash
    if older and call('HGET', OLD_TOKENS, older) == id then call('HDEL', OLD_TOKENS, older) end
    call('ZREM', TOMBSTONES, id)
    call('ZREM', CHANGES, id)
    dropped[#dropped + 1] = id
    dropped[#dropped + 1] = session.userId or ''
  end
end
return dropped
`,
);
