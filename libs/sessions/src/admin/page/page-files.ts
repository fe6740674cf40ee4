import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Injectable } from '@nestjs/common';
import { SessionsError } from '../../domain/errors.js';

/** The build writes the files there. */
const FOLDER = new URL('./files/', import.meta.url);
const HTML = 'index.html';
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

export interface PageFile {
  readonly type: string;
  readonly content: Buffer;
  readonly gzipped: Buffer;
}

/** The files of the admin page. They are read at boot; no request leads to others. */
@Injectable()
export class PageFiles {
  readonly html: PageFile;
  private readonly assets: ReadonlyMap<string, PageFile>;

  constructor() {
    const files = new Map(namesOf(FOLDER).map((name) => [name, read(name)]));
    const html = files.get(HTML);
    if (!html) {
      throw new SessionsError(
        'CONFIG_INVALID',
        'The files of the admin page are not where nest-sessions was installed: leave nest-sessions out of your bundle.',
      );
    }
    files.delete(HTML);
    this.html = html;
    this.assets = files;
  }

  /** A file with the hash of its content in its name: under one name there is never another content. */
  asset(name: string): PageFile | null {
    return this.assets.get(name) ?? null;
  }
}

function namesOf(folder: URL): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function read(name: string): PageFile {
  const content = readFileSync(new URL(name, FOLDER));
  const type = TYPES[extname(name)] ?? 'application/octet-stream';
  return { type, content, gzipped: gzipSync(content, { level: 9 }) };
}
