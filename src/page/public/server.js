// All that the page asks of the server. Addresses are relative, so that a proxy may serve the app under a path.

/** A request that the server refused or did not answer (status 0). The message is for people. */
export class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }

  /** Whether the same request may succeed later: the connection broke, or the server had no room or a new session. */
  get mayPass() {
    return [0, 401, 408, 409, 429].includes(this.status) || this.status >= 500;
  }
}

/** Resolves with the answer's JSON, or `null` if it has none. */
export async function request(method, path, body) {
  const json = body && { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
  try {
    const response = await fetch(path, { method, ...json });
    return answerOf(response.status, await response.text());
  } catch (error) {
    throw error instanceof Refusal ? error : new Refusal(0, 'The server does not answer.');
  }
}

/** `fetch` tells no progress of an upload, so this is an XMLHttpRequest. `signal` cancels it. */
export function upload(file, { onProgress, signal }) {
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    const fail = (message) => () => reject(new Refusal(0, message));
    xhr.upload.addEventListener('progress', ({ loaded, total }) => onProgress(loaded / total));
    xhr.addEventListener('load', () => {
      try {
        resolve(answerOf(xhr.status, xhr.responseText));
      } catch (error) {
        reject(error);
      }
    });
    xhr.addEventListener('error', fail('The connection broke.'));
    xhr.addEventListener('abort', fail('The upload was cancelled.'));
    signal.addEventListener('abort', () => xhr.abort());
    const form = new FormData();
    form.append('audio', file, file.name);
    xhr.open('POST', 'audio');
    xhr.send(form);
  });
}

/**
 * Opens the event stream of the session. `onLost` is called when the browser has given up: the session is over, or the
 * server refused the stream. All other interruptions the browser mends by itself.
 */
export function listen({ onMessage, onLink, onEnded, onLost }) {
  const events = new EventSource('events');
  for (const kind of ['hello', 'upload', 'speech', 'resource']) {
    events.addEventListener(kind, ({ data }) => onMessage(kind, JSON.parse(data)));
  }
  events.addEventListener('open', () => onLink('live'));
  events.addEventListener('error', () => {
    if (events.readyState === EventSource.CLOSED) onLost();
    else onLink('reconnecting …');
  });
  // Closed here: the browser would ask again, to be told that there is no more.
  events.addEventListener('session-ended', ({ data }) => {
    events.close();
    onEnded(JSON.parse(data).reason);
  });
  return events;
}

function answerOf(status, text) {
  const answer = parse(text);
  if (status >= 200 && status < 300) return answer;
  throw new Refusal(status, [answer?.message ?? `The server answered ${status}.`].flat().join('; '));
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
