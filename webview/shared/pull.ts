/** @file Asks the host for data as often as wanted but one request at a time: wishes that come meanwhile become one more request. */
export class Pull {
  private isRunning = false;
  private isDue = false;

  /** `run` asks with what is wanted at that moment, and must not reject. */
  constructor(private readonly run: () => Promise<void>) {}

  request(): void {
    if (this.isRunning) {
      this.isDue = true;
      return;
    }
    void this.work();
  }

  private async work(): Promise<void> {
    this.isRunning = true;
    do {
      this.isDue = false;
      await this.run();
    } while (this.isDue);
    this.isRunning = false;
  }
}
