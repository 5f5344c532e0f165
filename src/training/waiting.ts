/** How much of its time a training waits for data. */
export class Waiting {
  private readonly start: number;
  private waited = 0;

  constructor(private readonly now: () => number = () => performance.now()) {
    this.start = now();
  }

  /** What this takes is waiting. */
  async during<T>(fetch: () => Promise<T>): Promise<T> {
    const start = this.now();
    try {
      return await fetch();
    } finally {
      this.waited += this.now() - start;
    }
  }

  /** Of the time since the beginning, from 0 to 1. */
  get share(): number {
    const total = this.now() - this.start;
    return total > 0 ? this.waited / total : 0;
  }
}
