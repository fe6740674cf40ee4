// Records the microphone.

/** Chrome and Firefox record WebM, Safari MP4. */
const FORMATS = [
  { mimeType: 'audio/webm;codecs=opus', extension: 'webm' },
  { mimeType: 'audio/mp4', extension: 'm4a' },
  { mimeType: 'audio/ogg;codecs=opus', extension: 'ogg' },
];
const PART_MS = 1000;

/** The first format that this browser records and plays. */
const format =
  'MediaRecorder' in window &&
  FORMATS.find(
    ({ mimeType }) => MediaRecorder.isTypeSupported(mimeType) && new Audio().canPlayType(mimeType) !== '',
  );

/** Why this browser cannot record here; `null` if it can. */
export function whyNoRecording() {
  if (!window.isSecureContext)
    return 'Browsers record on HTTPS or on this machine only. You can upload files.';
  if (!format || !navigator.mediaDevices) return 'This browser cannot record. You can upload files.';
  return null;
}

/**
 * Begins to record, once the user has allowed it. `file` resolves with the recording after `stop()`, or after the
 * microphone was unplugged.
 */
export async function record() {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true }).catch(explain);
  const recorder = new MediaRecorder(stream, { mimeType: format.mimeType });
  const parts = [];
  recorder.addEventListener('dataavailable', ({ data }) => parts.push(data));
  const file = new Promise((resolve) => {
    recorder.addEventListener('stop', () => {
      for (const track of stream.getTracks()) track.stop();
      const time = new Date().toTimeString().slice(0, 8).replaceAll(':', '-');
      const [type] = format.mimeType.split(';');
      resolve(new File(parts, `recording-${time}.${format.extension}`, { type }));
    });
  });
  recorder.start(PART_MS);
  return { file, stop: () => recorder.state !== 'inactive' && recorder.stop() };
}

function explain(error) {
  if (error.name === 'NotAllowedError') throw new Error('The browser does not allow this page to record.');
  if (error.name === 'NotFoundError') throw new Error('There is no microphone.');
  throw error;
}
