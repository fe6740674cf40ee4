import { AUDIT_MS, MOST_WRONG_TOKENS } from '../../../../domain/journal/audit-entry.js';
import { BucketScript } from '../bucket-script.js';
import { QuestionScript } from '../question-script.js';
import { RedisScript } from '../redis.script.js';
import { bytesOf, enterAudit, forgetAudit, NAME_LENGTH } from './includes/journal.includes.js';
import { call } from './includes/sessions.includes.js';

/**
 * An audit; first instant, instant beyond, limit, and the end of the previous page, if any: instant, name → the next page: entry,
 * instant, entry, instant … the latest first, those of one instant by falling name
 */
export const AUDIT_PAGE = new QuestionScript(
  `
local call = redis.call
local from, to, limit, at, name = unpack(ARGV)
local found = {}
if at then
  for _, entry in ipairs(call('ZREVRANGEBYSCORE', KEY, at, at)) do
    if #found == 2 * limit then return found end
    if string.sub(entry, 1, ${NAME_LENGTH}) < name then
      found[#found + 1] = entry
      found[#found + 1] = at
    end
  end
  to = at
end
local left = limit - #found / 2
local earlier = call('ZREVRANGEBYSCORE', KEY, '(' .. to, from, 'WITHSCORES', 'LIMIT', 0, left)
for _, text in ipairs(earlier) do found[#found + 1] = text end
return found
`,
);

/** instant, limit → how many entries from before it were dropped */
export const FORGET_AUDIT = new BucketScript(
  'free',
  { includes: [forgetAudit] },
  `return forget_audit(ARGV[1], ARGV[2])`,
);

/** The keys of the audit of what has no session. */
const KEYS_OF_AUDIT = 'local AUDIT, TOTALS, WRONG, COUNTS = unpack(KEYS)';

/** KEYS: audit; instant, JSON, digits that stand for no bucket, most bytes → nothing */
export const APPEND_AUDIT = new RedisScript(
  'write',
  [
    KEYS_OF_AUDIT,
    call.body,
    bytesOf.body,
    enterAudit.body,
    `
enter_audit(unpack(ARGV))
call('PEXPIRE', TOTALS, ${AUDIT_MS})
`,
  ].join('\n'),
);

/** KEYS: audit; instant, limit → how many entries and wrong tokens from before it were dropped */
export const FORGET_OWN_AUDIT = new RedisScript(
  'free',
  [
    KEYS_OF_AUDIT,
    call.body,
    bytesOf.body,
    forgetAudit.body,
    `
local old = call('ZRANGEBYSCORE', WRONG, '-inf', '(' .. ARGV[1], 'LIMIT', 0, ARGV[2])
if #old > 0 then
  call('ZREM', WRONG, unpack(old))
  call('HDEL', COUNTS, unpack(old))
end
return #old + forget_audit(ARGV[1], ARGV[2])
`,
  ].join('\n'),
);

/** KEYS: audit; beginning of a minute, network → nothing */
export const COUNT_WRONG_TOKEN = new RedisScript(
  'write',
  `
${KEYS_OF_AUDIT}
local call = redis.call
local name = ARGV[1] .. ':' .. ARGV[2]
call('ZADD', WRONG, ARGV[1], name)
call('HINCRBY', COUNTS, name, 1)
while call('ZCARD', WRONG) > ${MOST_WRONG_TOKENS} do call('HDEL', COUNTS, call('ZPOPMIN', WRONG)[1]) end
for _, key in ipairs({ WRONG, COUNTS }) do call('PEXPIRE', key, ${AUDIT_MS}) end
`,
);
