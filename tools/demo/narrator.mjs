// Tells the story, and keeps count of what held and what did not.

export class Narrator {
  step = 0;
  held = 0;
  failed = 0;

  begin(title) {
    this.step += 1;
    console.log(`\n${this.step}. ${title}`);
  }

  say(text) {
    console.log(`   ${text}`);
  }

  /** What the admin endpoint, or a command, answered. */
  show(from, answer) {
    console.log(`   ${from}`);
    for (const line of layOut(answer)) console.log(`     ${line}`);
  }

  check(claim, holds) {
    if (holds) this.held += 1;
    else this.failed += 1;
    console.log(`   ${holds ? 'ok    ' : 'FAILED'} ${claim}`);
  }
}

/** JSON with one line for each thing in a list: short, and still JSON. */
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

/** Blocks of lines, indented, with a comma after each but the last. */
function commas(blocks) {
  return blocks.flatMap((lines, index) => {
    const last = index < blocks.length - 1 ? `${lines.at(-1)},` : lines.at(-1);
    return [...lines.slice(0, -1), last].map((line) => `  ${line}`);
  });
}
