// Deletes build output: `node tools/clean.mjs <folder in this workspace> ...`
import { rmSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';
import { root } from './process.mjs';

for (const name of process.argv.slice(2)) {
  const folder = resolve(root, name);
  if (!folder.startsWith(join(root, sep)) || !folder.split(sep).includes('dist')) {
    console.error(`${name} is not a build folder of this workspace.`);
    process.exit(2);
  }
  rmSync(folder, { recursive: true, force: true });
}
