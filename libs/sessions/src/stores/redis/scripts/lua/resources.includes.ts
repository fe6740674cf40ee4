import { NOBODY } from '../../../../domain/ids.js';
import { STREAM_TYPE } from '../../../../domain/resource.js';
import { LuaInclude } from '../lua-include.js';
import {
  call,
  afterColon,
  count,
  index,
  indexUsage,
  membersOf,
  openSession,
  read,
  see,
  stamp,
  write,
} from './sessions.includes.js';

/*
 * Includes of scripts that change resources and their session.
 */

export const nobody = new LuaInclude('NOBODY', {}, `local NOBODY = '${NOBODY}'`);

/** Takes a resource id, and returns the resource and its session; nil if there is none, or its session is not open. */
export const ofOpenSession = new LuaInclude(
  'of_open_session',
  { keys: ['resources'], includes: [read, openSession] },
  `
local function of_open_session(resource_id)
  local resource = read(RESOURCES, resource_id)
  if not resource then return end
  local session = open_session(resource.sessionId)
  if session then return resource, session end
end`,
);

/** session, resources and bytes to add, limits of both → whether they fit: `fits` of the domain */
export const fits = new LuaInclude(
  'fits',
  {},
  `
local function fits(session, more, bytes, max_resources, max_bytes)
  return session.resourceCount + more <= tonumber(max_resources)
    and session.bytesUsed + bytes <= tonumber(max_bytes)
end`,
);

/** resource, its last use at the choice → whether it may be evicted: `isEvictable` of the domain, and not used since */
export const isEvictable = new LuaInclude(
  'is_evictable',
  {},
  `
local function is_evictable(resource, last_used_at)
  return resource.state == 'ready' and resource.uses == 0 and resource.type ~= '${STREAM_TYPE}'
    and resource.lastUsedAt == tonumber(last_used_at)
end`,
);

/** node, end of the lease, id → member of an index of leases, which sorts by end for each node */
export const leaseMember = new LuaInclude(
  'lease_member',
  {},
  `
local function lease_member(node, lease, id)
  return node .. ':' .. string.format('%016.0f', math.floor(lease)) .. ':' .. id
end`,
);

/** resource, instant → its JSON, in state releasing. From the instant on any process of its node can lease it. */
export const release = new LuaInclude(
  'release',
  { keys: ['resources', 'releasing'], includes: [call, write, nobody, leaseMember] },
  `
local function release(resource, leased_until)
  local node = resource.nodeId or NOBODY
  if resource.leasedUntil then call('ZREM', RELEASING, lease_member(node, resource.leasedUntil, resource.id)) end
  resource.state = 'releasing'
  resource.leasedUntil = tonumber(leased_until)
  call('ZADD', RELEASING, 0, lease_member(node, resource.leasedUntil, resource.id))
  return write(RESOURCES, resource)
end`,
);

/** session, resource: subtracts the resource from the session, unless it is freed already; the caller writes both */
export const giveBack = new LuaInclude(
  'give_back',
  {},
  `
local function give_back(session, resource)
  if resource.freed then return end
  session.resourceCount = session.resourceCount - 1
  if resource.type == '${STREAM_TYPE}' then session.streamCount = (session.streamCount or 1) - 1 end
  session.bytesUsed = session.bytesUsed - resource.sizeBytes
end`,
);

/** resource: the same, and writes its session, if there is one */
export const giveBackAtOnce = new LuaInclude(
  'give_back_at_once',
  { keys: ['sessions'], includes: [read, write, index, indexUsage, giveBack] },
  `
local function give_back_at_once(resource)
  local session = read(SESSIONS, resource.sessionId)
  if not session then return end
  give_back(session, resource)
  write(SESSIONS, session)
  if session.state == 'open' then
    index(session)
    index_usage(session)
  end
end`,
);

/** resource → its JSON. Its session no longer counts it, and any process of its node can lease it. */
export const leave = new LuaInclude(
  'leave',
  { includes: [giveBackAtOnce, release] },
  `
local function leave(resource)
  give_back_at_once(resource)
  resource.freed = true
  return release(resource, '0')
end`,
);

/** resource, whether it was evicted → 1 and its bytes if it was ever settled, else zeros. The caller writes the session. */
export const drop = new LuaInclude(
  'drop',
  {
    keys: ['resources', 'held', 'by_process', 'releasing'],
    includes: [call, count, nobody, leaseMember],
  },
  `
local function drop(resource, evicted)
  call('HDEL', RESOURCES, resource.id)
  call('ZREM', HELD, resource.sessionId .. ':' .. resource.id)
  if resource.leasedUntil then
    call('ZREM', RELEASING, lease_member(resource.nodeId or NOBODY, resource.leasedUntil, resource.id))
  end
  if resource.nodeId then count('node:' .. resource.nodeId, -1) end
  if resource.processId then call('ZREM', BY_PROCESS, resource.processId .. ':' .. resource.id) end
  for process in pairs(resource.usedBy) do call('ZREM', BY_PROCESS, process .. ':' .. resource.id) end
  count('active:' .. resource.type, -1)
  count('active_bytes:' .. resource.type, -resource.sizeBytes)
  if not resource.settled then return 0, 0 end
  count('released:' .. resource.type, 1)
  count('released_bytes:' .. resource.type, resource.sizeBytes)
  if evicted then count('evicted:' .. resource.type, 1) end
  return 1, resource.sizeBytes
end`,
);

/** ending session, node, instant → resources and bytes of this node or none. The last part ends the session. */
export const finishPart = new LuaInclude(
  'finish_part',
  {
    keys: ['sessions', 'resources', 'held', 'ending', 'tombstones'],
    includes: [
      call,
      read,
      write,
      count,
      see,
      stamp,
      membersOf,
      afterColon,
      nobody,
      leaseMember,
      giveBack,
      drop,
    ],
  },
  `
local function finish_part(session, node, at)
  local resources, bytes = 0, 0
  for _, member in ipairs(members_of(HELD, session.id)) do
    local resource = read(RESOURCES, after_colon(member, session.id))
    if resource and (resource.nodeId or node) == node then
      local one, size = drop(resource, false)
      resources, bytes = resources + one, bytes + size
      give_back(session, resource)
    end
  end
  for _, owner in ipairs({ node, NOBODY }) do
    local lease = session.parts[owner]
    if lease then call('ZREM', ENDING, lease_member(owner, lease, session.id)) end
    session.parts[owner] = nil
  end
  session.ipAddress = ''
  session.userAgent = ''
  if not next(session.parts) then
    session.state = 'ended'
    session.parts = nil
    session.userId = nil
    session.resourceCount = 0
    session.bytesUsed = 0
    call('ZADD', TOMBSTONES, session.expiresAt, session.id)
    stamp(session)
    count('ending', -1)
  end
  see(at)
  write(SESSIONS, session)
  return resources, bytes
end`,
);
