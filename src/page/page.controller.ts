import { hash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { extname, join } from 'node:path';
import { Controller, Get, Headers, NotFoundException, Param, Res } from '@nestjs/common';
import { SkipSession } from 'nest-sessions';

/** The build copies the files as they are. */
const FOLDER = join(import.meta.dirname, 'public');
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
};
/** Nothing inline, nothing from elsewhere. `data:` is for the icon. */
const CONTENT_SECURITY_POLICY = [
  `default-src 'none'`,
  `script-src 'self'`,
  `style-src 'self'`,
  `img-src 'self' data:`,
  `media-src 'self'`,
  `connect-src 'self'`,
  `frame-ancestors 'none'`,
  `base-uri 'none'`,
  `form-action 'self'`,
].join('; ');

interface PageFile {
  readonly type: string;
  readonly text: string;
  readonly etag: string;
}

/** What a response of Express and a reply of Fastify have in common. */
interface PlatformReply {
  status(code: number): unknown;
  header(name: string, value: string): unknown;
}

/**
 * The page of the server. It begins no session: the first request of its script does, so that all later ones have the
 * cookie.
 */
@Controller()
@SkipSession()
export class PageController {
  private readonly files = new Map(readdirSync(FOLDER).map((name) => [name, readPageFile(name)]));

  @Get()
  show(
    @Headers('if-none-match') known: string | undefined,
    @Res({ passthrough: true }) reply: PlatformReply,
  ): string | undefined {
    return this.send('index.html', known, reply);
  }

  /** Style and scripts. */
  @Get('page/:name')
  file(
    @Param('name') name: string,
    @Headers('if-none-match') known: string | undefined,
    @Res({ passthrough: true }) reply: PlatformReply,
  ): string | undefined {
    return this.send(name, known, reply);
  }

  private send(name: string, known: string | undefined, reply: PlatformReply): string | undefined {
    const file = this.files.get(name);
    if (!file) throw new NotFoundException('The page has no such file.');
    reply.header('Content-Security-Policy', CONTENT_SECURITY_POLICY);
    reply.header('X-Content-Type-Options', 'nosniff');
    reply.header('Referrer-Policy', 'no-referrer');
    reply.header('Cache-Control', 'no-cache');
    reply.header('ETag', file.etag);
    // A proxy that compresses puts W/ before the tag.
    if (known?.includes(file.etag)) {
      reply.status(304);
      return undefined;
    }
    reply.header('Content-Type', file.type);
    return file.text;
  }
}

function readPageFile(name: string): PageFile {
  const text = readFileSync(join(FOLDER, name), 'utf8');
  const type = TYPES[extname(name)];
  if (type === undefined) throw new Error(`${name}: the page has no files of this type.`);
  return { type, text, etag: `"${hash('sha256', text, 'base64url').slice(0, 22)}"` };
}
