import { pause } from '../processes/scratch.ts';
import { Visitor } from '../processes/visitor.ts';
import { Listener } from './listener.ts';
import type { Scene } from './scene.ts';
import { byAdminHere, byAdminThere, byCommandProcess, byItsUser, type Way } from './ways.ts';
import type { Subject } from './subject.ts';

const WAYS = [byItsUser, byAdminHere, byAdminThere, byCommandProcess];
const AT_ONCE = 8;
/** The end comes at any moment of the opening. */
const APART_MS = 15;

/** Streams that are opened in the very instant in which their session ends; how each of them ended. */
export async function raceEnds(scene: Scene, races: number): Promise<Record<string, number>> {
  const ends: Record<string, number> = {};
  let left = races;
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      for (const how of await race(scene, WAYS[left % WAYS.length]!)) ends[how] = (ends[how] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return ends;
}

async function race(scene: Scene, way: Way): Promise<string[]> {
  const { random, violation } = scene.context;
  const begun = await Visitor.begin(scene.ports.here, scene.newAddress());
  // With the cookie as it is now: the answer to a logout takes it away, and who has none begins another session.
  const opener = begun.visitor.at(scene.ports.here);
  const delay = (): number => random() * APART_MS;
  const opening = [
    pause(delay()).then(() => Listener.eventStream(opener)),
    pause(delay()).then(() => Listener.webSocket(opener)),
  ];
  await pause(delay());
  const endedAt = await way.end(scene, begun as Subject);
  const listeners = await Promise.all(opening);
  const deadline = Math.max(endedAt, Date.now() - way.closesWithinMs / 2) + way.closesWithinMs;
  const hows = await Promise.all(
    listeners.map(async (listener) => {
      const end = await Promise.race([listener.ended, pause(deadline - Date.now()).then(() => null)]);
      if (!end) violation(`${listener.kind} opened in the instant of the end by ${way.name} stays open`);
      if (end && way.isHere && listener.lastSaidAt > endedAt) {
        violation(`${listener.kind} opened in the instant of the end: said something after it`);
      }
      listener.close();
      return `${listener.kind} ${end?.how ?? 'open'}`;
    }),
  );
  opener.close();
  begun.visitor.close();
  return hows;
}
