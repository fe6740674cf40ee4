import { utf8 } from '../mutation.ts';

/** Cookie headers that no browser of ours sends, made of a token that is good and of another that is too. */
export function nastyCookies(token: string, other: string, hash: string, publicId: string): string[] {
  return [...names(token), ...values(token, hash, publicId), ...several(token, other)];
}

function names(token: string): string[] {
  const invisible = ['\u2000', '\u0085', '\u00a0', '\ufeff', '\u200b', '\u3000'].map(utf8);
  return [
    '__host-sid',
    '__Host-sid',
    '__Host-sid ',
    '__Secure-sid',
    ' sid',
    'sid ',
    'SID',
    'Sid',
    '$sid',
    'sid\t',
    'si%64',
    '',
    ...invisible.flatMap((blank) => [`${blank}sid`, `sid${blank}`, `${blank}__Host-sid`]),
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    'sid[]',
    'sid.0',
    'sid\0',
    'sid\x7f',
    '"sid"',
    utf8('\u0455id'),
  ].map((name) => `${name}=${token}`);
}

function values(token: string, hash: string, publicId: string): string[] {
  return [
    '',
    ' ',
    '""',
    '"',
    'null',
    'undefined',
    'true',
    '0',
    '-1',
    '[object Object]',
    'deleted',
    '%',
    '%00',
    '%zz',
    '\0',
    hash,
    publicId,
    `${hash}AA`,
    token.slice(0, 2) + hash,
    `AA${hash}`,
    publicId.replaceAll('-', ''),
    Buffer.from(token).toString('base64'),
    `"${token}"`,
    `\\"${token}\\"`,
    `'${token}'`,
    ` ${token} `,
    `${token} `,
    `\t${token}`,
    `${token}\0`,
    `${token}\x7f`,
    `${token}=`,
    `${token}==`,
    `${token}.`,
    `${token}.sig`,
    `s:${token}.c2ln`,
    `s%3A${token}.c2ln`,
    `j:{"a":1}`,
    `j:["${token}"]`,
    `v2.${token}`,
    `v1..${token}`,
    `${token}${token}`,
    token.slice(0, -1),
    token.slice(1),
    `${token}A`,
    `A${token}`,
    token.toUpperCase(),
    token.toLowerCase(),
    token.split('').toReversed().join(''),
    slackened(token),
    'A'.repeat(45),
    '-'.repeat(45),
    token.replaceAll(/[-_]/g, (sign) => (sign === '-' ? '+' : '/')),
    `${token.slice(0, 44)}+`,
    `${token.slice(0, 44)}/`,
    percent(token),
    percent(percent(token)),
    `${token.slice(0, 20)}%${token.slice(20)}`,
    `${token.slice(0, 44)}\xff`,
    'ÿþ',
    'í\xA0',
    utf8('🎧'),
    utf8('‮'),
    'A'.repeat(4096),
    'A'.repeat(15e3),
    'A'.repeat(2e4),
    `${token};`,
    `;${token}`,
    `${token},${token}`,
    `${token}; Path=/; HttpOnly`,
    `${token}\u0001`,
    `{"$gt":""}`,
    `' OR '1'='1`,
  ].map((value) => `sid=${value}`);
}

function several(token: string, other: string): string[] {
  const pair = `sid=${token}`;
  return [
    `${pair}; sid=${other}`,
    `${pair}; ${pair}`,
    `sid=; ${pair}`,
    `${pair}; sid=`,
    `${pair}; sid`,
    `sid; ${pair}`,
    Array.from({ length: 50 }, () => pair).join('; '),
    Array.from({ length: 1000 }, (_, index) => `c${index}=1`).join('; '),
    `${Array.from({ length: 600 }, (_, index) => `c${index}=1`).join('; ')}; ${pair}`,
    `$Version=1; ${pair}; $Path=/`,
    `$Version="1"; sid="${token}"; $Path="/"`,
    `=${token}`,
    `==${token}; ${pair}`,
    ';;;;',
    '; '.repeat(2000),
    '=',
    ',',
    `${pair}, sid=${other}`,
    `other="a; ${pair}"`,
    `other="a;${pair};b"; sid=${other}`,
    `${pair};__Host-sid=${other}`,
    `__Host-sid=${token}; sid=${other}`,
  ];
}

/** The same bytes in another spelling: the last of 43 characters has two bits that a lax decoder drops. */
function slackened(token: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const last = alphabet.indexOf(token.at(-1) ?? 'A');
  return token.slice(0, -1) + alphabet.charAt(last ^ 1);
}

function percent(text: string): string {
  return text.replaceAll(/[^]/g, (character) => `%${character.charCodeAt(0).toString(16)}`);
}
