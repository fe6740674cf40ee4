import { registerHooks } from 'node:module';

/** A process in which the package `tough-cookie` is not installed. */
registerHooks({
  resolve(specifier, context, next) {
    if (specifier !== 'tough-cookie') return next(specifier, context);
    const error = new Error(`Cannot find package 'tough-cookie' imported from ${context.parentURL}`);
    throw Object.assign(error, { code: 'ERR_MODULE_NOT_FOUND' });
  },
});
