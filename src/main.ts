#!/usr/bin/env node
/** The command line: every part of Shingo by itself, and `up`, which is all of them on one machine. */
import { Command } from 'commander';
import { exportCommand } from './client/export/command.js';
import { importCommand } from './client/import/command.js';
import { importPredictionsCommand } from './client/predictions/command.js';
import { demo } from './commands/demo.js';
import { migrateCommand, serve, up, work } from './commands/services.js';
import { ShingoError, messageOf } from './platform/error.js';

const program = new Command('shingo')
  .description('A catalog of perception data and models: what is missing, what fails, what to collect next.')
  .showHelpAfterError()
  .addHelpText('after', '\nSettings come from the environment (SHINGO_…); the README lists them.');

program
  .command('up', { isDefault: true })
  .description('everything on this machine: embedded PostgreSQL (or SHINGO_DATABASE_URL), API, one worker')
  .action(up);
program
  .command('serve')
  .description('the API, against SHINGO_DATABASE_URL or the embedded PostgreSQL')
  .action(serve);
program
  .command('work')
  .description('one worker that runs training and evaluation jobs; needs SHINGO_DATABASE_URL')
  .action(work);
program
  .command('migrate')
  .description('bring the database to the newest schema')
  .option('--down', 'take back the newest migration instead')
  .action(migrateCommand);
program.addCommand(importCommand());
program.addCommand(exportCommand());
program.addCommand(importPredictionsCommand());
program
  .command('demo')
  .description('the main job from images to numbers, as an ordinary client of a service started for it')
  .option('--images <folder>', 'images of your own: class-named sub-folders, or a folder with a manifest')
  .action(demo);

try {
  await program.parseAsync();
} catch (error) {
  // A ShingoError says what to do; of anything else the stack is the only help there is.
  console.error(
    error instanceof ShingoError ? error.message : error instanceof Error ? error.stack : messageOf(error),
  );
  process.exitCode = 1;
}
