import { RedisScript } from './redis.script.js';

/** A read-only script that evaluates its body for each key, as `KEY`; answers a list in the order of the keys. */
export class QuestionScript extends RedisScript {
  constructor(body: string) {
    super(
      'read',
      `
local function answer(KEY)
${body}
end
local answers = {}
for i = 1, #KEYS do answers[i] = answer(KEYS[i]) end
return answers
`,
    );
  }
}
