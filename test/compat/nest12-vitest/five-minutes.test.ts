import 'reflect-metadata';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { tryFiveMinutes, writeFiveMinutes } from '../../support/five-minutes.js';

const FOLDER = process.cwd();

describe('The five minutes of the README, on Nest 12 and in ESM', () => {
  it('work in the process of Vitest, which compiles them', async () => {
    const readme = await readFile(join(FOLDER, 'node_modules/nest-sessions/README.md'), 'utf8');
    await writeFiveMinutes(FOLDER, readme);
    const { AppModule } = (await import(join(FOLDER, 'src/app.module.ts'))) as { AppModule: Type };
    const app = await NestFactory.create(AppModule, { logger: false, abortOnError: false });
    try {
      await app.listen(0, '127.0.0.1');
      await expect(tryFiveMinutes(await app.getUrl(), FOLDER)).resolves.toBeUndefined();
    } finally {
      await app.close();
    }
  });
});
