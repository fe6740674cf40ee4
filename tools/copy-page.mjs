// Copies the files of the app's page, which need no compiler, beside the compiled app.
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './process.mjs';

cpSync(join(root, 'src/page/public'), join(root, 'dist/page/public'), { recursive: true });
