import { BucketScript } from '../../bucket-script.js';
import { KEPT_AFTER_END_MS, KEPT_UNTENDED_MS } from '../../redis.layout.js';
import { recount } from '../includes/journal.includes.js';
import { forgetSession, inspectBucket, keepResources } from '../includes/mending.includes.js';
import { afterColon, call, membersOf, read } from '../includes/sessions.includes.js';

/** Entries of an index that are looked at in one run: the jobs of the cleanup end or drop the first ones, so that others follow. */
const LOOKED_AT = 1000;

/**
 * instant → nothing. Removes from the indexes and sums of the bucket what is left of records that have expired or were lost,
 * as far as it is due at the instant; lengthens the lifetimes of records whose end waits, e.g. for a node that is away, and
 * of the indexes. Changes nothing where there is nothing to mend.
 */
export const MEND = new BucketScript(
  'free',
  {
    keys: [
      'sessions',
      'tokens',
      'resources',
      'opened',
      'marks',
      'deeds',
      'requests',
      'held',
      'overdrawn',
      'idle',
      'expiry',
      'ending',
      'tombstones',
      'releasing',
      'totals',
    ],
    includes: [call, read, membersOf, afterColon, forgetSession, keepResources, recount],
  },
  `
local at = ARGV[1]
local has_forgotten = false

local function is_gone(key, id) return call('EXISTS', key .. id) == 0 end
local function id_of(member) return string.match(member, '[^:]+$') end
local function due(key) return call('ZRANGEBYSCORE', key, '-inf', at, 'LIMIT', 0, ${LOOKED_AT}) end

-- Writes only if half of the lifetime is over: most runs change nothing.
local function lengthen(key, ms)
  if call('PTTL', key) < ms / 2 then call('PEXPIRE', key, ms) end
end

for _, key in ipairs({ IDLE, EXPIRY, TOMBSTONES }) do
  for _, id in ipairs(due(key)) do
    if is_gone(SESSIONS, id) then
      forget_session(id)
      has_forgotten = true
    end
  end
end
for _, member in ipairs(call('ZRANGE', ENDING, 0, -1)) do
  local session = read(SESSIONS, id_of(member))
  if session then
    lengthen(SESSIONS .. session.id, ${KEPT_AFTER_END_MS})
    lengthen(TOKENS .. session.tokenHash, ${KEPT_AFTER_END_MS})
    for _, key in ipairs({ OPENED, MARKS, DEEDS, REQUESTS }) do lengthen(key .. session.id, ${KEPT_AFTER_END_MS}) end
    for _, held in ipairs(members_of(HELD, session.id)) do
      lengthen(RESOURCES .. after_colon(held, session.id), ${KEPT_AFTER_END_MS})
    end
  else
    call('ZREM', ENDING, member)
    forget_session(id_of(member))
    has_forgotten = true
  end
end
for _, member in ipairs(call('ZRANGE', RELEASING, 0, -1)) do
  if is_gone(RESOURCES, id_of(member)) then call('ZREM', RELEASING, member) end
end
for _, id in ipairs(due(OVERDRAWN)) do
  if is_gone(RESOURCES, id) then call('ZREM', OVERDRAWN, id) end
end
if call('HDEL', TOTALS, 'lost') == 1 then keep_resources() end
if has_forgotten then recount() end
for _, key in ipairs(KEYS) do
  if key ~= TOTALS then lengthen(key, ${KEPT_UNTENDED_MS}) end
end
`,
);

/** Findings of one bucket that are answered: after a repair, others follow. What cannot be read forbids a repair, so it is always told. */
const MOST_FOUND = 200;

/** instant → fault, subject, detail, fault … of what is wrong in the bucket */
export const INSPECT = new BucketScript(
  'read',
  { includes: [inspectBucket] },
  `
local findings = {}
inspect_bucket(tonumber(ARGV[1]), function(fault, subject, detail)
  if #findings >= ${3 * MOST_FOUND} and fault ~= 'unreadable' then return end
  findings[#findings + 1] = fault
  findings[#findings + 1] = subject
  findings[#findings + 1] = detail
end)
return findings
`,
);

/** instant, fault, subject → whether something was mended: what is wrong of that subject in that way now */
export const MEND_FOUND = new BucketScript(
  'free',
  { includes: [inspectBucket] },
  `
local is_mended = 0
inspect_bucket(tonumber(ARGV[1]), function(fault, subject, _, mend)
  if fault == ARGV[2] and subject == ARGV[3] and mend then
    mend()
    is_mended = 1
  end
end)
return is_mended
`,
);
