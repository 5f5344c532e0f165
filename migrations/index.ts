import { Catalog1763900000000 } from './1763900000000-Catalog.js';
import { Learning1763900001000 } from './1763900001000-Learning.js';
import { Provenance1764000002000 } from './1764000002000-Provenance.js';
import { Uploads1764000006000 } from './1764000006000-Uploads.js';
import { CoverageLog1764000010000 } from './1764000010000-CoverageLog.js';
import { Versions1764000011000 } from './1764000011000-Versions.js';
import { LabelsFirst1764100000000 } from './1764100000000-LabelsFirst.js';
import { Search1764100001000 } from './1764100001000-Search.js';
import { CountsSource1764100002000 } from './1764100002000-CountsSource.js';
import { Validation1764100003000 } from './1764100003000-Validation.js';
import { Duplicates1764100004000 } from './1764100004000-Duplicates.js';
import { Tasks1764100010000 } from './1764100010000-Tasks.js';
import { Evaluations1764200000000 } from './1764200000000-Evaluations.js';
import { Registry1764200001000 } from './1764200001000-Registry.js';
import { ExperimentEnvironment1764200002000 } from './1764200002000-ExperimentEnvironment.js';
import { ExperimentTask1764200003000 } from './1764200003000-ExperimentTask.js';
import { ModelUse1764200004000 } from './1764200004000-ModelUse.js';
import { ModelBounds1764200005000 } from './1764200005000-ModelBounds.js';
import { Hosts1764300000000 } from './1764300000000-Hosts.js';
import { JobGraphs1764300001000 } from './1764300001000-JobGraphs.js';
import { Logging1764300002000 } from './1764300002000-Logging.js';
import { ExperimentSearch1764300003000 } from './1764300003000-ExperimentSearch.js';
import { TrainedOn1764300007000 } from './1764300007000-TrainedOn.js';
import { EventReference1764300007001 } from './1764300007001-EventReference.js';
import { Deletion1764300008000 } from './1764300008000-Deletion.js';
import { Orphans1764300009000 } from './1764300009000-Orphans.js';
import { SearchByIndex1764300010000 } from './1764300010000-SearchByIndex.js';

/** In order. A migration that has been released is never edited. */
export const migrations = [
  Catalog1763900000000,
  Learning1763900001000,
  Provenance1764000002000,
  Uploads1764000006000,
  CoverageLog1764000010000,
  Versions1764000011000,
  LabelsFirst1764100000000,
  Search1764100001000,
  CountsSource1764100002000,
  Validation1764100003000,
  Duplicates1764100004000,
  Tasks1764100010000,
  Evaluations1764200000000,
  Registry1764200001000,
  ExperimentEnvironment1764200002000,
  ExperimentTask1764200003000,
  ModelUse1764200004000,
  ModelBounds1764200005000,
  Hosts1764300000000,
  JobGraphs1764300001000,
  Logging1764300002000,
  ExperimentSearch1764300003000,
  TrainedOn1764300007000,
  EventReference1764300007001,
  Deletion1764300008000,
  Orphans1764300009000,
  SearchByIndex1764300010000,
];
