import { REPEATED_MS } from '../../../../ports/data.js';
import { BucketScript } from '../bucket-script.js';
import { call, index, openSession, write } from './includes/sessions.includes.js';
import { isStale } from './includes/tokens.includes.js';

/** Stands for an expectation that is not compared: no JSON. */
export const ANY_VALUE = '*';
/** Stands for no value: no JSON. */
export const NO_VALUE = '';

/** id, authority or `*` → record, key, JSON, key, JSON …; `stale`; nothing if the session is not open */
export const READ_DATA = new BucketScript(
  'read',
  { keys: ['sessions', 'data'], includes: [call, isStale] },
  `
local id, authority = unpack(ARGV)
local raw = call('GET', SESSIONS .. id)
local session = raw and cjson.decode(raw)
if not session or session.state ~= 'open' then return {} end
if is_stale(session, authority) then return { 'stale' } end
local found = session.dataBytes > 0 and call('HGETALL', DATA .. id) or {}
table.insert(found, 1, raw)
return found
`,
);

/**
 * id, authority or `*`, id of the write, most bytes, most keys, then per change: key, JSON or '' to remove it, expected JSON, ''
 * for none or `*` → `done`, `changed`, `too_large`, `too_many`, `gone` or `stale`
 */
export const WRITE_DATA = new BucketScript(
  'write',
  { keys: ['sessions', 'data', 'writes'], includes: [call, write, openSession, isStale, index] },
  `
local id, authority, operation, max_bytes, max_keys = unpack(ARGV, 1, 5)
local session = open_session(id)
if not session then return 'gone' end
local data = DATA .. id
if call('EXISTS', WRITES .. operation) == 1 then return 'done' end
if is_stale(session, authority) then return 'stale' end
local bytes, new_keys = session.dataBytes, 0
for i = 6, #ARGV, 3 do
  local key, json, expected = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local held = call('HGET', data, key) or '${NO_VALUE}'
  if expected ~= '${ANY_VALUE}' and expected ~= held then return 'changed' end
  if held ~= '${NO_VALUE}' then bytes, new_keys = bytes - #key - #held, new_keys - 1 end
  if json ~= '${NO_VALUE}' then bytes, new_keys = bytes + #key + #json, new_keys + 1 end
end
if bytes > session.dataBytes and bytes > tonumber(max_bytes) then return 'too_large' end
if new_keys > 0 and call('HLEN', data) + new_keys > tonumber(max_keys) then return 'too_many' end
for i = 6, #ARGV, 3 do
  local key, json = ARGV[i], ARGV[i + 1]
  if json == '${NO_VALUE}' then call('HDEL', data, key) else call('HSET', data, key, json) end
end
call('PEXPIRE', data, call('PTTL', SESSIONS .. id))
call('SET', WRITES .. operation, '', 'PX', ${REPEATED_MS})
if bytes ~= session.dataBytes then
  session.dataBytes = bytes
  write(SESSIONS, session)
  index(session)
end
return 'done'
`,
);
