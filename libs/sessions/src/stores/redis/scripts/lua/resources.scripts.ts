import { STREAM_TYPE } from '../../../../domain/resource.js';
import { BucketScript } from '../bucket-script.js';
import { brokenQuota, countSession } from './includes/budgets.includes.js';
import {
  account,
  admitsFile,
  isReadable,
  ofOpenSession,
  writeAccounts,
} from './includes/resources.includes.js';
import {
  afterColon,
  call,
  count,
  lifetime,
  membersOf,
  openSession,
  read,
  write,
} from './includes/sessions.includes.js';
import { isStale } from './includes/tokens.includes.js';

/*
 * An authority is `*` where none is compared.
 */

/**
 * record, authority, maximum resources, bytes and streams, what to do at a limit, limits of budgets → `reserved`, `full`, a quota,
 * `stale` or `gone`
 */
export const RESERVE = new BucketScript(
  'write',
  {
    keys: ['resources', 'held', 'by_process'],
    includes: [
      call,
      read,
      count,
      lifetime,
      openSession,
      isStale,
      admitsFile,
      brokenQuota,
      account,
      writeAccounts,
    ],
  },
  `
local raw, authority, max_resources, max_bytes, max_streams, on_limit = unpack(ARGV)
local resource = cjson.decode(raw)
local session = open_session(resource.sessionId)
if not session then return 'gone' end
if is_stale(session, authority) then return 'stale' end
local known = read(RESOURCES, resource.id)
if known then
  return known.sessionId == resource.sessionId and known.state ~= 'releasing' and 'reserved' or 'gone'
end
session.most = { resources = tonumber(max_resources), bytes = tonumber(max_bytes) }
if resource.type == '${STREAM_TYPE}' then
  if session.streamCount >= tonumber(max_streams) then return 'full' end
elseif not admits_file(session, resource.nodeId, 1, resource.sizeBytes, max_resources, max_bytes, on_limit) then
  return 'full'
else
  local quota = broken_quota(session, 1, resource.sizeBytes, unpack(ARGV, 7))
  if quota then return quota end
end
call('SET', RESOURCES .. resource.id, raw, 'PX', lifetime(session.expiresAt, resource.createdAt))
call('ZADD', HELD, 0, resource.sessionId .. ':' .. resource.id)
call('ZADD', BY_PROCESS, 0, resource.processId .. ':' .. resource.id)
account(session, resource, 1)
write_accounts(session)
count('active:' .. resource.type, 1)
count('active_bytes:' .. resource.type, resource.sizeBytes)
if resource.nodeId then count('node:' .. resource.nodeId, 1) end
return 'reserved'
`,
);

/** id, authority, bytes, maximum resources and bytes, what to do at a limit, limits of budgets → `grown`, `full`, a quota, `stale` or `gone` */
export const GROW = new BucketScript(
  'write',
  {
    keys: ['sessions', 'resources'],
    includes: [write, count, ofOpenSession, isStale, admitsFile, brokenQuota, account, countSession],
  },
  `
local id, authority, bytes, max_resources, max_bytes, on_limit = unpack(ARGV)
local resource, session = of_open_session(id)
if not resource then return 'gone' end
if is_stale(session, authority) then return 'stale' end
if resource.state ~= 'writing' then return 'gone' end
bytes = tonumber(bytes)
if not admits_file(session, resource.nodeId, 0, bytes, max_resources, max_bytes, on_limit) then return 'full' end
session.most = { resources = tonumber(max_resources), bytes = tonumber(max_bytes) }
local quota = broken_quota(session, 0, bytes, unpack(ARGV, 7))
if quota then return quota end
account(session, resource, -1)
resource.sizeBytes = resource.sizeBytes + bytes
account(session, resource, 1)
write(RESOURCES, resource)
write(SESSIONS, session)
count_session(session)
count('active_bytes:' .. resource.type, bytes)
return 'grown'
`,
);

/** id, instant since when it receives no bytes if it receives none → 1 if it is being written, else 0 */
export const NOTE_STALL = new BucketScript(
  'write',
  { keys: ['resources'], includes: [write, ofOpenSession] },
  `
local id, since = unpack(ARGV)
local resource = of_open_session(id)
if not resource or resource.state ~= 'writing' then return 0 end
resource.stalledSince = since and tonumber(since)
write(RESOURCES, resource)
return 1
`,
);

/** id, authority, bytes, instant, media type if any → record, or `surplus` if there are more bytes than reserved, `stale` or `gone` */
export const COMPLETE = new BucketScript(
  'free',
  {
    keys: ['sessions', 'resources'],
    includes: [call, write, count, ofOpenSession, isStale, account, countSession],
  },
  `
local id, authority, bytes, at, media_type = unpack(ARGV)
local resource, session = of_open_session(id)
if not resource then return 'gone' end
if is_stale(session, authority) then return 'stale' end
if resource.state == 'releasing' then return 'gone' end
if resource.state ~= 'writing' then return call('GET', RESOURCES .. id) end
local surplus = resource.sizeBytes - tonumber(bytes)
if surplus < 0 then return 'surplus' end
account(session, resource, -1)
resource.completed = true
resource.stalledSince = nil
resource.state = 'complete'
resource.sizeBytes = tonumber(bytes)
resource.mediaType = media_type or resource.mediaType
resource.lastUsedAt = math.max(resource.lastUsedAt, tonumber(at))
account(session, resource, 1)
write(SESSIONS, session)
count_session(session)
count('active_bytes:' .. resource.type, -surplus)
return write(RESOURCES, resource)
`,
);

/** session id, authority, resource id → record or `stale`; nothing if the session has no such resource */
export const FIND_OF_SESSION = new BucketScript(
  'read',
  { keys: ['sessions', 'resources', 'held'], includes: [call, read, isStale] },
  `
local session_id, authority, id = unpack(ARGV)
local session = read(SESSIONS, session_id)
if session and is_stale(session, authority) then return { 'stale' } end
if not call('ZSCORE', HELD, session_id .. ':' .. id) then return {} end
return { call('GET', RESOURCES .. id) or nil }
`,
);

/** id, authority, process, instant → record or `stale`; nothing if the resource cannot be read */
export const USE = new BucketScript(
  'write',
  { keys: ['resources', 'by_process'], includes: [call, write, ofOpenSession, isStale, isReadable] },
  `
local id, authority, process, at = unpack(ARGV)
local resource, session = of_open_session(id)
if not resource then return {} end
if is_stale(session, authority) then return { 'stale' } end
if not is_readable(resource) then return {} end
resource.usedBy[process] = (resource.usedBy[process] or 0) + 1
resource.uses = resource.uses + 1
resource.lastUsedAt = math.max(resource.lastUsedAt, tonumber(at))
call('ZADD', BY_PROCESS, 0, process .. ':' .. id)
return { write(RESOURCES, resource) }
`,
);

/** id, process, instant → number of overdrawn files of the session */
export const UNUSE = new BucketScript(
  'free',
  { keys: ['sessions', 'resources', 'by_process'], includes: [call, read, write] },
  `
local id, process, at = unpack(ARGV)
local resource = read(RESOURCES, id)
if not resource then return 0 end
local uses = resource.usedBy[process]
if uses then
  resource.uses = resource.uses - 1
  resource.lastUsedAt = math.max(resource.lastUsedAt, tonumber(at))
  if uses > 1 then
    resource.usedBy[process] = uses - 1
  else
    resource.usedBy[process] = nil
    if resource.processId ~= process then call('ZREM', BY_PROCESS, process .. ':' .. id) end
  end
  write(RESOURCES, resource)
end
local session = read(SESSIONS, resource.sessionId)
return session and session.overdrawnCount or 0
`,
);

/** session ids → records of all their resources */
export const LIST_RESOURCES = new BucketScript(
  'read',
  { keys: ['resources', 'held'], includes: [call, membersOf, afterColon] },
  `
local found = {}
for _, session_id in ipairs(ARGV) do
  for _, member in ipairs(members_of(HELD, session_id)) do
    found[#found + 1] = call('GET', RESOURCES .. after_colon(member, session_id)) or nil
  end
end
return found
`,
);

/** session ids → per session its resource ids, packed into one text */
export const PACKED_IDS = new BucketScript(
  'read',
  { keys: ['held'], includes: [membersOf, afterColon] },
  `
local packed = {}
for _, session_id in ipairs(ARGV) do
  local ids = {}
  for i, member in ipairs(members_of(HELD, session_id)) do
    ids[i] = string.gsub(after_colon(member, session_id), '-', '')
  end
  packed[#packed + 1] = table.concat(ids)
end
return packed
`,
);
