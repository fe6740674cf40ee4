// Writes the lock files of the apps in test/compat anew: `node tools/lock-apps.mjs`
import { lockApps } from './compat.mjs';

process.exitCode = await lockApps();
