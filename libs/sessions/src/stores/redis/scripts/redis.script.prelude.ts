import { PROVISIONAL_MS } from '../../../domain/lifetime.js';
import { CHANGES_CHANNEL } from './redis.layout.js';

/**
 * What scripts on a bucket have in common. Each paragraph defines one name, and may use those before it and the keys. A
 * record is JSON; what is null in the domain is absent there.
 */
const PRELUDE = `
local call = redis.call

local function read(key, id)
  local raw = call('HGET', key, id)
  return raw and cjson.decode(raw) or nil
end

local function write(key, record)
  local raw = cjson.encode(record)
  call('HSET', key, record.id, raw)
  return raw
end

local function count(what, by)
  if by ~= 0 then call('HINCRBY', TOTALS, what, by) end
end

local function see(at)
  local seen = call('HGET', TOTALS, 'seen_at')
  if not seen or tonumber(seen) < tonumber(at) then call('HSET', TOTALS, 'seen_at', at) end
end

local function open_session(id)
  local session = read(SESSIONS, id)
  if session and session.state == 'open' then return session end
end

local function of_open_session(resource_id)
  local resource = read(RESOURCES, resource_id)
  if not resource then return end
  local session = open_session(resource.sessionId)
  if session then return resource, session end
end

local function is_disposable(session)
  return session.resourceCount == 0 and not session.userId
end

local function idle_end(session)
  if not session.confirmed and is_disposable(session) then
    return session.lastActivityAt + math.min(${PROVISIONAL_MS}, session.idleMs)
  end
  return session.lastActivityAt + session.idleMs
end

local function index(session)
  call('ZADD', IDLE, idle_end(session), session.id)
  call('ZADD', ACTIVITY, session.lastActivityAt, session.id)
  if is_disposable(session) then
    call('ZADD', DISPOSABLE, session.lastActivityAt, session.id)
  else
    call('ZREM', DISPOSABLE, session.id)
  end
end

local function stamp(session)
  session.change = call('HINCRBY', TOTALS, 'counter', 1)
  call('ZADD', CHANGES, session.change, session.id)
end

-- Stamps a change that others are to hear of at once. Where this user may not publish, they find it when they ask.
local function tell(session)
  stamp(session)
  redis.pcall('PUBLISH', string.match(TOTALS, '^[^{]*') .. '${CHANGES_CHANNEL}', '')
end

local function counted(what)
  return call('HGET', TOTALS, what) or '0'
end

local function members_of(key, owner)
  local first = '[' .. owner .. ':'
  return call('ZRANGEBYLEX', key, first, '(' .. owner .. ';')
end

local function after_colon(member, owner)
  return string.sub(member, #owner + 2)
end

local function fits(session, more, bytes, max_resources, max_bytes)
  return session.resourceCount + more <= tonumber(max_resources)
    and session.bytesUsed + bytes <= tonumber(max_bytes)
end

local NOBODY = '-'

-- A place in the order of what one node has to do.
local function turn(node, lease, id)
  return node .. ':' .. string.format('%016.0f', math.floor(lease)) .. ':' .. id
end

-- Marks a resource as on its way out; whoever of its node comes after 'leased_until' may claim it.
local function release(resource, leased_until)
  local node = resource.nodeId or NOBODY
  if resource.leasedUntil then call('ZREM', RELEASING, turn(node, resource.leasedUntil, resource.id)) end
  resource.state = 'releasing'
  resource.leasedUntil = tonumber(leased_until)
  call('ZADD', RELEASING, 0, turn(node, resource.leasedUntil, resource.id))
  return write(RESOURCES, resource)
end

-- Gives back what a session had of a resource, unless that was done before.
local function give_back(session, resource)
  if resource.freed then return end
  session.resourceCount = session.resourceCount - 1
  session.bytesUsed = session.bytesUsed - resource.sizeBytes
end

-- The same, noted at once in its session, if there is one.
local function give_back_at_once(resource)
  local session = read(SESSIONS, resource.sessionId)
  if not session then return end
  give_back(session, resource)
  write(SESSIONS, session)
  if session.state == 'open' then index(session) end
end

-- Lets a resource go for whoever may delete it, at once as far as its session is concerned.
local function leave(resource)
  give_back_at_once(resource)
  resource.freed = true
  return release(resource, '0')
end

-- Forgets a resource, and counts it if it ever was all there. What it gives back of its session is the caller's to note.
local function drop(resource, evicted)
  call('HDEL', RESOURCES, resource.id)
  call('ZREM', HELD, resource.sessionId .. ':' .. resource.id)
  if resource.leasedUntil then
    call('ZREM', RELEASING, turn(resource.nodeId or NOBODY, resource.leasedUntil, resource.id))
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
end

-- Drops what an ending session has on a node, and what it has on none; with the last part it is over.
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
    if lease then call('ZREM', ENDING, turn(owner, lease, session.id)) end
    session.parts[owner] = nil
  end
  session.ipAddress = ''
  session.userAgent = ''
  if not next(session.parts) then
    session.state = 'ended'
    session.parts = nil
    session.resourceCount = 0
    session.bytesUsed = 0
    call('ZADD', TOMBSTONES, session.expiresAt, session.id)
    stamp(session)
    count('ending', -1)
  end
  see(at)
  write(SESSIONS, session)
  return resources, bytes
end
`;

interface Definition {
  readonly name: string;
  readonly source: string;
}

const DEFINITIONS: readonly Definition[] = PRELUDE.trim()
  .split('\n\n')
  .map((source) => ({ name: /^local (?:function )?(\w+)/m.exec(source)?.[1] ?? '', source }));

/** The script with those definitions that it needs. */
export function withDefinitions(body: string): string {
  return DEFINITIONS.reduceRight(
    (text, { name, source }) => (mentions(text, name) ? `${source}\n${text}` : text),
    body,
  );
}

export function mentions(text: string, name: string): boolean {
  return new RegExp(`\\b${name}\\b`).test(text);
}
