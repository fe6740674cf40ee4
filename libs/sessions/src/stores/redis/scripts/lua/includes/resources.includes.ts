import { NOBODY } from '../../../../../domain/ids.js';
import { STREAM_TYPE } from '../../../../../domain/resource.js';
import { LuaInclude } from '../../lua-include.js';
import { countSession } from './budgets.includes.js';
import {
  call,
  afterColon,
  count,
  index,
  indexUsage,
  keptUntil,
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

/** files and bytes held, files and bytes to add, limits → whether they fit: `fits` of the domain */
export const fits = new LuaInclude(
  'fits',
  {},
  `
local function fits(resources, bytes, more, more_bytes, max_resources, max_bytes)
  return resources + more <= tonumber(max_resources) and bytes + more_bytes <= tonumber(max_bytes)
end`,
);

/** session, node, files and bytes to add, limits, what to do at them → whether a file is admitted: `admitsFile` of the domain */
export const admitsFile = new LuaInclude(
  'admits_file',
  { includes: [fits] },
  `
local function admits_file(session, node, more, more_bytes, max_resources, max_bytes, on_limit)
  local outgoing = session.outgoing[node] or { resources = 0, bytes = 0 }
  local resources = session.incomingCount + outgoing.resources
  local bytes = session.incomingBytes + outgoing.bytes
  if on_limit == 'reject' then
    resources = resources + session.resourceCount - session.streamCount
    bytes = bytes + session.bytesUsed
  end
  return fits(resources, bytes, more, more_bytes, max_resources, max_bytes)
end`,
);

/** resource → whether it has its place: `accountOf` of the domain */
export const isInPlace = new LuaInclude(
  'is_in_place',
  {},
  `
local function is_in_place(resource)
  return resource.state == 'ready' and not resource.overdrawn
end`,
);

/** resource → whether it can be read: `isReadable` of the domain */
export const isReadable = new LuaInclude(
  'is_readable',
  {},
  `
local function is_readable(resource)
  return resource.state == 'complete' or resource.state == 'ready'
end`,
);

/** resource, its last use at the choice → whether it may be evicted: `isEvictable` of the domain, and not used since */
export const isEvictable = new LuaInclude(
  'is_evictable',
  { includes: [isInPlace] },
  `
local function is_evictable(resource, last_used_at)
  return is_in_place(resource) and resource.uses == 0 and resource.type ~= '${STREAM_TYPE}'
    and resource.lastUsedAt == tonumber(last_used_at)
end`,
);

/**
 * session, resource, 1 or -1: adds the resource to the account of the session that counts it, or subtracts it. The caller
 * writes the session. Wrap each change of state or size in a subtraction before and an addition after it.
 */
export const account = new LuaInclude(
  'account',
  { includes: [isInPlace] },
  `
local function account(session, resource, sign)
  local bytes = sign * resource.sizeBytes
  if resource.state == 'releasing' then
    if not resource.nodeId then return end
    local outgoing = session.outgoing[resource.nodeId] or { resources = 0, bytes = 0 }
    outgoing.resources = outgoing.resources + sign
    outgoing.bytes = outgoing.bytes + bytes
    session.outgoing[resource.nodeId] = outgoing.resources > 0 and outgoing or nil
  elseif is_in_place(resource) then
    session.resourceCount = session.resourceCount + sign
    session.bytesUsed = session.bytesUsed + bytes
    if resource.type == '${STREAM_TYPE}' then session.streamCount = session.streamCount + sign end
  else
    session.incomingCount = session.incomingCount + sign
    session.incomingBytes = session.incomingBytes + bytes
    if resource.overdrawn then session.overdrawnCount = session.overdrawnCount + sign end
  end
end`,
);

/** session: writes it after its accounts have changed */
export const writeAccounts = new LuaInclude(
  'write_accounts',
  { keys: ['sessions'], includes: [write, index, indexUsage, countSession] },
  `
local function write_accounts(session)
  write(SESSIONS, session)
  if session.state ~= 'open' then return end
  index(session)
  index_usage(session)
  count_session(session)
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
export const leaseTo = new LuaInclude(
  'lease_to',
  { keys: ['resources', 'releasing'], includes: [call, write, nobody, leaseMember] },
  `
local function lease_to(resource, leased_until)
  local node = resource.nodeId or NOBODY
  if resource.leasedUntil then call('ZREM', RELEASING, lease_member(node, resource.leasedUntil, resource.id)) end
  resource.leasedUntil = tonumber(leased_until)
  call('ZADD', RELEASING, 0, lease_member(node, resource.leasedUntil, resource.id))
  return write(RESOURCES, resource)
end`,
);

/**
 * session or nil, resource, lease, node of the lease → its JSON, in state releasing. A file of another node can be leased
 * by that node at once. The caller writes the session.
 */
export const release = new LuaInclude(
  'release',
  { keys: ['overdrawn'], includes: [call, account, leaseTo] },
  `
local function release(session, resource, leased_until, node)
  if session then account(session, resource, -1) end
  if resource.overdrawn then call('ZREM', OVERDRAWN, resource.id) end
  resource.state = 'releasing'
  resource.overdrawn = nil
  if session then account(session, resource, 1) end
  return lease_to(resource, (resource.nodeId or node) == node and leased_until or '0')
end`,
);

/** resource → whether it is a file that the end of its session deletes */
export const goesWithEnd = new LuaInclude(
  'goes_with_end',
  { keys: ['sessions'], includes: [read] },
  `
local function goes_with_end(resource)
  local session = resource.nodeId and read(SESSIONS, resource.sessionId)
  return session and session.state == 'ending'
end`,
);

/**
 * resource, whether its file is deleted → 1 and its bytes if it was ever complete, else zeros. The caller subtracts it from its
 * account.
 */
export const drop = new LuaInclude(
  'drop',
  {
    keys: ['resources', 'held', 'by_process', 'releasing', 'overdrawn'],
    includes: [call, count, nobody, leaseMember],
  },
  `
local function drop(resource, is_deleted)
  call('DEL', RESOURCES .. resource.id)
  call('ZREM', HELD, resource.sessionId .. ':' .. resource.id)
  if resource.leasedUntil then
    call('ZREM', RELEASING, lease_member(resource.nodeId or NOBODY, resource.leasedUntil, resource.id))
  end
  if resource.overdrawn then call('ZREM', OVERDRAWN, resource.id) end
  if resource.nodeId then count('node:' .. resource.nodeId, -1) end
  if resource.processId then call('ZREM', BY_PROCESS, resource.processId .. ':' .. resource.id) end
  for process in pairs(resource.usedBy) do call('ZREM', BY_PROCESS, process .. ':' .. resource.id) end
  count('active:' .. resource.type, -1)
  count('active_bytes:' .. resource.type, -resource.sizeBytes)
  if not resource.completed then return 0, 0 end
  count('released:' .. resource.type, 1)
  if is_deleted then count('released_bytes:' .. resource.type, resource.sizeBytes) end
  return 1, resource.sizeBytes
end`,
);

/** member of HELD whose resource has no record any more: removes it. The sums of the bucket are wrong until `MEND` runs. */
export const lose = new LuaInclude(
  'lose',
  { keys: ['held', 'totals'], includes: [call] },
  `
local function lose(member)
  call('ZREM', HELD, member)
  call('HSET', TOTALS, 'lost', 1)
end`,
);

/** ending session, node, instant, whether its files are deleted → resources and bytes of this node or none. The last part ends the session. */
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
      account,
      drop,
      lose,
      keptUntil,
    ],
  },
  `
local function finish_part(session, node, at, is_deleted)
  local resources, bytes = 0, 0
  for _, member in ipairs(members_of(HELD, session.id)) do
    local resource = read(RESOURCES, after_colon(member, session.id))
    if not resource then
      lose(member)
    elseif (resource.nodeId or node) == node then
      account(session, resource, -1)
      local one, size = drop(resource, is_deleted)
      resources, bytes = resources + one, bytes + size
    end
  end
  for _, owner in ipairs({ node, NOBODY }) do
    local lease = session.parts[owner]
    if lease then call('ZREM', ENDING, lease_member(owner, lease, session.id)) end
    session.parts[owner] = nil
  end
  if not next(session.parts) then
    session.state = 'ended'
    session.parts = nil
    session.userId = nil
    session.resourceCount = 0
    session.bytesUsed = 0
    session.streamCount = 0
    session.incomingCount = 0
    session.incomingBytes = 0
    session.overdrawnCount = 0
    session.outgoing = {}
    call('ZADD', TOMBSTONES, kept_until_of(session), session.id)
    stamp(session)
    count('ending', -1)
  end
  see(at)
  write(SESSIONS, session)
  return resources, bytes
end`,
);
