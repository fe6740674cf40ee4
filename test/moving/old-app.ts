import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import {
  BadRequestException,
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Injectable,
  Module,
  NotFoundException,
  Param,
  Post,
  Redirect,
  Req,
  Session,
  StreamableFile,
  UnauthorizedException,
  UnsupportedMediaTypeException,
  UploadedFile,
  UploadedFiles,
  UseGuards,
  UseInterceptors,
  type ExecutionContext,
  type Type,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AuthGuard, PassportModule, PassportSerializer, PassportStrategy } from '@nestjs/passport';
import { FileInterceptor, FilesInterceptor, type NestExpressApplication } from '@nestjs/platform-express';
import session, { type SessionData } from 'express-session';
import type { Request, RequestHandler } from 'express';
import { diskStorage } from 'multer';
import passport from 'passport';
import { Strategy } from 'passport-local';
import { DemoUsers } from '../recipes/users.js';
import type { MovedApp } from './moved-app.js';

interface Picture {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly bytes: number;
  readonly path: string;
}

declare module 'express-session' {
  interface SessionData {
    cart: { items: string[] };
    count: number;
    message: string;
    pictures: Picture[];
  }
}

const IDLE_MS = 15 * 60_000;

@Injectable()
class LocalStrategy extends PassportStrategy(Strategy) {
  private readonly users = new DemoUsers();

  async validate(name: string, password: string): Promise<object> {
    const user = await this.users.check(name, password);
    if (user === null) throw new UnauthorizedException();
    return user;
  }
}

@Injectable()
class UserSerializer extends PassportSerializer {
  private readonly users = new DemoUsers();

  serializeUser(user: { id: string }, done: (error: null, id: string) => void): void {
    done(null, user.id);
  }

  async deserializeUser(id: string, done: (error: null, user: object | null) => void): Promise<void> {
    done(null, await this.users.find(id));
  }
}

@Injectable()
class LoginGuard extends AuthGuard('local') {
  override async canActivate(context: ExecutionContext): Promise<boolean> {
    const isUser = (await super.canActivate(context)) as boolean;
    await super.logIn(context.switchToHttp().getRequest<Request>());
    return isUser;
  }
}

@Controller()
class AuthController {
  @Post('login')
  @HttpCode(204)
  @UseGuards(LoginGuard)
  login(): void {}

  @Get('me')
  me(@Req() request: Request): object {
    if (!request.isAuthenticated()) throw new UnauthorizedException();
    return request.user;
  }

  @Post('logout')
  @HttpCode(204)
  async logout(@Req() request: Request): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      request.session.destroy((error: Error | null) => (error ? reject(error) : resolve()));
    });
    request.res?.clearCookie('connect.sid');
  }
}

@Controller('cart')
class CartController {
  @Get()
  show(@Session() { cart }: SessionData): object {
    return cart ?? { items: [] };
  }

  @Post()
  add(@Session() visit: SessionData, @Body('item') item: string): object {
    const { items } = visit.cart ?? { items: [] };
    return (visit.cart = { items: [...items, item] });
  }
}

@Controller('profile')
class ProfileController {
  @Post()
  @Redirect('/profile', 303)
  save(@Session() visit: SessionData): void {
    visit.message = 'Your profile was saved.';
  }

  @Get()
  show(@Session() visit: Partial<SessionData>): object {
    const { message = null } = visit;
    delete visit.message;
    return { message };
  }
}

/** Stores files as the folder of one app needs it. */
function controllerOfPictures(folder: string): Type {
  const images = {
    storage: diskStorage({ destination: join(folder, 'uploads') }),
    limits: { fileSize: 100_000 },
    fileFilter: (
      _request: unknown,
      file: { mimetype: string },
      done: (error: Error | null, ok: boolean) => void,
    ) =>
      file.mimetype.startsWith('image/')
        ? done(null, true)
        : done(new UnsupportedMediaTypeException(), false),
  };
  const avatars = {
    storage: diskStorage({
      destination: join(folder, 'avatars'),
      filename: (_request, _file, done) => done(null, 'latest'),
    }),
  };

  @Controller()
  class PicturesController {
    @Post('pictures')
    @UseInterceptors(FileInterceptor('picture', images))
    upload(
      @Session() visit: SessionData,
      @UploadedFile() file: Express.Multer.File | undefined,
      @Body('caption') caption?: string,
    ): object {
      if (!file) throw new BadRequestException();
      return { ...this.add(visit, file), caption };
    }

    @Post('albums')
    @UseInterceptors(FilesInterceptor('pictures', 3, images))
    album(@Session() visit: SessionData, @UploadedFiles() files: Express.Multer.File[]): object {
      return files.map((file) => this.add(visit, file));
    }

    @Get('pictures')
    list(@Session() { pictures = [] }: Partial<SessionData>): object {
      return pictures.map(shown);
    }

    @Get('pictures/:id')
    show(@Session() { pictures = [] }: Partial<SessionData>, @Param('id') id: string): StreamableFile {
      const picture = pictures.find((one) => one.id === id);
      if (!picture) throw new NotFoundException();
      const disposition = `attachment; filename="${picture.name}"`;
      return new StreamableFile(createReadStream(picture.path), { type: picture.type, disposition });
    }

    @Delete('pictures/:id')
    @HttpCode(204)
    async remove(@Session() visit: Partial<SessionData>, @Param('id') id: string): Promise<void> {
      const { pictures = [] } = visit;
      const picture = pictures.find((one) => one.id === id);
      if (!picture) throw new NotFoundException();
      visit.pictures = pictures.filter((one) => one !== picture);
      await rm(picture.path);
    }

    @Post('avatar')
    @UseInterceptors(FileInterceptor('avatar', avatars))
    avatar(@UploadedFile() file: Express.Multer.File): object {
      return { bytes: file.size };
    }

    private add(visit: SessionData, file: Express.Multer.File): object {
      const { filename: id, originalname: name, mimetype: type, size: bytes, path } = file;
      visit.pictures = [...(visit.pictures ?? []), { id, name, type, bytes, path }];
      return shown({ id, name, type, bytes, path });
    }
  }
  return PicturesController;
}

function shown({ id, name, bytes }: Picture): object {
  return { id, name, bytes };
}

export function oldSessions(): RequestHandler {
  return session({
    secret: 'a secret of the old app',
    resave: false,
    saveUninitialized: false,
    rolling: true,
    cookie: { maxAge: IDLE_MS, httpOnly: true, sameSite: 'lax' },
  });
}

/** A handler that has not been moved yet. */
@Controller('old')
export class OldController {
  @Post()
  count(@Session() visit: SessionData): object {
    visit.count = (visit.count ?? 0) + 1;
    return { count: visit.count };
  }
}

/** An app as many are: express-session, sessions of Passport, and files of multer, which nobody deletes. */
export async function startOldApp(): Promise<MovedApp> {
  const folder = await mkdtemp(join(tmpdir(), 'old-app-'));
  @Module({
    imports: [PassportModule.register({ session: true, keepSessionInfo: true })],
    controllers: [AuthController, CartController, ProfileController, controllerOfPictures(folder)],
    providers: [LocalStrategy, UserSerializer],
  })
  class OldAppModule {}
  const app = await NestFactory.create<NestExpressApplication>(OldAppModule, { logger: false });
  app.use(oldSessions(), passport.initialize(), passport.session());
  jest.useFakeTimers({ doNotFake: [...TIMERS] });
  await app.listen(0, '127.0.0.1');
  return {
    url: `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`,
    avatars: join(folder, 'avatars'),
    pass: (ms) => jest.setSystemTime(Date.now() + ms),
    async close() {
      await app.close();
      jest.useRealTimers();
      await rm(folder, { recursive: true });
    },
  };
}

/** All but the date. */
const TIMERS = [
  'hrtime',
  'nextTick',
  'performance',
  'queueMicrotask',
  'requestAnimationFrame',
  'cancelAnimationFrame',
  'requestIdleCallback',
  'cancelIdleCallback',
  'setImmediate',
  'clearImmediate',
  'setInterval',
  'clearInterval',
  'setTimeout',
  'clearTimeout',
] as const;
