// An application's own program with the session commands: run by runCli, or by nest-commander's factory.
import { Module } from '@nestjs/common';
import { CommandFactory } from 'nest-commander';
import { SessionsModule } from 'nest-sessions';
import { runCli, SessionsCommandsModule } from 'nest-sessions/cli';

function OwnProgram() {}
Module({ imports: [SessionsModule.forRoot({ maxResources: 7 }), SessionsCommandsModule] })(OwnProgram);

if (process.env.OWN_FACTORY === 'nest-commander') await CommandFactory.run(OwnProgram);
else await runCli(OwnProgram);
