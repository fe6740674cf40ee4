import type { Inspected, InspectionGroup, StoreFinding } from '../../../ports/inspection.js';

export class RedisInspection implements InspectionGroup {
  async check(): Promise<Inspected> {
    return { findings: [], next: null };
  }

  async recheck(): Promise<StoreFinding | null> {
    return null;
  }

  async repair(): Promise<boolean> {
    return false;
  }
}
