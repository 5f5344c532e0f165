/** Why a picture was refused. Clients branch on these names: they never change meaning. */
export type PictureErrorCode =
  /** Zero bytes. */
  | 'PICTURE_EMPTY'
  /** Not a picture, or of a format that the catalog does not take. */
  | 'PICTURE_UNSUPPORTED'
  /** The file ends before its format says that it is complete. */
  | 'PICTURE_TRUNCATED'
  /** The file is complete, but its pixels do not decode. */
  | 'PICTURE_DAMAGED'
  /** More pixels or bytes than the limits, or too slow to decode. */
  | 'PICTURE_TOO_LARGE';

/** A picture that the catalog refuses; the message says what to do about it. */
export class PictureError extends Error {
  constructor(
    readonly code: PictureErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'PictureError';
  }
}
