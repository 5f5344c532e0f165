import { type ShingoClient } from '../api.js';
import { hasCode } from '../errors.js';

/** The id of the project's model of this name, which is made if it is not there. @throws ApiError */
export async function ensureModel(client: ShingoClient, projectId: string, name: string): Promise<string> {
  const known = await find(client, projectId, name);
  if (known !== null) return known;
  try {
    const { model } = await client.mutate<{ model: { id: string } }>(
      `mutation CreateModel($input: CreateModelInput!) {
         createModel(input: $input) { model { id } userErrors { code message field } } }`,
      { projectId, name },
    );
    return model.id;
  } catch (error) {
    // Somebody was faster.
    const made = hasCode(error, 'NAME_TAKEN') ? await find(client, projectId, name) : null;
    if (made === null) throw error;
    return made;
  }
}

async function find(client: ShingoClient, projectId: string, name: string): Promise<string | null> {
  const { models } = await client.request<{ models: { nodes: { id: string }[] } }>(
    `query Models($projectId: ID!, $name: String!) {
       models(projectId: $projectId, where: { name: { eq: $name } }) { nodes { id } } }`,
    { projectId, name },
  );
  return models.nodes[0]?.id ?? null;
}
