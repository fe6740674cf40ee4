import { BucketScript } from '../bucket-script.js';
import type { LuaInclude } from '../lua-include.js';
import { QuestionScript } from '../question-script.js';
import { isRepeat } from './includes/batches.includes.js';
import {
  bytesOf,
  dropRequests,
  dropTimeline,
  enterDeed,
  enterMark,
  enterRequest,
  keepHash,
  recount,
} from './includes/journal.includes.js';
import { afterColon, call, membersOf, read, write } from './includes/sessions.includes.js';

/** The number of a process's last batch is remembered for this long after it. */
const REMEMBERED_MS = 3_600_000;

/**
 * process, number of its batch, then per entry: session id, class, text: adds them, unless the batch was added before. A session that is
 * over gets entries only while it has a timeline: that of a user who was forgotten must not begin anew.
 */
export const APPEND = new BucketScript(
  'write',
  { keys: ['sessions', 'timelines'], includes: [call, isRepeat, read, enterMark, enterDeed, enterRequest] },
  `
if is_repeat(TIMELINES .. ':batch:', ARGV[1], ARGV[2], ${REMEMBERED_MS}) then return end
local enter_of = { mark = enter_mark, deed = enter_deed, request = enter_request }
local function takes_entries(session)
  return session and (session.state == 'open' or call('ZSCORE', TIMELINES, session.id))
end
local sessions = {}
for i = 3, #ARGV, 3 do
  local id = ARGV[i]
  if sessions[id] == nil then
    local session = read(SESSIONS, id)
    sessions[id] = takes_entries(session) and session or false
  end
  if sessions[id] then enter_of[ARGV[i + 1]](sessions[id], ARGV[i + 2]) end
end
`,
);

/** A list of a timeline → its entries */
export const ENTRIES = new QuestionScript(`return redis.call('LRANGE', KEY, 0, -1)`);

/** A list of a timeline → its last entry, or '' */
export const LAST_ENTRY = new QuestionScript(`return redis.call('LINDEX', KEY, -1) or ''`);

/** A list of a timeline, or the key of its opening → its entries and their bytes */
export const SIZE = new QuestionScript(
  `
${bytesOf.body}
local is_opening = string.find(KEY, '}:opened:', 1, true)
local entries, bytes = is_opening and { redis.call('GET', KEY) or nil } or redis.call('LRANGE', KEY, 0, -1), 0
for _, entry in ipairs(entries) do bytes = bytes + bytes_of(entry) end
return { #entries, bytes }
`,
);

/** → nothing */
export const RECOUNT = new BucketScript('free', { includes: [recount] }, `recount()`);

/** ids of sessions whose requests are dropped → entries and bytes */
export const DROP_REQUESTS = droppingEach(dropRequests);

/** ids of sessions whose timelines are dropped → entries and bytes */
export const DROP_TIMELINES = droppingEach(dropTimeline);

/** hash of a user, limit → ids of sessions with it that are over, or of which no record is left */
export const OVER_OF_USER = new BucketScript(
  'read',
  { keys: ['sessions', 'hashes'], includes: [read, membersOf, afterColon] },
  `
local hash, limit = ARGV[1], tonumber(ARGV[2])
local found = {}
for _, member in ipairs(members_of(HASHES, hash)) do
  if #found == limit then break end
  local id = after_colon(member, hash)
  local session = read(SESSIONS, id)
  if not session or session.state ~= 'open' then found[#found + 1] = id end
end
return found
`,
);

/** hash of a user, ids → how many of them had it and are over: their timelines and the hash are dropped */
export const FORGET_USER = new BucketScript(
  'free',
  { keys: ['sessions', 'hashes'], includes: [call, read, write, keepHash, dropTimeline] },
  `
local hash = ARGV[1]
local forgotten = 0
for i = 2, #ARGV do
  local id = ARGV[i]
  local session = read(SESSIONS, id)
  if not session or session.state ~= 'open' then
    forgotten = forgotten + call('ZREM', HASHES, hash .. ':' .. id)
    drop_timeline(id)
    if session then
      keep_hash(session, nil)
      write(SESSIONS, session)
    end
  end
end
return forgotten
`,
);

/** `drop`: id of a session → as `drop_entries` */
function droppingEach(drop: LuaInclude): BucketScript {
  return new BucketScript(
    'free',
    { includes: [drop] },
    `
local entries, bytes = 0, 0
for _, id in ipairs(ARGV) do
  local some, size = ${drop.name}(id)
  entries, bytes = entries + some, bytes + size
end
return { entries, bytes }
`,
  );
}
