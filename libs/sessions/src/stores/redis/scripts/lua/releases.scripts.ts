import { BucketScript } from '../bucket-script.js';
import { drop, giveBackAtOnce, isEvictable, leave, release } from './resources.includes.js';
import { afterColon, call, count, membersOf, read, write } from './sessions.includes.js';

/** lease, node, `unused` or `any`, then per victim: id, last use → records of the marked resources */
export const BEGIN_RELEASE = new BucketScript(
  'free',
  { keys: ['resources'], includes: [read, count, isEvictable, release, leave] },
  `
local lease, node, only = unpack(ARGV, 1, 3)
local marked = {}
for i = 4, #ARGV, 2 do
  local resource = read(RESOURCES, ARGV[i])
  local wanted = resource and resource.state ~= 'releasing'
  if wanted and only == 'unused' then wanted = is_evictable(resource, ARGV[i + 1]) end
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

/** instant, lease, ids → records of the leased resources */
export const LEASE_RELEASING = new BucketScript(
  'free',
  { keys: ['resources'], includes: [read, release] },
  `
local leased = {}
for i = 3, #ARGV do
  local resource = read(RESOURCES, ARGV[i])
  if resource and resource.state == 'releasing' and resource.leasedUntil <= tonumber(ARGV[1]) then
    leased[#leased + 1] = release(resource, ARGV[2])
  end
end
return leased
`,
);

/** `released` or `evicted`, ids → released resources and bytes */
export const FINISH_RELEASE = new BucketScript(
  'free',
  { keys: ['resources'], includes: [read, giveBackAtOnce, drop] },
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

/** process → nothing. Drops its uses; its unfinished files and its streams can be leased afterwards. */
export const ABANDON = new BucketScript(
  'free',
  { keys: ['resources', 'by_process'], includes: [call, read, write, membersOf, afterColon, leave] },
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
