/** The protocols that every project has from the start; migrations 1764200000000 and 1764200005000 gave them to those made before. */
import type { EntityManager } from 'typeorm';
import { newId } from '../../platform/ids.js';

export interface ProtocolValues {
  name: string;
  task: 'LIGHT_STATE' | 'LIGHT_DETECTION';
  iouThresholds: number[];
  maxDetections: number[];
  boxConvention: 'CONTINUOUS';
  ignoreRule: 'UNKNOWN_COLOR' | 'UNKNOWN_COLOR_OR_OCCLUDED';
  scoreThreshold: number;
  sizeBounds: number[];
  intervalMethod: 'WILSON_OR_BOOTSTRAP' | 'BOOTSTRAP';
  confidence: number;
  resamples: number;
  seed: number;
  minimumN: number;
  maxChangedShare: number;
  maxScoreDifference: number;
}

const STATE: ProtocolValues = {
  name: 'light-state',
  task: 'LIGHT_STATE',
  iouThresholds: [],
  maxDetections: [],
  boxConvention: 'CONTINUOUS',
  ignoreRule: 'UNKNOWN_COLOR',
  scoreThreshold: 0,
  // In Bosch's test set half of the lights are under 8.5 pixels wide: COCO's "small" holds 96 % of them.
  sizeBounds: [8, 16, 32],
  intervalMethod: 'WILSON_OR_BOOTSTRAP',
  confidence: 0.95,
  resamples: 1000,
  seed: 1,
  // With 20 of 20 right the interval still begins at 0.84.
  minimumN: 20,
  // To show that an export changes no more takes 381 decisions of which none is changed.
  maxChangedShare: 0.01,
  maxScoreDifference: 1,
};

export const STANDARD_PROTOCOLS: readonly ProtocolValues[] = [
  STATE,
  {
    ...STATE,
    name: 'light-detection',
    task: 'LIGHT_DETECTION',
    // numpy.linspace(.5, .95, 10), which pycocotools goes by: the ninth is not .9.
    iouThresholds: [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.8999999999999999, 0.95],
    maxDetections: [1, 10, 100],
    scoreThreshold: 0.3,
  },
];

export async function insertStandardProtocols(manager: EntityManager, projectUuid: string): Promise<void> {
  for (const protocol of STANDARD_PROTOCOLS) await insertProtocol(manager, projectUuid, 1, protocol);
}

/** Returns the UUID. The name and the version must be free. */
export async function insertProtocol(
  manager: EntityManager,
  projectUuid: string,
  version: number,
  protocol: ProtocolValues,
): Promise<string> {
  const uuid = newId();
  await manager.query(
    `/* evaluationProtocol.create */ INSERT INTO evaluation_protocol (id, project_id, name, version, task,
       iou_thresholds, max_detections, box_convention, ignore_rule, score_threshold, size_bounds, interval_method,
       confidence, resamples, seed, minimum_n, max_changed_share, max_score_difference)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`,
    [
      ...[uuid, projectUuid, protocol.name, version, protocol.task, protocol.iouThresholds],
      ...[protocol.maxDetections, protocol.boxConvention, protocol.ignoreRule, protocol.scoreThreshold],
      ...[protocol.sizeBounds, protocol.intervalMethod, protocol.confidence, protocol.resamples],
      ...[protocol.seed, protocol.minimumN, protocol.maxChangedShare, protocol.maxScoreDifference],
    ],
  );
  return uuid;
}
