// Entry to the commands of this workspace: `npm start`, `npm test` and the others in package.json. It imports nothing and
// awaits nothing before it has checked the version, so that an old Node can parse it and print what is required.
const OLDEST = 18;

if (Number(process.versions.node.split('.')[0]) >= OLDEST) {
  void import('./commands.mjs').then(({ runCommand }) => runCommand(process.argv.slice(2)));
} else {
  console.error(
    `nest-sessions needs Node.js 22.23, 24.14 or newer; this is ${process.versions.node}. ` +
      `In this workspace ${OLDEST} or newer is enough: npm installs the one that runs the commands.`,
  );
  process.exitCode = 1;
}
