/** Demo identities that bring the sample records; `npm start` makes a wallet for each. */
export const CONTRIBUTORS = ['Amara', 'Bruno', 'Chen', 'Dalia', 'Emeka', 'Farah'] as const;
export type Contributor = (typeof CONTRIBUTORS)[number];
