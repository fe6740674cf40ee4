import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { SessionsModule } from 'nest-sessions';

const inMemory = { store: 'memory', storagePath: '/tmp/never-made-by-a-second-import' } as const;

@Module({ imports: [SessionsModule.forRoot(inMemory)] })
class FeatureModule {}

describe('A second SessionsModule in one application', () => {
  it.each([
    ['forRoot', SessionsModule.forRoot(inMemory)],
    ['forRootAsync', SessionsModule.forRootAsync({ useFactory: () => inMemory })],
  ])('by %s stops the boot', async (_name, second) => {
    @Module({ imports: [FeatureModule, second] })
    class App {}
    const booting = NestFactory.create(App, { logger: false, abortOnError: false });
    await expect(booting).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('SessionsModule is imported twice') as string,
    });
  });
});
