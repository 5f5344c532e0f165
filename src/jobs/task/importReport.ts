import { Field, Int, ObjectType, registerEnumType } from 'type-graphql';
import { ValidationReportType } from '../../catalog/validation/validationTypes.js';
import { IMPORT_FORMATS } from '../../datasets/import/source.js';

export const ImportFormat = Object.fromEntries(
  IMPORT_FORMATS.map((format) => [format.toUpperCase(), format]),
);
registerEnumType(ImportFormat, {
  name: 'ImportFormat',
  description: 'What docs/formats.md says of each.',
  valuesConfig: {
    AUTO: { description: 'Whatever the files look like.' },
    MANIFEST: { description: 'manifest.csv, manifest.jsonl, or class-named folders of crops.' },
    BDD100K: { description: 'Scalabel, and the three layouts of BDD100K.' },
  },
});

@ObjectType({ description: 'What a file says and the catalog does not take.' })
class LeftOutCount {
  @Field(() => String)
  reason: string;
  @Field(() => Int)
  count: number;
}

@ObjectType({ description: 'A value that the catalog has no word for, kept aside by a lenient import.' })
export class UnknownValue {
  @Field(() => String)
  field: string;
  @Field(() => String, { description: 'As JSON has it.' })
  value: string;
  @Field(() => Int)
  count: number;
  @Field(() => String, { description: 'Of the first one: file and record.' })
  position: string;
}

@ObjectType({
  description: 'A frame on which the file says something else than people have said in the catalog.',
})
export class ImportDifference {
  imageUuid: string;

  @Field(() => String)
  fileName: string;
  @Field(() => String, { description: 'In the label file.' })
  position: string;
}

@ObjectType({ description: 'What an import did.' })
export class ImportReport {
  @Field(() => String, { description: 'A label format, manifest.csv, manifest.jsonl or class folders.' })
  format: string;
  @Field(() => Int, { description: 'Frames of the label files, or rows of the manifest.' })
  frames: number;
  @Field(() => Int)
  created: number;
  @Field(() => Int, { description: 'They were there, and stay as they were.' })
  existing: number;
  @Field(() => Int, { description: 'They were there, and have got their picture or their labels.' })
  filled: number;
  @Field(() => Int, {
    description: 'Of the existing: those on which the file says something else than people have said.',
  })
  different: number;
  @Field(() => [ImportDifference], { description: 'The first 20 of them.' })
  examples: ImportDifference[];
  @Field(() => Int, { description: 'Frames on which nobody has looked for anything.' })
  unlabelled: number;
  @Field(() => Int, { description: 'Boxes written.' })
  annotations: number;
  @Field(() => Int, { description: 'Frames whose picture came along.' })
  pictures: number;
  @Field(() => Int)
  placesCreated: number;
  @Field(() => ValidationReportType, {
    nullable: true,
    description: "What was created or filled in by the project's rules; null: nothing was.",
  })
  validation: ValidationReportType | null;
  @Field(() => [LeftOutCount])
  leftOut: LeftOutCount[];
  @Field(() => [UnknownValue])
  unknown: UnknownValue[];
}
