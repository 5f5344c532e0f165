/** A forked process that works on a job: messages in, commands out, and certainty that it is gone in the end. */
import { fork, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { z } from 'zod';
import { childEnvironment } from '../../platform/childEnvironment.js';
import type { Reason } from '../vocabulary.js';

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface JobProcessOptions<Message> {
  /** Path of the module to fork. */
  module: string;
  cwd: string;
  /** Beside what every child gets. */
  env?: Record<string, string>;
  /** It may ask the blob store: with the credentials of this process. */
  asksBlobStore?: boolean;
  /** Of Node itself. */
  execArgv?: readonly string[];
  /** What it may say. */
  messages: z.ZodType<Message>;
  onMessage(message: Message): void;
  /** It does not keep to the protocol. */
  onNonsense(problem: string): void;
  onLine(stream: 'stdout' | 'stderr', line: string): void;
}

const LAST_LINES = 8;
const MAX_LINE = 500;
/** A process whose channel is gone ends by itself; one that does not is helped. */
const ORPHAN_MS = 5_000;

export class JobProcess<Command extends object, Message> {
  readonly exited: Promise<Exit>;
  private readonly child: ChildProcess;
  private readonly lastLines: string[] = [];
  private gone = false;

  constructor(private readonly options: JobProcessOptions<Message>) {
    this.child = fork(options.module, [], {
      cwd: options.cwd,
      serialization: 'advanced',
      execArgv: [...(options.execArgv ?? [])],
      env: { ...childEnvironment(options.asksBlobStore), ...options.env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // A group of its own: Ctrl-C in the terminal is for the worker, who asks it to save its work first.
      detached: true,
    });
    this.exited = new Promise((resolve) => {
      this.child.once('error', (error) => {
        this.remember(error.message);
        if (this.child.pid === undefined) this.end(resolve, { code: null, signal: null });
      });
      // Not 'exit': messages and last words may still be in the pipes then.
      this.child.once('close', (code, signal) => this.end(resolve, { code, signal }));
    });
    // Whatever it started must not outlive it, nor hold its pipes open.
    this.child.once('exit', () => this.kill());
    this.child.on('message', (message) => this.receive(message));
    this.child.once('disconnect', () => setTimeout(() => this.kill(), ORPHAN_MS).unref());
    this.read('stdout', this.child.stdout);
    this.read('stderr', this.child.stderr);
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /** The last lines of stderr. */
  get lastWords(): string {
    return this.lastLines.join('\n');
  }

  send(command: Command): void {
    // If the channel is gone, 'close' is about to say so.
    if (this.child.connected) this.child.send(command, () => undefined);
  }

  /** The whole group, so that nothing that it started stays behind. */
  kill(): void {
    if (this.gone || this.child.pid === undefined) return;
    try {
      process.kill(-this.child.pid, 'SIGKILL');
    } catch {
      this.child.kill('SIGKILL');
    }
  }

  /** Ended by itself within `ms`, or else by force. */
  async finish(ms: number): Promise<void> {
    const timer = setTimeout(() => this.kill(), ms);
    await this.exited;
    clearTimeout(timer);
  }

  private end(resolve: (exit: Exit) => void, exit: Exit): void {
    this.gone = true;
    resolve(exit);
  }

  private receive(raw: unknown): void {
    const parsed = this.options.messages.safeParse(raw);
    if (parsed.success) this.options.onMessage(parsed.data);
    else
      this.options.onNonsense(
        parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '),
      );
  }

  private read(name: 'stdout' | 'stderr', stream: Readable | null): void {
    if (!stream) return;
    createInterface({ input: stream }).on('line', (text) => {
      const line = text.slice(0, MAX_LINE);
      if (name === 'stderr') this.remember(line);
      this.options.onLine(name, line);
    });
  }

  private remember(line: string): void {
    if (line.trim() === '') return;
    this.lastLines.push(line);
    if (this.lastLines.length > LAST_LINES) this.lastLines.shift();
  }
}

export function crashReason(code: string, who: string, exit: Exit, lastWords: string): Reason {
  const how = exit.signal ? `was ended by ${exit.signal}` : `ended with exit code ${exit.code ?? 'unknown'}`;
  const words = lastWords === '' ? '' : ` Its last lines: ${lastWords}`;
  return { code, message: `${who} ${how}.${words}` };
}
