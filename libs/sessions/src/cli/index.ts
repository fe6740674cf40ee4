export { EXIT, CommandFailure } from './output/command-failure.js';
export { runCli, type CliOptions } from './run-cli.js';
export { SessionsCommandsModule } from './sessions-commands.module.js';
