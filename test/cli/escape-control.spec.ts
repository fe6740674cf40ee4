import { toEscapedJson, escapeControl, escapeControlStart } from '#sessions/cli/output/escape-control';

const EVERY_UNIT = Array.from({ length: 0x10000 }, (_, code) => String.fromCharCode(code));

describe('text from outside', () => {
  it('contains nothing that a terminal interprets, whatever the character', () => {
    for (const character of EVERY_UNIT) {
      expect(escapeControl(`a${character}b`)).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
    }
  });

  it.each([
    ['\u001B[31m', '\\x1b[31m'],
    ['\u009B2J', '\\x9b2J'],
    ['\u007F', '\\x7f'],
    ['\n\r\t', '\\x0a\\x0d\\x09'],
    ['exe\u202Efdp', 'exe\\u{202e}fdp'],
    ['\u2066a\u2069', '\\u{2066}a\\u{2069}'],
    ['a\u200Bb\uFEFF', 'a\\u{200b}b\\u{feff}'],
    ['\u2028', '\\u{2028}'],
    ['\uD800', '\\u{d800}'],
    ['\u{E0041}', '\\u{e0041}'],
    ['\uFFFE\uE000', '\\u{fffe}\\u{e000}'],
  ])('%j is escaped as %s', (text, expected) => {
    expect(escapeControl(text)).toBe(expected);
  });

  it('keeps every script, emoji and a few accents as they are', () => {
    const text = 'Grüße, 你好, مرحبا, नमस्ते, 🎧 e\u0301 — "quoted" \\ <b>';
    expect(escapeControl(text)).toBe(text);
  });

  it('has few accents on one letter, none over other lines', () => {
    expect(escapeControl(`a${'\u0301'.repeat(100)}`)).toMatch(/^a\u0301{4}(\\u\{301\}){96}$/);
  });

  it('is cut to the width of a cell, never within a character', () => {
    expect(escapeControlStart('🎧'.repeat(50), 40)).toBe(`${'🎧'.repeat(39)}…`);
    expect(escapeControlStart('short', 40)).toBe('short');
  });
});

describe('JSON', () => {
  it('is as safe, and has the same value', () => {
    const value = { text: EVERY_UNIT.join(''), tag: '\u{E0041}', list: [1, null, true] };
    const json = toEscapedJson(value);
    expect(json).not.toMatch(/[^\P{Cc}\n]|[\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
    expect(JSON.parse(json)).toEqual(value);
  });
});
