/** What an attempt said last, for whoever asks why it ended: of a worker that is gone, nobody else could tell. */
import { storable } from '../../experiments/events/log.js';

const MOST = 40;
const LONGEST = 500;

export class LastLines {
  private lines: string[] = [];
  private fresh = false;

  add(line: string): void {
    if (line.trim() === '') return;
    this.lines.push(storable(line.slice(0, LONGEST)));
    if (this.lines.length > MOST) this.lines.shift();
    this.fresh = true;
  }

  /** Null: nothing was said. */
  get all(): readonly string[] | null {
    return this.lines.length > 0 ? this.lines : null;
  }

  /** Null: nothing since they were taken last. */
  take(): readonly string[] | null {
    if (!this.fresh) return null;
    this.fresh = false;
    return [...this.lines];
  }

  /** They could not be written down: they are new still. */
  giveBack(): void {
    this.fresh = this.lines.length > 0;
  }
}
