import { Annotation } from './annotation/annotation.js';
import { AnnotationResolver } from './annotation/annotationResolver.js';
import { Condition } from './condition/condition.js';
import { ConditionResolver } from './condition/conditionResolver.js';
import { CoverageResolver } from './coverage/coverageResolver.js';
import { CoverageTarget } from './coverage/target.js';
import { Image } from './image/image.js';
import { NearDuplicateResolver } from './image/nearDuplicateResolver.js';
import { ImageResolver, RegisterImagesPayloadResolver } from './image/imageResolver.js';
import { Place } from './place/place.js';
import { PlaceResolver } from './place/placeResolver.js';
import { Project } from './project/project.js';
import { ProjectResolver } from './project/projectResolver.js';
import { Upload } from './upload/upload.js';
import { UploadResolver } from './upload/uploadResolver.js';
import { ValidationResolver } from './validation/validationResolver.js';
import { Weather } from './weather/weather.js';
import { WeatherResolver } from './weather/weatherResolver.js';

export const catalogEntities = [
  Project,
  Place,
  Weather,
  Image,
  Annotation,
  Condition,
  CoverageTarget,
  Upload,
];
export const catalogResolvers = [
  ProjectResolver,
  PlaceResolver,
  WeatherResolver,
  ImageResolver,
  NearDuplicateResolver,
  RegisterImagesPayloadResolver,
  AnnotationResolver,
  ConditionResolver,
  CoverageResolver,
  UploadResolver,
  ValidationResolver,
] as const;
