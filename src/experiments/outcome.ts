/** What a training or an evaluation leaves behind, written within the caller's (fenced) transaction. */
import type { EntityManager } from 'typeorm';
import { newId } from '../platform/ids.js';

export async function setEngine(
  manager: EntityManager,
  experimentUuid: string,
  engine: string,
  reason: string,
) {
  await manager.query(
    '/* experiment.setEngine */ UPDATE experiment SET engine = $2, engine_reason = $3 WHERE id = $1',
    [experimentUuid, engine, reason],
  );
}

export async function setOutcome(
  manager: EntityManager,
  experimentUuid: string,
  outcome: { bestEpoch: number; epochsRun: number; stoppedEarly: boolean },
) {
  await manager.query(
    `/* experiment.setOutcome */ UPDATE experiment SET best_epoch = $2, epochs_run = $3, stopped_early = $4
     WHERE id = $1`,
    [experimentUuid, outcome.bestEpoch, outcome.epochsRun, outcome.stoppedEarly],
  );
}

export interface NewArtifact {
  path: string;
  kind: string;
  sha256: string;
  bytes: number;
  mediaType: string;
}

/** A path that is there already (from an earlier attempt) is replaced. */
export async function putArtifacts(manager: EntityManager, experimentUuid: string, artifacts: NewArtifact[]) {
  await manager.query(
    `/* artifact.put */ INSERT INTO artifact (id, experiment_id, path, kind, sha256, bytes, media_type)
     SELECT a.id, $1, a.path, a.kind, a.sha256, a.bytes, a."mediaType" FROM json_to_recordset($2::json)
       AS a (id uuid, path text, kind text, sha256 text, bytes bigint, "mediaType" text)
     ON CONFLICT (experiment_id, path) DO UPDATE SET kind = excluded.kind, sha256 = excluded.sha256,
       bytes = excluded.bytes, media_type = excluded.media_type, created_at = now()`,
    [experimentUuid, JSON.stringify(artifacts.map((artifact) => ({ id: newId(), ...artifact })))],
  );
}
