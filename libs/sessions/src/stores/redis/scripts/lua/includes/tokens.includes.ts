import { AUTHORITY_LENGTH, MOST_REPLACED, REPLACED_MS } from '../../../../../domain/session.js';
import { LuaInclude } from '../../lua-include.js';
import { call, lifetime, openSession } from './sessions.includes.js';

/** Stands for an authority that is not compared. No authority equals it: they consist of other characters. */
export const ANY_AUTHORITY = '*';

/** Replaced tokens that are forgotten with each replacement, at most. */
const FORGOTTEN_AT_ONCE = 1000;

/** session, authority or `*` → whether its token is another one now: `isReplaced` of the domain */
export const isReplaced = new LuaInclude(
  'is_replaced',
  {},
  `
local function is_replaced(session, authority)
  return authority ~= '${ANY_AUTHORITY}' and string.sub(session.tokenHash, 1, ${AUTHORITY_LENGTH}) ~= authority
end`,
);

/** session, authority or `*` → whether it may no longer act: `isStale` of the domain */
export const isStale = new LuaInclude(
  'is_stale',
  { includes: [isReplaced] },
  `
local function is_stale(session, authority)
  if not is_replaced(session, authority) then return false end
  for _, kept in ipairs(session.keptAuthorities or {}) do
    if kept == authority then return false end
  end
  return true
end`,
);

/**
 * id, authority or `*`, new token hash, new user or nil → the session whose token may be replaced; nil and the answer if it
 * may not: `gone`, `stale`, `taken` (another user's), `used` (another session has the token); `done` if it is a repeat
 */
export const replaceable = new LuaInclude(
  'replaceable',
  { keys: ['tokens', 'replaced'], includes: [call, openSession, isReplaced] },
  `
local function replaceable(id, authority, token, user)
  local session = open_session(id)
  if not session then return nil, 'gone' end
  if session.tokenHash == token then return nil, (not user or session.userId == user) and 'done' or 'stale' end
  if is_replaced(session, authority) then return nil, 'stale' end
  if user and session.userId and session.userId ~= user then return nil, 'taken' end
  local holder = call('GET', TOKENS .. token) or call('HGET', REPLACED, token)
  if holder then return nil, holder == id and 'stale' or 'used' end
  return session
end`,
);

/**
 * session, new token hash, instant, whether authorities are kept (`keptWith` of the domain): replaces the token in the record
 * and the indexes; the caller writes the record
 */
export const replaceToken = new LuaInclude(
  'replace_token',
  { keys: ['tokens', 'replaced', 'replaced_at'], includes: [call, lifetime] },
  `
local function replace_token(session, token, at, keeps)
  local function forget(hashes)
    if #hashes == 0 then return end
    call('HDEL', REPLACED, unpack(hashes))
    call('ZREM', REPLACED_AT, unpack(hashes))
  end
  forget(call('ZRANGEBYSCORE', REPLACED_AT, '-inf', at - ${REPLACED_MS}, 'LIMIT', 0, ${FORGOTTEN_AT_ONCE}))
  local kept = {}
  for _, hash in ipairs(session.replaced or {}) do
    if call('HGET', REPLACED, hash) == session.id then kept[#kept + 1] = hash end
  end
  kept[#kept + 1] = session.tokenHash
  while #kept > ${MOST_REPLACED} do forget({ table.remove(kept, 1) }) end
  call('HSET', REPLACED, session.tokenHash, session.id)
  call('ZADD', REPLACED_AT, at, session.tokenHash)
  for _, key in ipairs({ REPLACED, REPLACED_AT }) do call('PEXPIRE', key, ${2 * REPLACED_MS}) end
  call('DEL', TOKENS .. session.tokenHash)
  call('SET', TOKENS .. token, session.id, 'PX', lifetime(session.expiresAt, at))
  session.replaced = kept
  local acting = keeps and (session.keptAuthorities or {}) or {}
  if keeps then acting[#acting + 1] = string.sub(session.tokenHash, 1, ${AUTHORITY_LENGTH}) end
  while #acting > ${MOST_REPLACED} do table.remove(acting, 1) end
  session.keptAuthorities = #acting > 0 and acting or nil
  session.tokenHash = token
end`,
);
