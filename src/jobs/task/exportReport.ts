import { Field, Int, ObjectType, registerEnumType } from 'type-graphql';
import { FORMATS, type Format } from '../../datasets/formats/write/archive.js';

export const ExportFormat = Object.fromEntries(FORMATS.map((format) => [format, format]));
registerEnumType(ExportFormat, {
  name: 'ExportFormat',
  valuesConfig: {
    SCALABEL: { description: 'Scalabel and BDD100K (det_20): one JSON file a split.' },
    COCO: { description: 'One JSON file a split; colour and arrows in the category and in `attributes`.' },
    YOLO: { description: 'A folder of images and labels a split, with data.yaml.' },
    PARQUET: { description: 'Images and annotations as tables, for pandas, Polars and DuckDB.' },
    CROISSANT: { description: 'Croissant 1.1 metadata (JSON-LD) over Parquet tables.' },
  },
});

@ObjectType()
class FormatLoss {
  @Field(() => String, { description: 'The field of an image or a box.' })
  what: string;
  @Field(() => String)
  why: string;
  @Field(() => Int, { description: 'Images that had something there.' })
  images: number;
  @Field(() => Int, { description: 'Boxes that had something there.' })
  boxes: number;
}

@ObjectType({ description: 'What an export wrote; its file is among the `files` of the job.' })
export class ExportReport {
  datasetVersionUuid: string;

  @Field(() => ExportFormat)
  format: Format;
  @Field(() => String, { description: 'Of the version; in the file too.' })
  dataId: string;
  @Field(() => String)
  version: string;
  @Field(() => Int)
  images: number;
  @Field(() => Int)
  boxes: number;
  @Field(() => Int, { description: 'Pictures whose bytes are in the file.' })
  pictures: number;
  @Field(() => Int, { description: 'Images whose bytes were wanted and are not in the catalog.' })
  picturesMissing: number;
  @Field(() => [FormatLoss], {
    description: 'All that the format cannot carry, and how often that was there.',
  })
  losses: FormatLoss[];
}
