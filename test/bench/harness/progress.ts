/** What is being done, for whoever waits: on the error output, since the other one is for the tables. */
export function say(text: string): void {
  process.stderr.write(`  ${text}\n`);
}
