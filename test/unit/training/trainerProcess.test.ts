/** The real process, forked as a worker forks it. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  trainerMessageSchema,
  type Spec,
  type TrainerCommand,
  type TrainerMessage,
} from '../../../src/training/protocol.js';
import { discs, epochsOf, evaluationSpec, metricsOf, trainingSpec, type DataSet } from './support.js';

const ENTRY = fileURLToPath(new URL('../../../src/training/trainerProcess.js', import.meta.url));

let data: DataSet;
const children = new Set<ChildProcess>();
beforeAll(async () => {
  data = await discs();
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await data.remove();
});

interface Trainer {
  child: ChildProcess;
  messages: TrainerMessage[];
  /** All that it wrote to stdout and stderr. */
  output(): string;
  exit: Promise<number | null>;
}

async function start(
  spec: Spec,
  onMessage: (message: TrainerMessage, child: ChildProcess) => void = () => undefined,
) {
  const specFile = join(spec.outputDir, 'spec.json');
  await writeFile(specFile, JSON.stringify(spec));
  const child = fork(ENTRY, { serialization: 'advanced', silent: true, execArgv: [] });
  children.add(child);
  const messages: TrainerMessage[] = [];
  let output = '';
  for (const stream of [child.stdout!, child.stderr!])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exit = new Promise<number | null>((resolve) => child.on('exit', resolve));
  child.on('message', (raw) => {
    const message = trainerMessageSchema.parse(raw);
    messages.push(message);
    onMessage(message, child);
  });
  command(child, { type: 'start', specFile });
  const trainer: Trainer = { child, messages, exit, output: () => output };
  return trainer;
}

const command = (child: ChildProcess, message: TrainerCommand) => child.send(message);

describe('trainerProcess', () => {
  it('trains, then evaluates what it trained', async () => {
    const spec = await trainingSpec(data);
    const training = await start(spec);
    expect(await training.exit).toBe(0);
    const { messages } = training;
    expect(messages[0]).toMatchObject({ type: 'engine', engine: 'wasm' });
    expect(epochsOf(messages).map(({ epoch }) => epoch)).toEqual([1, 2]);
    expect(messages.at(-1)).toMatchObject({ type: 'trained', epochsRun: 2 });
    expect(training.output()).toBe('');

    const evaluation = await evaluationSpec(data, join(spec.outputDir, 'model'));
    const evaluated = await start(evaluation);
    expect(await evaluated.exit).toBe(0);
    expect(evaluated.messages.at(-1)).toEqual({ type: 'evaluated', predictions: 'predictions.jsonl', n: 48 });
    const lines = (await readFile(join(evaluation.outputDir, 'predictions.jsonl'), 'utf8'))
      .trimEnd()
      .split('\n');
    expect(lines).toHaveLength(48);
  });

  it('stops at a batch boundary and goes on in another process as if it had not', async () => {
    const parameters = { epochs: 2 };
    const whole = await start(await trainingSpec(data, parameters));
    const spec = await trainingSpec(data, parameters);
    const first = await start(spec, ({ type }, child) => {
      if (type === 'epoch') command(child, { type: 'stop' });
    });
    expect(await first.exit).toBe(0);
    const stopped = first.messages.at(-1)!;
    if (stopped.type !== 'stopped') throw new Error(`expected stopped, got ${stopped.type}`);
    const resumeFrom = join(spec.outputDir, stopped.checkpoint!);
    const second = await start({ ...(await trainingSpec(data, parameters)), resumeFrom });
    expect(await second.exit).toBe(0);
    await whole.exit;
    expect([...metricsOf(first.messages), ...metricsOf(second.messages)]).toEqual(metricsOf(whole.messages));
    expect(second.messages.at(-1)).toEqual(whole.messages.at(-1));
  });

  it('stops an evaluation without a checkpoint', async () => {
    const spec = await trainingSpec(data, { epochs: 1 });
    await (
      await start(spec)
    ).exit;
    const evaluation = await evaluationSpec(data, join(spec.outputDir, 'model'));
    const stopped = await start(evaluation, ({ type }, child) => {
      if (type === 'engine') command(child, { type: 'stop' });
    });
    expect(await stopped.exit).toBe(0);
    expect(stopped.messages.at(-1)).toEqual({ type: 'stopped', checkpoint: null });
  });

  it('dies with its parent', async () => {
    const { child, exit, messages } = await start(await trainingSpec(data, { epochs: 1000 }));
    while (!messages.some(({ type }) => type === 'epoch')) await once(child, 'message');
    child.disconnect();
    expect(await exit).toBe(1);
  });

  it('fails with a code on a corrupt picture, naming it', async () => {
    const file = join(data.folder, 'corrupt.png');
    await writeFile(file, (await readFile(data.samples[0]!.file)).subarray(0, 60));
    const samples = data.samples.map((sample, i) => (i === 5 ? { ...sample, file } : sample));
    const { exit, messages } = await start(await trainingSpec(data, {}, { samples }));
    expect(await exit).toBe(1);
    expect(messages.at(-1)).toMatchObject({
      type: 'failed',
      code: 'PICTURE_UNREADABLE',
      message: expect.stringContaining(file) as string,
    });
  });

  it('fails with a code on a spec that does not parse', async () => {
    const spec = await trainingSpec(data);
    const { exit, messages } = await start({ ...spec, classes: [] });
    expect(await exit).toBe(1);
    expect(messages).toMatchObject([{ type: 'failed', code: 'SPEC_INVALID' }]);
  });
});
