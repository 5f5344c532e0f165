/** What a process that a test starts has of this one's environment: no setting of Shingo's. */
export const INHERITED = {
  PATH: process.env.PATH,
  HOME: process.env.HOME,
  NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
};
