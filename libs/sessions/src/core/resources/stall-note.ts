/**
 * What the store knows of a sink that receives no bytes. While that is noted, another file of the session that waits for room
 * may have this one released, in any process.
 */
export class StallNote {
  private noted: Promise<boolean> | null = null;

  constructor(
    /** Notes since when no byte has arrived, `null`: one has. Answers whether the file is still being written. */
    private readonly note: (since: number | null) => Promise<boolean>,
    /** Whether the file was released in its live session. */
    private readonly isReleased: () => Promise<boolean>,
  ) {}

  /** Notes the stall; repeated, it answers whether the file was released since. Rejects if the store does not answer. */
  async begin(since: number): Promise<boolean> {
    if (this.noted !== null) {
      await this.noted;
      return this.isReleased();
    }
    const noted = this.note(since);
    this.noted = noted;
    try {
      await noted;
    } catch (error) {
      if (this.noted === noted) this.noted = null;
      throw error;
    }
    return false;
  }

  /** Bytes have arrived. Answers whether the file is still there. */
  async end(): Promise<boolean> {
    if (this.noted === null) return true;
    const wasWriting = await this.noted.catch(() => true);
    this.noted = null;
    return wasWriting && this.note(null);
  }
}
