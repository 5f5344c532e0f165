/** What a worker and the process of a task say to each other. The process writes rows itself, behind the fence. */
import { z } from 'zod';
import type { Config } from '../../platform/config.js';

/** What of the configuration a task needs: no key of any kind is among it. */
export type TaskConfig = Pick<Config, 'dataDir' | 'blobUrl' | 'blobCacheBytes' | 'engine'>;

export type TaskCommand =
  | {
      type: 'start';
      databaseUrl: string;
      config: TaskConfig;
      jobUuid: string;
      attempt: number;
      /** Of this attempt alone. */
      folder: string;
    }
  /** End soon; what was committed counts. */
  | { type: 'stop' };

export const taskMessageSchema = z.discriminatedUnion('type', [
  /** Its event loop turns. */
  z.object({ type: z.literal('alive') }),
  /** The job has ended, well or not, and its row says so. */
  z.object({ type: z.literal('settled') }),
  /** It was told to stop and has. */
  z.object({ type: z.literal('stopped') }),
  /** Another attempt has the job. */
  z.object({ type: z.literal('lost') }),
  /** The database is; what was committed counts, and another attempt goes on. */
  z.object({ type: z.literal('away') }),
  /** A fault that nobody foresaw: another attempt may fare better. */
  z.object({ type: z.literal('broke'), message: z.string().max(2000) }),
]);
export type TaskMessage = z.infer<typeof taskMessageSchema>;
