/** @file Lifetimes: who creates, disposes. A store that is already disposed disposes what is added later. */

export interface Disposable {
  dispose(): unknown;
}

export class DisposableStore implements Disposable {
  private readonly items = new Set<Disposable>();
  private isDisposed = false;

  add<T extends Disposable>(item: T): T {
    if (this.isDisposed) item.dispose();
    else this.items.add(item);
    return item;
  }

  /** Last made, first disposed: later parts may use earlier ones until the end. */
  dispose(): void {
    this.isDisposed = true;
    this.clear();
  }

  /** Disposes what is held and stays open for more. */
  clear(): void {
    const items = [...this.items].reverse();
    this.items.clear();
    for (const item of items) item.dispose();
  }
}

/** Base of the parts that own others: `readonly x = this.register(new X())`. */
export abstract class Owner implements Disposable {
  private readonly owned = new DisposableStore();

  protected register<T extends Disposable>(item: T): T {
    return this.owned.add(item);
  }

  dispose(): void {
    this.owned.dispose();
  }
}
