import { shorten, wrap } from '../terminal/format.js';
import type { Screen } from '../terminal/screen.js';
import type { ExperimentEvent } from '../types.js';
import { Curves, EPOCH_HEAD, epochLine } from './curves.js';

/** Prints a line for each epoch once, as soon as the events have told all of it. */
export class EpochPrinter {
  readonly curves = new Curves();
  #printed = 0;

  constructor(
    readonly screen: Screen,
    readonly epochs?: number,
  ) {}

  take(event: ExperimentEvent): void {
    switch (event.__typename) {
      case 'MetricEvent':
        this.curves.add(event);
        this.#printUpTo(this.curves.isComplete(event.step) ? event.step : event.step - 1);
        break;
      case 'ConditionMetricEvent':
        this.curves.addCondition(event);
        break;
      case 'LogEvent':
        this.#log(event.level.toLowerCase(), event.message);
        break;
      case 'StatusEvent':
        if (event.reason) this.screen.note(`${event.state}: ${event.reason.code}: ${event.reason.message}`);
        break;
      case 'DoneEvent':
        this.flush();
    }
  }

  /** What is left: an epoch without a validation split never becomes complete. */
  flush(): void {
    this.#printUpTo(this.curves.lastStep());
  }

  /** What the trainer says in passing gets a line; what worries it is said in full. */
  #log(level: string, message: string): void {
    if (level === 'info') this.screen.note(shorten(message, 98));
    else for (const line of wrap(`${level}: ${message}`, 98)) this.screen.note(line);
  }

  #printUpTo(step: number): void {
    while (this.#printed < step) {
      if (this.#printed === 0) this.screen.line(this.screen.colors.bold(EPOCH_HEAD));
      this.screen.line(epochLine(this.curves, ++this.#printed, this.epochs, this.screen.colors));
    }
  }
}
