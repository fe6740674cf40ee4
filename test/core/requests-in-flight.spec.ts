import { RequestInFlight } from '#sessions/core/sessions/requests-in-flight';
import { World } from '../support/world.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;

class OpenRequest extends RequestInFlight {
  readonly isOver = false;
  readonly isEventStream = false;
}

describe('A request in flight at one of two processes', () => {
  let here: World;
  let there: World;
  beforeEach(async () => {
    here = await World.create('sqlite', { maxIdleSeconds: 60 });
    there = await World.create('sqlite', { maxIdleSeconds: 60 }, here);
  });
  afterEach(async () => {
    await there.close();
    await here.close();
  });

  it('keeps the other from ending its session as idle, by touches at every third of the idle time', async () => {
    const { session, token } = await here.open();
    const at = here.core.finder.touch(session.id, token.hash);
    const request = new OpenRequest(session, at, false, here.core.requests);
    here.core.requests.begin(request);
    for (let second = 0; second < 180; second += 2) {
      here.clock.advance(2 * SECOND);
      await here.core.thisProcess.beat();
      await there.core.thisProcess.beat();
      const record = await there.store.sessions.find(session.id);
      expect(here.clock.now() - Number(record?.lastActivityAt)).toBeLessThanOrEqual(20 * SECOND);
      expect(await there.core.cleanup.run('idle')).toMatchObject({ items: 0 });
    }
    request.end();
    await here.core.thisProcess.beat();
    here.clock.advance(MINUTE);
    await here.core.thisProcess.beat();
    expect(await there.core.cleanup.run('idle')).toMatchObject({ items: 1 });
  });

  it('is found confirmed though its cookie came back to the other process', async () => {
    const { session, token } = await here.open();
    here.core.requests.begin(new OpenRequest(session, here.clock.now(), true, here.core.requests));
    there.core.finder.touch(session.id, token.hash);
    await there.core.thisProcess.beat();
    for (let minute = 0; minute < 20; minute += 0.25) {
      here.clock.advance(MINUTE / 4);
      await here.core.thisProcess.beat();
      await there.core.thisProcess.beat();
    }
    expect(await there.core.cleanup.run('idle')).toMatchObject({ items: 0 });
  });
});
