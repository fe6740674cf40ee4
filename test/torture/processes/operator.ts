import { Visitor } from './visitor.ts';

/** Ends a session by the admin route of a server: answered when its files are gone and its streams closed. */
export async function endByAdmin(port: number, adminToken: string, sessionId: string): Promise<void> {
  const operator = new Visitor(port, '192.0.2.200', { 'x-admin-token': adminToken });
  const { status, body } = await operator
    .fetch('POST', `/admin/sessions/${sessionId}/cleanup`)
    .finally(() => operator.close());
  if (status !== 200) throw new Error(`The admin route answered ${status}: ${body.toString()}`);
}
