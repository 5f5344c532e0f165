/** The part of the API that the client uses, as the contract gives it. Not marked as GraphQL: prettier would take 500 lines. */
export const SDL = `
  scalar DateTime
  scalar Real
  type UserError { code: String! message: String! field: [String!] }
  type PageInfo { hasNextPage: Boolean! endCursor: String }
  enum WeatherName { CLEAR PARTLY_CLOUDY OVERCAST RAIN SNOW FOG UNDEFINED }
  enum TimeOfDay { DAY DAWN_DUSK NIGHT UNDEFINED }
  enum Scene { CITY_STREET RESIDENTIAL HIGHWAY TUNNEL PARKING_LOT GAS_STATION UNDEFINED }
  enum Category { PERSON RIDER CAR TRUCK BUS TRAIN MOTORCYCLE BICYCLE TRAFFIC_LIGHT TRAFFIC_SIGN OTHER }
  enum LightColor { RED YELLOW GREEN OFF UNKNOWN }
  enum LightArrow { LEFT STRAIGHT RIGHT DIAGONAL_LEFT DIAGONAL_RIGHT }
  enum LightRole { VEHICLE PEDESTRIAN COUNTDOWN }
  enum Split { TRAIN VALIDATION TEST }
  enum Weights { BEST INITIAL }
  enum JobState { QUEUED RUNNING CANCELLING SUCCEEDED FAILED CANCELLED }
  enum JobKind { TRAINING EVALUATION }
  enum CoverageDimension { WEATHER TIME_OF_DAY }
  type Project { id: ID! name: String! }
  type Place { id: ID! country: String! prefecture: String! city: String! name: String! }
  type Weather { id: ID! }
  type Dataset { id: ID! name: String! }
  type Model { id: ID! name: String! }
  type PlaceConnection { nodes: [Place!]! pageInfo: PageInfo! }
  type DatasetConnection { nodes: [Dataset!]! pageInfo: PageInfo! }
  type ModelConnection { nodes: [Model!]! pageInfo: PageInfo! }
  type Coverage { total: Int! cells: [CoverageCell!]! }
  type CoverageCell { keys: [String]! images: Int! lights: Int! }
  type DatasetVersion {
    id: ID! version: Int! dataId: String! seed: Int! imageCount: Int! lightCount: Int! counts: [DatasetCount!]!
  }
  type DatasetCount { condition: String split: Split! images: Int! lights: Int! }
  type Parameter { name: String! number: Float text: String boolean: Boolean }
  type Artifact { path: String! kind: String! bytes: Float! url: String! }
  type Experiment {
    id: ID! name: String! algorithm: String! state: JobState! engine: String engineReason: String
    bestEpoch: Int epochsRun: Int stoppedEarly: Boolean parameters: [Parameter!]! artifacts: [Artifact!]!
  }
  type Evaluation { id: ID! classes: [String!]! conditions: [EvaluationCondition!]! }
  type EvaluationCondition {
    condition: String n: Int! correct: Int! accuracy: Float lower: Float upper: Float method: String!
    confusion: [ConfusionCell!]!
  }
  type ConfusionCell { actual: String! predicted: String! count: Int! }
  type Reason { code: String! message: String! }
  type JobProgress {
    phase: String epoch: Int epochs: Int done: Float total: Float imagesPerSecond: Float secondsLeft: Float
  }
  type Job {
    id: ID! kind: JobKind! state: JobState! reason: Reason attempt: Int! maxAttempts: Int! worker: String engine: String progress: JobProgress
  }
  type MetricEvent implements ExperimentEvent {
    seq: Int! time: DateTime! step: Int! name: String! split: Split value: Real! n: Int lower: Float
    upper: Float
  }
  type ConditionMetricEvent implements ExperimentEvent {
    seq: Int! time: DateTime! step: Int! name: String! split: Split condition: String! value: Real! n: Int lower: Float upper: Float
  }
  type StatusEvent implements ExperimentEvent { seq: Int! time: DateTime! state: JobState! reason: Reason }
  type LogEvent implements ExperimentEvent { seq: Int! time: DateTime! level: String! message: String! }
  type DoneEvent implements ExperimentEvent { seq: Int! time: DateTime! state: JobState! reason: Reason }
  interface ExperimentEvent { seq: Int! time: DateTime! }
  input CreateProjectInput { name: String! description: String }
  input CreatePlaceInput {
    projectId: ID! country: String! prefecture: String! city: String! name: String timeZone: String!
    latitude: Float longitude: Float
  }
  input CreateWeatherInput { placeId: ID! weatherName: WeatherName! startTime: DateTime! endTime: DateTime }
  input PlaceInput { country: String! prefecture: String! city: String! name: String }
  input BoxInput {
    category: Category! x: Float! y: Float! width: Float! height: Float! color: LightColor arrows: [LightArrow!] role: LightRole occluded: Boolean truncated: Boolean wholeImage: Boolean
  }
  input RegisterImageRow {
    sha256: String! fileName: String! recordedAt: DateTime latitude: Float longitude: Float place: PlaceInput weather: WeatherName timeOfDay: TimeOfDay scene: Scene drive: String boxes: [BoxInput!]
  }
  input RegisterImagesInput { projectId: ID! rows: [RegisterImageRow!]! }
  input CreateDatasetInput { projectId: ID! name: String! description: String }
  input CreateModelInput { projectId: ID! name: String! description: String }
  enum SplitStrategy { RANDOM BY_PLACE BY_DRIVE BY_TIME }
  enum LeakKind { NEAR_DUPLICATE SAME_BYTES SAME_DRIVE SAME_PLACE_AND_TIME }
  input CreateDatasetVersionInput { datasetId: ID! strategy: SplitStrategy! = RANDOM seed: Int! = 1 train: Float! = 0.7 validation: Float! = 0.15 test: Float! = 0.15 maxLeakShare: Float! = 0.05 }
  input TrainingParametersInput { algorithm: String optimizer: String epochs: Int }
  input StartTrainingInput {
    datasetVersionId: ID! modelId: ID! name: String parameters: TrainingParametersInput idempotencyKey: String!
  }
  input StartEvaluationInput {
    experimentId: ID! datasetVersionId: ID! split: Split! weights: Weights! idempotencyKey: String!
  }
  input CancelJobInput { jobId: ID! }
  type ProjectPayload { project: Project userErrors: [UserError!]! }
  type PlacePayload { place: Place userErrors: [UserError!]! }
  type WeatherPayload { weather: Weather userErrors: [UserError!]! }
  type RegisterImagesPayload { created: Int existing: Int filled: Int userErrors: [UserError!]! }
  type DatasetPayload { dataset: Dataset userErrors: [UserError!]! }
  type ModelPayload { model: Model userErrors: [UserError!]! }
  type DatasetVersionPayload { datasetVersion: DatasetVersion userErrors: [UserError!]! }
  type StartTrainingPayload { job: Job experiment: Experiment userErrors: [UserError!]! }
  type StartEvaluationPayload { job: Job evaluation: Evaluation userErrors: [UserError!]! }
  type CancelJobPayload { job: Job userErrors: [UserError!]! }
  type LeakReport { leaks: [LeakCount!]! }
  type LeakCount { kind: LeakKind! known: Split! held: Split! images: Int! share: Float! }
  type CollectNext { ranked: Int! proposals: [CollectProposal!]! }
  type CollectProposal { rank: Int! cell: CoverageQualityCell! sites: [CollectionSite!]! }
  type CoverageQualityCell { keys: [String]! images: Int! quality: CellQuality! }
  type CellQuality { value: Float n: Int! lower: Float! upper: Float! }
  type CollectionSite { place: Place! hours: [CollectionHour!]! }
  type CollectionHour { hour: Int! }
  type Query {
    collectNext(projectId: ID!, experimentId: ID, by: [CoverageDimension!]!, first: Int!, sites: Int!): CollectNext!
    project(id: ID!): Project
    places(projectId: ID!, first: Int, after: String): PlaceConnection!
    datasets(projectId: ID!, first: Int, after: String): DatasetConnection!
    models(projectId: ID!, first: Int, after: String): ModelConnection!
    coverage(projectId: ID!, by: [CoverageDimension!]!): Coverage!
    missingBlobs(sha256: [String!]!): [String!]!
    experiment(id: ID!): Experiment
    evaluation(id: ID!): Evaluation
    job(id: ID!): Job
    leakReport(datasetVersionId: ID!): LeakReport!
  }
  type Mutation {
    createProject(input: CreateProjectInput!): ProjectPayload!
    createPlace(input: CreatePlaceInput!): PlacePayload!
    createWeather(input: CreateWeatherInput!): WeatherPayload!
    registerImages(input: RegisterImagesInput!): RegisterImagesPayload!
    createDataset(input: CreateDatasetInput!): DatasetPayload!
    createModel(input: CreateModelInput!): ModelPayload!
    createDatasetVersion(input: CreateDatasetVersionInput!): DatasetVersionPayload!
    startTraining(input: StartTrainingInput!): StartTrainingPayload!
    startEvaluation(input: StartEvaluationInput!): StartEvaluationPayload!
    cancelJob(input: CancelJobInput!): CancelJobPayload!
  }
  type Subscription {
    experimentEvents(id: ID!, afterSeq: Int! = 0): ExperimentEvent!
    jobs(projectId: ID!): Job!
  }
`;
