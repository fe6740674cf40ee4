import { BucketScript } from '../bucket-script.js';
import { QuestionScript } from '../question-script.js';
import { isRepeat } from './includes/batches.includes.js';
import { countTrends } from './includes/trends.includes.js';
import { call } from './includes/sessions.includes.js';

/** The number of a process's last batch is remembered for this long after it. */
const REMEMBERED_MS = 2 * 24 * 3_600_000;

/** process id, number of its batch, instant, then names and numbers in turn: adds them, unless the batch was added before */
export const ADD_TRENDS = new BucketScript(
  'write',
  { keys: ['trends'], includes: [isRepeat, countTrends] },
  `
local process, batch, at = ARGV[1], ARGV[2], tonumber(ARGV[3])
if is_repeat(TRENDS .. 'batch:', process, batch, ${REMEMBERED_MS}) then return end
local counts = {}
for i = 4, #ARGV do counts[#counts + 1] = ARGV[i] end
count_trends(at, counts)
`,
);

/** points of a span; from, to → the beginnings from one on and before the other, the earliest first */
export const TREND_STARTS = new QuestionScript(
  `return redis.call('ZRANGEBYSCORE', KEY, ARGV[1], '(' .. ARGV[2])`,
);

/** span, instant, limit: drops the points that began then or earlier → their beginnings */
export const PRUNE_TRENDS = new BucketScript(
  'free',
  { keys: ['trends'], includes: [call] },
  `
local span, most, limit = ARGV[1], ARGV[2], ARGV[3]
local points = TRENDS .. 'points:' .. span
local old = call('ZRANGEBYSCORE', points, '-inf', most, 'LIMIT', 0, limit)
for _, start in ipairs(old) do
  call('DEL', TRENDS .. span .. ':' .. start)
  call('ZREM', points, start)
end
return old
`,
);
