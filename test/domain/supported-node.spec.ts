import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { refuseOldNode } from '#sessions/domain/supported-node';

const ROOT = resolve(import.meta.dirname, '../..');

describe('the range of Node.js', () => {
  it.each(['18.20.8', '20.20.2', '22.22.9', '23.11.0', '24.13.1'])('excludes %s', (version) => {
    expect(() => refuseOldNode(version)).toThrow(
      `nest-sessions needs Node.js 22.23, 24.14 or newer; this is ${version}`,
    );
  });

  it.each(['22.23.0', '22.24.1', '24.14.0', '25.0.0'])('includes %s', (version) => {
    expect(() => refuseOldNode(version)).not.toThrow();
  });

  it.each(['package.json', 'libs/sessions/package.json'])('is the one in %s', (path) => {
    const { engines } = JSON.parse(readFileSync(join(ROOT, path), 'utf8')) as { engines: { node: string } };
    expect(engines.node).toBe('^22.23.0 || >=24.14.0');
  });
});
