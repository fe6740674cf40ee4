import { DURATION_RATIO, TREND_SPAN_NAMES, TREND_SPANS } from '../../../../../domain/trends/trend.js';
import { LuaInclude } from '../../lua-include.js';
import { KEPT_UNTENDED_MS } from '../../redis.layout.js';
import { call } from './sessions.includes.js';

const SPANS = TREND_SPAN_NAMES.map(
  (span) => `{ '${span}', ${TREND_SPANS[span].ms}, ${TREND_SPANS[span].keptMs} }`,
);

/** A point outlives its time by this, if no cleanup drops it. */
const SPARE_MS = 24 * 3_600_000;

/**
 * instant, names and numbers in turn: adds to the counts of its minute, hour and day. Of names that begin with `peak_` the largest
 * number stays. TRENDS is the beginning of keys.
 */
export const countTrends = new LuaInclude(
  'count_trends',
  { keys: ['trends'], includes: [call] },
  `
local function count_trends(at, counts)
  for _, span in ipairs({ ${SPANS.join(', ')} }) do
    local start = string.format('%.0f', at - at % span[2])
    local point = TRENDS .. span[1] .. ':' .. start
    local is_new
    for i = 1, #counts, 2 do
      local name, number = counts[i], tonumber(counts[i + 1])
      if string.sub(name, 1, 5) ~= 'peak_' then
        number = string.format('%.0f', number)
        if number ~= '0' then is_new = call('HINCRBY', point, name, number) == tonumber(number) or is_new end
      else
        local known = tonumber(call('HGET', point, name) or 0)
        if number > known then
          call('HSET', point, name, string.format('%.0f', number))
          is_new = true
        end
      end
    end
    if is_new then
      call('ZADD', TRENDS .. 'points:' .. span[1], start, start)
      call('PEXPIRE', TRENDS .. 'points:' .. span[1], ${KEPT_UNTENDED_MS})
      call('PEXPIRE', point, span[3] + ${SPARE_MS})
    end
  end
end`,
);

/** duration in milliseconds → the name of its bucket: \`durationBucket\` of the domain */
export const durationName = new LuaInclude(
  'duration_name',
  {},
  `
local function duration_name(ms)
  if ms < 1 then return 'duration:0' end
  return string.format('duration:%.0f', 1 + math.floor(math.log(ms) / math.log(${DURATION_RATIO})))
end`,
);
