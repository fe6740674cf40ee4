import { STREAM_TYPE } from '../../../../domain/resource.js';
import { BucketScript } from '../bucket-script.js';
import { fits, ofOpenSession } from './resources.includes.js';
import {
  afterColon,
  call,
  count,
  index,
  indexUsage,
  membersOf,
  openSession,
  read,
  write,
} from './sessions.includes.js';

/** record, maximum resources, maximum bytes → `reserved`, `full` or `gone` */
export const RESERVE = new BucketScript(
  'write',
  {
    keys: ['sessions', 'resources', 'held', 'by_process'],
    includes: [call, read, write, count, openSession, fits, index, indexUsage],
  },
  `
local raw, max_resources, max_bytes = unpack(ARGV)
local resource = cjson.decode(raw)
local session = open_session(resource.sessionId)
if not session then return 'gone' end
local known = read(RESOURCES, resource.id)
if known then
  return known.sessionId == resource.sessionId and known.state ~= 'releasing' and 'reserved' or 'gone'
end
if not fits(session, 1, resource.sizeBytes, max_resources, max_bytes) then return 'full' end
write(RESOURCES, resource)
call('ZADD', HELD, 0, resource.sessionId .. ':' .. resource.id)
call('ZADD', BY_PROCESS, 0, resource.processId .. ':' .. resource.id)
session.resourceCount = session.resourceCount + 1
session.bytesUsed = session.bytesUsed + resource.sizeBytes
if resource.type == '${STREAM_TYPE}' then session.streamCount = (session.streamCount or 0) + 1 end
write(SESSIONS, session)
index(session)
index_usage(session)
count('active:' .. resource.type, 1)
count('active_bytes:' .. resource.type, resource.sizeBytes)
if resource.nodeId then count('node:' .. resource.nodeId, 1) end
return 'reserved'
`,
);

/** id, bytes, maximum resources, maximum bytes → `grown`, `full` or `gone` */
export const GROW = new BucketScript(
  'write',
  { keys: ['sessions', 'resources'], includes: [write, count, ofOpenSession, fits, indexUsage] },
  `
local id, bytes, max_resources, max_bytes = unpack(ARGV)
local resource, session = of_open_session(id)
if not resource or resource.state ~= 'writing' then return 'gone' end
bytes = tonumber(bytes)
if not fits(session, 0, bytes, max_resources, max_bytes) then return 'full' end
resource.sizeBytes = resource.sizeBytes + bytes
session.bytesUsed = session.bytesUsed + bytes
write(RESOURCES, resource)
write(SESSIONS, session)
index_usage(session)
count('active_bytes:' .. resource.type, bytes)
return 'grown'
`,
);

/** id, bytes, instant, media type if any → record, or `surplus` if there are more bytes than reserved; nothing if gone */
export const SETTLE = new BucketScript(
  'free',
  {
    keys: ['sessions', 'resources', 'by_process'],
    includes: [call, write, count, ofOpenSession, indexUsage],
  },
  `
local id, bytes, at, media_type = unpack(ARGV)
local resource, session = of_open_session(id)
if not resource or resource.state == 'releasing' then return {} end
if resource.state == 'ready' then return { call('HGET', RESOURCES, id) } end
local surplus = resource.sizeBytes - tonumber(bytes)
if surplus < 0 then return { 'surplus' } end
call('ZREM', BY_PROCESS, resource.processId .. ':' .. id)
resource.settled = true
resource.state = 'ready'
resource.sizeBytes = tonumber(bytes)
resource.mediaType = media_type or resource.mediaType
resource.processId = nil
resource.lastUsedAt = math.max(resource.lastUsedAt, tonumber(at))
session.bytesUsed = session.bytesUsed - surplus
write(SESSIONS, session)
index_usage(session)
count('active_bytes:' .. resource.type, -surplus)
return { write(RESOURCES, resource) }
`,
);

/** id, process, instant → record; nothing if the resource is not ready */
export const USE = new BucketScript(
  'write',
  { keys: ['resources', 'by_process'], includes: [call, write, ofOpenSession] },
  `
local id, process, at = unpack(ARGV)
local resource = of_open_session(id)
if not resource or resource.state ~= 'ready' then return {} end
resource.usedBy[process] = (resource.usedBy[process] or 0) + 1
resource.uses = resource.uses + 1
resource.lastUsedAt = math.max(resource.lastUsedAt, tonumber(at))
call('ZADD', BY_PROCESS, 0, process .. ':' .. id)
return { write(RESOURCES, resource) }
`,
);

/** id, process, instant → nothing */
export const UNUSE = new BucketScript(
  'free',
  { keys: ['resources', 'by_process'], includes: [call, read, write] },
  `
local id, process, at = unpack(ARGV)
local resource = read(RESOURCES, id)
local uses = resource and resource.usedBy[process]
if not uses then return end
resource.uses = resource.uses - 1
resource.lastUsedAt = math.max(resource.lastUsedAt, tonumber(at))
if uses > 1 then
  resource.usedBy[process] = uses - 1
else
  resource.usedBy[process] = nil
  if resource.processId ~= process then call('ZREM', BY_PROCESS, process .. ':' .. id) end
end
write(RESOURCES, resource)
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
    found[#found + 1] = call('HGET', RESOURCES, after_colon(member, session_id)) or nil
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
