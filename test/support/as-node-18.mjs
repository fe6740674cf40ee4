import crypto from 'node:crypto';
import { registerHooks } from 'node:module';

/** A process that is like Node.js 18, as far as this package notices before it says which Node.js it needs. */
const { sqlite: _, ...versions } = process.versions;
Object.defineProperty(process, 'versions', { value: { ...versions, node: '18.20.8' } });

const names = Object.keys(crypto).filter((name) => name !== 'hash');
const source = `import crypto from 'node:crypto';
export default crypto;
export const { ${names.join(', ')} } = crypto;`;
const cryptoWithoutHash = `data:text/javascript,${encodeURIComponent(source)}`;

registerHooks({
  resolve(specifier, context, next) {
    if (specifier === 'node:sqlite') throw new Error('No such built-in module: node:sqlite');
    if (specifier !== 'node:crypto' || context.parentURL === cryptoWithoutHash)
      return next(specifier, context);
    return { url: cryptoWithoutHash, shortCircuit: true };
  },
});
