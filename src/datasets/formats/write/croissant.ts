/** Croissant 1.1: the Parquet tables, and croissant.json that says what is in them. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ANNOTATIONS, IMAGES, annotationColumns, imageColumns, parquet, type Column } from './parquet.js';
import { SPLITS, type About, type FormatWriter } from './writer.js';

const METADATA = 'croissant.json';

export const croissant: FormatWriter = {
  losses: parquet.losses,
  keepsNames: true,
  async open(folder, about) {
    const tables = await parquet.open(folder, about);
    return {
      ...tables,
      async finish() {
        const files = await tables.finish();
        const distribution = await Promise.all(files.map((path) => fileObject(folder, path)));
        const text = JSON.stringify(metadata(about, distribution), null, 2);
        await writeFile(join(folder, METADATA), `${text}\n`);
        return [METADATA, ...files];
      },
    };
  },
};

async function fileObject(folder: string, path: string): Promise<object> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(join(folder, path)), hash);
  return {
    '@type': 'cr:FileObject',
    '@id': path,
    name: path,
    contentUrl: path,
    contentSize: `${(await stat(join(folder, path))).size} B`,
    encodingFormat: 'application/vnd.apache.parquet',
    sha256: hash.digest('hex'),
  };
}

/** Of the 1.1 specification, its appendix "JSON-LD context". */
const CONTEXT = {
  '@language': 'en',
  '@vocab': 'https://schema.org/',
  citeAs: 'cr:citeAs',
  column: 'cr:column',
  conformsTo: 'dct:conformsTo',
  cr: 'http://mlcommons.org/croissant/',
  data: { '@id': 'cr:data', '@type': '@json' },
  dataType: { '@id': 'cr:dataType', '@type': '@vocab' },
  dct: 'http://purl.org/dc/terms/',
  equivalentProperty: 'cr:equivalentProperty',
  examples: { '@id': 'cr:examples', '@type': '@json' },
  extract: 'cr:extract',
  field: 'cr:field',
  fileObject: 'cr:fileObject',
  fileProperty: 'cr:fileProperty',
  fileSet: 'cr:fileSet',
  format: 'cr:format',
  includes: 'cr:includes',
  isArray: 'cr:isArray',
  arrayShape: 'cr:arrayShape',
  isLiveDataset: 'cr:isLiveDataset',
  jsonPath: 'cr:jsonPath',
  key: 'cr:key',
  md5: 'cr:md5',
  parentField: 'cr:parentField',
  path: 'cr:path',
  recordSet: 'cr:recordSet',
  references: 'cr:references',
  regex: 'cr:regex',
  repeated: 'cr:repeated',
  replace: 'cr:replace',
  samplingRate: 'cr:samplingRate',
  sc: 'https://schema.org/',
  separator: 'cr:separator',
  source: 'cr:source',
  subField: 'cr:subField',
  transform: 'cr:transform',
};

const metadata = (about: About, distribution: object[]) => ({
  '@context': CONTEXT,
  '@type': 'sc:Dataset',
  conformsTo: 'http://mlcommons.org/croissant/1.1',
  name: about.dataset,
  description: about.description || `${about.dataset}: images, boxes, conditions and splits`,
  version: about.version,
  identifier: about.dataId,
  datePublished: about.createdAt.toISOString(),
  distribution: [
    ...distribution,
    ...(about.pictures
      ? [
          {
            '@type': 'cr:FileSet',
            '@id': 'pictures',
            name: 'pictures',
            encodingFormat: 'image/*',
            includes: 'images/**',
          },
        ]
      : []),
  ],
  recordSet: [splits(), images(about), annotations()],
});

const splits = () => ({
  '@type': 'cr:RecordSet',
  '@id': 'splits',
  name: 'splits',
  dataType: 'cr:Split',
  key: { '@id': 'splits/name' },
  field: [
    { '@type': 'cr:Field', '@id': 'splits/name', name: 'name', dataType: 'sc:Text' },
    { '@type': 'cr:Field', '@id': 'splits/url', name: 'url', dataType: 'sc:URL' },
  ],
  data: SPLITS.map((split) => ({ 'splits/name': split, 'splits/url': SPLIT_URL[split] })),
});

const SPLIT_URL = {
  TRAIN: 'cr:TrainingSplit',
  VALIDATION: 'cr:ValidationSplit',
  TEST: 'cr:TestSplit',
} as const;

const images = (about: About) => ({
  ...recordSet('images', IMAGES, imageColumns(about.conditions), {
    split: { references: { field: { '@id': 'splits/name' } } },
  }),
  key: { '@id': 'images/image_id' },
});

const annotations = () =>
  recordSet('annotations', ANNOTATIONS, annotationColumns, {
    image_id: { references: { field: { '@id': 'images/image_id' } } },
  });

const DATA_TYPE: Record<string, string> = {
  STRING: 'sc:Text',
  LIST: 'sc:Text',
  INT32: 'sc:Integer',
  DOUBLE: 'sc:Float',
  BOOLEAN: 'sc:Boolean',
  TIMESTAMP: 'sc:DateTime',
};

const recordSet = <Row>(
  name: string,
  file: string,
  columns: readonly Column<Row>[],
  extras: Record<string, object>,
) => ({
  '@type': 'cr:RecordSet',
  '@id': name,
  name,
  field: columns.map((column) => ({
    '@type': 'cr:Field',
    '@id': `${name}/${column.name}`,
    name: column.name,
    description: column.description,
    dataType: DATA_TYPE[column.type],
    ...(column.type === 'LIST' ? { isArray: true, arrayShape: '-1' } : {}),
    source: { fileObject: { '@id': file }, extract: { column: column.name } },
    ...extras[column.name],
  })),
});
