import { LATEST_LEASE_MS } from '../../../../../ports/endings.js';
import { LuaInclude } from '../../lua-include.js';
import { budgetOf, countedOf, countSession, moveCounted } from './budgets.includes.js';
import { dropTimeline, recount, timelineBytes } from './journal.includes.js';
import { account, drop, leaseMember, leaseTo, lose, nobody, writeAccounts } from './resources.includes.js';
import {
  afterColon,
  call,
  count,
  evictionScore,
  idleEnd,
  index,
  indexUsage,
  keptUntil,
  membersOf,
  read,
  write,
} from './sessions.includes.js';

/*
 * Includes of scripts that correct what a bucket keeps beside its records.
 */

/** id of a session without a record: forgets it. It counts as expired if it was open: its absolute end was first to come. Then `recount`. */
export const forgetSession = new LuaInclude(
  'forget_session',
  {
    keys: [
      'resources',
      'data',
      'held',
      'idle',
      'expiry',
      'created',
      'activity',
      'evictable',
      'bytes',
      'files',
      'streams',
      'ended',
      'tombstones',
      'changes',
      'counted',
      'budgets',
    ],
    includes: [call, read, count, membersOf, afterColon, drop, lose, moveCounted, dropTimeline],
  },
  `
local function forget_session(id)
  local created_at, expires_at = call('ZSCORE', CREATED, id), call('ZSCORE', EXPIRY, id)
  for _, key in ipairs({ IDLE, EXPIRY, CREATED, ACTIVITY, EVICTABLE, BYTES, FILES, STREAMS }) do call('ZREM', key, id) end
  call('ZREM', ENDED, id)
  local had_ended = call('ZREM', TOMBSTONES, id) == 1
  local was_known = call('ZREM', CHANGES, id) == 1
  call('DEL', DATA .. id)
  drop_timeline(id)
  local network = string.match(call('HGET', COUNTED, id) or '', '^%d+:%d+:network:(.*)$')
  if network then call('ZREM', BUDGETS .. 'evictable:' .. network, id) end
  move_counted(id, '', 0, 0)
  if expires_at then
    count('open', -1)
    count('closed', 1)
    count('ended:expired', 1)
    count('ended_duration_ms', math.max(0, expires_at - (created_at or expires_at)))
  elseif was_known and not had_ended then
    count('ending', -1)
  end
  for _, member in ipairs(members_of(HELD, id)) do
    local resource = read(RESOURCES, after_colon(member, id))
    if resource then drop(resource, false) else lose(member) end
  end
end`,
);

/** The resources whose records are there: only they stay in the index of processes, and in the sums. */
export const keepResources = new LuaInclude(
  'keep_resources',
  { keys: ['resources', 'held', 'by_process', 'totals'], includes: [call, read] },
  `
local function keep_resources()
  local function id_of(member) return string.match(member, '[^:]+$') end
  for _, member in ipairs(call('ZRANGE', BY_PROCESS, 0, -1)) do
    if call('EXISTS', RESOURCES .. id_of(member)) == 0 then call('ZREM', BY_PROCESS, member) end
  end
  local sums = {}
  for _, name in ipairs(call('HKEYS', TOTALS)) do
    if string.match(name, '^active') or string.match(name, '^node:') then sums[name] = 0 end
  end
  for _, member in ipairs(call('ZRANGE', HELD, 0, -1)) do
    local resource = read(RESOURCES, id_of(member))
    if resource then
      local function add(name, by) sums[name] = (sums[name] or 0) + by end
      add('active:' .. resource.type, 1)
      add('active_bytes:' .. resource.type, resource.sizeBytes)
      if resource.nodeId then add('node:' .. resource.nodeId, 1) end
    end
  end
  for name, sum in pairs(sums) do call('HSET', TOTALS, name, string.format('%.0f', sum)) end
end`,
);

/**
 * instant, function of fault, subject, detail and a function that mends it: calls it for what is wrong in the bucket. What the next
 * cleanup corrects is left out (see `MEND`).
 */
export const inspectBucket = new LuaInclude(
  'inspect_bucket',
  {
    keys: [
      'sessions',
      'tokens',
      'resources',
      'data',
      'held',
      'overdrawn',
      'by_process',
      'idle',
      'expiry',
      'created',
      'activity',
      'evictable',
      'bytes',
      'files',
      'streams',
      'ending',
      'ended',
      'tombstones',
      'changes',
      'releasing',
      'totals',
      'counted',
    ],
    includes: [
      call,
      read,
      write,
      membersOf,
      afterColon,
      account,
      writeAccounts,
      countedOf,
      budgetOf,
      countSession,
      idleEnd,
      evictionScore,
      index,
      indexUsage,
      keptUntil,
      nobody,
      leaseMember,
      leaseTo,
      drop,
      lose,
      timelineBytes,
      recount,
      forgetSession,
      keepResources,
    ],
  },
  `
local function inspect_bucket(at, found)
  local latest = at + ${LATEST_LEASE_MS}
  local sessions, accounts, sums = {}, {}, {}
  local states = { open = 0, ending = 0, ended = 0 }
  local function add(name, by) sums[name] = (sums[name] or 0) + by end
  local function id_of(member) return string.match(member, '[^:]+$') end
  local function score(key, member) return tonumber(call('ZSCORE', key, member) or nil) end
  local function record(key, id)
    local is_read, value = pcall(read, key, id)
    if is_read then return value or false end
    found('unreadable', id, 'its record is no JSON')
  end
  local function session_of(id)
    if sessions[id] == nil then sessions[id] = record(SESSIONS, id) end
    return sessions[id]
  end
  local function is_due(id)
    for _, key in ipairs({ IDLE, EXPIRY, TOMBSTONES }) do
      local due = score(key, id)
      if due and due <= at then return true end
    end
  end

  for _, key in ipairs({ CHANGES, CREATED, EXPIRY, IDLE, TOMBSTONES }) do
    for _, id in ipairs(call('ZRANGE', key, 0, -1)) do session_of(id) end
  end
  for _, member in ipairs(call('ZRANGE', HELD, 0, -1)) do
    local owner, id = string.match(member, '^([^:]+):(.+)$')
    local session, resource = session_of(owner), record(RESOURCES, id)
    if resource == false then
      found('lost-rows', id, 'the record of a resource is gone', function() lose(member) keep_resources() call('HDEL', TOTALS, 'lost') end)
    elseif resource and session == false then
      if not is_due(owner) then found('lost-rows', id, 'its session is gone', function() drop(resource, false) end) end
    elseif resource and session then
      accounts[owner] = accounts[owner] or {
        resourceCount = 0, bytesUsed = 0, streamCount = 0, incomingCount = 0, incomingBytes = 0, overdrawnCount = 0, outgoing = {}
      }
      account(accounts[owner], resource, 1)
      add('active:' .. resource.type, 1)
      add('active_bytes:' .. resource.type, resource.sizeBytes)
      if resource.nodeId then add('node:' .. resource.nodeId, 1) end
      local uses = 0
      for process, some in pairs(resource.usedBy) do
        uses = uses + some
        local entry = process .. ':' .. id
        if not score(BY_PROCESS, entry) then found('index', id, 'by_process lacks a read', function() call('ZADD', BY_PROCESS, 0, entry) end) end
      end
      if uses ~= resource.uses then
        found('uses', id, 'uses ' .. resource.uses .. ' instead of ' .. uses, function()
          resource.uses = uses
          write(RESOURCES, resource)
        end)
      end
      local held_by = resource.processId and resource.state ~= 'ready' and resource.state ~= 'releasing' and resource.processId .. ':' .. id
      if held_by and not score(BY_PROCESS, held_by) then
        found('index', id, 'by_process lacks an upload', function() call('ZADD', BY_PROCESS, 0, held_by) end)
      end
      if resource.overdrawn and session.state == 'open' and not score(OVERDRAWN, id) then
        found('index', id, 'overdrawn lacks it', function() call('ZADD', OVERDRAWN, 0, id) end)
      end
      if resource.state == 'releasing' then
        local leased = resource.leasedUntil or 0
        if leased > latest then
          found('lease', id, 'leased for too long', function() lease_to(resource, '0') end)
        elseif not score(RELEASING, lease_member(resource.nodeId or NOBODY, leased, id)) then
          found('index', id, 'releasing lacks it', function() lease_to(resource, '0') end)
        end
      elseif resource.state ~= 'writing' and resource.state ~= 'complete' and resource.state ~= 'ready' then
        found('unreadable', id, 'resource with state ' .. tostring(resource.state))
      end
    end
  end

  local function check_counts(id, session)
    local real = accounts[id] or {
      resourceCount = 0, bytesUsed = 0, streamCount = 0, incomingCount = 0, incomingBytes = 0, overdrawnCount = 0, outgoing = {}
    }
    local wrong = {}
    for name, amount in pairs(real) do
      if name ~= 'outgoing' and session[name] ~= amount then wrong[#wrong + 1] = name .. ' ' .. tostring(session[name]) .. ' instead of ' .. amount end
    end
    for _, pair in ipairs({ { real.outgoing, session.outgoing }, { session.outgoing, real.outgoing } }) do
      for node, amount in pairs(pair[1]) do
        local other = pair[2][node] or { resources = 0, bytes = 0 }
        if amount.resources ~= other.resources or amount.bytes ~= other.bytes then wrong[#wrong + 1] = 'what goes out on node ' .. node end
      end
    end
    if #wrong == 0 then return end
    found('session-counts', id, table.concat(wrong, ', '), function()
      for name, amount in pairs(real) do session[name] = amount end
      write_accounts(session)
    end)
  end

  local function check_open(id, session)
    local wrong = {}
    local function expect(name, key, value)
      if score(key, id) ~= value then wrong[#wrong + 1] = name end
    end
    local function positive(amount) if amount > 0 then return amount end end
    expect('idle', IDLE, idle_end(session))
    expect('expiry', EXPIRY, session.expiresAt)
    expect('created', CREATED, session.createdAt)
    expect('activity', ACTIVITY, session.lastActivityAt)
    expect('evictable', EVICTABLE, eviction_score(session))
    expect('bytes', BYTES, session.bytesUsed)
    expect('files', FILES, positive(session.resourceCount - session.streamCount))
    expect('streams', STREAMS, positive(session.streamCount))
    if call('GET', TOKENS .. session.tokenHash) ~= id then wrong[#wrong + 1] = 'tokens' end
    local resources, bytes = counted_of(session, 0, 0)
    local counts = string.format('%.0f:%.0f:', resources, bytes) .. budget_of(session)
    if (call('HGET', COUNTED, id) or '0:0:') ~= counts then wrong[#wrong + 1] = 'counted' end
    if #wrong > 0 then
      found('index', id, 'not as it says: ' .. table.concat(wrong, ', '), function()
        call('ZADD', EXPIRY, session.expiresAt, id)
        call('ZADD', CREATED, session.createdAt, id)
        index(session)
        index_usage(session)
        count_session(session)
        local left = call('PTTL', SESSIONS .. id)
        call('SET', TOKENS .. session.tokenHash, id)
        if left > 0 then call('PEXPIRE', TOKENS .. session.tokenHash, left) end
      end)
    end
    local data = 0
    for _, text in ipairs(call('HGETALL', DATA .. id)) do data = data + #text end
    if data ~= session.dataBytes then
      found('data-bytes', id, 'data_bytes ' .. session.dataBytes .. ' instead of ' .. data, function()
        session.dataBytes = data
        write(SESSIONS, session)
        index(session)
      end)
    end
  end

  local function check_ending(id, session)
    local parts, wrong = session.parts or {}, false
    local needed = {}
    for _, member in ipairs(members_of(HELD, id)) do
      local resource = record(RESOURCES, after_colon(member, id))
      if resource and resource.nodeId then needed[resource.nodeId] = true end
    end
    for node in pairs(needed) do if not parts[node] then wrong = true end end
    if not next(parts) then wrong = true end
    for node, lease in pairs(parts) do
      if not score(ENDING, lease_member(node, lease, id)) then wrong = true end
      if lease > latest then
        found('lease', id, 'leased for too long', function()
          call('ZREM', ENDING, lease_member(node, lease, id))
          parts[node] = 0
          call('ZADD', ENDING, 0, lease_member(node, 0, id))
          write(SESSIONS, session)
        end)
      end
    end
    if not wrong then return end
    found('end-parts', id, 'no node has the part of its files', function()
      for node in pairs(needed) do parts[node] = parts[node] or 0 end
      if not next(parts) then parts[NOBODY] = 0 end
      for node, lease in pairs(parts) do call('ZADD', ENDING, 0, lease_member(node, lease, id)) end
      session.parts = parts
      write(SESSIONS, session)
    end)
  end

  for id, session in pairs(sessions) do
    if session == false then
      if not is_due(id) then found('lost-rows', id, 'the record of a session is gone', function() forget_session(id) recount() end) end
    elseif states[session.state] == nil then
      found('unreadable', id, 'session with state ' .. tostring(session.state))
    else
      states[session.state] = states[session.state] + 1
      if session.state ~= 'ended' then check_counts(id, session) end
      if session.state == 'open' then check_open(id, session) end
      if session.state == 'ending' then check_ending(id, session) end
      if session.state == 'ended' and score(TOMBSTONES, id) ~= kept_until_of(session) then
        found('index', id, 'not as it says: tombstones', function() call('ZADD', TOMBSTONES, kept_until_of(session), id) end)
      end
      if session.state ~= 'open' and session.endedAt and not score(ENDED, id) then
        found('index', id, 'not as it says: ended', function() call('ZADD', ENDED, session.endedAt, id) end)
      end
      if session.state ~= 'open' then
        for _, key in ipairs({ IDLE, EXPIRY, CREATED, ACTIVITY, EVICTABLE, BYTES, FILES, STREAMS }) do
          if score(key, id) then found('index', id, 'among the open sessions', function() call('ZREM', key, id) end) end
        end
      end
    end
  end
  for _, member in ipairs(call('ZRANGE', ENDING, 0, -1)) do
    local session = session_of(id_of(member))
    if session and session.state ~= 'ending' then
      found('end-parts', session.id, 'parts of an end that did not begin', function() call('ZREM', ENDING, member) end)
    end
  end
  for name, key in pairs({ releasing = RELEASING, overdrawn = OVERDRAWN, by_process = BY_PROCESS }) do
    for _, member in ipairs(call('ZRANGE', key, 0, -1)) do
      if call('EXISTS', RESOURCES .. id_of(member)) == 0 then
        found('lost-rows', id_of(member), 'an entry of ' .. name, function() call('ZREM', key, member) end)
      end
    end
  end

  local function kept(name) return tonumber(call('HGET', TOTALS, name) or 0) end
  local function total(name, amount)
    if kept(name) == amount then return end
    found('totals', name, name .. ' ' .. kept(name) .. ' instead of ' .. amount, function()
      call('HSET', TOTALS, name, string.format('%.0f', amount))
    end)
  end
  total('open', states.open)
  total('ending', states.ending)
  if call('HEXISTS', TOTALS, 'lost') == 0 then
    for _, name in ipairs(call('HKEYS', TOTALS)) do
      if string.match(name, '^active') or string.match(name, '^node:') then add(name, 0) end
    end
    for name, sum in pairs(sums) do total(name, sum) end
  end
  local bytes = timeline_bytes()
  if kept('journal_bytes') ~= bytes then
    found('journal-bytes', 'journal', 'journal_bytes ' .. kept('journal_bytes') .. ' instead of ' .. bytes, recount)
  end
  local newest = call('ZRANGE', CHANGES, -1, -1, 'WITHSCORES')
  local change = tonumber(newest[2] or 0)
  if kept('counter') < change then
    found('change-counter', 'feed', 'counter ' .. kept('counter') .. ' instead of ' .. change, function()
      call('HSET', TOTALS, 'counter', string.format('%.0f', change))
    end)
  end
end`,
);
