/** What the API shows of coverage and quality side by side, and of what to collect next. */
import { Field, Float, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import { CoverageDimension } from '../catalog/coverage/coverage.js';
import { toGlobalId } from '../graphql/node.js';
import type { Proposal, Proposals } from './collectNext.js';
import type { Figures } from './quality.js';
import type { QualityState, Table, TableCell } from './table.js';

export const QualityStates: Record<QualityState, QualityState> = {
  OK: 'OK',
  INSUFFICIENT_DATA: 'INSUFFICIENT_DATA',
  NOT_EVALUATED: 'NOT_EVALUATED',
};
registerEnumType(QualityStates, {
  name: 'QualityState',
  valuesConfig: {
    INSUFFICIENT_DATA: { description: 'Fewer than minimumN lights: the interval says how little is known.' },
    NOT_EVALUATED: { description: 'No light of the evaluation is in it.' },
  },
});

@ObjectType({
  description: "A figure with what it is worth: n, the interval of the protocol's confidence and its method.",
})
export class CellQuality {
  @Field(() => String, {
    description:
      'accuracy: the share of lights whose colour was told rightly; recall, of a detector: of those that were found, whatever colour it gave them.',
  })
  metric: string;
  @Field(() => Float, { nullable: true, description: 'Null: NOT_EVALUATED.' })
  value: number | null;
  @Field(() => Int, { description: 'Lights.' })
  n: number;
  @Field(() => Float, { description: '0 where nothing was evaluated.' })
  lower: number;
  @Field(() => Float, { description: '1 where nothing was evaluated.' })
  upper: number;
  @Field(() => String, { description: 'Of the interval: WILSON.' })
  method: string;
  @Field(() => QualityStates)
  state: QualityState;
}

@ObjectType({ description: 'What there is of a cell, and how well the model does in it.' })
export class CoverageQualityCell {
  @Field(() => [String], {
    nullable: 'items',
    description: 'One a dimension, in their order; null: missing.',
  })
  keys: (string | null)[];
  @Field(() => Int, { description: 'As `coverage` counts them: of the project, now.' })
  images: number;
  @Field(() => Int)
  lights: number;
  @Field(() => Int, { description: 'Distinct ones: 10,000 frames of one junction are one place.' })
  places: number;
  @Field(() => Int, { description: 'Distinct ones.' })
  drives: number;
  @Field(() => CellQuality, {
    description: 'Of the evaluated lights, by what their images were when the data set version was made.',
  })
  quality: CellQuality;
}

@ObjectType({ description: 'Coverage and quality of every cell, side by side.' })
export class CoverageQuality {
  evaluationUuid: string | null;

  @Field(() => [CoverageDimension])
  by: CoverageDimension[];
  @Field(() => CellQuality, { description: 'Over every light of the evaluation, each once.' })
  overall: CellQuality;
  @Field(() => [CoverageQualityCell], {
    description: 'Cells that have images or evaluated lights, in the order of their keys, missing last.',
  })
  cells: CoverageQualityCell[];
  @Field(() => Int, { description: 'Cells that are left out because there are more than 10,000; 0: none.' })
  moreCells: number;
  @Field(() => Int, { description: 'Images of the project, each once.' })
  total: number;
  @Field(() => [String], {
    description:
      'Of CONDITION: those edited since the data set version was made. Their counts are by the filter of now, their quality by that of then.',
  })
  conditionsChanged: string[];
}

const WEIGHT = '0 to 1,000.';
@InputType('CollectWeightsInput', { description: 'How much each part counts; see CollectScore.' })
@ObjectType('CollectWeights')
export class CollectWeights {
  @Field(() => Float, { defaultValue: 3, description: WEIGHT })
  bad: number;
  @Field(() => Float, { defaultValue: 1, description: WEIGHT })
  uncertain: number;
  @Field(() => Float, { defaultValue: 1, description: WEIGHT })
  rare: number;
}

@ObjectType({
  description:
    'value = (w.bad · bad + w.uncertain · uncertain + w.rare · rare) / (w.bad + w.uncertain + w.rare), 0 to 1: what is worse in all three never comes later.',
})
export class CollectScore {
  @Field(() => Float)
  value: number;
  @Field(() => Float, {
    description:
      '1 - value of the quality; of a cell that was never evaluated that of all lights, and 1 without any evaluation.',
  })
  bad: number;
  @Field(() => Float, { description: 'upper - lower of the quality; 1 where nothing was evaluated.' })
  uncertain: number;
  @Field(() => Float, {
    description:
      'typical / (typical + count): 1 where there is nothing, 1/2 where there is as much as in an average cell.',
  })
  rare: number;
}

@ObjectType({ description: 'The images that are nearest to a cell: those in it, if there are any.' })
export class NearestImageSet {
  @Field(() => String, { description: 'An ImageWhere as JSON, as `images` takes it in variables.' })
  where: string;
  @Field(() => Int)
  images: number;
  @Field(() => [CoverageDimension], {
    description:
      'Dimensions in which they differ, because no image agrees in all; HOUR and MONTH always, which no filter can say.',
  })
  leavesOut: CoverageDimension[];
}

@ObjectType({ description: 'An hour of the day, by the clock of the place.' })
export class CollectionHour {
  @Field(() => Int, { description: '0 to 23.' })
  hour: number;
  @Field(() => Float, {
    nullable: true,
    description:
      'Share of that hour, over the year or the month of the cell, that is of the wanted time of day: by the sun or, of a place without a position, by the images of the project at that hour. Null: any time of day will do, or nothing is known.',
  })
  timeShare: number | null;
  @Field(() => Float, {
    nullable: true,
    description:
      'Hours of the wanted weather in the weather periods of the place. Null: any weather will do.',
  })
  matchingHours: number | null;
  @Field(() => Float, { nullable: true, description: 'Hours of which its weather is known; 0: none.' })
  observedHours: number | null;
}

@ObjectType({ description: 'A place where a cell could be collected, and when.' })
export class CollectionSite {
  placeUuid: string;

  @Field(() => [CollectionHour], { description: 'At most 24, the likeliest first.' })
  hours: CollectionHour[];
}

@ObjectType()
export class CollectProposal {
  @Field(() => Int, { description: '1: collect this first.' })
  rank: number;
  @Field(() => CoverageQualityCell)
  cell: CoverageQualityCell;
  @Field(() => CollectScore)
  score: CollectScore;
  @Field(() => NearestImageSet)
  nearest: NearestImageSet;
  @Field(() => [CollectionSite], { description: 'The likeliest first.' })
  sites: CollectionSite[];
}

@ObjectType({ description: 'What to collect next.' })
export class CollectNext {
  evaluationUuid: string | null;

  @Field(() => [CoverageDimension])
  by: CoverageDimension[];
  @Field(() => CellQuality, { description: 'Over every light of the evaluation, each once.' })
  overall: CellQuality;
  @Field(() => CollectWeights)
  weights: CollectWeights;
  @Field(() => Float, { description: 'What an average cell has of the measure.' })
  typical: number;
  @Field(() => Int, {
    description:
      'Cells that were ranked: every possible combination of keys, but for missing and UNDEFINED ones, which ask for labels and not for a drive.',
  })
  ranked: number;
  @Field(() => [CollectProposal], { description: 'The highest score first.' })
  proposals: CollectProposal[];
  @Field(() => [String], { description: 'See CoverageQuality.' })
  conditionsChanged: string[];
}

const MAX_CELLS = 10_000;

const shownQuality = (
  metric: Table['metric'],
  { state, ...figures }: Figures & { state: QualityState },
): CellQuality => Object.assign(new CellQuality(), { metric, method: 'WILSON', state, ...figures });

function shownCell(
  { by, metric }: Pick<Table, 'by' | 'metric'>,
  { keys, counts, figures, state }: TableCell,
): CoverageQualityCell {
  return Object.assign(new CoverageQualityCell(), {
    ...counts,
    keys: keys.map((key, at) =>
      key !== null && by[at] === CoverageDimension.PLACE ? toGlobalId('Place', key) : key,
    ),
    quality: shownQuality(metric, { ...figures, state }),
  });
}

export function shownTable({ cells, overall, ...table }: Table): CoverageQuality {
  return Object.assign(new CoverageQuality(), {
    ...table,
    overall: shownQuality(table.metric, overall),
    cells: cells.slice(0, MAX_CELLS).map((cell) => shownCell(table, cell)),
    moreCells: Math.max(0, cells.length - MAX_CELLS),
  });
}

export function shownProposals({ table, proposals, weights, typical, ranked }: Proposals): CollectNext {
  const { by, evaluationUuid, conditionsChanged } = table;
  const shown = ({ cell, score, parts, nearest, sites }: Proposal, at: number) => ({
    rank: at + 1,
    cell: shownCell(table, cell),
    score: { value: score, ...parts },
    nearest: { ...nearest, where: JSON.stringify(nearest.where) },
    sites: sites.map((site) => Object.assign(new CollectionSite(), site)),
  });
  return Object.assign(new CollectNext(), {
    ...{ by, evaluationUuid, conditionsChanged, weights, typical, ranked },
    overall: shownQuality(table.metric, table.overall),
    proposals: proposals.map(shown),
  });
}
