import { ModelAlias } from './alias/alias.js';
import { AliasChange } from './alias/aliasChange.js';
import { AliasChangeResolver } from './alias/aliasChangeResolver.js';
import { aliasResolvers } from './alias/aliasResolver.js';
import { compareResolvers } from './compare/compareResolver.js';
import { gateResolvers } from './gate/gateResolver.js';
import { GateRule } from './gate/rule.js';
import { GateRuleResolver } from './gate/ruleResolver.js';
import { Model } from './model/model.js';
import { ModelResolver } from './model/modelResolver.js';
import { lineageResolvers } from './version/lineageResolver.js';
import { ModelVersion } from './version/version.js';
import { ModelVersionResolver } from './version/versionResolver.js';

export { modelArtifactRoutes } from './version/artifactRoutes.js';

export const modelEntities = [Model, ModelVersion, ModelAlias, AliasChange, GateRule];
export const modelResolvers = [
  ModelResolver,
  ModelVersionResolver,
  ...lineageResolvers,
  ...aliasResolvers,
  AliasChangeResolver,
  GateRuleResolver,
  ...gateResolvers,
  ...compareResolvers,
] as const;
