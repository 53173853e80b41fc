import { isJsonObject, listAt, parseJson } from '../json.ts';
import { lintPluginConfig } from '../lint/plugin-config.ts';
import type { PluginConfig } from './plugin-config.ts';

/** A configuration from outside; only what the lint has nothing against has the shape that the rules are about. */
export const parsePluginConfig = (text: string): PluginConfig | undefined => {
  const json = parseJson(text);
  if (!isJsonObject(json) || lintPluginConfig(text).length > 0) return undefined;
  const resourceList = listAt(json, 'resourceList')
    .filter(isJsonObject)
    .map((pool) => ({
      ...pool,
      selectors: Array.isArray(pool['selectors']) ? pool['selectors'] : [pool['selectors']],
    }));
  return { resourceList } as unknown as PluginConfig;
};
