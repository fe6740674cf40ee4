/** What came of one campaign. */
export interface Report {
  readonly name: string;
  readonly tried: number;
  readonly violations: number;
  readonly seed: number;
  readonly ms: number;
  readonly notes: readonly string[];
}
