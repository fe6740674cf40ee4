import { SessionService } from 'nest-sessions';
import { SessionsAdminModule } from 'nest-sessions/admin';
import { ADAPTERS, startApp, type AdapterName, type RunningApp } from '../support/http-app.js';
import { AdminClient, TOKEN } from './admin-client.js';

describe.each(ADAPTERS)('log lines of the admin on %s', (adapter: AdapterName) => {
  let running: RunningApp;
  let lines: string[];

  beforeEach(async () => {
    lines = [];
    running = await startApp(adapter, {
      imports: [SessionsAdminModule],
      options: { adminTokens: [TOKEN] },
      configure: (app) => app.useLogger({ log: keep('log'), warn: keep('warn'), error: keep('error') }),
    });
  });

  afterEach(() => running.close());

  function keep(level: string) {
    return (message: unknown, ...rest: unknown[]): void => {
      if (rest.at(-1) === 'SessionsAdmin') lines.push(`${level}: ${String(message)}`);
    };
  }

  it('a cleanup: action, session, network and outcome, in one line', async () => {
    const opening = await running.app.get(SessionService).open({ ipAddress: '192.0.2.7', userAgent: 'x' });
    const id = opening.kind === 'opened' ? opening.session.id : '';
    const admin = new AdminClient(running.url);
    await admin.cleanup(id);
    await admin.cleanup(id);
    await admin.request('/admin/sessions');
    expect(lines).toEqual([`log: cleanup session=${id} network=127.0.0.1/32 resources=0 done=true`]);
  });

  it('guessed tokens: once a minute per network, and never the token', async () => {
    const stranger = new AdminClient(running.url, 'another-guess');
    for (let count = 0; count < 15; count += 1) await stranger.request('/admin/sessions');
    expect(lines).toEqual(['warn: Too many wrong admin tokens from 127.0.0.1/32']);
  });
});
