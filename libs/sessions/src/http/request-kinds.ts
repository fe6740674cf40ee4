import { isMediaPlayer, type Client } from '../domain/binding.js';
import { nodeRequest, type PlatformRequest } from './platform-message.js';

/** What browsers fetch for a page, not for its scripts: nobody sees an answer's cookie. */
const PARTS_OF_PAGES = new Set(['image', 'audio', 'video', 'track', 'font', 'style', 'script']);

/** Whether a request fetches a part of a page, such as an image, or is of a media player: it must get no session of its own. */
export function isPartOfPage(request: PlatformRequest, { userAgent }: Client): boolean {
  return PARTS_OF_PAGES.has(headerOf(request, 'sec-fetch-dest') ?? '') || isMediaPlayer(userAgent);
}

/** Whether an `EventSource` reconnects: it names the last event of an earlier stream. */
export function isContinuation(request: PlatformRequest): boolean {
  return headerOf(request, 'last-event-id') !== undefined;
}

function headerOf(request: PlatformRequest, name: string): string | undefined {
  const value = nodeRequest(request).headers[name];
  return typeof value === 'string' ? value : undefined;
}
