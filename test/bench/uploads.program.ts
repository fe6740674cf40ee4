// A server that takes uploads: `POST /upload`, one file in the field `file`.
import { createWriteStream, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import fastifyMultipart, { type MultipartFile } from '@fastify/multipart';
import { Post, Req, UseInterceptors } from '@nestjs/common';
import { FileInterceptor } from '@nestjs/platform-express';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import {
  CurrentSession,
  SessionService,
  SessionsModule,
  UploadInterceptor,
  type Session,
} from 'nest-sessions';
import { answer, givenSetup } from './harness/program.ts';
import { controllerOf, listen, moduleOf } from './servers/nest-app.ts';
import type { AdapterName } from './servers/server.ts';

const MANY = 10_000_000_000;

export interface UploadSetup {
  readonly adapter: AdapterName;
  readonly kind: 'peer' | 'own';
  readonly folder: string;
}

const { adapter, kind, folder } = givenSetup() as UploadSetup;
const files = join(folder, 'peer');
if (kind === 'peer') mkdirSync(files);

const servers = {
  /** multer as Nest brings it, with disk storage. */
  multer() {
    const interceptor = UseInterceptors(FileInterceptor('file', { dest: files }));
    const handler = (request: { file?: { size: number } }): unknown => ({ size: request.file?.size });
    return listen(adapter, moduleOf([controllerOf('upload', handler, Post(), Req(), interceptor)]));
  },

  /** As its manual shows how to write a file to the disk. */
  multipart() {
    const handler = async (request: { file(): Promise<MultipartFile> }): Promise<unknown> => {
      const { file } = await request.file();
      await pipeline(file, createWriteStream(join(files, randomUUID())));
      return { size: file.bytesRead };
    };
    return listen(adapter, moduleOf([controllerOf('upload', handler, Post(), Req())]), (app) =>
      (app as NestFastifyApplication)
        .getHttpAdapter()
        .getInstance()
        .register(fastifyMultipart, { limits: { fileSize: MANY } }),
    );
  },

  own() {
    const options = {
      storagePath: folder,
      maxBytes: MANY,
      maxResources: 100_000,
      cleanupIntervalSeconds: 86_400,
    };
    const interceptor = UseInterceptors(UploadInterceptor('file'));
    const handler = (session: Session): unknown => ({ id: session.id });
    const controller = controllerOf('upload', handler, Post(), CurrentSession(), interceptor);
    return listen(adapter, moduleOf([controller], [SessionsModule.forRoot(options)]));
  },
};

const contender = kind === 'own' ? 'own' : adapter === 'express' ? 'multer' : 'multipart';
const { app, port } = await servers[contender]();

answer(
  {
    port: () => port,
    cpu() {
      const { user, system } = process.cpuUsage();
      return user + system;
    },
    /** Makes room for the next round. */
    async forget() {
      if (kind === 'peer') {
        for (const name of readdirSync(files)) rmSync(join(files, name));
        return;
      }
      const service = app.get(SessionService);
      for (const { id } of await service.list({ sort: 'created_at', limit: 1000 })) {
        await service.end({ id }, 'ended', { thorough: true });
      }
    },
  },
  () => app.close(),
);
