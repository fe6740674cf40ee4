import { LuaInclude } from '../../lua-include.js';
import { call } from './sessions.includes.js';

/**
 * beginning of a key, process, number of its batch, milliseconds: remembers the number for so long. → whether this batch, or a later one
 * of the process, came before
 */
export const isRepeat = new LuaInclude(
  'is_repeat',
  { includes: [call] },
  `
local function is_repeat(key, process, batch, ms)
  local last = key .. process
  if tonumber(call('GET', last) or 0) >= tonumber(batch) then return true end
  call('SET', last, batch, 'PX', ms)
  return false
end`,
);
