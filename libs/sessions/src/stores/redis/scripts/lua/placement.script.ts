import { BucketScript } from '../bucket-script.js';
import { enterDeed } from './includes/journal.includes.js';
import {
  account,
  fits,
  isEvictable,
  isInPlace,
  isReadable,
  release,
  writeAccounts,
} from './includes/resources.includes.js';
import { call, count, openSession, read, write } from './includes/sessions.includes.js';
import { isStale } from './includes/tokens.includes.js';
import { countTrends } from './includes/trends.includes.js';

/**
 * session id, authority or `*`, maximum resources and bytes, whether to overdraw, instant, lease, node, beginning of the entry
 * of each eviction or '', number of files, their ids, then per candidate: id, last use → `placed`, number of files, number of
 * overdrawn files in the session, records of the files, records of the victims; or `full`, `stale` or `gone` alone
 */
export const PLACE = new BucketScript(
  'free',
  {
    keys: ['resources', 'by_process', 'overdrawn'],
    includes: [
      call,
      read,
      write,
      count,
      openSession,
      isStale,
      fits,
      isInPlace,
      isReadable,
      isEvictable,
      account,
      release,
      writeAccounts,
      enterDeed,
      countTrends,
    ],
  },
  `
local session_id, authority, max_resources, max_bytes, overdraw, at, lease_until, node, deed, files = unpack(ARGV, 1, 10)
local first_file = 11
local first_candidate = first_file + tonumber(files)
local session = open_session(session_id)
if not session then return { 'gone' } end
if is_stale(session, authority) then return { 'stale' } end

local all, waiting, bytes = {}, {}, 0
for i = first_file, first_candidate - 1 do
  local resource = read(RESOURCES, ARGV[i])
  if not resource or resource.sessionId ~= session_id or not is_readable(resource) then return { 'gone' } end
  all[#all + 1] = resource
  if not is_in_place(resource) then
    waiting[#waiting + 1] = resource
    bytes = bytes + resource.sizeBytes
  end
end

local answer = { 'placed', files, session.overdrawnCount }
if #waiting == 0 then
  for _, resource in ipairs(all) do answer[#answer + 1] = call('GET', RESOURCES .. resource.id) end
  for i = first_candidate, #ARGV, 2 do
    local victim = read(RESOURCES, ARGV[i])
    if victim and victim.evictedFor and victim.evictedFor == ARGV[first_file] then
      answer[#answer + 1] = call('GET', RESOURCES .. victim.id)
    end
  end
  return answer
end

local held, held_bytes = session.resourceCount - session.streamCount, session.bytesUsed
local function do_fit() return fits(held, held_bytes, #waiting, bytes, max_resources, max_bytes) end
local victims = {}
local next_candidate = first_candidate
while not do_fit() and next_candidate < #ARGV do
  local candidate = read(RESOURCES, ARGV[next_candidate])
  if candidate and candidate.sessionId == session_id and is_evictable(candidate, ARGV[next_candidate + 1]) then
    victims[#victims + 1] = candidate
    held, held_bytes = held - 1, held_bytes - candidate.sizeBytes
  end
  next_candidate = next_candidate + 2
end
local is_overdrawn = not do_fit()
if is_overdrawn then
  if overdraw == '0' then return { 'full' } end
  victims = {}
end

local counts = { 'evicted', #victims }
for _, resource in ipairs(waiting) do
  if not resource.overdrawn then
    for _, each in ipairs({ 'files:' .. resource.type, 1, 'bytes:' .. resource.type, resource.sizeBytes }) do
      counts[#counts + 1] = each
    end
  end
  account(session, resource, -1)
  if resource.processId then
    if not resource.usedBy[resource.processId] then
      call('ZREM', BY_PROCESS, resource.processId .. ':' .. resource.id)
    end
    resource.processId = nil
  end
  resource.state = 'ready'
  if is_overdrawn then
    resource.overdrawn = true
    call('ZADD', OVERDRAWN, at, resource.id)
  elseif resource.overdrawn then
    resource.overdrawn = nil
    call('ZREM', OVERDRAWN, resource.id)
  end
  account(session, resource, 1)
  write(RESOURCES, resource)
end
answer[3] = session.overdrawnCount
for _, resource in ipairs(all) do answer[#answer + 1] = call('GET', RESOURCES .. resource.id) end
for _, victim in ipairs(victims) do
  victim.evictedFor = ARGV[first_file]
  answer[#answer + 1] = release(session, victim, lease_until, node)
  count('evicted:' .. victim.type, 1)
  if deed ~= '' then
    local of = ',"resourceId":' .. cjson.encode(victim.id) .. ',"type":' .. cjson.encode(victim.type)
    enter_deed(session, deed .. of .. string.format(',"sizeBytes":%.0f}', victim.sizeBytes))
  end
end
count_trends(tonumber(at), counts)
write_accounts(session)
return answer
`,
);
