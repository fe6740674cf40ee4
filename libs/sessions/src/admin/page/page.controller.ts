import { Get, Inject, NotFoundException, Optional, Param, Req, Res, StreamableFile } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { nodeRequest, type PlatformRequest, type PlatformResponse } from '../../http/platform-message.js';
import { AdminAnswers } from '../access/admin-answers.js';
import { AdminPageController } from './admin-page-controller.decorator.js';
import { PageFiles, type PageFile } from './page-files.js';

const FOR_EVER = 'public, max-age=31536000, immutable';
const PERMANENT_REDIRECT = 308;

/**
 * The page, and the files that it loads. Its own URLs are relative to `…/ui`, so it needs not know what is before that: a global
 * prefix, or the path that a proxy cuts off.
 */
@AdminPageController()
export class PageController {
  constructor(
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
    @Inject(AdminAnswers) private readonly answers: AdminAnswers,
    @Optional() @Inject(PageFiles) private readonly files: PageFiles | null,
  ) {}

  @Get()
  show(
    @Req() request: PlatformRequest,
    @Res({ passthrough: true }) response: PlatformResponse,
  ): StreamableFile | undefined {
    // From there, the URLs that the page loads would be others.
    return pathOf(request).endsWith('/')
      ? this.withoutSlash(response)
      : this.send(this.files?.html, request, response);
  }

  @Get('assets/:name')
  asset(
    @Param('name') name: string,
    @Req() request: PlatformRequest,
    @Res({ passthrough: true }) response: PlatformResponse,
  ): StreamableFile {
    const file = this.files?.asset(name);
    const sent = this.send(file, request, response);
    this.answers.setHeader(response, 'Cache-Control', FOR_EVER);
    return sent;
  }

  private withoutSlash(response: PlatformResponse): undefined {
    this.host.httpAdapter.status(response, PERMANENT_REDIRECT);
    this.answers.setHeader(response, 'Location', '../ui');
  }

  private send(
    file: PageFile | null | undefined,
    request: PlatformRequest,
    response: PlatformResponse,
  ): StreamableFile {
    if (!file) throw noSuchFile();
    this.answers.setHeader(response, 'Vary', 'Accept-Encoding');
    const takesGzip = acceptsGzip(nodeRequest(request).headers['accept-encoding']);
    if (takesGzip) this.answers.setHeader(response, 'Content-Encoding', 'gzip');
    const bytes = takesGzip ? file.gzipped : file.content;
    return new StreamableFile(bytes, { type: file.type, length: bytes.length });
  }
}

function pathOf(request: PlatformRequest): string {
  const target = request.originalUrl ?? nodeRequest(request).url ?? '';
  return target.split('?', 1)[0] ?? '';
}

function acceptsGzip(header: string | string[] | undefined): boolean {
  return /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/i.test(String(header ?? ''));
}

function noSuchFile(): NotFoundException {
  return new NotFoundException('The admin page has no such file.');
}
