import { UserText } from '../../parts/user-text.js';
import type { Overview } from '../../server/health-answers.js';
import { known, texts } from '../../text/texts.js';

interface Properties {
  readonly alerts: NonNullable<Overview['alerts']>;
}

export function Alerts({ alerts }: Properties) {
  return (
    <section aria-labelledby="alerts">
      <h2 id="alerts">{texts.health.alerts}</h2>
      {alerts.length === 0 ? (
        <p class="good">{texts.health.noAlerts}</p>
      ) : (
        <ul class="alerts">
          {alerts.map(({ name, message }) => (
            <li key={name} class="notice bad">
              <strong>{known(texts.health.alertNames, name)}</strong> <UserText text={message} />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
