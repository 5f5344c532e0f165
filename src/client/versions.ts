/** Data set versions by the names that people use. */
import { ApiError, type ShingoClient } from './api.js';

/** @param dataset PROJECT/DATASET @param wanted MAJOR.MINOR.PATCH; undefined: the newest @throws ApiError NOT_FOUND */
export async function findVersion(
  client: ShingoClient,
  dataset: string,
  wanted: string | undefined,
): Promise<{ projectId: string; datasetVersionId: string }> {
  const at = dataset.indexOf('/');
  const [projectId, name] = [dataset.slice(0, at), dataset.slice(at + 1)];
  if (at < 1 || !name) throw new ApiError('BAD_USER_INPUT', `"${dataset}" is not PROJECT/DATASET`);
  const { datasets } = await client.request<{ datasets: { nodes: { id: string }[] } }>(
    'query Dataset($projectId: ID!, $name: String!) { datasets(projectId: $projectId, where: { name: { eq: $name } }) { nodes { id } } }',
    { projectId, name },
  );
  const [found] = datasets.nodes;
  if (!found) throw new ApiError('NOT_FOUND', `the project ${projectId} has no data set ${name}`);
  const { datasetVersions } = await client.request<{
    datasetVersions: { nodes: { id: string; semanticVersion: string }[] };
  }>(
    `query Versions($projectId: ID!, $datasetId: ID!) {
       datasetVersions(projectId: $projectId, where: { datasetId: { eq: $datasetId } }, first: 500,
         orderBy: [{ field: VERSION, direction: DESC }]) { nodes { id semanticVersion } } }`,
    { projectId, datasetId: found.id },
  );
  const version = datasetVersions.nodes.find(
    ({ semanticVersion }) => (wanted ?? semanticVersion) === semanticVersion,
  );
  if (version) return { projectId, datasetVersionId: version.id };
  const known = datasetVersions.nodes.slice(0, 10).map(({ semanticVersion }) => semanticVersion);
  throw new ApiError(
    'NOT_FOUND',
    `${dataset} has no version ${wanted ?? ''}${known.length > 0 ? `; it has ${known.join(', ')}` : ' yet'}`,
  );
}
