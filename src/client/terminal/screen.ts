import picocolors from 'picocolors';

import { Progress } from './progress.js';

export type Colors = ReturnType<typeof picocolors.createColors>;
export type Output = NodeJS.WritableStream & { isTTY?: boolean };

/** Where a command speaks: lines to stdout, progress to stderr, colour only where someone looks. */
export class Screen {
  readonly colors: Colors;
  readonly progress: Progress;

  constructor(
    readonly out: Output = process.stdout,
    readonly err: Output = process.stderr,
  ) {
    // picocolors also takes CI for a terminal; a log file that is read later has no use for escapes.
    const wanted = out.isTTY === true || Boolean(process.env.FORCE_COLOR);
    this.colors = picocolors.createColors(wanted && picocolors.isColorSupported);
    this.progress = new Progress(err);
  }

  line(text = ''): void {
    this.progress.aside(() => this.out.write(`${text}\n`));
  }

  heading(text: string): void {
    const { bold, cyan } = this.colors;
    this.line();
    this.line(bold(cyan(`━━ ${text} ${'━'.repeat(Math.max(0, 95 - text.length))}`)));
    this.line();
  }

  /** A paragraph or a table, moved in by two. */
  block(text: string): void {
    this.line(text.replace(/[ \t]+$/gm, '').replace(/^(?=.)/gm, '  '));
  }

  note(text: string): void {
    this.line(this.colors.dim(`  ${text}`));
  }

  error(text: string): void {
    this.progress.aside(() => this.err.write(`${text}\n`));
  }
}
