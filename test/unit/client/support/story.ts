export interface Story {
  /** Training loss of each epoch. */
  losses: number[];
  trained: number;
  untrained: number;
  trainingFails?: { code: string; message: string };
  /** The socket is cut once, after this event. */
  cutAfter?: number;
  /** Hangs in training until it is cancelled. */
  hang?: boolean;
}

export const GOOD_STORY: Story = { losses: [1.1, 0.7, 0.4], trained: 0.9, untrained: 0.3 };

const time = '2026-01-01T00:00:00Z';

/** The log of an experiment that goes as the story says; without seq. */
export function eventsOf(story: Story): Record<string, unknown>[] {
  const metric = (step: number, name: string, split: string, value: number | string) => ({
    __typename: 'MetricEvent',
    time,
    step,
    name,
    split,
    value,
    n: 100,
    lower: null,
    upper: null,
  });
  const events: Record<string, unknown>[] = [
    { __typename: 'LogEvent', time, level: 'INFO', message: `engine wasm: ${'why '.repeat(60)}` },
  ];
  for (const [index, loss] of story.losses.entries()) {
    const step = index + 1;
    const value = Number.isFinite(loss) ? loss : String(loss);
    events.push(metric(step, 'loss', 'TRAIN', value), metric(step, 'loss', 'VALIDATION', value));
    events.push(metric(step, 'accuracy', 'TRAIN', 0.5), metric(step, 'accuracy', 'VALIDATION', 0.4));
    events.push({
      ...metric(step, 'accuracy', 'VALIDATION', 0.75),
      __typename: 'ConditionMetricEvent',
      condition: 'night',
      lower: 0.6,
      upper: 0.85,
    });
  }
  const reason = story.trainingFails ?? null;
  events.push({ __typename: 'DoneEvent', time, state: reason ? 'FAILED' : 'SUCCEEDED', reason });
  return events;
}
