import type { ShingoClient } from './api.js';

const PAGE_SIZE = 100;

interface Page<T> {
  nodes: T[];
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
}

/** Every node of one of a project's lists, page by page. */
export async function* listAll<T>(
  client: ShingoClient,
  list: string,
  projectId: string,
  selection: string,
): AsyncGenerator<T, void> {
  const document = `query List($projectId: ID!, $first: Int!, $after: String) {
    ${list}(projectId: $projectId, first: $first, after: $after) {
      nodes { ${selection} }
      pageInfo { hasNextPage endCursor }
    }
  }`;
  let after: string | null = null;
  for (;;) {
    const data: Record<string, Page<T>> = await client.request(document, {
      projectId,
      first: PAGE_SIZE,
      after,
    });
    const page: Page<T> = data[list]!;
    yield* page.nodes;
    if (!page.pageInfo.hasNextPage) return;
    after = page.pageInfo.endCursor;
  }
}

export async function findOne<T>(
  client: ShingoClient,
  list: string,
  projectId: string,
  selection: string,
  accept: (node: T) => boolean,
): Promise<T | undefined> {
  for await (const node of listAll<T>(client, list, projectId, selection)) if (accept(node)) return node;
  return undefined;
}
