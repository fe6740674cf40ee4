// Plays the files of the session. The browser reads them by ranges.
import { say, showIf, ui } from './view.js';

/** Later than any recording ends, in seconds. */
const FAR = 1e7;

let isMeasuring = false;

export function play(id, name) {
  ui.playingName.textContent = name;
  ui.playing.hidden = false;
  ui.player.dataset.id = id;
  ui.player.src = `resources/${id}`;
  start();
}

export function stopPlaying() {
  if (ui.playing.hidden) return;
  ui.player.removeAttribute('src');
  ui.player.load();
  showIf(false, ui.playing, ui.filesTitle);
}

/** Where a browser plays nothing without a click on the player itself, the player waits for it. */
function start() {
  ui.player.play().catch(() => {});
}

ui.player.addEventListener('error', () =>
  say(`This browser cannot play ${ui.playingName.textContent}.`, true),
);

// Recorders write no length into a file, and players cannot seek before they know it: they find it at the end.
ui.player.addEventListener('loadedmetadata', () => {
  isMeasuring = ui.player.duration === Infinity;
  if (isMeasuring) ui.player.currentTime = FAR;
});
ui.player.addEventListener('durationchange', () => {
  if (!isMeasuring || ui.player.duration === Infinity) return;
  isMeasuring = false;
  ui.player.currentTime = 0;
  start();
});
