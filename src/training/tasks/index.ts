import type { TaskName } from '../protocol.js';
import { lightDetection } from './lightDetection/index.js';
import { lightState } from './lightState.js';
import type { Task } from './task.js';

/** A task's own types are its own business: whoever asks for a task by name hands it back only what it gave. */
export const TASK: Record<TaskName, Task> = {
  LIGHT_STATE: lightState,
  LIGHT_DETECTION: lightDetection,
};
