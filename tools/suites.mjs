// Which test files run, and what is said of it before they do.
import { isInstalled } from './install.mjs';
import { allNeeds, demand, installablePackages, isLinux, isMet, suites } from './needs.mjs';

/** Says what all tests need, and installs what it can. What is missing on Linux then is an error. */
export function prepareAll() {
  say('npm test takes about 15 minutes on two cores. Beside Node, npm and its registry it needs:');
  for (const need of allNeeds) say(`  ${need.padEnd(14)}${isMet(need) ? 'found' : 'missing'}`);
  sayWhatIsInstalled(installablePackages());
  if (isLinux) demand(allNeeds);
}

export function prepareQuick() {
  say('npm run test:quick takes about two minutes on two cores. It needs Node and npm alone.');
  sayWhatIsInstalled([]);
}

function sayWhatIsInstalled(packages) {
  const names = [...(isInstalled() ? [] : ['the packages of package-lock.json']), ...packages];
  say(names.length > 0 ? `It will install ${names.join(', ')}.` : 'It has nothing to install.');
}

/** On Linux nothing, since all was demanded; elsewhere what needs Linux, or a program that is missing. */
export function leftOutOfAll() {
  return leftOut(isMet);
}

export function leftOutOfQuick() {
  return leftOut(() => false);
}

/** Test files with those of their needs that are not met. */
function leftOut(isMet) {
  return Object.entries(suites)
    .map(([file, needs]) => ({ file, needs: needs.filter((need) => !isMet(need)) }))
    .filter(({ needs }) => needs.length > 0);
}

function say(line) {
  console.error(line);
}
