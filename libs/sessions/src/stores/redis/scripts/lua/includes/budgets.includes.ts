import { BUDGET_KEPT_MS } from '../../redis.layout.js';
import { LuaInclude } from '../../lua-include.js';
import { call } from './sessions.includes.js';

/*
 * Includes of scripts that count what sessions hold in budgets. On one server a budget has one key, which is in another slot than
 * the bucket, and is not declared; on a cluster each bucket has its own share of it.
 */

/** session, files and bytes to add → what it counts for with them: `countedOf` of the domain */
export const countedOf = new LuaInclude(
  'counted_of',
  {},
  `
local function counted_of(session, more, more_bytes)
  local resources = session.resourceCount - session.streamCount + session.incomingCount + more
  local bytes = session.bytesUsed + session.incomingBytes + more_bytes
  local most = session.most or { resources = 0, bytes = 0 }
  return math.min(resources, most.resources), math.min(bytes, most.bytes)
end`,
);

/** session → the name of the budget that counts it, or '' */
export const budgetOf = new LuaInclude(
  'budget_of',
  {},
  `
local function budget_of(session)
  if session.state ~= 'open' then return '' end
  if session.userId then return 'user:' .. session.userId end
  return session.network and 'network:' .. session.network or ''
end`,
);

/** name of a budget, sessions, resources and bytes to add */
export const addToBudget = new LuaInclude(
  'add_to_budget',
  { keys: ['budgets'], includes: [call] },
  `
local function add_to_budget(name, sessions, resources, bytes)
  if name == '' then return end
  local budget = BUDGETS .. name
  if resources ~= 0 then call('HINCRBY', budget, 'resources', resources) end
  if bytes ~= 0 then call('HINCRBY', budget, 'bytes', bytes) end
  if sessions == 0 then return end
  local left = call('HINCRBY', budget, 'sessions', sessions)
  local user = string.match(name, '^user:(.*)$')
  if left > 0 then
    call('PEXPIRE', budget, ${BUDGET_KEPT_MS})
    if user and left == sessions then
      call('ZADD', BUDGETS .. 'users', 0, user)
      call('PEXPIRE', BUDGETS .. 'users', ${BUDGET_KEPT_MS})
    end
  else
    call('DEL', budget)
    if user then call('ZREM', BUDGETS .. 'users', user) end
  end
end`,
);

/** resources and bytes to add to the budget of all */
export const addToAll = new LuaInclude(
  'add_to_all',
  { keys: ['budgets'], includes: [call] },
  `
local function add_to_all(resources, bytes)
  if resources == 0 and bytes == 0 then return end
  local all = BUDGETS .. 'all'
  local left_bytes = call('HINCRBY', all, 'bytes', bytes)
  if call('HINCRBY', all, 'resources', resources) > 0 or left_bytes > 0 then
    call('PEXPIRE', all, ${BUDGET_KEPT_MS})
  else
    call('DEL', all)
  end
end`,
);

/** id of a session, name of its budget, resources and bytes that it counts for: moves it from where it was counted */
export const moveCounted = new LuaInclude(
  'move_counted',
  { keys: ['counted'], includes: [call, addToBudget, addToAll] },
  `
local function move_counted(id, name, resources, bytes)
  local now = string.format('%.0f:%.0f:', resources, bytes) .. name
  local was = call('HGET', COUNTED, id)
  if was == now then return end
  local had, had_bytes, had_name = 0, 0, ''
  if was then
    had, had_bytes, had_name = string.match(was, '^(%d+):(%d+):(.*)$')
    had, had_bytes = tonumber(had), tonumber(had_bytes)
  end
  if had_name == name then
    add_to_budget(name, 0, resources - had, bytes - had_bytes)
  else
    add_to_budget(had_name, -1, -had, -had_bytes)
    add_to_budget(name, 1, resources, bytes)
  end
  add_to_all(resources - had, bytes - had_bytes)
  if now == '0:0:' then call('HDEL', COUNTED, id) else call('HSET', COUNTED, id, now) end
end`,
);

/** session whose state, user or accounts have changed: counts it anew. The caller writes it. */
export const countSession = new LuaInclude(
  'count_session',
  { includes: [countedOf, budgetOf, moveCounted] },
  `
local function count_session(session)
  local resources, bytes = 0, 0
  if session.state == 'open' then resources, bytes = counted_of(session, 0, 0) end
  move_counted(session.id, budget_of(session), resources, bytes)
end`,
);

/**
 * session, files and bytes to add, most resources and bytes of its user, bytes of its network and of all (0: no limit) → the first
 * limit that they would break, or nil: `brokenQuota` of the domain
 */
export const brokenQuota = new LuaInclude(
  'broken_quota',
  { keys: ['budgets'], includes: [call, countedOf, budgetOf] },
  `
local function broken_quota(session, more, more_bytes, of_user, bytes_of_user, bytes_of_network, bytes_of_all)
  local had, had_bytes = counted_of(session, 0, 0)
  local resources, bytes = counted_of(session, more, more_bytes)
  local added = { resources = resources - had, bytes = bytes - had_bytes }
  local function breaks(name, what, limit)
    limit = tonumber(limit)
    if limit == 0 or added[what] <= 0 then return false end
    return (call('HGET', BUDGETS .. name, what) or 0) + added[what] > limit
  end
  local name = budget_of(session)
  if session.userId then
    if breaks(name, 'resources', of_user) then return 'maxResourcesPerUser' end
    if breaks(name, 'bytes', bytes_of_user) then return 'maxBytesPerUser' end
  elseif name ~= '' and breaks(name, 'bytes', bytes_of_network) then
    return 'maxBytesPerNetwork'
  end
  if breaks('all', 'bytes', bytes_of_all) then return 'maxTotalBytes' end
end`,
);
