/** A trainer that breaks its word: its job fails, as another attempt would. */
export class TrainerFault extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}
