import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Type } from '@nestjs/common';
import type { SessionsModuleOptions } from 'nest-sessions';
import { ManualClock } from 'nest-sessions/testing';
import { startApp, type AdapterName } from '../support/http-app.js';
import { modulesOfPage } from '../support/page-modules.js';
import { DemoUsers } from '../recipes/users.js';

/** The app before or after the move. */
export interface MovedApp {
  readonly url: string;
  /** The folder of the files that users keep. */
  readonly avatars: string;
  /** Lets time pass. */
  pass(ms: number): void;
  close(): Promise<void>;
}

const PAGE = 'docs/coming-from-express-session-and-multer.md';

/** The app that the page about the move leads to, made of its blocks and those that it links to. */
export async function startMovedApp(adapter: AdapterName): Promise<MovedApp> {
  const avatars = await mkdtemp(join(tmpdir(), 'avatars-'));
  const clock = new ManualClock();
  const page = modulesOfPage(PAGE, { "'avatars'": JSON.stringify(avatars) });
  const recipes = modulesOfPage('docs/recipes.md');
  const load = (from: typeof page, name: string, exported: string): Type =>
    from.load<Record<string, Type>>(name)[exported]!;
  const { sessionsOptions } = page.load<{ sessionsOptions: SessionsModuleOptions }>('sessions.options.ts');
  const running = await startApp(adapter, {
    options: { ...sessionsOptions, cleanupIntervalSeconds: 86_400, adapters: { clock } },
    controllers: [
      load(recipes, 'auth.controller.ts', 'AuthController'),
      load(page, 'cart.controller.ts', 'CartController'),
      load(page, 'profile.controller.ts', 'ProfileController'),
      load(page, 'pictures.controller.ts', 'PicturesController'),
      load(page, 'avatar.controller.ts', 'AvatarController'),
    ],
    providers: [
      load(recipes, 'local.strategy.ts', 'LocalStrategy'),
      { provide: load(recipes, 'users.ts', 'Users'), useClass: DemoUsers },
    ],
  });
  return {
    url: running.url,
    avatars,
    pass: (ms) => void clock.advance(ms),
    async close() {
      await running.close();
      page.remove();
      recipes.remove();
      await rm(avatars, { recursive: true });
    },
  };
}
