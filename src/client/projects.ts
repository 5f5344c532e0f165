import type { ShingoClient } from './api.js';
import { hasCode } from './errors.js';

export interface Project {
  id: string;
  name: string;
}

const CREATE_PROJECT = /* GraphQL */ `
  mutation CreateProject($input: CreateProjectInput!) {
    createProject(input: $input) {
      project {
        id
        name
      }
      userErrors {
        code
        message
        field
      }
    }
  }
`;
const PROJECT = /* GraphQL */ `
  query Project($id: ID!) {
    project(id: $id) {
      id
      name
    }
  }
`;

/** The project of that name, created if there is none; `created` says which. */
export async function ensureProject(
  client: ShingoClient,
  name: string,
  description?: string,
): Promise<Project & { created: boolean }> {
  try {
    const { project } = await client.mutate<{ project: Project }>(CREATE_PROJECT, { name, description });
    return { ...project, created: true };
  } catch (error) {
    if (!hasCode(error, 'NAME_TAKEN')) throw error;
    const found = await client.request<{ project: Project }>(PROJECT, { id: name });
    return { ...found.project, created: false };
  }
}
