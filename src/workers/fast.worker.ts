import { expose } from 'comlink';
import { FastSession } from './fast-session.ts';

expose(new FastSession());
