/** What a training or an evaluation leaves behind, written within the caller's (fenced) transaction. */
import type { EntityManager } from 'typeorm';
import type { BlobStore } from '../platform/blobs.js';
import { claimBlobs } from '../platform/blobs/claim.js';
import type { ServiceIdentity } from '../platform/identity.js';
import { newId } from '../platform/ids.js';
import type { TrainerEnvironment } from '../training/environment.js';

export async function setEngine(
  manager: EntityManager,
  experimentUuid: string,
  engine: string,
  reason: string,
  { service, trainer }: { service: ServiceIdentity; trainer: TrainerEnvironment | undefined },
) {
  await manager.query(
    `/* experiment.setEngine */ UPDATE experiment SET engine = $2, engine_reason = $3, service_version = $4,
       git_commit = $5, node_version = $6, platform = $7, packages = $8 WHERE id = $1`,
    [
      experimentUuid,
      engine,
      reason,
      service.version,
      service.commit,
      trainer?.node,
      trainer?.platform,
      trainer && JSON.stringify(trainer.packages),
    ],
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

/** A path that is there already (from an earlier attempt) is replaced. @throws ShingoError BLOB_BEING_REMOVED, BLOB_MISSING */
export async function putArtifacts(
  manager: EntityManager,
  blobs: BlobStore,
  experimentUuid: string,
  artifacts: NewArtifact[],
) {
  await claimBlobs(
    manager,
    blobs,
    artifacts.map(({ sha256 }) => sha256),
  );
  await manager.query(
    `/* artifact.put */ INSERT INTO artifact (id, experiment_id, path, kind, sha256, bytes, media_type)
     SELECT a.id, $1, a.path, a.kind, a.sha256, a.bytes, a."mediaType" FROM json_to_recordset($2::json)
       AS a (id uuid, path text, kind text, sha256 text, bytes bigint, "mediaType" text)
     ON CONFLICT (experiment_id, path) DO UPDATE SET kind = excluded.kind, sha256 = excluded.sha256,
       bytes = excluded.bytes, media_type = excluded.media_type, created_at = now()`,
    [experimentUuid, JSON.stringify(artifacts.map((artifact) => ({ id: newId(), ...artifact })))],
  );
}
