import { UploadPace } from '#sessions/http/upload/body/upload-pace';
import { FileApp } from '../support/file-app.js';
import { ADAPTERS } from '../support/http-app.js';
import { chunk, filePart, headOf, RawRequest } from '../support/raw-request.js';

/** Moves the time that passes since the process began, from a whole millisecond on, so that sums are exact; how to go on. */
function passTime(): (seconds: number) => void {
  const start = Math.ceil(performance.now());
  let passed = 0;
  jest.spyOn(performance, 'now').mockImplementation(() => start + passed);
  return (seconds) => (passed += seconds * 1000);
}

afterEach(() => jest.restoreAllMocks());

describe('The pace of an upload', () => {
  it('is free for ten seconds, then must reach the rate on average since the start', () => {
    const pass = passTime();
    const pace = new UploadPace(1000);
    pass(10);
    expect(pace.isTooSlow(0, false)).toBe(false);
    pass(1);
    expect(pace.isTooSlow(11_000, false)).toBe(false);
    expect(pace.isTooSlow(10_999, false)).toBe(true);
    pass(9);
    expect(pace.isTooSlow(20_000, false)).toBe(false);
  });

  it('does not count time in which the client waits for the server', () => {
    const pass = passTime();
    const pace = new UploadPace(1000);
    pass(60);
    expect(pace.isTooSlow(0, true)).toBe(false);
    pass(10);
    expect(pace.isTooSlow(0, false)).toBe(false);
    pass(1);
    expect(pace.isTooSlow(0, false)).toBe(true);
  });

  it('is free if no rate is set', () => {
    const pass = passTime();
    const pace = new UploadPace(0);
    pass(3600);
    expect(pace.isTooSlow(0, false)).toBe(false);
  });
});

describe.each(ADAPTERS)('Uploads that are too slow on %s', (adapter) => {
  it('are aborted, and nothing of them is kept', async () => {
    const app = await FileApp.start(adapter, { minUploadRate: 1000 });
    const raw = await RawRequest.open(app.port);
    try {
      const head = headOf(app.browser.cookieHeader, { 'transfer-encoding': 'chunked' });
      raw.send(head).send(chunk(filePart(Buffer.alloc(10_000)).subarray(0, 5000)));
      while ((await app.files()).length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
      passTime()(11);
      const { status, body } = await raw.answer();
      expect([status, JSON.parse(body)]).toEqual([408, expect.objectContaining({ code: 'UPLOAD_ABORTED' })]);
      expect(await app.isEmpty()).toBe(true);
    } finally {
      jest.restoreAllMocks();
      raw.end();
      await app.close();
    }
  });
});
