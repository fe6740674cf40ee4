import { readFileSync } from 'node:fs';

/** The version of this package. */
export function packageVersion(): string {
  // The bundled program, in dist/program, is as deep as this folder.
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { version }: { version: string } = JSON.parse(text);
  return version;
}
