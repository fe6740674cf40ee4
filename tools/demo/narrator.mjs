// Prints the story, and counts passed and failed checks.

export class Narrator {
  step = 0;
  passed = 0;
  failed = 0;

  begin(title) {
    this.step += 1;
    console.log(`\n${this.step}. ${title}`);
  }

  say(text) {
    console.log(`   ${text}`);
  }

  /** Prints the answer of an admin endpoint or a command. */
  show(from, answer) {
    console.log(`   ${from}`);
    for (const line of layOut(answer)) console.log(`     ${line}`);
  }

  check(claim, isTrue) {
    if (isTrue) this.passed += 1;
    else this.failed += 1;
    console.log(`   ${isTrue ? 'ok    ' : 'FAILED'} ${claim}`);
  }
}

/** JSON with one line per item of a list. */
function layOut(value) {
  if (Array.isArray(value) && value.length > 0) return ['[', ...commas(value.map(layOut)), ']'];
  if (value && typeof value === 'object' && Object.values(value).some(isNested)) {
    const entries = Object.entries(value).map(([key, item]) => {
      const [first, ...rest] = layOut(item);
      return [`${JSON.stringify(key)}: ${first}`, ...rest];
    });
    return ['{', ...commas(entries), '}'];
  }
  return [JSON.stringify(value)];
}

function isNested(value) {
  return typeof value === 'object' && value !== null;
}

/** Indents blocks of lines, and adds a comma to each but the last. */
function commas(blocks) {
  return blocks.flatMap((lines, index) => {
    const last = index < blocks.length - 1 ? `${lines.at(-1)},` : lines.at(-1);
    return [...lines.slice(0, -1), last].map((line) => `  ${line}`);
  });
}
