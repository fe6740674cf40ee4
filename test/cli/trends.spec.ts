import type { TrendsView } from '#sessions/operate/trends/trends-view';
import { runCli, type CliResult } from './cli-process.js';
import { Server } from './server.js';

const HOUR = 3_600_000;

describe('sessions trends beside a running server', () => {
  let server: Server;
  const run = (...args: string[]): Promise<CliResult> => runCli(args, { storagePath: server.storagePath });

  beforeAll(async () => {
    server = await Server.start();
    await server.store.trends.add({
      processId: '00000000-0000-4000-8000-000000000009',
      number: 1,
      at: Date.now() - 3 * HOUR,
      counts: { requests: 1234, 'refused:rate': 5, peak_open: 67 },
    });
    const session = await server.open();
    await server.addFile(session, 12_345);
    await server.sessions.end(session);
  });
  afterAll(() => server.close());

  it.each([['trends'], ['sessions trends']])(
    '%s --json prints the answer of the admin endpoint',
    async (name) => {
      const range = `span=hour&to=${new Date(Date.now() + HOUR).toISOString()}`;
      const flags = range.split('&').map((one) => `--${one}`);
      const { code, stdout, stderr } = await run(...name.split(' '), '--json', ...flags);
      expect([code, stderr]).toEqual([0, '']);
      const view = JSON.parse(stdout) as TrendsView;
      expect(view).toEqual(await server.admin.read(`/admin/sessions/trends?${range}`));
      expect(view.totals).toMatchObject({
        opened: 1,
        logins: 1,
        ended: { ended: 1 },
        files: { audio_file: 1 },
        bytes: { audio_file: 12_345 },
        requests: 1234,
        refused: { rate: 5 },
        peak_open: 67,
      });
    },
  );

  it('prints lines of 80 columns without colours if stdout is no terminal', async () => {
    const { code, stdout, stderr } = await run('trends', '--span', 'hour');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^By hour from \S+ to \S+\n/);
    expect(stdout).toMatch(/^requests {2,}▁+█▁+ {2,}0 +1234 +1234$/m);
    expect(stdout).toMatch(/^ {2}audio_file +[▁█]+ +0 B +12\.3 kB +12\.3 kB$/m);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(stdout).not.toMatch(/[^\P{C}\n]/u);
  });

  it('--csv prints a head, and a line for each hour', async () => {
    const { code, stdout } = await run('trends', '--span=hour', '--csv');
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(25);
    expect(lines[0]).toMatch(/^start,opened,logins,ended_idle,/);
  });

  it('exits with 2 for a range that is too long', async () => {
    const { code, stdout, stderr } = await run('trends', '--from', '2020-01-01');
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^error: The range has \d+ points of one minute, more than 3000: .*\n$/);
  });
});
