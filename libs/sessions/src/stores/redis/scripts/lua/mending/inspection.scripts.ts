import { BUDGET_KEPT_MS } from '../../redis.layout.js';
import { BucketScript } from '../../bucket-script.js';
import { QuestionScript } from '../../question-script.js';
import { RedisScript } from '../../redis.script.js';
import { call } from '../includes/sessions.includes.js';

/** `{7}:counted` → name, sessions, resources, bytes, name … of the budgets that its sessions count for */
export const COUNTED_IN = new QuestionScript(`
local sums, answer = {}, {}
for _, entry in ipairs(redis.call('HVALS', KEY)) do
  local resources, bytes, name = string.match(entry, '^(%d+):(%d+):(.*)$')
  local sum = sums[name] or { 0, 0, 0 }
  sums[name] = { sum[1] + 1, sum[2] + resources, sum[3] + bytes }
end
for name, sum in pairs(sums) do
  answer[#answer + 1] = name
  for i = 1, 3 do answer[#answer + 1] = string.format('%.0f', sum[i]) end
end
return answer
`);

/**
 * KEYS: \`{7}:counted\` of all buckets; beginning of the keys of budgets, name of one, whether it is written → the kept and the counted
 * sessions, resources and bytes, of one moment. What all count for has no number of sessions.
 */
export const RECOUNT_BUDGET = new RedisScript(
  'free',
  `
local beginning, name, writes = ARGV[1], ARGV[2], ARGV[3] == '1'
local sessions, resources, bytes = 0, 0, 0
for _, key in ipairs(KEYS) do
  for _, entry in ipairs(redis.call('HVALS', key)) do
    local some, size, of = string.match(entry, '^(%d+):(%d+):(.*)$')
    if of == name or name == 'all' then
      if name ~= 'all' then sessions = sessions + 1 end
      resources, bytes = resources + some, bytes + size
    end
  end
end
local budget = beginning .. name
local kept = redis.call('HMGET', budget, 'sessions', 'resources', 'bytes')
if writes then
  local user = string.match(name, '^user:(.*)$')
  redis.call('DEL', budget)
  if sessions > 0 or resources > 0 or bytes > 0 then
    redis.call('HSET', budget, 'resources', string.format('%.0f', resources), 'bytes', string.format('%.0f', bytes))
    if name ~= 'all' then redis.call('HSET', budget, 'sessions', string.format('%.0f', sessions)) end
    redis.call('PEXPIRE', budget, ${BUDGET_KEPT_MS})
    if user then
      redis.call('ZADD', beginning .. 'users', 0, user)
      redis.call('PEXPIRE', beginning .. 'users', ${BUDGET_KEPT_MS})
    end
  elseif user then
    redis.call('ZREM', beginning .. 'users', user)
  end
end
local answer = {}
for i, real in ipairs({ sessions, resources, bytes }) do
  answer[2 * i - 1] = kept[i] or '0'
  answer[2 * i] = string.format('%.0f', real)
end
return answer
`,
);

/** → the processes that have entries in the bucket */
export const PROCESSES_IN = new BucketScript(
  'read',
  { keys: ['by_process'], includes: [call] },
  `
local known, processes = {}, {}
for _, member in ipairs(call('ZRANGE', BY_PROCESS, 0, -1)) do
  local process = string.match(member, '^[^:]+')
  if not known[process] then processes[#processes + 1] = process end
  known[process] = true
end
return processes
`,
);

/** KEYS: processes; node → whether it was not listed, and is now: never seen, so that it can be forgotten */
export const LIST_NODE = new RedisScript(
  'free',
  `return redis.call('HSETNX', KEYS[4], ARGV[1], '{"lastSeenAt":0}')`,
);
