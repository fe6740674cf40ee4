import { AUDIT_MS } from '../../../../../domain/journal/audit-entry.js';
import {
  ENTRY_OVERHEAD_BYTES,
  MOST_DEEDS,
  MOST_MARKS,
  MOST_REQUESTS,
} from '../../../../../domain/journal/entry.js';
import { LuaInclude } from '../../lua-include.js';
import { call, count } from './sessions.includes.js';

/*
 * Includes of scripts that write what happened. The text of an entry is `instant:JSON`; with its number before it is the member of a
 * list. Scripts never decode the JSON: Lua would change it. What only the script knows of a deed, it adds at the end.
 */

/** Digits of an entry's number in the audit. */
const NUMBER_DIGITS = 12;
/** Digits of the bucket that numbered it, which follow: with both, no two entries have one name. */
const PLACE_DIGITS = 4;
export const NO_BUCKET = '9'.repeat(PLACE_DIGITS);
/** Characters of the name. */
export const NAME_LENGTH = NUMBER_DIGITS + PLACE_DIGITS;

/** The digits of a bucket in the audit. */
export function placeOf(bucket: number): string {
  return String(bucket).padStart(PLACE_DIGITS, '0');
}

/** entry → what it counts for */
export const bytesOf = new LuaInclude(
  'bytes_of',
  {},
  `
local function bytes_of(entry)
  return #entry + ${ENTRY_OVERHEAD_BYTES}
end`,
);

/**
 * beginning of the key of a list, most entries in it, whether they are marks, session in any state, text: adds an entry. → whether it
 * is the first. Marks are in the order in which they were written, others in the order of their instants. The list lives as long as the record of the session, which must be stored.
 */
export const enter = new LuaInclude(
  'enter',
  { keys: ['sessions', 'timelines', 'totals'], includes: [call, count, bytesOf] },
  `
local function enter(key, most, are_marks, session, text)
  local function at_of(entry) return tonumber(string.match(entry, '^%d+:([^:]+)')) end
  local list = key .. session.id
  local entry = string.format('%.0f:', call('HINCRBY', TOTALS, 'entries', 1)) .. text
  local place, length, before = -1
  if not are_marks then
    local at = at_of(entry)
    before = call('LINDEX', list, place)
    while before and at_of(before) > at do
      place = place - 1
      before = call('LINDEX', list, place)
    end
  end
  if place == -1 then
    length = call('RPUSH', list, entry)
  elseif before then
    length = call('LINSERT', list, 'AFTER', before, entry)
  else
    length = call('LPUSH', list, entry)
  end
  local is_first, bytes = length == 1, bytes_of(entry)
  if is_first then
    local left = call('PTTL', SESSIONS .. session.id)
    if left > 0 then call('PEXPIRE', list, left) end
    call('ZADD', TIMELINES, session.createdAt, session.id)
  end
  while length > most do
    bytes = bytes - bytes_of(call('LPOP', list))
    length = length - 1
  end
  count('journal_bytes', bytes)
  return is_first
end`,
);

/** session, text of a mark. Its opening lies apart, and stays. */
export const enterMark = new LuaInclude(
  'enter_mark',
  { keys: ['marks'], includes: [enter] },
  `
local function enter_mark(session, text)
  enter(MARKS, ${MOST_MARKS - 1}, true, session, text)
end`,
);

/** session, text of a deed */
export const enterDeed = new LuaInclude(
  'enter_deed',
  { keys: ['deeds'], includes: [enter] },
  `
local function enter_deed(session, text)
  enter(DEEDS, ${MOST_DEEDS}, false, session, text)
end`,
);

/** session, text of a request */
export const enterRequest = new LuaInclude(
  'enter_request',
  { keys: ['requests', 'requested'], includes: [call, enter] },
  `
local function enter_request(session, text)
  if enter(REQUESTS, ${MOST_REQUESTS}, false, session, text) then
    call('ZADD', REQUESTED, session.createdAt, session.id)
  end
end`,
);

/** id of a session, milliseconds: its timeline lives so long from now on */
export const keepTimeline = new LuaInclude(
  'keep_timeline',
  { keys: ['opened', 'marks', 'deeds', 'requests'], includes: [call] },
  `
local function keep_timeline(id, ms)
  for _, key in ipairs({ OPENED, MARKS, DEEDS, REQUESTS }) do call('PEXPIRE', key .. id, ms) end
end`,
);

/** key of a list of entries → their number, and what they count for */
export const sizeOf = new LuaInclude(
  'size_of',
  { includes: [call, bytesOf] },
  `
local function size_of(list)
  local entries, bytes = call('LRANGE', list, 0, -1), 0
  for _, entry in ipairs(entries) do bytes = bytes + bytes_of(entry) end
  return #entries, bytes
end`,
);

/** id of a session → the number of entries of its opening, 1 or 0, and what they count for */
export const sizeOfOpening = new LuaInclude(
  'size_of_opening',
  { keys: ['opened'], includes: [call, bytesOf] },
  `
local function size_of_opening(id)
  local entry = call('GET', OPENED .. id)
  if entry then return 1, bytes_of(entry) end
  return 0, 0
end`,
);

/** keys of lists of entries: drops them → the number of their entries, and what they counted for */
export const dropEntries = new LuaInclude(
  'drop_entries',
  { includes: [call, count, sizeOf] },
  `
local function drop_entries(lists)
  local entries, bytes = 0, 0
  for _, list in ipairs(lists) do
    local some, size = size_of(list)
    entries, bytes = entries + some, bytes + size
  end
  if entries > 0 then
    call('DEL', unpack(lists))
    count('journal_bytes', -bytes)
  end
  return entries, bytes
end`,
);

/** id of a session: drops its requests → as `drop_entries` */
export const dropRequests = new LuaInclude(
  'drop_requests',
  { keys: ['requests', 'requested'], includes: [call, dropEntries] },
  `
local function drop_requests(id)
  call('ZREM', REQUESTED, id)
  return drop_entries({ REQUESTS .. id })
end`,
);

/** id of a session: drops its timeline → as `drop_entries` */
export const dropTimeline = new LuaInclude(
  'drop_timeline',
  {
    keys: ['opened', 'marks', 'deeds', 'requests', 'timelines', 'requested'],
    includes: [call, count, sizeOfOpening, dropEntries],
  },
  `
local function drop_timeline(id)
  call('ZREM', TIMELINES, id)
  call('ZREM', REQUESTED, id)
  local opening, size = size_of_opening(id)
  call('DEL', OPENED .. id)
  count('journal_bytes', -size)
  local entries, bytes = drop_entries({ MARKS .. id, DEEDS .. id, REQUESTS .. id })
  return opening + entries, size + bytes
end`,
);

/** → bytes of all timelines of the bucket, added up from what is there */
export const timelineBytes = new LuaInclude(
  'timeline_bytes',
  { keys: ['marks', 'deeds', 'requests', 'timelines'], includes: [call, sizeOf, sizeOfOpening] },
  `
local function timeline_bytes()
  local bytes = 0
  for _, id in ipairs(call('ZRANGE', TIMELINES, 0, -1)) do
    local _, opening = size_of_opening(id)
    bytes = bytes + opening
    for _, key in ipairs({ MARKS, DEEDS, REQUESTS }) do
      local _, size = size_of(key .. id)
      bytes = bytes + size
    end
  end
  return bytes
end`,
);

/** counts the bytes of the timelines anew, and forgets whose the sessions were of which no record is left */
export const recount = new LuaInclude(
  'recount',
  {
    keys: ['sessions', 'hashes', 'totals'],
    includes: [call, timelineBytes],
  },
  `
local function recount()
  call('HSET', TOTALS, 'journal_bytes', string.format('%.0f', timeline_bytes()))
  for _, member in ipairs(call('ZRANGE', HASHES, 0, -1)) do
    local id = string.match(member, '[^:]+$')
    if call('EXISTS', SESSIONS .. id) == 0 then call('ZREM', HASHES, member) end
  end
end`,
);

/** session, hash of its user or nil: keeps it with the session, and the session under it. The caller writes the session. */
export const keepHash = new LuaInclude(
  'keep_hash',
  { keys: ['hashes'], includes: [call] },
  `
local function keep_hash(session, hash)
  if session.userHash == hash then return end
  if session.userHash then call('ZREM', HASHES, session.userHash .. ':' .. session.id) end
  if hash then call('ZADD', HASHES, 0, hash .. ':' .. session.id) end
  session.userHash = hash
end`,
);

/**
 * instant, JSON, digits of the bucket, most bytes of the audit here: adds an entry, and drops the oldest beyond the bytes, but not the
 * last. AUDIT and TOTALS are those of a bucket, or of the deeds without a session.
 */
export const enterAudit = new LuaInclude(
  'enter_audit',
  { keys: ['audit', 'totals'], includes: [call, bytesOf] },
  `
local function enter_audit(at, json, place, most)
  local number = string.format('%0${NUMBER_DIGITS}.0f', call('HINCRBY', TOTALS, 'audited', 1))
  local entry = number .. place .. ':' .. json
  call('ZADD', AUDIT, at, entry)
  call('PEXPIRE', AUDIT, ${AUDIT_MS})
  local bytes, left = bytes_of(entry), call('ZCARD', AUDIT)
  -- What has expired counts no more.
  if left == 1 then return call('HSET', TOTALS, 'audit_bytes', bytes) end
  bytes = call('HINCRBY', TOTALS, 'audit_bytes', bytes)
  while bytes > tonumber(most) and left > 1 do
    bytes = call('HINCRBY', TOTALS, 'audit_bytes', -bytes_of(call('ZPOPMIN', AUDIT)[1]))
    left = left - 1
  end
end`,
);

/** instant, limit: drops entries from before → their number */
export const forgetAudit = new LuaInclude(
  'forget_audit',
  { keys: ['audit', 'totals'], includes: [call, bytesOf] },
  `
local function forget_audit(before, limit)
  local old, bytes = call('ZRANGEBYSCORE', AUDIT, '-inf', '(' .. before, 'LIMIT', 0, limit), 0
  if #old == 0 then return 0 end
  for _, entry in ipairs(old) do bytes = bytes + bytes_of(entry) end
  call('ZREM', AUDIT, unpack(old))
  call('HINCRBY', TOTALS, 'audit_bytes', -bytes)
  return #old
end`,
);
