import { registerHooks } from 'node:module';

/** A process in which the package `redis` is not installed. */
registerHooks({
  resolve(specifier, context, next) {
    if (specifier !== 'redis') return next(specifier, context);
    const error = new Error(`Cannot find package 'redis' imported from ${context.parentURL}`);
    throw Object.assign(error, { code: 'ERR_MODULE_NOT_FOUND' });
  },
});
