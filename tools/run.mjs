// The entry to the commands of this workspace: `npm start`, `npm test` and the others in package.json. It imports nothing and
// awaits nothing before it knows the machine's own Node, so that an old one can read it and say what is needed.
const OLDEST = 18;

if (Number(process.versions.node.split('.')[0]) >= OLDEST) {
  void import('./commands.mjs').then(({ runCommand }) => runCommand(process.argv.slice(2)));
} else {
  console.error(
    `nest-sessions needs Node.js 22.23, 24.14 or newer; this is ${process.versions.node}. ` +
      `In this workspace any from ${OLDEST} will do: npm installs the one that it runs on.`,
  );
  process.exitCode = 1;
}
