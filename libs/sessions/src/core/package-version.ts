import { readFileSync } from 'node:fs';

/** The version of this package; `unknown` if it was bundled into another program, away from its `package.json`. */
export function packageVersion(): string {
  try {
    // The bundled program, in dist/program, is as deep as this folder.
    const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
    const { name, version }: { name?: string; version?: string } = JSON.parse(text);
    return name === 'nest-sessions' && version !== undefined ? version : UNKNOWN;
  } catch {
    return UNKNOWN;
  }
}

const UNKNOWN = 'unknown';
