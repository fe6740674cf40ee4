import { ADAPTERS } from '../support/http-app.js';
import { LiveClient, startLiveApp, type LiveApp } from './live-app.js';

const FOREIGN = { origin: 'https://other.example', headers: { 'user-agent': 'test' } };

describe.each(ADAPTERS)('WebSockets with tokens in headers on %s', (adapter) => {
  let app: LiveApp;
  let id: string;
  let token: string;
  beforeEach(async () => {
    app = await startLiveApp(adapter, { tokenIn: 'both' });
    const response = await fetch(`${app.url}/session`, {
      headers: { 'user-agent': 'test', 'x-session-token': 'new' },
    });
    ({ id } = (await response.json()) as { id: string });
    token = response.headers.get('x-session-token') ?? '';
  });
  afterEach(() => app.close());

  it('offer them as a subprotocol, which is never echoed, also from a page of another origin', async () => {
    const protocols = [`nest-sessions.token.${token}`, 'chat'];
    const client = await LiveClient.connect(app, FOREIGN, '/live', protocols);
    expect(client.socket.protocol).toBe('chat');
    expect(await client.ask('whoami')).toEqual({ event: 'you', data: [id, id] });
    client.socket.close();
  });

  it('are never echoed, in whatever case', async () => {
    const offered = `NEST-Sessions.Token.${token}`;
    const client = await LiveClient.connect(app, FOREIGN, '/live', [offered, 'chat']);
    expect(client.socket.protocol).toBe('chat');
    client.socket.close();
  });

  it('of programs come as a bearer token', async () => {
    const headers = { ...FOREIGN.headers, authorization: `Bearer ${token}` };
    const client = await LiveClient.connect(app, { headers });
    expect(client.socket.protocol).toBe('');
    expect(await client.ask('whoami')).toEqual({ event: 'you', data: [id, id] });
    client.socket.close();
  });

  it('are refused with a token of no session, and without one', async () => {
    const made = `nest-sessions.token.${token.slice(0, -9)}AAAAAAAAA`;
    await expect(LiveClient.connect(app, FOREIGN, '/live', [made, 'chat'])).rejects.toThrow('refused: 401');
    await expect(LiveClient.connect(app, FOREIGN, '/live', ['chat'])).rejects.toThrow('refused: 403');
  });

  it('are closed with 4409 when the token is replaced', async () => {
    const client = await LiveClient.connect(app, FOREIGN, '/live', [`nest-sessions.token.${token}`, 'chat']);
    const headers = { ...FOREIGN.headers, authorization: `Bearer ${token}` };
    expect((await fetch(`${app.url}/regenerate`, { method: 'POST', headers })).status).toBe(200);
    expect(await client.closed).toMatchObject({ code: 4409 });
  });
});
