const RATE = 8000;
const SAMPLES = 160;

/** The shortest recording that the app takes for one: 20 ms of a tone, byte by byte. */
export const PLAIN_RECORDING = wav().toString('latin1');

function wav(): Buffer {
  const samples = Buffer.alloc(SAMPLES * 2);
  for (let at = 0; at < SAMPLES; at += 1) samples.writeInt16LE(Math.round(8000 * Math.sin(at / 3)), at * 2);
  const head = Buffer.alloc(44);
  head.write('RIFF', 0, 'latin1');
  head.writeUInt32LE(36 + samples.length, 4);
  head.write('WAVEfmt ', 8, 'latin1');
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(RATE, 24);
  head.writeUInt32LE(RATE * 2, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write('data', 36, 'latin1');
  head.writeUInt32LE(samples.length, 40);
  return Buffer.concat([head, samples]);
}
