import { spawn } from 'node:child_process';
import { eventually } from '../support/eventually.js';
import { BIN, environmentOf, resultOf, runCli, startCli } from './cli-process.js';
import { Server } from './server.js';

let server: Server;

beforeAll(async () => {
  server = await Server.start();
  await server.open({ userId: 'anna' });
});
afterAll(() => server.close());

/** On a terminal of its own, whose keys are the input. */
function onTerminal(...args: string[]) {
  const command = [process.execPath, BIN, ...args].join(' ');
  const child = spawn('script', ['-qefc', `stty rows 24 cols 80; exec ${command}`, '/dev/null'], {
    env: environmentOf({ storagePath: server.storagePath }),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const seen = { text: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (seen.text += text));
  return { child, seen, result: resultOf(child) };
}

describe('--watch', () => {
  it.each([['list'], ['users'], ['stats']])(
    '%s draws again in the same place, with what is new, until Ctrl-C: exit code 130',
    async (name) => {
      const { child, seen, result } = onTerminal(name, '--watch', '1');
      await eventually('a picture', async () => seen.text.includes('Every 1 s: nest-sessions'));
      const opened = await server.open({ userId: `new-${name}` });
      const sign = { list: opened.id.slice(0, 8), users: `new-${name}`, stats: 'Active' }[name]!;
      const before = seen.text.split('\u001B[H').length;
      await eventually('a later one', async () => {
        const pictures = seen.text.split('\u001B[H');
        return pictures.length > before && pictures.at(-1)!.includes(sign);
      });
      child.stdin.write('\u0003');
      const { code } = await result;
      expect(code).toBe(130);
      expect(seen.text).not.toContain('interrupted');
      expect(await server.processes()).toEqual(['server']);
    },
  );

  it('--stream needs no terminal, and prints all anew each time', async () => {
    const command = startCli(['list', '--stream', '--watch', '1', '--user', 'anna'], {
      storagePath: server.storagePath,
    });
    const result = resultOf(command);
    let lines = 0;
    command.stdout?.on('data', (data: Buffer) => (lines += data.toString().split('\n').length - 1));
    await eventually('three times', async () => lines >= 3);
    command.kill('SIGINT');
    expect(await result).toMatchObject({ code: 130, stderr: '' });
  });

  it('without a terminal is refused, before a store is opened', async () => {
    const { code, stderr } = await runCli(['list', '--watch'], { storagePath: '/nowhere' });
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining('--watch draws on a terminal'),
    });
  });
});
