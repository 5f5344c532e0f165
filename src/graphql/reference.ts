/**
 * "project name/name", as people name things. Both names may hold slashes, so each slash is tried as the one between
 * them: what stands before each, and what after it.
 */
export function namePairs(reference: string): [before: string[], after: string[]] {
  const bounded = reference.slice(0, 500);
  const slashes = [...bounded.matchAll(/\//g)].map((match) => match.index);
  return [slashes.map((at) => bounded.slice(0, at)), slashes.map((at) => bounded.slice(at + 1))];
}
