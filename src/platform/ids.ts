import { v7 } from 'uuid';

/** UUIDv7: ordered by time of creation, so that new rows land at the end of their index. */
export const newId = (): string => v7();
