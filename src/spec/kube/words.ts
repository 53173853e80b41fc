import { isIP } from 'node:net';
import * as z from 'zod';

/** Names that Kubernetes takes, as parts of addresses and of objects. */

export const objectName = z
  .string()
  .regex(/^[a-z\d]([-a-z\d]{0,61}[a-z\d])?$/, 'is no name of an object')
  .describe('lower-case letters, digits and hyphens between them, 63 at most');

export const nodeName = z
  .string()
  .regex(/^[a-z\d]([-a-z\d.]{0,251}[a-z\d])?$/, 'is no name of a node')
  .describe('as kubectl get nodes shows it');

/** kubelet refuses the registration of its own domains (IsExtendedResourceName). */
export const resourcePrefix = z
  .string()
  .regex(/^[a-z\d]([-a-z\d.]*[a-z\d])?$/, 'is no domain in lower case')
  .refine((text) => !/(^|\.)kubernetes\.io$/.test(text), 'is reserved');

/** What kubelet takes, and a shell as part of a variable's name. */
export const resourceName = z
  .string()
  .regex(/^[a-z\d]([a-z\d_]{0,61}[a-z\d])?$/, 'is not of a-z, 0-9 and _ between them')
  .describe('a-z, 0-9 and _ between them, 63 at most');

/** It becomes a mount into a privileged container. */
export const folder = z
  .string()
  .regex(/^(\/[\w.-]+)+\/?$/, 'is no absolute path')
  .refine((path) => !path.split('/').includes('..'), 'has .. in it');

export const address = z.string().refine((text) => isIP(text) !== 0, 'is no IP address');

export const cidr = z
  .string()
  .refine(isCidr, 'is no address with a prefix length, such as 10.0.0.1/24');

function isCidr(text: string): boolean {
  const [host = '', length = '', ...more] = text.split('/');
  const family = isIP(host);
  const bits = family === 4 ? 32 : 128;
  return family !== 0 && more.length === 0 && /^\d{1,3}$/.test(length) && Number(length) <= bits;
}
