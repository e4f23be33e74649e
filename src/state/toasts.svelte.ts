export interface Toast {
  id: number;
  text: string;
  kind: 'good' | 'bad' | 'plain';
}

/** Short notes that something happened; never the only place where an error is said. */
export class Toasts {
  list = $state<Toast[]>([]);
  #next = 1;

  say(text: string, kind: Toast['kind'] = 'plain'): void {
    const id = this.#next++;
    // The same note again replaces itself; two at a time are read, more only cover the page.
    this.list = [...this.list.filter((toast) => toast.text !== text).slice(-1), { id, text, kind }];
    setTimeout(() => this.dismiss(id), 6_000);
  }

  dismiss(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id);
  }
}
