/** The parameters of a training as the API takes them; ranges and defaults are those of training/parameters.ts. */
import { Field, Float, InputType, Int, type FieldOptions } from 'type-graphql';
import { LearningTask } from '../catalog/vocabulary.js';
import { parameterList } from '../training/parameterList.js';
import { NETWORKS, type Algorithm } from '../training/networks/index.js';
import { TASKS } from '../training/networks/network.js';

const LISTS = TASKS.flatMap((task) =>
  Object.values(NETWORKS).flatMap(({ name }) => parameterList(name as Algorithm, task)),
);

/** Optional, described by the schema that checks it. */
function described(name: string): FieldOptions & { nullable: true } {
  const about = LISTS.find((parameter) => parameter.name === name);
  if (!about) throw new Error(`No network has a parameter ${name}.`);
  const { description, minimum, maximum, exclusive, values, preset, type, nullable, ofNetwork } = about;
  const range =
    minimum === null || maximum === null ? null : `${exclusive ? 'Above ' : ''}${minimum} to ${maximum}`;
  const parts = [
    description,
    values && `One of ${values.join(', ')}.`,
    range && `${range}${nullable ? ', or null' : ''}.`,
    type === 'MAP' ? null : `Default ${preset}.`,
    ofNetwork ? `Has: ${having(name).join(', ')}.` : null,
  ];
  return { nullable: true, description: parts.filter(Boolean).join(' ') };
}

const having = (name: string) =>
  Object.values(NETWORKS).flatMap((network) => (name in network.parameters.shape ? [network.name] : []));

@InputType()
export class WeightInput {
  @Field(() => String, { description: 'Of the class (a colour) or condition.' })
  name: string;
  @Field(() => Float)
  weight: number;
}

@InputType({ description: 'Random changes of the training pictures, drawn from seed, epoch and sample.' })
export class AugmentationInput {
  @Field(() => Float, described('augmentation.flip'))
  flip?: number | null;
  @Field(() => Float, described('augmentation.crop'))
  crop?: number | null;
  @Field(() => Float, described('augmentation.scale'))
  scale?: number | null;
  @Field(() => Float, described('augmentation.shift'))
  shift?: number | null;
  @Field(() => Float, described('augmentation.color'))
  color?: number | null;
  @Field(() => Float, described('augmentation.night'))
  night?: number | null;
  @Field(() => Float, described('augmentation.rain'))
  rain?: number | null;
  @Field(() => Float, described('augmentation.fog'))
  fog?: number | null;
}

@InputType({ description: 'What makes an epoch the best one, and what patience waits for.' })
export class MonitorInput {
  @Field(() => String, described('monitor.metric'))
  metric?: string | null;
  @Field(() => String, described('monitor.split'))
  split?: string | null;
  @Field(() => String, described('monitor.condition'))
  condition?: string | null;
  @Field(() => String, described('monitor.mode'))
  mode?: string | null;
}

@InputType({
  description:
    'What is left out takes the default; `parameters` of the experiment shows what was used, and `networks` lists what each network has.',
})
export class TrainingParametersInput {
  @Field(() => String, {
    nullable: true,
    description: `One of ${Object.keys(NETWORKS).join(', ')}; default mobilenetv2.`,
  })
  algorithm?: string | null;
  @Field(() => LearningTask, {
    nullable: true,
    description:
      'What to learn; default LIGHT_STATE. The defaults of batchSize and learningRate depend on it.',
  })
  task?: LearningTask | null;
  @Field(() => Int, described('inputSize'))
  inputSize?: number | null;
  @Field(() => Float, described('widthMultiplier'))
  widthMultiplier?: number | null;
  @Field(() => Int, described('channels'))
  channels?: number | null;
  @Field(() => Int, described('stages'))
  stages?: number | null;
  @Field(() => Int, described('inputWidth'))
  inputWidth?: number | null;
  @Field(() => Int, described('inputHeight'))
  inputHeight?: number | null;
  @Field(() => Int, described('windowWidth'))
  windowWidth?: number | null;
  @Field(() => Int, described('windowHeight'))
  windowHeight?: number | null;
  @Field(() => Int, described('windowsPerFrame'))
  windowsPerFrame?: number | null;
  @Field(() => Int, described('maxDetections'))
  maxDetections?: number | null;
  @Field(() => Int, described('headChannels'))
  headChannels?: number | null;
  @Field(() => Float, described('sizeWeight'))
  sizeWeight?: number | null;
  @Field(() => Float, described('offsetWeight'))
  offsetWeight?: number | null;
  @Field(() => String, described('optimizer'))
  optimizer?: string | null;
  @Field(() => Float, described('learningRate'))
  learningRate?: number | null;
  @Field(() => Float, described('momentum'))
  momentum?: number | null;
  @Field(() => Float, described('weightDecay'))
  weightDecay?: number | null;
  @Field(() => Float, described('clipNorm'))
  clipNorm?: number | null;
  @Field(() => Float, described('emaDecay'))
  emaDecay?: number | null;
  @Field(() => String, described('schedule'))
  schedule?: string | null;
  @Field(() => Float, described('warmupEpochs'))
  warmupEpochs?: number | null;
  @Field(() => Int, described('stepEpochs'))
  stepEpochs?: number | null;
  @Field(() => Float, described('stepFactor'))
  stepFactor?: number | null;
  @Field(() => Int, described('batchSize'))
  batchSize?: number | null;
  @Field(() => Int, described('epochs'))
  epochs?: number | null;
  @Field(() => Int, described('seed'))
  seed?: number | null;
  @Field(() => Int, described('freezeBlocks'))
  freezeBlocks?: number | null;
  @Field(() => Float, described('focalGamma'))
  focalGamma?: number | null;
  @Field(() => Float, described('labelSmoothing'))
  labelSmoothing?: number | null;
  @Field(() => String, described('classWeighting'))
  classWeighting?: string | null;
  @Field(() => [WeightInput], described('classWeights'))
  classWeights?: WeightInput[] | null;
  @Field(() => String, described('conditionWeighting'))
  conditionWeighting?: string | null;
  @Field(() => [WeightInput], described('conditionWeights'))
  conditionWeights?: WeightInput[] | null;
  @Field(() => [String], described('mixConditions'))
  mixConditions?: string[] | null;
  @Field(() => AugmentationInput, { nullable: true })
  augmentation?: AugmentationInput | null;
  @Field(() => Int, described('patience'))
  patience?: number | null;
  @Field(() => MonitorInput, { nullable: true })
  monitor?: MonitorInput | null;
}
