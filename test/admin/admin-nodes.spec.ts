import { SessionStore } from 'nest-sessions/store';
import { filesOnDisk } from '../support/files-on-disk.js';
import { ADAPTERS } from '../support/http-app.js';
import { TwoNodes } from '../support/two-nodes.js';
import { AdminClient, TOKEN } from './admin-client.js';

describe.each(ADAPTERS)('admin cleanup with files on two nodes, on %s', (adapter) => {
  let nodes: TwoNodes;
  let admin: AdminClient;
  let isThereClosed = false;

  beforeEach(async () => {
    nodes = await TwoNodes.start(adapter, { here: { adminTokens: [TOKEN] } });
    admin = new AdminClient(nodes.here.url);
    await nodes.addFile(nodes.here);
    await nodes.addFile(nodes.there);
    isThereClosed = false;
  });
  afterEach(() => (isThereClosed ? nodes.closeHere() : nodes.close()));

  it('answers 200 after both have deleted their files', async () => {
    const { status, text } = await admin.cleanup(nodes.sessionId);
    expect([status, JSON.parse(text)]).toEqual([
      200,
      { session_id: nodes.sessionId, cleaned: true, resources_cleaned: 2, bytes_cleaned: 20 },
    ]);
    for (const { storagePath } of [nodes.here, nodes.there])
      expect(await filesOnDisk(storagePath)).toEqual([]);
  });

  it('answers 202 while one is away, with what is left to delete', async () => {
    const store = nodes.here.app.get(SessionStore);
    const held = await store.resources.list([nodes.sessionId]);
    const away = held.at(-1)?.nodeId;
    await nodes.there.close();
    isThereClosed = true;

    const { status, text } = await admin.cleanup(nodes.sessionId);
    expect([status, JSON.parse(text)]).toEqual([
      202,
      {
        session_id: nodes.sessionId,
        cleaned: false,
        resources_cleaned: 1,
        bytes_cleaned: 10,
        pending: { resources: 1, bytes: 10, nodes: [away] },
      },
    ]);
    expect((await admin.cleanup(nodes.sessionId)).status).toBe(404);
    expect((await store.sessions.find(nodes.sessionId))?.state).toBe('ending');
  });
});
