// What the page does: keeps up with its session, and does what the user asks.
import { play, stopPlaying } from './player.js';
import { record, whyNoRecording } from './recorder.js';
import { Refusal, listen, request, upload } from './server.js';
import {
  complain,
  isShown,
  logEvent,
  nameOf,
  say,
  showFiles,
  showIf,
  showSession,
  sizeOf,
  ui,
} from './view.js';

const GONE = 'Its files are deleted.';
const END_REASONS = {
  idle: `Nothing happened for too long. ${GONE}`,
  expired: `It had reached its longest time. ${GONE}`,
  ended: `You ended it, here or elsewhere. ${GONE}`,
  admin: `An operator of this server ended it. ${GONE}`,
  evicted: `The server made room for other sessions. ${GONE}`,
  unconfirmed: `This browser did not send its cookie back in time. ${GONE}`,
};
const END_UNSEEN =
  'While this page was not connected, the session ended, or this browser came from another address. The server has begun a new one.';
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 60_000;
const TOGETHER_MS = 100;
const KEEP_ALIVE_SECONDS = 60;

/** The session as the server showed it last; `null` before that. */
let session = null;
let isOver = false;
/** While it logs out: a request that comes after the end would begin a new session. */
let isLeaving = false;
let events = null;
let recording = null;
let uploads = Promise.resolve();
let canceller = null;
let failed = [];
let retryMs = FIRST_RETRY_MS;
let connectTimer;
let refreshTimer;
let lastAsked = 0;
let newest = Promise.resolve();

// The session

/** One request comes first: it begins the session, and the event stream then has the cookie. */
async function connect() {
  try {
    await refresh();
  } catch (error) {
    complain(error);
    connectLater();
    return;
  }
  if (isOver) return;
  if (isLeaving) return connectLater();
  ui.work.inert = false;
  events?.close();
  events = listen({
    onMessage: hear,
    onLink: (text) => (ui.link.textContent = text),
    onEnded: end,
    onLost: connectLater,
  });
}

/** If the session is over, `refresh` finds another one. */
function connectLater() {
  ui.link.textContent = 'reconnecting …';
  connectTimer = setTimeout(() => void connect(), retryMs);
  retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
}

/** Whoever waits for one that was overtaken waits for the newest. */
function refresh() {
  if (isOver || isLeaving) return Promise.resolve();
  lastAsked += 1;
  newest = showNow(lastAsked);
  return newest;
}

async function showNow(mine) {
  const answer = await request('GET', 'session').catch((error) => {
    if (mine === lastAsked) throw error;
  });
  if (isOver) return;
  if (mine !== lastAsked) return newest;
  if (session !== null && answer.session_id !== session.session_id) return end();
  session = answer;
  showSession(session);
  if (!isShown(ui.player.dataset.id)) stopPlaying();
}

/** Shows an error of what the user asked for. It may be that the session is another one. */
function fail(error) {
  complain(error);
  if (error.status === 401 || error.status === 404) refreshSoon();
}

/** Several changes at once are one refresh. */
function refreshSoon() {
  clearTimeout(refreshTimer);
  refreshTimer = setTimeout(() => void refresh().catch(complain), TOGETHER_MS);
}

function hear(kind, message) {
  const { state, type, resource_id: id } = message;
  if (kind === 'hello') {
    retryMs = FIRST_RETRY_MS;
    logEvent('Connected');
  } else if (kind === 'upload') {
    const { received_bytes: received, total_bytes: total } = message;
    const bytes = total === null ? sizeOf(received) : `${sizeOf(received)} of ${sizeOf(total)}`;
    logEvent(`Upload ${state}: ${bytes}`, state === 'progress');
    return;
  } else if (kind === 'speech') {
    logEvent(`Speech ${state}`);
    return;
  } else if (type === 'stream') {
    logEvent(`Live connection ${state === 'ready' ? 'opened' : 'closed'}`);
  } else {
    if (state === 'evicted') say(`The session is full: ${nameOf(id)} was deleted to make room.`);
    else logEvent(state === 'ready' ? 'New file' : `File deleted: ${nameOf(id)}`);
  }
  refreshSoon();
}

/** Shows why, and stops all that would begin a new session by itself. */
function end(reason) {
  if (isOver) return;
  isOver = true;
  events?.close();
  clearTimeout(connectTimer);
  clearTimeout(refreshTimer);
  recording?.stop();
  stopPlaying();
  showFiles([]);
  ui.notices.replaceChildren();
  ui.link.textContent = 'ended';
  ui.endReason.textContent = END_REASONS[reason] ?? END_UNSEEN;
  ui.work.inert = true;
  ui.ended.hidden = false;
  ui.again.focus();
}

async function beginAnew() {
  isOver = false;
  session = null;
  await connect();
  if (isOver) return;
  ui.ended.hidden = true;
  (ui.record.hidden ? ui.choose : ui.record).focus();
}

// Recordings and uploads

async function startRecording() {
  recording = await record();
  const startedAt = Date.now();
  const tick = () => {
    const seconds = Math.floor((Date.now() - startedAt) / 1000);
    ui.timer.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
    // Nothing else of a recording reaches the server: without a request, the session would idle out.
    if (seconds % KEEP_ALIVE_SECONDS === KEEP_ALIVE_SECONDS - 1) refreshSoon();
  };
  tick();
  const timer = setInterval(tick, 1000);
  showRecording(true);
  void recording.file.then((file) => {
    recording = null;
    clearInterval(timer);
    showRecording(false);
    enqueue([file]);
  });
}

function showRecording(isRecording) {
  ui.record.textContent = isRecording ? 'Stop and upload' : 'Record';
  ui.record.classList.toggle('recording', isRecording);
  ui.timer.hidden = !isRecording;
}

/** One after the other. */
function enqueue(files) {
  for (const file of files) uploads = uploads.then(() => send(file));
}

async function send(file) {
  canceller = new AbortController();
  ui.transferName.textContent = `Uploading ${file.name}`;
  ui.progress.value = 0;
  ui.transfer.hidden = false;
  try {
    if (isOver) throw new Refusal(0, 'The session has ended.');
    const { signal } = canceller;
    const uploaded = await upload(file, { signal, onProgress: (part) => (ui.progress.value = part) });
    say(`Uploaded ${uploaded.file_name} (${sizeOf(uploaded.size_bytes)}).`);
    refreshSoon();
  } catch (error) {
    fail(new Refusal(error.status, `${file.name}: ${error.message}`));
    if (error.mayPass) failed.push(file);
  }
  showIf(false, ui.transfer, ui.choose);
  showIf(failed.length > 0, ui.retry, ui.choose);
}

// What the user asks for

/** Does one thing at a time for each button, which keeps the focus meanwhile. */
async function attempt(button, action) {
  if (button.hasAttribute('aria-disabled')) return;
  button.setAttribute('aria-disabled', 'true');
  await action().catch(fail);
  button.removeAttribute('aria-disabled');
}

function onClick(button, action) {
  button.addEventListener('click', () => attempt(button, action));
}

function onSubmit(form, action) {
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void attempt(form.querySelector('button'), action);
  });
}

onClick(ui.again, beginAnew);
onClick(ui.record, async () => (recording ? recording.stop() : startRecording()));
ui.cancel.addEventListener('click', () => canceller.abort());
ui.choose.addEventListener('click', () => ui.chosen.click());
ui.chosen.addEventListener('change', () => {
  enqueue([...ui.chosen.files]);
  // The same file may be chosen again.
  ui.chosen.value = '';
});
ui.retry.addEventListener('click', () => {
  enqueue(failed);
  failed = [];
});

onSubmit(ui.speech, async () => {
  const language = ui.language.value || undefined;
  const spoken = await request('POST', 'speech', { text: ui.text.value, language });
  await refresh();
  play(spoken.resource_id, spoken.file_name);
});

ui.files.addEventListener('click', ({ target }) => {
  const id = target.closest('li')?.dataset.id;
  if (target.matches('.play')) play(id, nameOf(id));
  if (!target.matches('.delete')) return;
  void attempt(target, async () => {
    await request('DELETE', `resources/${id}`);
    await refresh();
  });
});

onSubmit(ui.login, async () => {
  const user = ui.name.value;
  await request('POST', 'login', { user, password: ui.password.value });
  ui.login.reset();
  await refresh();
  say(`Logged in as ${user}.`);
});

// What the player reads is activity, too: the idle end moves.
for (const event of ['play', 'pause', 'seeked']) ui.player.addEventListener(event, refreshSoon);

onClick(ui.leaveOthers, async () => {
  const { ended } = await request('POST', 'logout-others');
  say(ended === 1 ? 'Ended 1 other session.' : `Ended ${ended} other sessions.`);
});

onClick(ui.leave, async () => {
  isLeaving = true;
  try {
    // What is under way is answered first, whatever the answer is.
    await newest.catch(() => {});
    await request('DELETE', 'session');
    end('ended');
  } finally {
    isLeaving = false;
  }
});

async function offerLanguages() {
  const { languages } = await request('GET', 'speech/languages');
  const namesOfLanguages = new Intl.DisplayNames('en', { type: 'language' });
  const options = languages.map((code) => new Option(namesOfLanguages.of(code), code, code === 'en'));
  ui.language.replaceChildren(...options.toSorted((one, other) => one.text.localeCompare(other.text)));
  ui.language.value = 'en';
}

const whyNot = whyNoRecording();
ui.record.hidden = whyNot !== null;
if (whyNot !== null) ui.recordHint.textContent = whyNot;
offerLanguages().catch(complain);
void connect();
