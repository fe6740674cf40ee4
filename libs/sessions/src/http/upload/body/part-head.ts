import type { IncomingHttpHeaders } from 'node:http';
import { parse } from 'content-disposition';
import { invalidUpload } from '../files/upload-error.js';

/** What the headers of one part say. */
export interface PartHead {
  readonly name: string | undefined;
  /** Without a path; empty if the part names none, as an empty file input does. `undefined`: it is no file by its name. */
  readonly fileName: string | undefined;
  /** Without parameters. Default, by RFC 7578: `text/plain`. */
  readonly mediaType: string;
  readonly charset: string;
}

/** `\"` within a quoted text, as clients that are no browsers write it: a quote, unless the text ends there. */
const ESCAPED_QUOTE = /\\"(?![\t ]*(?:;|$))/g;

/**
 * Reads the headers of a part, given as bytes in `latin1`. Names are decoded as browsers encode them (`%22`, `%0D`,
 * `%0A`); `filename*` counts before `filename`, wherever it stands.
 * @throws SessionsError `UPLOAD_INVALID`
 */
export function partHeadOf(headers: Readonly<Record<string, readonly string[]>>): PartHead {
  const line = Buffer.from(headers['content-disposition']?.[0] ?? '', 'latin1').toString('utf8');
  const { type, parameters } = parse(line.replaceAll(ESCAPED_QUOTE, '%22'), { multipart: true });
  if (type !== 'form-data') throw invalidUpload('A part of the body has no Content-Disposition: form-data.');
  const { name, filename } = parameters;
  const [mediaType = '', ...more] = (headers['content-type']?.[0] ?? '').split(';');
  return {
    name,
    fileName: filename === undefined ? undefined : baseName(filename),
    mediaType: mediaType.trim().toLowerCase() || 'text/plain',
    charset: /^\s*charset\s*=\s*"?([^"\s]+)/i.exec(more.join(';'))?.[1] ?? 'utf-8',
  };
}

/**
 * What the headers of a request say of the file that is its body. A file name is in UTF-8; `filename*` counts before it. Without
 * a media type the file is `application/octet-stream`.
 */
export function requestHeadOf(headers: IncomingHttpHeaders): Pick<PartHead, 'fileName' | 'mediaType'> {
  const line = Buffer.from(headers['content-disposition'] ?? '', 'latin1').toString('utf8');
  const { filename } = parse(line).parameters;
  const [mediaType = ''] = (headers['content-type'] ?? '').split(';');
  return {
    fileName: filename === undefined ? undefined : baseName(filename),
    mediaType: mediaType.trim().toLowerCase() || 'application/octet-stream',
  };
}

/** The last step of a path, of Windows too: old browsers send whole paths. */
function baseName(path: string): string {
  const last = path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
  return last === '.' || last === '..' ? '' : last;
}

/** The text of a field; in UTF-8 if its charset is unknown. */
export function decodeText(bytes: Buffer, charset: string): string {
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    return bytes.toString('utf8');
  }
}
