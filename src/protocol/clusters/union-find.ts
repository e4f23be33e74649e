/** Sets that grow together; the root of a set is always its lowest member. */
export class UnionFind {
  private readonly parent: Uint32Array;

  constructor(size: number) {
    this.parent = Uint32Array.from({ length: size }, (_, k) => k);
  }

  find(k: number): number {
    while (this.parent[k] !== k) k = this.parent[k] = this.parent[this.parent[k]!]!;
    return k;
  }

  join(a: number, b: number): void {
    const [low, high] = [this.find(a), this.find(b)].sort((x, y) => x - y) as [number, number];
    this.parent[high] = low;
  }
}
