import { BucketScript } from '../bucket-script.js';
import {
  account,
  drop,
  goesWithEnd,
  leaseTo,
  release,
  writeAccounts,
} from './includes/resources.includes.js';
import { afterColon, call, membersOf, read, write } from './includes/sessions.includes.js';

/** lease, node, ids → records of the marked resources */
export const BEGIN_RELEASE = new BucketScript(
  'free',
  { keys: ['sessions', 'resources'], includes: [read, release, writeAccounts] },
  `
local lease_until, node = unpack(ARGV, 1, 2)
local marked = {}
for i = 3, #ARGV do
  local resource = read(RESOURCES, ARGV[i])
  if resource and resource.state ~= 'releasing' then
    local session = read(SESSIONS, resource.sessionId)
    marked[#marked + 1] = release(session, resource, lease_until, node)
    if session then write_accounts(session) end
  end
end
return marked
`,
);

/**
 * instant, lease, ids → records of the leased resources. A file that goes with the end of its session is leased, so that it
 * comes last, but not answered.
 */
export const LEASE_RELEASING = new BucketScript(
  'free',
  { keys: ['resources'], includes: [read, leaseTo, goesWithEnd] },
  `
local leased = {}
for i = 3, #ARGV do
  local resource = read(RESOURCES, ARGV[i])
  if resource and resource.state == 'releasing' and resource.leasedUntil <= tonumber(ARGV[1]) then
    local json = lease_to(resource, ARGV[2])
    if not goes_with_end(resource) then leased[#leased + 1] = json end
  end
end
return leased
`,
);

/** ids → released resources and bytes */
export const FINISH_RELEASE = new BucketScript(
  'free',
  { keys: ['sessions', 'resources'], includes: [read, goesWithEnd, drop, account, writeAccounts] },
  `
local resources, bytes = 0, 0
for i = 1, #ARGV do
  local resource = read(RESOURCES, ARGV[i])
  if resource and resource.state == 'releasing' and not goes_with_end(resource) then
    local one, size = drop(resource, true)
    resources, bytes = resources + one, bytes + size
    local session = read(SESSIONS, resource.sessionId)
    if session then
      account(session, resource, -1)
      write_accounts(session)
    end
  end
end
return { resources, bytes }
`,
);

/** process → records of the resources that it brings in or streams */
export const HELD = new BucketScript(
  'read',
  { keys: ['resources', 'by_process'], includes: [call, membersOf, afterColon] },
  `
local held = {}
for _, member in ipairs(members_of(BY_PROCESS, ARGV[1])) do
  local raw = call('GET', RESOURCES .. after_colon(member, ARGV[1]))
  local resource = raw and cjson.decode(raw)
  if resource and resource.processId == ARGV[1] and resource.state ~= 'releasing' then held[#held + 1] = raw end
end
return held
`,
);

/** process → nothing. Drops its uses; its files that are not placed, and its streams, can be leased afterwards. */
export const ABANDON = new BucketScript(
  'free',
  {
    keys: ['sessions', 'resources', 'by_process'],
    includes: [call, read, write, membersOf, afterColon, release, writeAccounts],
  },
  `
local process = ARGV[1]
for _, member in ipairs(members_of(BY_PROCESS, process)) do
  local resource = read(RESOURCES, after_colon(member, process))
  if resource then
    resource.uses = resource.uses - (resource.usedBy[process] or 0)
    resource.usedBy[process] = nil
    if resource.processId == process and resource.state ~= 'releasing' then
      local session = read(SESSIONS, resource.sessionId)
      release(session, resource, '0', '')
      if session then write_accounts(session) end
    else
      write(RESOURCES, resource)
    end
  end
  call('ZREM', BY_PROCESS, member)
end
`,
);
