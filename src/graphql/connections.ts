/** How many streams are open, WebSockets and event streams alike, and by whom: one caller cannot take all of them. */
import { ShingoError } from '../platform/error.js';
import { MAX_SOCKETS, MAX_SOCKETS_PER_CALLER } from './limits.js';

export class Connections {
  private readonly byCaller = new Map<string, number>();
  private total = 0;

  constructor(
    private readonly most = MAX_SOCKETS,
    private readonly mostPerCaller = MAX_SOCKETS_PER_CALLER,
  ) {}

  /**
   * @param caller the key's label, or the address where there are no keys
   * @returns how to give it back; more than once is once
   * @throws ShingoError TOO_MANY_SOCKETS
   */
  open(caller: string): () => void {
    const own = this.byCaller.get(caller) ?? 0;
    if (this.total >= this.most) {
      throw new ShingoError(
        'TOO_MANY_SOCKETS',
        `This process has ${this.most} streams open, the most it takes; try again later, or another process.`,
        503,
      );
    }
    if (own >= this.mostPerCaller) {
      throw new ShingoError(
        'TOO_MANY_SOCKETS',
        `You have ${own} streams open, the most that one key or address may have; a WebSocket takes many subscriptions.`,
        429,
      );
    }
    this.total++;
    this.byCaller.set(caller, own + 1);
    let open = true;
    return () => {
      if (!open) return;
      open = false;
      this.total--;
      const left = (this.byCaller.get(caller) ?? 1) - 1;
      if (left > 0) this.byCaller.set(caller, left);
      else this.byCaller.delete(caller);
    };
  }
}
