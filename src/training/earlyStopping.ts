/** Remembers the epoch with the lowest loss, and says when waiting for a lower one has lasted too long. */
export interface EarlyStoppingState {
  bestEpoch: number;
  bestLoss: number;
  /** Epochs since the best one. */
  waited: number;
}

export class EarlyStopping {
  constructor(
    private readonly patience: number | null,
    public state: EarlyStoppingState | null = null,
  ) {}

  /** Whether this epoch is the best so far. An equal loss is no improvement. */
  observe(epoch: number, loss: number): boolean {
    const improved = !this.state || loss < this.state.bestLoss;
    if (improved) this.state = { bestEpoch: epoch, bestLoss: loss, waited: 0 };
    else this.state!.waited += 1;
    return improved;
  }

  get exhausted(): boolean {
    return this.patience !== null && this.state !== null && this.state.waited >= this.patience;
  }
}
