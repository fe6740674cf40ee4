import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { SessionEventBus, type ResourceEvent } from 'nest-sessions';
import { Observable, type Subscriber } from 'rxjs';

export type UploadState = 'started' | 'progress' | 'finished' | 'failed';
export type SpeechState = 'started' | 'finished' | 'failed';

/** A message to the clients of a session about its work. */
export type ProgressMessage =
  | { readonly kind: 'hello'; readonly session_id: string }
  | {
      readonly kind: 'upload';
      readonly state: UploadState;
      readonly received_bytes: number;
      /** `null` if the client declared no length. */
      readonly total_bytes: number | null;
    }
  | { readonly kind: 'speech'; readonly state: SpeechState; readonly resource_id: string }
  | {
      readonly kind: 'resource';
      readonly state: ResourceChange;
      readonly resource_id: string;
      readonly type: string;
    };

type ResourceChange = 'ready' | 'evicted' | 'released';
const CHANGES: readonly ResourceChange[] = ['ready', 'evicted', 'released'];

/** Publishes messages about a session's work to that session's subscribers only. Late subscribers miss them. */
@Injectable()
export class Progress implements OnModuleDestroy {
  private readonly listeners = new Map<string, Set<Subscriber<ProgressMessage>>>();
  private readonly unsubscribe: (() => void)[];

  constructor(events: SessionEventBus) {
    this.unsubscribe = CHANGES.map((state) =>
      events.on(`resource.${state}`, ({ sessionId, resourceId, type }: ResourceEvent) => {
        this.publish(sessionId, { kind: 'resource', resource_id: resourceId, type, state });
      }),
    );
  }

  onModuleDestroy(): void {
    for (const unsubscribe of this.unsubscribe) unsubscribe();
  }

  publish(sessionId: string, message: ProgressMessage): void {
    for (const listener of this.listeners.get(sessionId) ?? []) listener.next(message);
  }

  /** All messages of one session from now on, after a greeting. */
  of(sessionId: string): Observable<ProgressMessage> {
    return new Observable((listener) => {
      const listeners = this.listeners.get(sessionId) ?? new Set();
      this.listeners.set(sessionId, listeners.add(listener));
      listener.next({ kind: 'hello', session_id: sessionId });
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0 && this.listeners.get(sessionId) === listeners) {
          this.listeners.delete(sessionId);
        }
      };
    });
  }
}
