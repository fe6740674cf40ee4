// The commands of this workspace: `npm start`, `npm test`, `npm run demo`, `npm run cli`, `npm run torture`, `npm run
// bench`. Each installs and builds what is missing, then runs the real thing under the Node that the lock file pins. This
// file itself runs under whatever Node the machine has, so it keeps to plain old JavaScript.
import { build } from './build.mjs';
import { demandCommands } from './commands-for-tests.mjs';
import { install, installForBench } from './install.mjs';
import { runJest } from './jest.mjs';
import { npm, pinnedNode, step } from './process.mjs';

const commands = {
  serve: (args) => pinnedNode(['dist/main.js', ...args]),
  demo: (args) => pinnedNode(['tools/demo.mjs', ...args]),
  cli: (args) => pinnedNode(['libs/sessions/dist/program/bin.js', ...args]),
  torture(args) {
    demandCommands();
    return pinnedNode(['test/torture/main.ts', ...args]);
  },
  async bench(args) {
    await installForBench();
    return pinnedNode(['test/bench/main.ts', ...args]);
  },
  async test(args) {
    demandCommands();
    await step('Checking format, lint and types', () => npm(['run', '-s', 'check']));
    return runJest(args);
  },
};

const [name, ...args] = process.argv.slice(2);
if (!Object.keys(commands).includes(name)) {
  console.error(`usage: node tools/run.mjs ${Object.keys(commands).join('|')} [arguments]`);
  process.exit(2);
}

try {
  await install();
  await build();
  process.exitCode = await commands[name](args);
} catch (error) {
  console.error(error.message);
  process.exitCode = error.exitCode || 1;
}
