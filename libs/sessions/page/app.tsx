import { render } from 'preact';
import uPlot from 'uplot';

function App() {
  return <h1>Sessions</h1>;
}

const place = document.getElementById('app');
if (place) render(<App />, place);
console.debug(uPlot);
