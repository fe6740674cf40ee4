// The licenses of bundled packages.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './process.mjs';

/** The licenses of the packages that these files come from, by name. */
export function licensesOf(files) {
  const packages = new Set(files.map(packageFolderOf).filter((path) => path !== null));
  return [...packages]
    .toSorted((a, b) => a.localeCompare(b))
    .map(licenseOf)
    .join('\n\n');
}

function packageFolderOf(file) {
  return /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? null;
}

function licenseOf(path) {
  const { name, version, license } = JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8'));
  const file = readdirSync(join(root, path)).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file === undefined ? '' : `\n\n${readFileSync(join(root, path, file), 'utf8').trim()}`;
  return `${name} ${version} (${license})${text}`;
}
