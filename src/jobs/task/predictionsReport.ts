import { Field, Int, ObjectType, registerEnumType } from 'type-graphql';
import { PREDICTION_FORMATS, type PredictionFormat as Format } from '../../experiments/predictions/read.js';
import { UnknownValue } from './importReport.js';

export const PredictionFormat = Object.fromEntries(PREDICTION_FORMATS.map((format) => [format, format]));
registerEnumType(PredictionFormat, {
  name: 'PredictionFormat',
  description: 'What docs/evaluation.md says of each.',
  valuesConfig: {
    COCO: { description: 'COCO results: [{image_id, category_id, bbox, score}].' },
    SCALABEL: { description: 'Scalabel and BDD100K: frames whose labels have a score.' },
    JSONL: {
      description:
        'JSON lines, an image each: {image, detections: [{class, score, x, y, width, height}]}; of LIGHT_STATE a light each: {image, light, scores}.',
    },
  },
});

@ObjectType({ description: 'What an import of predictions read; the figures are those of the evaluation.' })
export class PredictionsReport {
  evaluationUuid: string;

  @Field(() => PredictionFormat)
  format: Format;
  @Field(() => Int, { description: 'Of the split.' })
  images: number;
  @Field(() => Int, {
    description:
      'Of these, the file does not name: as if nothing had been found on them. Of LIGHT_STATE: without a light.',
  })
  imagesWithout: number;
  @Field(() => Int, { description: 'Of lights, on images of the split; of LIGHT_STATE the lights answered.' })
  detections: number;
  @Field(() => Int, {
    description:
      'On images that nobody has labelled, or of lights whose colour nobody could tell: neither right nor wrong.',
  })
  onUnlabelled: number;
  @Field(() => Int, { description: 'Left aside: on images of the other splits.' })
  onOtherSplits: number;
  @Field(() => Int, { description: 'Left aside: of other things than lights.' })
  otherCategories: number;
  @Field(() => Int, { description: 'Left aside, where the import is lenient.' })
  onUnknownImages: number;
  @Field(() => [UnknownValue], { description: 'Images and classes that are not known, kept aside.' })
  unknown: UnknownValue[];
  @Field(() => Boolean, {
    description:
      'None of the images was in the training split of the model version. False: nobody has said what it was trained on.',
  })
  trainingKnown: boolean;
}
