import { NASTY_FILE_NAMES } from './file-names.ts';
import { utf8 } from '../mutation.ts';
import { PLAIN_RECORDING } from '../recording.ts';

export const BOUNDARY = 'xBOUNDARYx';

export interface NastyMultipart {
  readonly what: string;
  readonly body: string;
  readonly contentType: string;
}

const TYPE = `multipart/form-data; boundary=${BOUNDARY}`;
const END = `--${BOUNDARY}--\r\n`;
const FILE = 'form-data; name="audio"; filename="a.wav"';

/** A part as it stands, with any header lines. */
export function part(lines: string, contents: string): string {
  return `--${BOUNDARY}\r\n${lines}\r\n\r\n${contents}\r\n`;
}

/** A recording of this name. */
export function recording(disposition = FILE, contents = PLAIN_RECORDING, type = 'audio/wav'): string {
  return part(`Content-Disposition: ${disposition}\r\nContent-Type: ${type}`, contents);
}

function field(name: string, value: string): string {
  return part(`Content-Disposition: form-data; name="${name}"`, value);
}

function nested(depth: number): string {
  return field(`a${'[b]'.repeat(depth)}`, '1');
}

/** `limit`: the bytes that a session may hold. */
export function nastyMultipart(limit: number): NastyMultipart[] {
  const good = recording();
  const bodies: Record<string, string> = {
    nothing: '',
    'only the end': END,
    'no end': good,
    'half a boundary at the end': `${good}--${BOUNDARY.slice(0, 4)}`,
    'no line break before the end': `${good.slice(0, -2)}${END}`,
    'line feeds alone': (good + END).replaceAll('\r\n', '\n'),
    'carriage returns alone': (good + END).replaceAll('\r\n', '\r'),
    'blanks after the boundary': `${good.replace(BOUNDARY, `${BOUNDARY} \t `)}${END}`,
    'another boundary': (good + END).replaceAll(BOUNDARY, 'other'),
    'a preamble': `hello\r\n${good}${END}`,
    'a preamble of 3 MB': `${'x'.repeat(3_000_000)}\r\n${good}${END}`,
    'an epilogue': `${good}${END}${'x'.repeat(50_000)}`,
    'a second body after the end': `${good}${END}${good}${END}`,
    'the boundary within the file': `${recording(FILE, `a--${BOUNDARY}b\r\n-${BOUNDARY}`)}${END}`,
    'a file of no bytes': `${recording(FILE, '')}${END}`,
    'no file name': `${recording('form-data; name="audio"')}${END}`,
    'an empty file name': `${recording('form-data; name="audio"; filename=""')}${END}`,
    'an empty field name': `${recording('form-data; name=""; filename="a.wav"')}${END}`,
    'no field name': `${recording('form-data; filename="a.wav"')}${END}`,
    'no disposition': `${part('Content-Type: audio/wav', 'x')}${END}`,
    'no headers': `--${BOUNDARY}\r\n\r\nx\r\n${END}`,
    'no line between headers and contents': `--${BOUNDARY}\r\nContent-Disposition: ${FILE}\r\nx\r\n${END}`,
    'an attachment': `${recording('attachment; name="audio"; filename="a.wav"')}${END}`,
    'another field': `${recording('form-data; name="other"; filename="a.wav"')}${END}`,
    'two files': `${good}${good}${END}`,
    'a hundred files of one name': `${good.repeat(100)}${END}`,
    'sixty fields': `${field('a', 'b').repeat(60)}${good}${END}`,
    'ten thousand parts': `${field('a', 'b').repeat(10_000)}${END}`,
    'ten thousand parts without a name': `${part('X: y', '').repeat(10_000)}${END}`,
    'ten thousand headers': `${part(`Content-Disposition: ${FILE}\r\n${'X: y\r\n'.repeat(10_000).trim()}`, 'x')}${END}`,
    'a header of 20 KiB': `${part(`Content-Disposition: ${FILE}\r\nX: ${'y'.repeat(20_480)}`, 'x')}${END}`,
    'a header name of 20 KiB': `${part(`${'X'.repeat(20_480)}: y\r\nContent-Disposition: ${FILE}`, 'x')}${END}`,
    'a header without a colon': `${part(`Content-Disposition: ${FILE}\r\nnonsense`, 'x')}${END}`,
    'a header with NUL': `${part(`Content-Disposition: ${FILE}\r\nX: \0`, 'x')}${END}`,
    'a folded header': `${part(`Content-Disposition: form-data;\r\n name="audio"; filename="a.wav"`, 'x')}${END}`,
    'two dispositions': `${part(`Content-Disposition: ${FILE}\r\nContent-Disposition: form-data; name="b"`, 'x')}${END}`,
    'a field of 70 KiB': `${field('a', 'x'.repeat(70_000))}${good}${END}`,
    'a field name of 64 KiB': `${field('a'.repeat(65_536), 'x')}${good}${END}`,
    'a field name of 200 bytes': `${field('a'.repeat(200), 'x')}${good}${END}`,
    __proto__: `${field('__proto__', 'x')}${good}${END}`,
    'constructor[prototype][x]': `${field('constructor[prototype][x]', 'x')}${good}${END}`,
    'a name nested 5,000 deep': `${nested(5000)}${good}${END}`,
    'a name nested 20 deep': `${nested(20)}${good}${END}`,
    'a field that is not UTF-8': `${field('a\xff', '\xff\xfe\x80')}${good}${END}`,
    'an unknown charset': `${part('Content-Disposition: form-data; name="a"\r\nContent-Type: text/plain; charset=utf-99', 'x')}${good}${END}`,
    base64: `${part(`Content-Disposition: ${FILE}\r\nContent-Transfer-Encoding: base64`, 'aGVsbG8=')}${END}`,
    'an unknown encoding': `${part(`Content-Disposition: ${FILE}\r\nContent-Transfer-Encoding: rot13`, 'x')}${END}`,
    'multipart in multipart': `${part(`Content-Disposition: ${FILE}\r\nContent-Type: multipart/mixed; boundary=${BOUNDARY}`, good)}${END}`,
    'a polyglot': `${recording(FILE, `RIFF\0\0\0\0WAVE<script>alert(1)</script>\x89PNG\r\n\x1a\nPK\x03\x04`, 'text/html')}${END}`,
    'exactly the limit': `${recording(FILE, 'x'.repeat(limit))}${END}`,
    'one byte below the limit': `${recording(FILE, 'x'.repeat(limit - 1))}${END}`,
    'one byte above the limit': `${recording(FILE, 'x'.repeat(limit + 1))}${END}`,
    'far above the limit': `${recording(FILE, 'x'.repeat(limit * 3))}${END}`,
  };
  const names = NASTY_FILE_NAMES.flatMap((name) => namings(utf8(name)));
  const types = [
    '',
    '/',
    'text/html',
    'a/b/c',
    '\0',
    'audio/wav; charset="',
    'x'.repeat(10_000),
    'audio/\xff',
    'multipart/form-data',
    utf8('audio/\u202ewav'),
  ];
  const boundaries = [
    '',
    '""',
    '"',
    ' ',
    'a'.repeat(70),
    'a'.repeat(71),
    'a'.repeat(5000),
    'a b',
    'a\tb',
    '\0',
    '\xff',
    "'()+_,-./:=?",
    '"a;b"',
    '--',
    '-',
    `${BOUNDARY}; boundary=other`,
  ];
  return [
    ...Object.entries(bodies).map(([what, body]) => ({ what, body, contentType: TYPE })),
    ...names.map((name) => ({
      what: 'a file name',
      body: `${recording(`form-data; name="audio"; ${name}`)}${END}`,
      contentType: TYPE,
    })),
    ...types.map((type) => ({
      what: 'a media type',
      body: `${recording(FILE, PLAIN_RECORDING, type)}${END}`,
      contentType: TYPE,
    })),
    ...boundaries.map((boundary) => ({
      what: 'a boundary',
      body: (good + END).replaceAll(BOUNDARY, boundary),
      contentType: `multipart/form-data; boundary=${boundary}`,
    })),
    ...[
      'multipart/form-data',
      'multipart/form-data;',
      'multipart/form-data; boundary',
      `MULTIPART/FORM-DATA; BOUNDARY=${BOUNDARY}`,
      `multipart/mixed; boundary=${BOUNDARY}`,
      `x, ${TYPE}`,
      `${TYPE}; charset=utf-99`,
    ].map((contentType) => ({ what: 'a content type', body: good + END, contentType })),
  ];
}

function namings(name: string): string[] {
  const encoded = Array.from(
    name,
    (character) => `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  ).join('');
  return [
    `filename="${name}"`,
    `filename=${name}`,
    `filename*=UTF-8''${encoded}`,
    `filename="x"; filename*=utf-8'en'${encoded}`,
    `filename*=utf-99''${encoded}`,
    `filename*=UTF-8''%zz${name}`,
  ];
}
