/**
 * A few child processes that do one thing each at a time, for work that may hang, crash or eat memory. They are
 * started when they are needed and end when they are not; whatever happens in one, this process goes on.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { childEnvironment } from './childEnvironment.js';

export interface PoolOptions {
  /** Path of the module to fork; see `serveRequests`. */
  module: string;
  /** Processes at a time. */
  size: number;
  /** A process with nothing to do for so long ends. */
  idleMs: number;
  /** Requests that may wait for a process; more are refused. */
  maxWaiting: number;
  /** A request that takes longer is ended with its process, unless it brings a limit of its own. */
  timeoutMs: number;
}

export type PoolFailure =
  /** Longer than `timeoutMs`. */
  | { reason: 'TIMEOUT' }
  /** More memory than the child allows itself. */
  | { reason: 'MEMORY' }
  /** The process died of it, or was killed. */
  | { reason: 'CRASH'; exit: string }
  /** More than `maxWaiting` wait already. */
  | { reason: 'BUSY' };

export class PoolError extends Error {
  constructor(readonly failure: PoolFailure) {
    super(`A request failed in its process: ${JSON.stringify(failure)}`);
  }
}

/** Exit code of a child that has found itself too large. */
export const EXIT_MEMORY = 77;

interface Task<Request, Reply> {
  request: Request;
  timeoutMs: number;
  resolve(reply: Reply): void;
  reject(error: Error): void;
}

export class ProcessPool<Request extends object, Reply> {
  private readonly waiting: Task<Request, Reply>[] = [];
  private readonly idle: Child<Request, Reply>[] = [];
  private readonly children = new Set<Child<Request, Reply>>();

  constructor(private readonly options: PoolOptions) {}

  /** @throws PoolError */
  run(request: Request, timeoutMs = this.options.timeoutMs): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.waiting.length >= this.options.maxWaiting) {
        reject(new PoolError({ reason: 'BUSY' }));
        return;
      }
      this.waiting.push({ request, timeoutMs, resolve, reject });
      this.next();
    });
  }

  /** Process ids, for whoever watches. */
  get pids(): number[] {
    return [...this.children].map(({ pid }) => pid).filter((pid) => pid !== undefined);
  }

  /** Ends every process; what they were at fails. */
  stop(): void {
    for (const child of this.children) child.kill();
  }

  private next(): void {
    if (this.waiting.length === 0) return;
    let child = this.idle.pop();
    if (!child) {
      if (this.children.size >= this.options.size) return;
      child = new Child<Request, Reply>(this.options, {
        free: (one) => {
          this.idle.push(one);
          this.next();
        },
        gone: (one) => {
          this.children.delete(one);
          const at = this.idle.indexOf(one);
          if (at >= 0) this.idle.splice(at, 1);
          this.next();
        },
      });
      this.children.add(child);
    }
    child.take(this.waiting.shift() as Task<Request, Reply>);
  }
}

interface Owner<C> {
  free(child: C): void;
  gone(child: C): void;
}

class Child<Request extends object, Reply> {
  private readonly process: ChildProcess;
  private task: Task<Request, Reply> | null = null;
  private timer: NodeJS.Timeout | undefined;
  private timedOut = false;

  constructor(
    private readonly options: PoolOptions,
    private readonly owner: Owner<Child<Request, Reply>>,
  ) {
    this.process = fork(options.module, [], {
      serialization: 'advanced',
      execArgv: [],
      env: childEnvironment(),
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      // A group of its own: Ctrl-C in the terminal lets what is under way end. It ends with its channel.
      detached: true,
    });
    this.process.on('message', (reply) => this.settle((task) => task.resolve(reply as Reply)));
    this.process.once('error', (error) => {
      this.kill();
      this.end(error.message);
    });
    this.process.once('exit', (code, signal) => {
      if (this.timedOut) this.end(null);
      else if (code === EXIT_MEMORY) this.end('MEMORY');
      else this.end(signal ?? `exit code ${code}`);
    });
  }

  get pid(): number | undefined {
    return this.process.pid;
  }

  take(task: Task<Request, Reply>): void {
    this.task = task;
    this.hold();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timedOut = true;
      this.kill();
    }, task.timeoutMs);
    // What cannot be sent ends the process, and that is heard.
    this.process.send(task.request, (error) => error && this.kill());
  }

  kill(): void {
    this.process.kill('SIGKILL');
  }

  private settle(how: (task: Task<Request, Reply>) => void): void {
    const { task } = this;
    if (!task) return;
    this.task = null;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.kill(), this.options.idleMs).unref();
    // With nothing to do it does not keep this process alive.
    this.process.unref();
    this.process.channel?.unref();
    how(task);
    this.owner.free(this);
  }

  private hold(): void {
    this.process.ref();
    this.process.channel?.ref();
  }

  private end(exit: string | null): void {
    clearTimeout(this.timer);
    const { task } = this;
    this.task = null;
    if (exit === null) task?.reject(new PoolError({ reason: 'TIMEOUT' }));
    else if (exit === 'MEMORY') task?.reject(new PoolError({ reason: 'MEMORY' }));
    else task?.reject(new PoolError({ reason: 'CRASH', exit }));
    this.owner.gone(this);
  }
}
