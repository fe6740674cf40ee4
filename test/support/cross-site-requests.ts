/** The host of the application under test, as its clients name it. */
export const HOST = 'app.example.com:8443';

/** Origins of `allowedOrigins`. */
export const LISTED = [
  'https://admin.example.com',
  'null',
  'capacitor://localhost',
  'https://listed.example:444',
];

export interface CrossSiteHeaders {
  readonly [name: string]: string;
}

/** Requests of pages with the session cookie: whether each is served. */
export const CROSS_SITE_REQUESTS: readonly (readonly [
  what: string,
  method: 'GET' | 'HEAD' | 'OPTIONS' | 'POST' | 'PUT',
  headers: CrossSiteHeaders,
  isServed: boolean,
])[] = [
  ['a page of its own', 'POST', { 'sec-fetch-site': 'same-origin', origin: `https://${HOST}` }, true],
  ['a page of its own, in a browser that names no origin', 'POST', { 'sec-fetch-site': 'same-origin' }, true],
  ['a user who types the address', 'POST', { 'sec-fetch-site': 'none' }, true],
  [
    'a page of another site',
    'POST',
    { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
    false,
  ],
  ['another method', 'PUT', { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }, false],
  [
    'a sibling subdomain',
    'POST',
    { 'sec-fetch-site': 'same-site', origin: 'https://blog.example.com' },
    false,
  ],
  ['a listed sibling', 'POST', { 'sec-fetch-site': 'same-site', origin: 'https://admin.example.com' }, true],
  [
    'another port of the host',
    'POST',
    { 'sec-fetch-site': 'same-site', origin: 'https://app.example.com' },
    false,
  ],
  [
    'a listed origin of another site',
    'POST',
    { 'sec-fetch-site': 'cross-site', origin: 'https://listed.example:444' },
    true,
  ],
  [
    'its listed host at another port',
    'POST',
    { 'sec-fetch-site': 'cross-site', origin: 'https://listed.example' },
    false,
  ],
  ['a sandboxed frame that is listed', 'POST', { 'sec-fetch-site': 'cross-site', origin: 'null' }, true],
  [
    'an app that is listed',
    'POST',
    { 'sec-fetch-site': 'cross-site', origin: 'capacitor://localhost' },
    true,
  ],
  [
    'an app that is not listed',
    'POST',
    { 'sec-fetch-site': 'cross-site', origin: 'ionic://localhost' },
    false,
  ],
  ['an unknown kind of site', 'POST', { 'sec-fetch-site': 'future-site', origin: `https://${HOST}` }, false],
  ['a site without an origin', 'POST', { 'sec-fetch-site': 'cross-site' }, false],
  ['two kinds of site', 'POST', { 'sec-fetch-site': 'same-origin, cross-site' }, false],
  ['a program', 'POST', {}, true],
  ['an old browser, on a page of its own', 'POST', { origin: `https://${HOST}` }, true],
  [
    'an old browser, on a page of its own in other case',
    'POST',
    { origin: 'https://APP.example.com:8443' },
    true,
  ],
  ['an old browser, on a page of another site', 'POST', { origin: 'https://evil.example' }, false],
  ['an old browser, on another port of the host', 'POST', { origin: 'https://app.example.com' }, false],
  ['an old browser, on a host that begins alike', 'POST', { origin: `https://${HOST}.evil.example` }, false],
  ['an old browser, on a listed page', 'POST', { origin: 'https://admin.example.com' }, true],
  ['an old browser, in a listed frame', 'POST', { origin: 'null' }, true],
  ['no origin at all', 'POST', { origin: 'file://' }, false],
  ['what is no origin', 'POST', { origin: 'not an origin' }, false],
  ['a link', 'GET', { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }, true],
  ['a head', 'HEAD', { origin: 'https://evil.example' }, true],
];
