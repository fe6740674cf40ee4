import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const campaigns = readdirSync(__dirname).filter((name) =>
  existsSync(join(__dirname, name, `${name}.campaign.ts`)),
);

/** The same choices every time; `npm run torture` makes new ones. */
const SEED = '1';

/** The short form of each campaign; `npm run torture` runs them at length. */
describe('Torture, the short form', () => {
  it.each(campaigns)(
    '%s',
    async (name) => {
      const { code, output } = await torture(name);
      // So that a failure shows what the campaign found.
      if (code !== 0) throw new Error(output);
      expect(output).toContain(`| ${name} `);
    },
    120_000,
  );
});

function torture(name: string): Promise<{ code: unknown; output: string }> {
  const args = [join(__dirname, 'main.ts'), name, '--short', '--seed', SEED];
  return new Promise((resolve) => {
    execFile(process.execPath, args, (error, stdout, stderr) =>
      resolve({ code: error ? error.code : 0, output: `${stderr}${stdout}` }),
    );
  });
}
