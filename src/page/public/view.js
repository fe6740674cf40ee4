// What the page shows. Text of users and of the server goes in by `textContent` alone.

const MAX_NOTICES = 3;
const NOTICE_MS = 30_000;
const MAX_EVENTS = 100;
const UNITS = ['B', 'kB', 'MB', 'GB'];

/** Every element with an id, by its id. */
export const ui = Object.fromEntries(
  [...document.querySelectorAll('[id]')].map((element) => [element.id, element]),
);

/** Names of the files that were shown, since a message tells the id alone, also after the file is gone. */
const names = new Map();
const rows = new Map();

/** A message to the user, which screen readers read out. It stays among the events. */
export function say(text, isBad = false) {
  const notice = lineOf(text);
  notice.classList.toggle('bad', isBad);
  ui.notices.prepend(notice);
  if (ui.notices.children.length > MAX_NOTICES) ui.notices.lastElementChild.remove();
  setTimeout(() => notice.remove(), NOTICE_MS);
  logEvent(text);
}

/** An error as a message. */
export function complain(error) {
  say(error.message, true);
}

/** A line of the live events, newest first. A line of progress gives way to the next line. */
export function logEvent(text, isProgress = false) {
  const last = ui.events.firstElementChild;
  if (last?.dataset.progress === 'true') last.remove();
  const line = lineOf(`${new Date().toLocaleTimeString()} ${text}`);
  line.dataset.progress = isProgress;
  ui.events.prepend(line);
  if (ui.events.children.length > MAX_EVENTS) ui.events.lastElementChild.remove();
}

/** User, ends and limits of a session, as `GET session` tells them, and its files. */
export function showSession(session) {
  const files = session.resources.filter(({ type }) => type !== 'stream');
  const isNobody = session.user_id === null;
  ui.user.textContent = session.user_id ?? 'nobody';
  ui.sessionId.textContent = session.session_id;
  showTime(ui.idleEnd, session.idle_expires_at);
  showTime(ui.lastEnd, session.expires_at);
  ui.leave.textContent = isNobody ? 'End session' : 'Log out';
  showIf(session.can_log_in && isNobody, ui.login, ui.leave);
  showIf(!isNobody, ui.leaveOthers, ui.leave);
  const { max_resources_per_session: maxFiles, max_bytes_per_session: maxBytes } = session.limits;
  showMeter(ui.filesUsed, files.length, maxFiles, `${files.length} of ${maxFiles} files`);
  const bytes = session.total_bytes_used;
  showMeter(ui.bytesUsed, bytes, maxBytes, `${sizeOf(bytes)} of ${sizeOf(maxBytes)}`);
  showFiles(files);
}

/** The files of the session, newest first. Rows that stay are left alone: one of their buttons may have the focus. */
export function showFiles(files) {
  for (const file of files.filter(({ resource_id: id }) => !rows.has(id))) {
    names.set(file.resource_id, file.file_name ?? file.type);
    rows.set(file.resource_id, rowOf(file));
    ui.files.prepend(rows.get(file.resource_id));
  }
  const present = new Set(files.map(({ resource_id: id }) => id));
  for (const [id, row] of rows) {
    if (present.has(id)) continue;
    const neighbour = row.nextElementSibling ?? row.previousElementSibling;
    showIf(false, row, neighbour?.querySelector('.delete') ?? ui.filesTitle);
    row.remove();
    rows.delete(id);
  }
  ui.noFiles.hidden = rows.size > 0;
}

/** Whether a file is among those shown now. */
export function isShown(id) {
  return rows.has(id);
}

export function nameOf(id) {
  return names.get(id) ?? 'a file';
}

/** Shows or hides an element. If what is hidden had the keyboard's focus, `next` gets it. */
export function showIf(isVisible, element, next) {
  const hadFocus = element.contains(document.activeElement);
  element.hidden = !isVisible;
  if (!isVisible && hadFocus) next.focus();
}

export function sizeOf(bytes) {
  const unit = bytes < 1 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), UNITS.length - 1);
  const amount = bytes / 1024 ** unit;
  return `${unit > 0 && amount < 10 ? amount.toFixed(1) : Math.round(amount)} ${UNITS[unit]}`;
}

function lineOf(text) {
  const line = document.createElement('p');
  line.textContent = text;
  return line;
}

function rowOf(file) {
  const row = ui.fileRow.content.firstElementChild.cloneNode(true);
  const part = (name) => row.querySelector(`.${name}`);
  const name = nameOf(file.resource_id);
  const begun = new Date(file.created_at).toLocaleTimeString();
  row.dataset.id = file.resource_id;
  part('name').textContent = name;
  part('facts').textContent = [file.media_type, sizeOf(file.size_bytes), begun].filter(Boolean).join(' · ');
  part('play').hidden = file.type !== 'audio_file';
  part('save').href = `resources/${file.resource_id}`;
  for (const action of ['play', 'save', 'delete']) {
    part(action).setAttribute('aria-label', `${part(action).textContent} ${name}`);
  }
  return row;
}

function showTime(element, iso) {
  element.dateTime = iso;
  element.textContent = new Date(iso).toLocaleTimeString([], { timeStyle: 'short' });
}

function showMeter(meter, value, max, text) {
  meter.max = max;
  meter.value = value;
  meter.labels[0].textContent = text;
}
