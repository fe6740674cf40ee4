import { BucketScript } from './redis.script.js';

/** record, most resources, most bytes */
export const RESERVE = new BucketScript(
  'write',
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
write(SESSIONS, session)
index(session)
count('active:' .. resource.type, 1)
count('active_bytes:' .. resource.type, resource.sizeBytes)
if resource.nodeId then count('node:' .. resource.nodeId, 1) end
return 'reserved'
`,
);

/** id, bytes, most resources, most bytes */
export const GROW = new BucketScript(
  'write',
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
count('active_bytes:' .. resource.type, bytes)
return 'grown'
`,
);

/** id, bytes, instant, media type if there is one → record */
export const SETTLE = new BucketScript(
  'free',
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
count('active_bytes:' .. resource.type, -surplus)
return { write(RESOURCES, resource) }
`,
);

/** id, process, instant → record */
export const USE = new BucketScript(
  'write',
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

/** id, process, instant */
export const UNUSE = new BucketScript(
  'free',
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

/** session ids → records of all they hold */
export const LIST_RESOURCES = new BucketScript(
  'read',
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

/** session ids → the ids of all that each holds, packed into one text */
export const PACKED_IDS = new BucketScript(
  'read',
  `
local packed = {}
for _, session_id in ipairs(ARGV) do
  local ids = {}
  for index, member in ipairs(members_of(HELD, session_id)) do
    ids[index] = string.gsub(after_colon(member, session_id), '-', '')
  end
  packed[#packed + 1] = table.concat(ids)
end
return packed
`,
);

/** lease, node, `unused` or `any`, then of each victim: id, last use → records of those that were marked */
export const BEGIN_RELEASE = new BucketScript(
  'free',
  `
local lease, node, only = unpack(ARGV, 1, 3)
local marked = {}
for i = 4, #ARGV, 2 do
  local resource = read(RESOURCES, ARGV[i])
  local wanted = resource and resource.state ~= 'releasing'
  if wanted and only == 'unused' then
    wanted = resource.state == 'ready' and resource.uses == 0 and resource.type ~= 'stream'
      and resource.lastUsedAt == tonumber(ARGV[i + 1])
  end
  if wanted and (resource.nodeId or node) == node then
    marked[#marked + 1] = release(resource, lease)
  elseif wanted then
    if only == 'unused' then count('evicted:' .. resource.type, 1) end
    marked[#marked + 1] = leave(resource)
  end
end
return marked
`,
);

/** instant, lease, ids → records of those that could be claimed */
export const LEASE_RELEASING = new BucketScript(
  'free',
  `
local claimed = {}
for i = 3, #ARGV do
  local resource = read(RESOURCES, ARGV[i])
  if resource and resource.state == 'releasing' and resource.leasedUntil <= tonumber(ARGV[1]) then
    claimed[#claimed + 1] = release(resource, ARGV[2])
  end
end
return claimed
`,
);

/** `released` or `evicted`, ids → resources and bytes let go */
export const FINISH_RELEASE = new BucketScript(
  'free',
  `
local resources, bytes = 0, 0
for i = 2, #ARGV do
  local resource = read(RESOURCES, ARGV[i])
  if resource and resource.state == 'releasing' then
    local one, size = drop(resource, ARGV[1] == 'evicted')
    resources, bytes = resources + one, bytes + size
    give_back_at_once(resource)
  end
end
return { resources, bytes }
`,
);

/** process: voids its uses, and frees what it was writing and its streams to be claimed */
export const ABANDON = new BucketScript(
  'free',
  `
local process = ARGV[1]
for _, member in ipairs(members_of(BY_PROCESS, process)) do
  local resource = read(RESOURCES, after_colon(member, process))
  if resource then
    resource.uses = resource.uses - (resource.usedBy[process] or 0)
    resource.usedBy[process] = nil
    if resource.processId == process and resource.state ~= 'releasing' then
      leave(resource)
    else
      write(RESOURCES, resource)
    end
  end
  call('ZREM', BY_PROCESS, member)
end
`,
);
