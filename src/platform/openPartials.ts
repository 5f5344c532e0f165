import type { BlobStore } from './blobs.js';
import { PartialFiles } from './partialFiles.js';
import { PartialPieces } from './partialPieces.js';
import type { Partials } from './partials.js';

/** Where the store is, so that every process that has the store has them. */
export const openPartials = ({ pieces }: BlobStore): Partials =>
  'folder' in pieces ? new PartialFiles(pieces.folder) : new PartialPieces(pieces);
