import { bucketScript } from './redis.script.js';

/** id, token hash, record → what came of it, sessions created and closed in this bucket */
export const OPEN = bucketScript(
  'write',
  `
local id, token, raw = unpack(ARGV)
local known = read(SESSIONS, id)
local answer = 'opened'
if known then
  answer = known.tokenHash == token and 'known' or 'taken'
elseif call('HEXISTS', TOKENS, token) == 1 then
  answer = 'taken'
else
  local session = cjson.decode(raw)
  stamp(session)
  write(SESSIONS, session)
  call('HSET', TOKENS, token, id)
  call('ZADD', EXPIRY, session.expiresAt, id)
  call('ZADD', CREATED, session.createdAt, id)
  index(session)
  count('created', 1)
  count('open', 1)
  see(session.createdAt)
end
return { answer, counted('created'), counted('closed') }
`,
);

/** token hash → record, whether it is the current token */
export const FIND_BY_TOKEN = bucketScript(
  'read',
  `
local id = call('HGET', TOKENS, ARGV[1])
if id then return { call('HGET', SESSIONS, id), '1' } end
id = call('HGET', OLD_TOKENS, ARGV[1])
if id then return { call('HGET', SESSIONS, id), '0' } end
return {}
`,
);

/** of each touch: id, instant, requests */
export const TOUCH = bucketScript(
  'free',
  `
local newest = ARGV[2]
for i = 1, #ARGV, 3 do
  local id, at, requests = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2])
  if tonumber(at) > tonumber(newest) then newest = at end
  local session = open_session(id)
  if session then
    session.lastActivityAt = math.max(session.lastActivityAt, math.min(tonumber(at), session.expiresAt))
    session.requestCount = session.requestCount + requests
    session.confirmed = session.confirmed or requests > 0
    write(SESSIONS, session)
    index(session)
  end
end
see(newest)
`,
);

/** id, epoch, user id */
export const BIND = bucketScript(
  'write',
  `
local id, epoch, user = unpack(ARGV)
local session = open_session(id)
if not session then return 'gone' end
if session.epoch ~= tonumber(epoch) then return 'stale' end
if session.userId == user then return 'bound' end
session.userId = user
tell(session)
write(SESSIONS, session)
index(session)
return 'bound'
`,
);

/** id, epoch, new token hash, instant */
export const ROTATE = bucketScript(
  'write',
  `
local id, epoch, token, at = unpack(ARGV)
local session = open_session(id)
if not session then return 'gone' end
if session.epoch ~= tonumber(epoch) then return 'stale' end
if call('HEXISTS', TOKENS, token) == 1 then return 'taken' end
local older = session.previousTokenHash
if older and call('HGET', OLD_TOKENS, older) == id then call('HDEL', OLD_TOKENS, older) end
call('HDEL', TOKENS, session.tokenHash)
call('HSET', OLD_TOKENS, session.tokenHash, id)
call('HSET', TOKENS, token, id)
session.previousTokenHash = session.tokenHash
session.replacedAt = tonumber(at)
session.tokenHash = token
session.epoch = session.epoch + 1
tell(session)
write(SESSIONS, session)
see(at)
return 'rotated'
`,
);
