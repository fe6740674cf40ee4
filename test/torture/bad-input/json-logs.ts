// Loaded before the app (--import): its logger writes JSON, as operators have it who collect logs.
import { ConsoleLogger } from '@nestjs/common';

const print = Reflect.get(ConsoleLogger.prototype, 'printMessages') as (...args: unknown[]) => void;

Reflect.set(ConsoleLogger.prototype, 'printMessages', function (this: object, ...args: unknown[]): void {
  Object.assign(Reflect.get(this, 'options') as object, { json: true, colors: false });
  Object.assign(Reflect.get(this, 'inspectOptions') as object, { compact: true });
  print.apply(this, args);
});
