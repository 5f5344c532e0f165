import type { EntityManager } from 'typeorm';
import type { Hands } from '../graph/hold.js';

/** @param jobUuid of a trial, or not */
export async function advanceSweepOf(_manager: EntityManager, _jobUuid: string, _hands: Hands): Promise<void> {}
