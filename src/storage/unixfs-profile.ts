/** The `unixfs-v1-2025` profile: CIDv1, chunks of 1 MiB, raw leaves, 1,024 links a node. */
export const PROFILE = { profile: 'unixfs-v1-2025' } as const;
