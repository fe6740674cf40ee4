// The commands of this workspace: `npm start`, `npm test`, `npm run test:quick`, `npm run demo`, `npm run cli`, `npm run
// torture`, `npm run bench`. Each installs and builds what is missing, then runs its program under the Node that the lock
// file pins. The files in this folder run under the machine's own Node, so they use no recent JavaScript.
import { build } from './build.mjs';
import { testInApps } from './compat.mjs';
import { install, installForBench } from './install.mjs';
import { runJest } from './jest.mjs';
import { demand, programs } from './needs.mjs';
import { npm, pinnedNode, step } from './process.mjs';
import { leftOutOfAll, leftOutOfQuick, prepareAll, prepareQuick } from './suites.mjs';

/** Checks that run before packages are installed or anything is built. */
const preparations = {
  test: prepareAll,
  'test:quick': prepareQuick,
  torture: () => demand(Object.keys(programs)),
};

const commands = {
  serve: (args) => pinnedNode(['dist/main.js', ...args]),
  demo: (args) => pinnedNode(['tools/demo.mjs', ...args]),
  cli: (args) => pinnedNode(['libs/sessions/dist/program/bin.js', ...args]),
  torture: (args) => pinnedNode(['test/torture/main.ts', ...args]),
  async bench(args) {
    await installForBench();
    return pinnedNode(['test/bench/main.ts', ...args]);
  },
  async test(args) {
    await step('Checking format, lint and types', () => npm(['run', '-s', 'check']));
    // Before the others, whose summary is the last line.
    const inApps = args.length === 0 ? await testInApps(leftOutOfAll()) : 0;
    return (await runJest(args, leftOutOfAll())) || inApps;
  },
  'test:quick': (args) => runJest(args, leftOutOfQuick()),
};

export async function runCommand([name, ...args]) {
  if (!Object.keys(commands).includes(name)) {
    console.error(`usage: node tools/run.mjs ${Object.keys(commands).join('|')} [arguments]`);
    process.exitCode = 2;
    return;
  }
  try {
    if (name in preparations) preparations[name]();
    await install();
    await build();
    process.exitCode = await commands[name](args);
  } catch (error) {
    console.error(error.message);
    process.exitCode = error.exitCode || 1;
  }
}
