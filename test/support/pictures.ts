/** A picture of one pixel. */
export const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
export const GIF = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');
export const PDF = Buffer.from('%PDF-1.4\n1 0 obj << /Type /Catalog >> endobj\n%%EOF\n');

/** A file that begins like `start`, and has so many bytes. */
export function padded(start: Buffer, bytes: number): Buffer<ArrayBuffer> {
  return Buffer.concat([start, Buffer.alloc(bytes - start.length, 7)]);
}

/** A file of a form. */
export function picture(bytes: Buffer, type = 'image/png', name = 'picture'): File {
  return new File([new Uint8Array(bytes)], name, { type });
}
