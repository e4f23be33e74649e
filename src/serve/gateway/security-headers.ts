import type { Deployment } from '../../protocol/deployment.ts';

/**
 * What the app's pages and workers may do: run their own code and WebAssembly, start workers, and talk to this
 * machine, to the chain, gateways and publishing service of the deployment, and to model hubs over https. Wallet
 * icons are data: images.
 */
export function securityHeaders(deployment: Deployment | undefined): Record<string, string> {
  const origins = new Set<string>();
  for (const address of [...(deployment?.chain.rpcUrls ?? []), ...(deployment?.gateways ?? []), deployment?.publish]) {
    const origin = address === undefined ? undefined : originOf(address);
    if (origin) origins.add(origin);
  }
  const connect = [
    "'self'",
    'http://127.0.0.1:*',
    'http://localhost:*',
    'ws://127.0.0.1:*',
    'ws://localhost:*',
    'data:',
    'blob:',
    // Models are fetched from whatever hub a person names.
    'https:',
    ...origins,
  ];
  const policy = [
    "default-src 'self'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "worker-src 'self' blob:",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    `connect-src ${connect.join(' ')}`,
    "object-src 'none'",
    "base-uri 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ];
  return {
    'content-security-policy': policy.join('; '),
    'referrer-policy': 'no-referrer',
    // Pop-up wallets have to stay reachable, so no stricter isolation.
    'cross-origin-opener-policy': 'same-origin-allow-popups',
    'cross-origin-resource-policy': 'same-origin',
  };
}

/** Absolute http(s) and ws(s) addresses only; what is relative is 'self' already. */
function originOf(address: string): string | undefined {
  try {
    const url = new URL(address);
    return /^(https?|wss?):$/.test(url.protocol) ? `${url.protocol}//${url.host}` : undefined;
  } catch {
    return undefined;
  }
}
