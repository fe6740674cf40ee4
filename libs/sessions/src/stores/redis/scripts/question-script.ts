import { RedisScript } from './redis.script.js';

/** A script that asks the same of each key, by the name `KEY`, and changes nothing: one answer for each, in their order. */
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
