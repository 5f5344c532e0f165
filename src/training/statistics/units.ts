/** Numbers of sampling units by name: images of one drive share one. */
export class Units {
  private readonly names = new Map<string, number>();
  private soFar = 0;

  get count(): number {
    return this.soFar;
  }

  /** null: a unit of its own. */
  indexOf(name: string | null): number {
    if (name === null) return this.soFar++;
    const known = this.names.get(name);
    if (known !== undefined) return known;
    this.names.set(name, this.soFar);
    return this.soFar++;
  }
}
