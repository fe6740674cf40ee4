import { Body, Controller, Delete, Get, Header, HttpCode, Inject, Post, Sse } from '@nestjs/common';
import { CurrentSession, SessionService, SkipSession, type Session } from 'nest-sessions';
import { NEVER } from 'rxjs';
import { Chromium } from '../support/chromium.js';
import { ADAPTERS, startApp } from '../support/http-app.js';

interface Report {
  readonly logout: number;
  readonly endedFor: string;
  /** 2: closed for good. */
  readonly readyState: number;
}

const PAGE = `<!doctype html><script type="module">
const report = {};
const until = async (check) => { while (!check()) await new Promise((go) => setTimeout(go, 20)); };
const events = new EventSource('/events');
let isOpen = false;
events.onopen = () => (isOpen = true);
events.addEventListener('session-ended', ({ data }) => (report.endedFor = JSON.parse(data).reason));
await until(() => isOpen);
report.logout = (await fetch('/session', { method: 'DELETE' })).status;
// A browser connects again after some seconds.
await until(() => events.readyState === EventSource.CLOSED);
report.readyState = events.readyState;
await fetch('/report', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(report) });
</script>`;

@Controller()
class LogoutController {
  readonly report = Promise.withResolvers<unknown>();

  constructor(@Inject(SessionService) private readonly sessions: SessionService) {}

  @Get('page')
  @Header('Content-Type', 'text/html')
  show(@CurrentSession() _session: Session) {
    return PAGE;
  }

  /** A stream that sends nothing of its own. */
  @Sse('events')
  events(@CurrentSession() _session: Session) {
    return NEVER;
  }

  @Delete('session')
  @HttpCode(204)
  async end(@CurrentSession() session: Session) {
    await this.sessions.end(session);
  }

  @SkipSession()
  @Post('report')
  @HttpCode(204)
  tell(@Body() report: unknown) {
    this.report.resolve(report);
  }
}

describe.each(ADAPTERS)('A page in a browser that logs out, with %s,', (adapter) => {
  it('has its event stream closed for good, and begins no session by it', async () => {
    const app = await startApp(adapter, { controllers: [LogoutController], options: { store: 'memory' } });
    const service = app.app.get(SessionService);
    const browser = await Chromium.open(`${app.url}/page`);
    try {
      const report = (await app.app.get(LogoutController).report.promise) as Report;
      expect(report).toEqual({ logout: 204, endedFor: 'ended', readyState: 2 });
      // Chromium may ask for an icon, which no handler serves.
      expect((await service.totals()).created).toBe(1);
    } finally {
      await browser.close();
      await app.close();
    }
  }, 60_000);
});
