import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { randomUUID } from 'node:crypto';
import { RequestMethod } from '@nestjs/common';
import { Cleanup, SessionsError, type SessionsOptions } from 'nest-sessions';
import { SessionsAdminModule } from 'nest-sessions/admin';
import { ManualClock } from 'nest-sessions/testing';
import { SessionsCore } from '#sessions/core/core';
import { OperatorDeeds } from '#sessions/operate/journal/operator-deeds';
import { readBulkRequest } from '#sessions/operate/bulk/bulk.query';
import { readSessionListQuery } from '#sessions/operate/lists/session-list.query';
import { Browser } from '../support/browser.js';
import { ADAPTERS, startApp, type AdapterName, type RunningApp } from '../support/http-app.js';
import { OwnerController } from '../support/owner-app.js';
import { TwoNodes } from '../support/two-nodes.js';
import type { VerbatimRequest } from '../support/verbatim-request.js';
import { AdminClient, TOKEN } from './admin-client.js';
import { OpenApi, OPENAPI_FILE, type DocumentedOperation } from './openapi.js';

const READ_TOKEN = 'a-token-that-looks-at-everything-and-no-more';
const PACKAGE = resolve(OPENAPI_FILE, '../package.json');
const VALIDATOR = resolve(
  import.meta.dirname,
  '../../node_modules/@seriousme/openapi-schema-validator/bin/validate-api-cli.js',
);
const silent = { debug() {}, log() {}, warn() {}, error() {} };

/** Routes of the admin page are for the page alone. */
const isOfPage = (path: string): boolean => path.includes('/ui');

function routesOfModule(): string[] {
  const controllers = Reflect.getMetadata('controllers', SessionsAdminModule) as (new () => object)[];
  return controllers.flatMap((controller) => {
    const prefix = Reflect.getMetadata('path', controller) as string;
    const handlers = Object.values(Object.getOwnPropertyDescriptors(controller.prototype)).map(
      ({ value }) => value as object,
    );
    return handlers
      .filter((handler) => typeof handler === 'function' && Reflect.hasMetadata('method', handler))
      .map((handler) => {
        const method = RequestMethod[Reflect.getMetadata('method', handler) as RequestMethod];
        const path = `/${prefix}/${Reflect.getMetadata('path', handler) as string}`.replace(/\/+$/, '');
        return `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`;
      });
  });
}

describe('openapi.json', () => {
  const api = new OpenApi();

  it('is valid OpenAPI', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [VALIDATOR, OPENAPI_FILE]);
    expect(stdout).toMatch(/valid/i);
  });

  it('is shipped in the package, and has its version', () => {
    const { version, files, exports } = JSON.parse(readFileSync(PACKAGE, 'utf8')) as {
      version: string;
      files: string[];
      exports: Record<string, string>;
    };
    expect(api.document.info.version).toBe(version);
    expect([files.includes('openapi.json'), exports['./openapi.json']]).toEqual([true, './openapi.json']);
  });

  it('has every route, and no other', () => {
    const routes = routesOfModule().filter((route) => !isOfPage(route));
    expect(api.operations.map(({ name }) => name).toSorted()).toEqual(routes.toSorted());
    expect(routes.length).toBeGreaterThan(9);
  });

  it('admits tokens that may only look to what reads, and to nothing else', () => {
    for (const { name, method, security } of api.operations) {
      const isRead = security.some((scheme) => 'AdminReadToken' in scheme);
      expect([name, isRead]).toEqual([name, method === 'GET']);
    }
  });

  it('has every parameter of the list, and every filter of a bulk', () => {
    const list = api.operations.find(({ name }) => name === 'GET /admin/sessions');
    const read = readSessionListQuery({ nonsense: '1' });
    const faults = read.kind === 'invalid' ? read.faults.join() : '';
    expect(faults).toBe(`unknown parameter: use ${list?.parameters?.map(({ name }) => name).join(', ')}`);
    const filter = readBulkRequest({ filter: { nonsense: 1 } }, 0);
    const { BulkFilter } = (
      api.document.components as unknown as { schemas: { BulkFilter: { properties: object } } }
    ).schemas;
    expect(filter).toMatchObject({
      faults: [`filter: unknown parameter: use ${Object.keys(BulkFilter.properties).join(', ')}`],
    });
  });
});

describe.each(ADAPTERS)('real answers against openapi.json, on %s', (adapter: AdapterName) => {
  const api = new OpenApi();
  let clock: ManualClock;
  let running: RunningApp;
  let admin: AdminClient;
  /** Of a session that is live, and of one that is over. */
  let live = '';
  let past = '';

  async function start(options: SessionsOptions): Promise<RunningApp> {
    return startApp(adapter, {
      imports: [SessionsAdminModule],
      controllers: [OwnerController],
      options: {
        adapters: { clock },
        journal: 'requests',
        maxResources: 2,
        maxBytes: 10_000,
        openRate: 0,
        maxUnconfirmedPerNetwork: 0,
        maxSessionsPerNetwork: 0,
        ...options,
      },
    });
  }

  async function open(user: string): Promise<{ browser: Browser; id: string }> {
    const browser = new Browser(running.url);
    const { id } = (await (await browser.fetch('/hello')).json()) as { id: string };
    await browser.fetch(`/login/${user}`, { method: 'POST' });
    return { browser, id };
  }

  beforeAll(async () => {
    clock = new ManualClock();
    running = await start({ adminTokens: [TOKEN], adminReadTokens: [READ_TOKEN] });
    admin = new AdminClient(running.url);
    const { browser, id } = await open('anna');
    live = id;
    for (const size of [10, 20, 30, 20_000]) await browser.fetch(`/files?size=${size}`, { method: 'POST' });
    await browser.fetch('/streams', { method: 'POST' });
    await browser.fetch('/hello', { headers: { 'user-agent': 'Mozilla/5.0 Firefox/130.0' } });
    past = (await open('ben')).id;
    await admin.cleanup(past);
    await admin.post('/admin/sessions/cleanup', { ids: [(await open('carl')).id] });
    await new AdminClient(running.url, READ_TOKEN).cleanup(live);
    await new AdminClient(running.url, 'wrong').request('/admin/sessions');
    const core = running.app.get(SessionsCore);
    const cli = { kind: 'cli', user: 'root', host: 'here' } as const;
    await new OperatorDeeds(core, { by: cli, network: null }, silent).forgetUser('nobody');
    await running.app.get(Cleanup).runAll();
    clock.advance(61_000);
    await core.entries.flush();
    await core.trends.flush();
  });
  afterAll(() => running.close());
  afterEach(() => jest.restoreAllMocks());

  const pathOf = ({ path }: DocumentedOperation, id: string): string =>
    path.replace('{session_id}', id).replace('{user_id}', 'anna');

  async function expectAnswer(
    operation: DocumentedOperation,
    status: number,
    {
      client = admin,
      id = live,
      query = '',
      ...init
    }: VerbatimRequest & { client?: AdminClient; id?: string; query?: string } = {},
  ): Promise<string> {
    const { method } = operation;
    const answer = await client.request(pathOf(operation, id) + query, { method, ...init });
    expect([operation.name, answer.status, ...api.faultsOf(operation, answer)]).toEqual([
      operation.name,
      status,
    ]);
    return answer.text;
  }

  const operationOf = (name: string): DocumentedOperation => {
    const found = api.operations.find((operation) => operation.name === name);
    if (!found) throw new Error(`${name} is not documented`);
    return found;
  };
  const json = (body: unknown): VerbatimRequest => ({
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

  it('what reads', async () => {
    for (const operation of api.operations.filter(({ method }) => method === 'GET')) {
      await expectAnswer(operation, 200);
      const isPage = operation.parameters?.some(({ name }) => name === 'limit');
      if (isPage) await expectAnswer(operation, 200, { query: '?limit=1' });
    }
    const list = operationOf('GET /admin/sessions');
    const filters =
      '?resources=none&sort=-total_bytes_used&ip=127.0.0.1&bytes_over=1&near_limit=1&idle_over=1';
    expect(await expectAnswer(list, 200, { query: filters })).toContain(live);
    expect(await expectAnswer(list, 200, { query: '?state=ended' })).toContain(past);
    await expectAnswer(list, 200, { query: '?user_id=nobody' });
    expect(await expectAnswer(operationOf('GET /admin/sessions/{session_id}'), 200, { id: past })).toContain(
      '"ended_by":{',
    );
    const timeline = operationOf('GET /admin/sessions/{session_id}/timeline');
    const entries = (await expectAnswer(timeline, 200)) + (await expectAnswer(timeline, 200, { id: past }));
    for (const kind of ['opened', 'login', 'ended', 'evicted', 'placed', 'refused', 'mismatch', 'request'])
      expect(entries).toContain(`"kind":"${kind}"`);
    await expectAnswer(operationOf('GET /admin/sessions/trends'), 200, { query: '?span=day' });
  });

  it('what ends sessions', async () => {
    const single = operationOf('POST /admin/sessions/{session_id}/cleanup');
    const many = operationOf('POST /admin/sessions/cleanup');
    await expectAnswer(single, 200, { id: (await open('dora')).id });
    await expectAnswer(many, 200, json({ filter: { user_id: 'nobody' }, dry_run: true }));
    await expectAnswer(many, 200, json({ ids: [randomUUID(), (await open('dora')).id] }));
    const [nodes, others] = [await twoNodes(), await twoNodes()];
    const options = (of: TwoNodes) => ({ client: new AdminClient(of.here.url), id: of.sessionId });
    await expectAnswer(single, 202, options(nodes));
    await expectAnswer(many, 202, { ...options(others), ...json({ ids: [others.sessionId] }) });
    await nodes.closeHere();
    await others.closeHere();
    expect(api.seenAnswers).toEqual(expect.arrayContaining([`${single.name} 202`, `${many.name} 202`]));
  });

  async function twoNodes(): Promise<TwoNodes> {
    const nodes = await TwoNodes.start(adapter, { here: { adminTokens: [TOKEN] } });
    await nodes.addFile(nodes.there);
    await nodes.there.close();
    return nodes;
  }

  it('refusals', async () => {
    const none = await start({ storagePath: `${running.storagePath}-2` });
    for (const operation of api.operations) {
      const body = operation.method === 'POST' ? json({ ids: [live] }) : {};
      await expectAnswer(operation, 401, {
        ...body,
        client: new AdminClient(running.url, null),
        from: '127.0.0.8',
      });
      await expectAnswer(operation, 404, { ...body, client: new AdminClient(none.url) });
      if ('403' in operation.responses)
        await expectAnswer(operation, 403, { ...body, client: new AdminClient(running.url, READ_TOKEN) });
      if (operation.path.includes('{session_id}')) await expectAnswer(operation, 404, { id: randomUUID() });
      if (operation.name === 'POST /admin/sessions/cleanup')
        for (const bad of ['{', '{}', '[]', '{"ids":["x"]}']) await expectAnswer(operation, 400, json(bad));
      else if ('400' in operation.responses)
        await expectAnswer(
          operation,
          400,
          operation.path.includes('{user_id}') ? { query: '%00' } : { query: '?nonsense=1' },
        );
    }
    await none.close();
    const many = operationOf('POST /admin/sessions/cleanup');
    await expectAnswer(many, 415, { headers: { 'content-type': 'text/plain' }, body: '{}' });
    await expectAnswer(many, 413, json(' '.repeat(1_100_000)));
    const { sessions } = running.app.get(SessionsCore).store;
    const found = await sessions.list({ limit: 1, sort: 'created_at' });
    const crowd = Array.from({ length: 10_001 }, () => found.sessions).flat();
    jest.spyOn(sessions, 'list').mockResolvedValue({ sessions: crowd, next: null });
    await expectAnswer(many, 409, json({ filter: { idle_over: 0 } }));
    jest.restoreAllMocks();
    const stranger = { client: new AdminClient(running.url, 'wrong'), from: '127.0.0.7' };
    for (let count = 0; count < 10; count += 1) await stranger.client.request('/admin/sessions', stranger);
    for (const operation of api.operations)
      await expectAnswer(operation, 429, { ...stranger, ...(operation.method === 'POST' ? json({}) : {}) });
    expect(api.seenAnswers).toContain(`${many.name} 429`);
  });

  it('a store that is away', async () => {
    const { store } = running.app.get(SessionsCore);
    const { id } = await open('emil');
    for (const group of [
      store.sessions,
      store.endings,
      store.resources,
      store.budgets,
      store.audit,
      store.journal,
      store.trends,
      store.ledger,
    ] as object[]) {
      for (const name of Object.keys(group))
        jest
          .spyOn(group as Record<string, () => Promise<never>>, name)
          .mockRejectedValue(new SessionsError('STORE_UNAVAILABLE', 'no'));
    }
    for (const operation of api.operations)
      await expectAnswer(operation, 503, {
        id,
        ...(operation.method === 'POST' ? json({ filter: { idle_over: 0 } }) : {}),
      });
    expect(api.seenAnswers).toContain('GET /admin/sessions 503');
  });

  it('each that is documented was given', () => expect(api.seenAnswers).toEqual(api.documentedAnswers));
});
