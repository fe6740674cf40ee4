// A scripted story on a real server: two people, limits, cleanup. Exits with 0 only if all checks pass.
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { countFiles, isOnDisk, plantOrphan } from './demo/disk.mjs';
import { Narrator } from './demo/narrator.mjs';
import { Server } from './demo/server.mjs';
import { Visitor } from './demo/visitor.mjs';

const IDLE_SECONDS = 5;
const SETTINGS = {
  MAX_SESSION_DURATION: '120',
  MAX_SESSION_IDLE_TIME: String(IDLE_SECONDS),
  MAX_RESOURCES_PER_SESSION: '3',
  SESSION_CLEANUP_INTERVAL: '1',
  SESSION_MIN_FREE_BYTES: '0',
  SESSION_BALLAST_BYTES: '0',
};

const story = new Narrator();
const folder = await mkdtemp(join(tmpdir(), 'nest-sessions-demo-'));
const server = new Server(folder, SETTINGS);
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

try {
  await tellStory();
} catch (error) {
  story.check(`the story continues (${error.message})`, false);
} finally {
  if (story.failed > 0 && server.log) console.log(`\nThe server's log:\n${server.log}`);
  await server.stop().catch(() => {});
  await rm(folder, { recursive: true, force: true });
}
console.log(`\n${story.passed} checks passed, ${story.failed} failed.`);
process.exit(story.failed === 0 ? 0 : 1);

async function tellStory() {
  story.begin('The server starts on an empty folder, with short limits.');
  story.say(await server.start());
  const anna = new Visitor('Anna', server);
  const bruno = new Visitor('Bruno', server);

  const greeting = await twoPeopleUpload(anna, bruno);
  const { session_id: annaId } = await anna.session();
  const { session_id: brunoId } = await bruno.session();
  const answer = await annaHearsSpeech(anna, annaId);
  await annaSeesTheWaveform(anna, annaId, greeting);
  await annaHitsTheLimit(anna, annaId, greeting, answer);
  await brunoIdles(anna, bruno, brunoId);
  await annaIsCleaned(anna, annaId);
  await anOrphanIsSwept();
  await theTotalsAgree();
}

async function twoPeopleUpload(anna, bruno) {
  story.begin('Anna and Bruno each upload a phrase.');
  const [hers, his] = await Promise.all([anna.upload('hello-en.wav'), bruno.upload('guten-tag-de.ogg')]);
  const { sessions, stats } = await server.admin();
  story.show('GET /admin/sessions', { sessions, stats });
  story.check('there are two sessions, with one recording each', sessions.length === 2);
  story.check(
    'the bytes are those of the two files',
    sessions
      .map(({ total_bytes_used: bytes }) => bytes)
      .toSorted((a, b) => a - b)
      .join() === [his.size_bytes, hers.size_bytes].join(),
  );
  story.check(
    `Anna's is ${hers.codec} of ${hers.duration_seconds} s, Bruno's ${his.codec} of ${his.duration_seconds} s`,
    hers.codec === 'PCM' && his.codec === 'Vorbis I' && hers.duration_seconds > 4 && his.duration_seconds > 4,
  );
  const { status } = await bruno.listen(hers.resource_id);
  story.check("Bruno cannot fetch Anna's recording", status === 404);
  return hers;
}

async function annaHearsSpeech(anna, annaId) {
  story.begin('Anna hears the answer.');
  let answer = await anna.speak('Guten Tag! Wie geht es Ihnen?', 'de');
  if (!answer) {
    story.say('espeak-ng is not installed, so a recording replaces the speech.');
    answer = await anna.upload('guten-tag-de.wav');
  }
  const { bytes } = await anna.listen(answer.resource_id);
  const session = await server.admin(`/${annaId}`);
  story.show(`GET /admin/sessions/${annaId}`, session);
  story.check('it is a WAV', bytes.toString('latin1', 0, 4) === 'RIFF' && bytes.length === answer.size_bytes);
  story.check('her session has it, and her recording', owns(session, answer) && session.resource_count === 2);
  return answer;
}

async function annaSeesTheWaveform(anna, annaId, greeting) {
  story.begin('Anna requests the waveform of her recording: the server computes it in a temp file.');
  const { peaks, duration_seconds: seconds } = await anna.waveform(greeting.resource_id);
  const session = await server.admin(`/${annaId}`);
  story.say(`${peaks.length} peaks over ${seconds} s, the loudest ${Math.max(...peaks)}`);
  story.check('it has 200 peaks', peaks.length === 200);
  story.check('the temp file is deleted', session.resource_count === 2 && (await countFiles(folder)) === 3);
}

async function annaHitsTheLimit(anna, annaId, greeting, answer) {
  story.begin('Anna may have three files. She uploads a third, plays her first again, and uploads a fourth.');
  const third = await anna.upload('live-en.webm');
  await anna.listen(greeting.resource_id);
  const fourth = await anna.upload('hello-en.m4a');
  const session = await server.admin(`/${annaId}`);
  story.show(`GET /admin/sessions/${annaId}`, session);
  story.check(
    'the answer is evicted: it was the least recently used',
    !owns(session, answer) && !isOnDisk(folder, annaId, answer.resource_id),
  );
  story.check(
    'the three others remain',
    session.resource_count === 3 && [greeting, third, fourth].every((resource) => owns(session, resource)),
  );
}

async function brunoIdles(anna, bruno, brunoId) {
  story.begin(`Bruno goes for coffee. Sessions end after ${IDLE_SECONDS} idle seconds; Anna stays active.`);
  const before = await server.admin();
  const deadline = Date.now() + IDLE_SECONDS * 1000 + 8000;
  let list = before;
  while (list.sessions.some(({ session_id: id }) => id === brunoId) && Date.now() < deadline) {
    await anna.session();
    await sleep(300);
    list = await server.admin();
  }
  story.show('GET /admin/sessions', list);
  story.check("Bruno's session has ended", !list.sessions.some(({ session_id: id }) => id === brunoId));
  story.check("Anna's session is open", list.sessions.length === 1);
  story.check('one end is counted', list.stats.total_sessions_cleaned === 1);
  story.check('his file is deleted', await eventually(async () => (await countFiles(folder)) === 3));
}

async function annaIsCleaned(anna, annaId) {
  story.begin("An operator ends Anna's session from the command line, beside the running server.");
  await anna.session();
  const listed = await server.command('sessions', 'list');
  const seen = await server.admin();
  story.check(
    'sessions list and the admin endpoint name the same session',
    listed.exitCode === 0 &&
      listed.answer.sessions[0]?.session_id === annaId &&
      seen.sessions[0]?.session_id === annaId,
  );
  const { exitCode, answer } = await server.command('sessions', 'cleanup', annaId, '--yes');
  story.show(`sessions cleanup ${annaId} --yes --json`, answer);
  story.check('three files were cleaned up', exitCode === 0 && answer.resources_cleaned === 3);
  const list = await server.admin();
  story.show('GET /admin/sessions', list);
  story.check('no session is open', list.sessions.length === 0);
  story.check('no file is left', await eventually(async () => (await countFiles(folder)) === 0));
  await sleep(1000); // Every process learns of an end within a second.
  const { session_id: nextId } = await anna.session();
  story.check("Anna's cookie is worthless: she gets a new session", nextId !== annaId);
}

async function anOrphanIsSwept() {
  story.begin('A crash left a file that no session owns. Beside it is a file of another program.');
  const orphan = await plantOrphan(folder);
  const foreign = join(dirname(orphan), 'notes.txt');
  await writeFile(foreign, 'keep me');
  await sleep(1500);
  story.check(
    'the server deletes neither: the orphan is too young',
    existsSync(orphan) && existsSync(foreign),
  );
  const { exitCode, answer } = await server.command('sessions', 'cleanup', '--orphan-grace', '1', '--force');
  story.show('sessions cleanup --orphan-grace 1 --force --json', answer);
  story.check('the orphan is deleted', exitCode === 0 && !existsSync(orphan));
  story.check('the other file remains', existsSync(foreign));
}

async function theTotalsAgree() {
  story.begin('Admin endpoint and command line agree on the totals, before and after a restart.');
  const before = await server.admin('/metrics');
  const stats = await server.command('sessions', 'stats');
  story.show('GET /admin/sessions/metrics', before);
  story.check(
    'three sessions were opened (Anna, Bruno, Anna again), and two cleaned up',
    before.sessions.total_created === 3 && before.sessions.total_cleaned >= 2,
  );
  story.check('at least six files were cleaned up', before.resources.total_cleaned >= 6);
  story.check(
    'sessions stats prints the same totals',
    stats.answer?.sessions?.total_created === before.sessions.total_created,
  );
  story.check('the server stops cleanly', (await server.stop()) === 0);
  await server.start();
  const after = await server.admin('/metrics');
  story.check(
    'the totals are the same after a restart',
    after.sessions.total_created === before.sessions.total_created &&
      after.resources.total_cleaned >= before.resources.total_cleaned,
  );
}

function owns(session, { resource_id: wanted }) {
  return session.resources.some(({ resource_id: id }) => id === wanted);
}

/** Retries, since files are deleted in the background. */
async function eventually(check) {
  for (let tries = 0; tries < 50; tries += 1) {
    if (await check()) return true;
    await sleep(100);
  }
  return false;
}
