// Selects the test files to run, and prints first what they need.
import { isInstalled } from './install.mjs';
import { allNeeds, demand, installablePackages, isLinux, isMet, suites } from './needs.mjs';

/** Prints what all tests need, and installs it where it can. On Linux, throws if something is still missing. */
export function prepareAll() {
  print('npm test takes about half an hour on two cores. Besides Node, npm and its registry, it needs:');
  for (const need of allNeeds) print(`  ${need.padEnd(14)}${isMet(need) ? 'found' : 'missing'}`);
  printInstallations(installablePackages());
  if (isLinux) demand(allNeeds);
}

export function prepareQuick() {
  print('npm run test:quick takes about two minutes on two cores. It needs only Node and npm.');
  printInstallations([]);
}

function printInstallations(packages) {
  const names = [...(isInstalled() ? [] : ['the packages of package-lock.json']), ...packages];
  print(names.length > 0 ? `It will install ${names.join(', ')}.` : 'It has nothing to install.');
}

/** None on Linux, where `prepareAll` throws instead; elsewhere the files that need Linux or a missing program. */
export function leftOutOfAll() {
  return leftOut(isMet);
}

export function leftOutOfQuick() {
  return leftOut(() => false);
}

/** Test files with their unmet needs. */
function leftOut(isMet) {
  return Object.entries(suites)
    .map(([file, needs]) => ({ file, needs: needs.filter((need) => !isMet(need)) }))
    .filter(({ needs }) => needs.length > 0);
}

function print(line) {
  console.error(line);
}
