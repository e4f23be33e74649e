import Banknote from '@lucide/svelte/icons/banknote';
import Boxes from '@lucide/svelte/icons/boxes';
import Cpu from '@lucide/svelte/icons/cpu';
import Database from '@lucide/svelte/icons/database';
import Hammer from '@lucide/svelte/icons/hammer';
import MessageCircle from '@lucide/svelte/icons/message-circle';
import Network from '@lucide/svelte/icons/network';
import Scale from '@lucide/svelte/icons/scale';
import ShieldCheck from '@lucide/svelte/icons/shield-check';
import Store from '@lucide/svelte/icons/store';
import type { Component } from 'svelte';
import type { Route } from '../state/router.svelte.ts';

/** Each page is a chunk of its own, loaded when first visited. To add one: a file here and a line below. */
const files = import.meta.glob<{ default: Component<{ params: string[] }> }>('./*.svelte');

const all: (Omit<Route, 'load'> & { file: string })[] = [
  { page: 'ask', title: 'Ask', icon: MessageCircle, place: 'main', file: './Ask.svelte' },
  { page: 'datanets', title: 'Datanets', icon: Database, place: 'main', file: './Datanets.svelte' },
  { page: 'datanet', title: 'Datanet', icon: Database, place: 'inner', under: 'datanets', file: './Datanet.svelte' },
  { page: 'make', title: 'Make', icon: Hammer, place: 'main', file: './Make.svelte' },
  { page: 'earn', title: 'Earn', icon: Banknote, place: 'main', file: './Earn.svelte' },
  { page: 'check', title: 'Check', icon: ShieldCheck, place: 'main', file: './Check.svelte' },
  { page: 'claims', title: 'Claims', icon: Scale, place: 'more', file: './Claims.svelte' },
  { page: 'market', title: 'Market', icon: Store, place: 'more', file: './Market.svelte' },
  { page: 'models', title: 'Models', icon: Boxes, place: 'more', file: './Models.svelte' },
  { page: 'network', title: 'Network', icon: Network, place: 'more', file: './Network.svelte' },
  { page: 'device', title: 'Device', icon: Cpu, place: 'more', file: './Device.svelte' },
];

export const routes: Route[] = all.flatMap(({ file, ...route }) => (files[file] ? [{ ...route, load: files[file] }] : []));
