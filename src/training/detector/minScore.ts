/** Chosen on data/street: at 0.3 every light is found and one lamp of a street light taken for one; see the docs. */
export const DEFAULT_MIN_SCORE = 0.3;
