// A person with a browser: one cookie jar, one user agent.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from '../process.mjs';

const RECORDINGS = join(root, 'test', 'fixtures', 'audio');
const MEDIA_TYPES = {
  wav: 'audio/wav',
  ogg: 'audio/ogg',
  webm: 'audio/webm',
  m4a: 'audio/mp4',
  mp3: 'audio/mpeg',
};

export class Visitor {
  cookies = new Map();

  constructor(name, server) {
    this.name = name;
    this.server = server;
  }

  async fetch(path, init = {}) {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { 'user-agent': `${this.name}'s browser`, ...init.headers, ...(cookie && { cookie }) };
    const response = await fetch(new URL(path, this.server.url), { ...init, headers });
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      this.cookies.set(name, value);
    }
    return response;
  }

  /** Uploads a recording. */
  async upload(name) {
    const form = new FormData();
    const type = MEDIA_TYPES[name.split('.').at(-1)];
    form.append('audio', new Blob([await readFile(join(RECORDINGS, name))], { type }), name);
    return this.answerOf(await this.fetch('/audio', { method: 'POST', body: form }), 201);
  }

  /** Requests speech for a text. `null` if the server has no speech synthesis. */
  async speak(text, language) {
    const response = await this.fetch('/speech', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text, language }),
    });
    return response.status === 503 ? null : this.answerOf(response, 201);
  }

  async listen(resourceId) {
    const response = await this.fetch(`/resources/${resourceId}`);
    return { status: response.status, bytes: Buffer.from(await response.arrayBuffer()) };
  }

  async waveform(resourceId) {
    return this.answerOf(await this.fetch(`/audio/${resourceId}/waveform`), 200);
  }

  async session() {
    return this.answerOf(await this.fetch('/session'), 200);
  }

  async answerOf(response, status) {
    if (response.status !== status) {
      throw new Error(`${this.name} got ${response.status} from ${response.url}: ${await response.text()}`);
    }
    return response.json();
  }
}
