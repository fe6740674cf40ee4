/** The application's users, as the recipes ask for them. */
export class DemoUsers {
  private readonly users = [
    { id: '1', name: 'ada', password: 'analytical' },
    { id: '2', name: 'eve', password: 'evening' },
  ];

  async find(id: string): Promise<object | null> {
    return this.found((user) => user.id === id);
  }

  async check(name: string, password: string): Promise<object | null> {
    return this.found((user) => user.name === name && user.password === password);
  }

  private found(isRight: (user: { id: string; name: string; password: string }) => boolean): object | null {
    const user = this.users.find(isRight);
    return user ? { id: user.id, name: user.name } : null;
  }
}
