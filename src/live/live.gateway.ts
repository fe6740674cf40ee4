import { WebSocketGateway, type OnGatewayConnection, type OnGatewayDisconnect } from '@nestjs/websockets';
import { sessionOf } from 'nest-sessions/ws';
import type { Subscription } from 'rxjs';
import type { WebSocket } from 'ws';
import { Progress } from './progress.js';

/** Progress over a WebSocket. The library tracks the connection, and closes it with its session or if it lags behind. */
@WebSocketGateway({ path: '/live' })
export class LiveGateway implements OnGatewayConnection<WebSocket>, OnGatewayDisconnect<WebSocket> {
  private readonly subscriptions = new WeakMap<WebSocket, Subscription>();

  constructor(private readonly progress: Progress) {}

  handleConnection(client: WebSocket): void {
    const session = sessionOf(client);
    if (!session) return;
    const subscription = this.progress
      .of(session.id)
      .subscribe((message) => client.send(JSON.stringify(message)));
    this.subscriptions.set(client, subscription);
  }

  handleDisconnect(client: WebSocket): void {
    this.subscriptions.get(client)?.unsubscribe();
  }
}
