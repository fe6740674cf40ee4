import { RedisScript } from './redis.script.js';

/**
 * A read-only script that evaluates its body for each key, as `KEY`; answers a list in the order of the keys. With `beside`, for
 * each key and so many that follow it, by these names.
 */
export class QuestionScript extends RedisScript {
  /** Keys of one answer. */
  readonly keysEach: number;

  constructor(body: string, beside: readonly string[] = []) {
    const names = ['KEY', ...beside];
    super(
      'read',
      `
local function answer(${names.join(', ')})
${body}
end
local answers = {}
for i = 1, #KEYS, ${names.length} do answers[#answers + 1] = answer(unpack(KEYS, i, i + ${names.length - 1})) end
return answers
`,
    );
    this.keysEach = names.length;
  }
}
