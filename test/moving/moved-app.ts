import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Type } from '@nestjs/common';
import type { SessionsModuleOptions } from 'nest-sessions';
import { ManualClock } from 'nest-sessions/testing';
import { startApp, type AdapterName, type AppParts } from '../support/http-app.js';
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
export async function startMovedApp(
  adapter: AdapterName,
  configure: AppParts['configure'] = () => {},
  controllers: Type[] = [],
): Promise<MovedApp> {
  const avatars = await mkdtemp(join(tmpdir(), 'avatars-'));
  const clock = new ManualClock();
  const page = modulesOfPage(PAGE, { '/srv/avatars': avatars });
  const recipes = modulesOfPage('docs/recipes.md');
  const sessionsOptions = page.valueOf('sessions.options.ts', 'sessionsOptions') as SessionsModuleOptions;
  const running = await startApp(adapter, {
    configure,
    options: { ...sessionsOptions, cleanupIntervalSeconds: 86_400, adapters: { clock } },
    controllers: [
      ...controllers,
      recipes.classOf('auth.controller.ts', 'AuthController'),
      page.classOf('cart.controller.ts', 'CartController'),
      page.classOf('profile.controller.ts', 'ProfileController'),
      page.classOf('pictures.controller.ts', 'PicturesController'),
      page.classOf('avatar.controller.ts', 'AvatarController'),
    ],
    providers: [
      recipes.classOf('local.strategy.ts', 'LocalStrategy'),
      { provide: recipes.classOf('users.ts', 'Users'), useClass: DemoUsers },
    ],
  });
  return {
    url: running.url,
    avatars,
    pass: (ms) => clock.advance(ms),
    async close() {
      await running.close();
      page.remove();
      recipes.remove();
      await rm(avatars, { recursive: true });
    },
  };
}
