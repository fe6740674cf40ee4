import { SessionService } from 'nest-sessions';
import { SessionsAdminModule } from 'nest-sessions/admin';
import { ADAPTERS, startApp, type AdapterName, type RunningApp } from '../support/http-app.js';
import { AdminClient, KEY_ID, TOKEN } from './admin-client.js';

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

  it('an end, done or refused: deed, subject, operator, outcome and network, in one line', async () => {
    const opening = await running.app.get(SessionService).open({ ipAddress: '192.0.2.7', userAgent: 'x' });
    const id = opening.kind === 'opened' ? opening.session.id : '';
    const admin = new AdminClient(running.url);
    await admin.cleanup(id);
    await admin.cleanup(id);
    await admin.request('/admin/sessions');
    await admin.cleanup('no-uuid');
    const line = (outcome: string, sessions: number): string =>
      `log: deed=end subject=${id} by=admin:${KEY_ID} outcome=${outcome} sessions=${sessions} resources=0 bytes=0 network=127.0.0.1/32`;
    expect(lines).toEqual([line('done', 1), line('nothing', 0)]);
  });

  it('guessed tokens: once a minute per network, and never the token', async () => {
    const stranger = new AdminClient(running.url, 'another-guess');
    for (let count = 0; count < 15; count += 1) await stranger.request('/admin/sessions');
    expect(lines).toEqual(['warn: Too many wrong admin tokens from 127.0.0.1/32']);
  });
});
