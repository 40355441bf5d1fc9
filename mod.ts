/**
 * I-JEPA (Assran et al., CVPR 2023) for Deno: the building blocks and the training loop, on a current TensorFlow.
 *
 * To follow one image to the loss: {@link patchify}, {@link encode} (the context block, then all patches),
 * {@link predict}, {@link smoothL1}, all called by {@link jepaLoss}; {@link jepaObjective} makes it what a run trains,
 * {@link trainingStep} adds the optimiser and the moving average, {@link train} the loop, {@link pretrain} the folder.
 *
 * @example The masks of a batch of 16 images, in patches of a 14 x 14 grid
 * ```ts
 * import { multiBlock, randomStream } from "./mod.ts";
 *
 * const sampler = multiBlock({ grid: [14, 14] });
 * const { context, targets } = sampler(16, randomStream(0));
 * console.log(context.length / 16, targets.length / 4 / 16); // patches of the context, and of a target block
 * ```
 *
 * @module
 */

import { tf as tfjs } from "./lib/tensorflow/backend.ts";

/**
 * tfjs's operations and automatic differentiation (@tensorflow/tfjs-core), running on TensorFlow. It is loaded when the
 * first tensor is made.
 */
export const tf: typeof tfjs = tfjs;

// One image to the loss: patches and masks, encoder, predictor, objective.
export { encode, encodeLayers, gatherTokens, patchify, pixelTensor } from "./lib/jepa/encoder.ts";
export {
  contextOf,
  type Grid,
  type MaskHeatMaps,
  maskHeatMaps,
  type Masks,
  type MaskSampler,
  targetBlock,
} from "./lib/jepa/masks.ts";
export { multiBlock, type MultiBlockOptions } from "./lib/jepa/mask_samplers/multi_block.ts";
export type { Range } from "./lib/jepa/mask_samplers/blocks.ts";
export { type MaskConfig, maskSampler } from "./lib/jepa/mask_samplers/by_name.ts";
export { randomMasks, rasterizedQuadrants, singleBlock } from "./lib/jepa/mask_samplers/ablations.ts";
export { multiBlockAsPublished, type MultiBlockAsPublishedOptions } from "./lib/jepa/mask_samplers/as_published.ts";
export type { MaskSize } from "./lib/jepa/mask_samplers/as_published_lengths.ts";
export { type PaddedMasks, paddedSizes, padMasks } from "./lib/jepa/mask_samplers/padding.ts";
export { predict, predictTokens, type Present } from "./lib/jepa/predictor.ts";
export {
  featureDeviation,
  jepaLoss,
  type JepaLosses,
  type JepaNetworks,
  maskedInputTargets,
  pixelTargets,
  predictionCosines,
  smoothL1,
  type StepInputs,
  targetRepresentations,
  type Targets,
} from "./lib/jepa/objective.ts";
export {
  invarianceOf,
  lessPosition,
  type Regulariser,
  varianceAndCovariance,
  weightsOf,
} from "./lib/jepa/regulariser.ts";

// Sizes of the networks, and what a step computes.
export {
  type Architecture,
  architecture,
  encoderShapes,
  type EncoderSize,
  parameterCount,
  type ParameterShapes,
  predictorShapes,
  type PredictorSize,
  type TargetKind,
  targetWidth,
} from "./lib/jepa/architectures.ts";
export {
  encoderFlops,
  predictorFlops,
  type StepFlops,
  stepFlops,
  type TokenCounts,
  totalFlops,
} from "./lib/jepa/flops.ts";

// Layers over named parameters.
export { initialise, type PatchInitialisation } from "./lib/nn/initialisation.ts";
export type { Groups } from "./lib/nn/grouped_attention.ts";
export { block, type BlockOptions, layerNorm, linear, normalise, product } from "./lib/nn/layers.ts";
export { isDecayed, isTrained, type Parameters } from "./lib/nn/parameters.ts";
export { interpolatePositions, sineCosinePositions } from "./lib/nn/positions.ts";
export type { RotaryPairing, Rotation } from "./lib/nn/rotary.ts";

// Training: one loop for every objective.
export type { Losses, MicroBatch, Networks, Objective, Scheduled, Share } from "./lib/training/objective.ts";
export {
  gradientsOf,
  initialState,
  packedScalars,
  type StepMetrics,
  type StepScalars,
  type TrainingState,
  trainingStep,
  update,
} from "./lib/training/step.ts";
export {
  adamw,
  biasCorrections,
  clipFactor,
  globalNorm,
  type Moments,
  movingAverage,
  type UpdateScalars,
  updateScalars,
} from "./lib/training/adamw.ts";
export {
  cosine,
  linear as linearSchedule,
  type Ramp,
  type RunSchedules,
  runSchedules,
  type Schedule,
  warmupCosine,
} from "./lib/training/schedules.ts";
export { shareOf, type StepEntry, train, type TrainOptions } from "./lib/training/loop.ts";
export type { StepperOptions, Workers } from "./lib/training/stepper.ts";
export {
  type Monitor,
  type Run,
  type RunLogEntry,
  type RunOptions,
  type RunSetting,
  trainRun,
} from "./lib/training/runs/run.ts";
export type { FileProgress, SavedCheckpoint } from "./lib/training/runs/run_checkpoints.ts";
export { type CheckpointOptions, readCheckpoint, writeCheckpoint } from "./lib/training/runs/checkpoint.ts";
export { readConfig } from "./lib/training/runs/run_folder.ts";
export { type Environment, worldOf } from "./lib/training/world.ts";
export type { World } from "./lib/tensorflow/collectives/channel.ts";
export { type Communicator, joinWorld } from "./lib/tensorflow/collectives/collectives.ts";
export type { Patience } from "./lib/tensorflow/collectives/meeting.ts";

// Pretraining: I-JEPA as an objective, methods beside it, and whole runs of them.
export { PRESETS as JEPA_PRESETS, type RunConfig } from "./lib/jepa/pretraining/presets.ts";
export { jepaObjective, stepMasks, stepTensors } from "./lib/jepa/pretraining/pretraining_objective.ts";
export { checkConfig } from "./lib/methods/check_config.ts";
export type { CommonConfig } from "./lib/methods/config.ts";
export { type CropInputs, type CropsConfig, pooledCrops, pooledViews } from "./lib/methods/crops.ts";
export {
  convolutionalDecoderShapes,
  type ConvolutionalDecoderSize,
  decodeTokens,
} from "./lib/methods/parts/convolutional_decoder.ts";
export {
  type Data2vecConfig,
  type Data2vecInputs,
  data2vecLoss,
  data2vecObjective,
  data2vecTargets,
} from "./lib/methods/objectives/data2vec.ts";
export {
  type DinoConfig,
  dinoHead,
  dinoHeadShapes,
  type DinoHeadSize,
  type DinoInputs,
  dinoLoss,
  dinoObjective,
  dinoTargets,
} from "./lib/methods/objectives/dino.ts";
export {
  drawView,
  type ImageView,
  plainView,
  TRANSFORMATION,
  transformation,
  viewPixels,
  type ViewRange,
} from "./lib/methods/parts/image_views.ts";
export {
  type IwmConfig,
  type IwmInputs,
  iwmLoss,
  iwmObjective,
  predictViews,
} from "./lib/methods/objectives/image_world_model.ts";
export { type InverseBlockMasks, inverseBlockMasks } from "./lib/methods/parts/inverse_block_masks.ts";
export { type LejepaConfig, type LejepaInputs, lejepaLoss, lejepaObjective } from "./lib/methods/objectives/lejepa.ts";
export { type MaeConfig, maeDecoderShapes, maeLoss, maeObjective, patchTargets } from "./lib/methods/objectives/mae.ts";
export {
  isJepa,
  type JepaPreset,
  keptNetwork,
  type MethodConfig,
  objectiveOf,
  preset,
  PRESETS,
} from "./lib/methods/methods.ts";
export {
  type JepaLogEntry,
  type LogEntry,
  pretrain,
  type PretrainOptions,
  type PretrainResult,
} from "./lib/methods/pretrain.ts";
export { projections, projectorShapes, type ProjectorSize } from "./lib/methods/parts/projector.ts";
export {
  hiddenSquares,
  type SimmimConfig,
  simmimHeadShapes,
  type SimmimInputs,
  simmimLoss,
  simmimObjective,
} from "./lib/methods/objectives/simmim.ts";
export { sigreg, unitDirections } from "./lib/methods/parts/sigreg.ts";
export { type VicregConfig, vicregLoss, vicregObjective } from "./lib/methods/objectives/vicreg.ts";
export {
  cpuDevice,
  type Device,
  DEVICES,
  type Estimate,
  estimateMasks,
  type EstimateOptions,
  estimateRun,
  impliedShare,
  type MaskEstimate,
  type RunPlan,
} from "./lib/jepa/pretraining/estimate.ts";
export {
  largestBatch,
  type StepMemory,
  stepMemory,
  type StepMemoryOptions,
  totalMemory,
} from "./lib/jepa/pretraining/step_memory.ts";

// Encoders from files, and into them.
export { type OnDownload } from "./lib/hub/snapshot.ts";
export { loadEncoder, type LoadOptions, type PretrainedEncoder } from "./lib/jepa/pretrained.ts";
export {
  type EncoderToSave,
  saveEncoder,
  saveHuggingFace,
  saveOnnx,
  type SaveOptions,
} from "./lib/jepa/save_encoder.ts";

// Evaluations.
export {
  type CollapseEvidence,
  collapseWarning,
  type FeatureRows,
  lidar,
  rankMe,
} from "./lib/evaluation/collapse/collapse.ts";
export { confusionMatrix } from "./lib/evaluation/confusion_matrix.ts";
export { encodeImages, type EncodeImagesOptions } from "./lib/evaluation/features/encode_images.ts";
export {
  extractFeatures,
  type FeatureOptions,
  type Features,
  pixelFeatures,
  type TokenFeatures,
} from "./lib/evaluation/features/features.ts";
export { type FeatureBatch, featureBatches } from "./lib/evaluation/features/feature_batches.ts";
export {
  type EncodingOptions,
  type FeatureEncoder,
  featureEncoder,
  featureShape,
} from "./lib/evaluation/features/feature_encoder.ts";
export {
  type DenseExamples,
  type DenseLayer,
  denseProbe,
  type DenseProbeOptions,
  type DenseProbeResult,
  fitDenseLayer,
  measureDenseLayer,
  pixelTokens,
} from "./lib/evaluation/probes/dense_probe.ts";
export { evaluate, type EvaluationResult } from "./lib/evaluation/evaluate.ts";
export {
  lowShot,
  type LowShotDraw,
  type LowShotOptions,
  type LowShotResult,
} from "./lib/evaluation/probes/low_shot.ts";
export { type ProtocolName, PROTOCOLS } from "./lib/evaluation/protocols.ts";
export type { DepthScenes, EvaluationData, Measure, Protocol, ProtocolOptions } from "./lib/evaluation/protocol.ts";
export {
  componentScores,
  lessPlace,
  type PrincipalComponents,
  principalComponents,
} from "./lib/evaluation/collapse/principal_components.ts";
export {
  type PublishedResult,
  type PublishedTable,
  TABLE_1,
  TABLE_10,
  TABLE_11,
  TABLE_12,
  TABLE_13_LINEAR,
  TABLE_13_LOW_SHOT,
  TABLE_14,
  TABLE_15,
  TABLE_2,
  TABLE_3_CIFAR100,
  TABLE_3_INAT18,
  TABLE_3_PLACES205,
  TABLE_4_COUNT,
  TABLE_4_DISTANCE,
  TABLE_6,
  TABLE_7,
  TABLE_8,
  TABLE_9,
} from "./lib/evaluation/published.ts";
export {
  disposeSubject,
  encoderSubject,
  type LinearView,
  pixelSubject,
  randomSubject,
  type Subject,
  type SubjectOptions,
} from "./lib/evaluation/subjects.ts";
export { type CachedFeatureOptions, cachedFeatures } from "./lib/evaluation/features/feature_cache.ts";
export {
  type MonitorOptions,
  type RepresentationMonitor,
  representationMonitor,
} from "./lib/evaluation/collapse/monitor.ts";
export {
  fineTune,
  type FineTuneLogEntry,
  type FineTuneOptions,
  type FineTuneResult,
} from "./lib/evaluation/fine_tuning/fine_tune.ts";
export {
  fewLabelsRecipe,
  FINE_TUNE_RECIPES,
  type FineTuneRecipe,
} from "./lib/evaluation/fine_tuning/fine_tune_recipes.ts";
export { knn, type KnnOptions, type KnnResult } from "./lib/evaluation/probes/knn.ts";
export { linearProbe, type LinearProbeOptions, type LinearProbeResult } from "./lib/evaluation/probes/linear_probe.ts";
export {
  chanceReciprocalRank,
  type ImageWorldModel,
  meanReciprocalRank,
  type ReciprocalRankOptions,
  reciprocalRanks,
} from "./lib/evaluation/probes/mean_reciprocal_rank.ts";
export { lars, type LarsRates } from "./lib/evaluation/linear/lars.ts";
export { nesterov } from "./lib/evaluation/linear/nesterov.ts";
export { LINEAR_RECIPE, type LinearRecipe, TRANSFER_RECIPES } from "./lib/evaluation/linear/linear_recipes.ts";
export type { LayerFeatures, LayerSource, View } from "./lib/evaluation/features/layer_source.ts";
export {
  evaluateHeads,
  linearEvaluation,
  type LinearEvaluationOptions,
  type LinearEvaluationResult,
  type LinearSources,
  type LinearVariant,
  type LinearVariantResult,
} from "./lib/evaluation/linear/linear_evaluation.ts";
export { attentiveLogits, attentiveShapes, type AttentiveSize } from "./lib/evaluation/probes/attentive_network.ts";
export {
  attentiveProbe,
  type AttentiveProbeOptions,
  type AttentiveProbeResult,
} from "./lib/evaluation/probes/attentive_probe.ts";
export { extractTokens, type TokenSource, tokenSource } from "./lib/evaluation/features/token_source.ts";
export { type RegressionRows, ridgeRegression, type RidgeResult } from "./lib/evaluation/probes/ridge_regression.ts";

// Decoding: from representations back to pixels.
export { reconstruct, representImages, representPredictions } from "./lib/decoding/decode.ts";
export {
  DECODER_PRESETS,
  type DecoderConfig,
  decoderPreset,
  type DecoderTraining,
  type PatchDecoderConfig,
  type PooledDecoderConfig,
} from "./lib/decoding/decoder_presets.ts";
export {
  type DecoderLogEntry,
  frozenEncoder,
  trainDecoder,
  type TrainDecoderOptions,
  type TrainDecoderResult,
} from "./lib/decoding/train_decoder.ts";
export { addNoise, ddimStep, guide, imageOf, velocity } from "./lib/decoding/diffusion/diffusion.ts";
export {
  type DecoderMeasureOptions,
  type DecoderMeasures,
  measureDecoder,
  pixelDiversity,
  psnr,
  type Retrieval,
  retrieve,
} from "./lib/decoding/measures/measures.ts";
export { nearestNeighbours, type Neighbours } from "./lib/decoding/measures/nearest_neighbours.ts";
export { alphaBars, type NoiseSchedule, samplingSteps } from "./lib/decoding/diffusion/noise_schedule.ts";
export { decodePatches, patchDecoderShapes, type PatchDecoderSize } from "./lib/decoding/patch_decoder.ts";
export { perceptualDistance } from "./lib/decoding/measures/perceptual_distance.ts";
export {
  type Likeness,
  measureReconstruction,
  patchMeans,
  type ReconstructionMeasures,
} from "./lib/decoding/measures/reconstruction_measures.ts";
export type { EncoderSetting, FrozenEncoder, Standardisation } from "./lib/decoding/representation.ts";
export {
  interpolate,
  sample,
  sampleBetween,
  sampleEach,
  type SampleOptions,
} from "./lib/decoding/diffusion/sampler.ts";
export {
  loadDecoder,
  type PatchDecoder,
  type PooledDecoder,
  saveDecoder,
  type TrainedDecoder,
} from "./lib/decoding/saved_decoder.ts";
export { ssim } from "./lib/decoding/measures/ssim.ts";
export { initialiseUnet, unet, unetShapes, type UnetSize } from "./lib/decoding/diffusion/unet.ts";
export {
  interpolationFigure,
  type Pictures,
  predictionsFigure,
  samplesFigure,
} from "./lib/figures/pictures/decoding_figures.ts";

// Images.
export type { Box, Cut, Interpolation } from "./lib/datasets/pixels/crop.ts";
export { loadCifar10 } from "./lib/datasets/cifar/cifar10.ts";
export { CIFAR10_CLASSES } from "./lib/datasets/cifar/cifar10_sources.ts";
export { loadCifar100 } from "./lib/datasets/cifar/cifar100.ts";
export { openImageNet } from "./lib/datasets/folders/imagenet.ts";
export { openDataset, type OpenOptions } from "./lib/datasets/open_dataset.ts";
export { loadClevr } from "./lib/datasets/clevr/clevr.ts";
export {
  type CountedDataset,
  countLabels,
  countTask,
  distanceLabels,
  distanceTask,
  type TaskLabels,
  withLabels,
} from "./lib/datasets/clevr/clevr_tasks.ts";
export type { Progress as DownloadProgress, Source, Split, Splits } from "./lib/datasets/sources.ts";
export type {
  Batch,
  CropRange,
  CropSource,
  CropView,
  CutImage,
  Dataset,
  TrainingData,
} from "./lib/datasets/dataset.ts";
export type { Fingerprint } from "./lib/datasets/fingerprint.ts";
export {
  type BadImages,
  type ImageFiles,
  imageFiles,
  type ImageList,
  type ReadOptions,
} from "./lib/datasets/folders/image_files.ts";
export type { PackedSize } from "./lib/datasets/packed/cut_packed.ts";
export type { Place } from "./lib/datasets/readers/readers.ts";
export type { ImageColours } from "./lib/datasets/pixels/decode.ts";
export { colourPixels, type ImageReading, type Pixels } from "./lib/datasets/pixels/cut_image.ts";
export { falseColours } from "./lib/datasets/pixels/bands/false_colours.ts";
export { type ChannelStatistics, measureChannels } from "./lib/datasets/channel_statistics.ts";
export { type FolderOptions, openImageFolder } from "./lib/datasets/folders/image_folder.ts";
export type { Unreadable } from "./lib/datasets/folders/folder_tree.ts";
export type { Layout } from "./lib/datasets/folders/layout.ts";
export { batches, type BatchOptions, type LocalCrops, type TrainingBatch } from "./lib/datasets/loader.ts";
export { findImages, type ListedImage, readImageList } from "./lib/datasets/folders/image_list.ts";
export { packDataset, type PackOptions } from "./lib/datasets/packed/pack_dataset.ts";
export { memoryDataset, type MemoryImages } from "./lib/datasets/memory.ts";
export { drawFraction, drawPerClass, readSubset, subsetOf } from "./lib/datasets/subset.ts";
export { randAugment, type RandAugmentOptions } from "./lib/datasets/pixels/rand_augment.ts";
export {
  defaultPreprocessing,
  type Framing,
  type Preprocessing,
  readPreprocessorConfig,
} from "./lib/datasets/pixels/preprocessing.ts";

// Scenes of spheres, cubes and cylinders.
export { type Camera, project, type Vector } from "./lib/datasets/scenes/camera.ts";
export { depthMap, renderScene } from "./lib/datasets/scenes/render.ts";
export {
  type Colour,
  COLOURS,
  drawScene,
  type Material,
  type Scene,
  type SceneObject,
} from "./lib/datasets/scenes/scene.ts";
export { loadScenes } from "./lib/datasets/scenes/load_scenes.ts";
export { patchDepths, scenes, type ScenesDataset, type ScenesOptions } from "./lib/datasets/scenes/scenes.ts";
export type { Shape, Solid } from "./lib/datasets/scenes/solids.ts";

// Clips: V-JEPA, and scenes in motion.
export type { ClipDataset, Frames, WindowOptions } from "./lib/datasets/clips/clips.ts";
export { openClipFolder } from "./lib/datasets/clips/clip_folder.ts";
export { loadMovingMnist, type MovingDigitsOptions } from "./lib/datasets/clips/moving_mnist.ts";
export { type MemoryClips, memoryClips } from "./lib/datasets/clips/memory_clips.ts";
export {
  loadSceneClips,
  renderFrames,
  type SceneClips,
  type SceneClipsOptions,
} from "./lib/datasets/clips/scene_clips.ts";
export type { Contact, Motion, Mover } from "./lib/datasets/scenes/motion.ts";
export { type MotionOptions, type MovingScene, movingSceneOf } from "./lib/datasets/scenes/moving_scene.ts";
export { checkVideoConfig } from "./lib/video/check_config.ts";
export { type ClipGrid, PUBLISHED_MASKS, type Truncation, type VideoMask, videoMasks } from "./lib/video/masks.ts";
export { loadVideoEncoder, type VideoModel, type VideoNetworks } from "./lib/video/load_video_encoder.ts";
export { pretrainVideo, type VideoLogEntry, type VideoResult } from "./lib/video/pretrain.ts";
export {
  type VideoArchitecture,
  videoPreset,
  VJEPA_PRESETS,
  type VjepaConfig,
  type VjepaPreset,
} from "./lib/video/presets.ts";
export { type Law, LAWS, twinScenes } from "./lib/datasets/scenes/violations.ts";
export {
  type ClipNetworks,
  clipNetworks,
  type ClipSubject,
  encoderClips,
  pixelClips,
  randomClips,
  stillClips,
} from "./lib/evaluation/video/clip_subjects.ts";
export {
  type ClipEvaluationData,
  type ClipMeasure,
  evaluateClips,
  type KnownClips,
} from "./lib/evaluation/video/evaluate_clips.ts";
export {
  type MatchedSet,
  matchedSet,
  pairwiseAccuracy,
  renderSets,
  setAccuracy,
} from "./lib/evaluation/video/surprise.ts";
export { type SurpriseOverTime, surpriseOverTime } from "./lib/evaluation/video/surprise_over_time.ts";
export { type SeenSolid, seenSolids } from "./lib/evaluation/video/seen_solids.ts";

// World models: two rooms, a model of them, and planning with it.
export {
  type Episode,
  episode,
  type EpisodeBatch,
  episodeBatch,
  isReached,
  planningTasks,
  type RoomsConfig,
  type Task,
} from "./lib/world/episodes.ts";
export {
  type Action,
  drawRooms,
  isFree,
  type Layout as RoomLayout,
  moveDot,
  type PictureSide,
  type Place as RoomPlace,
  randomLayout,
} from "./lib/world/rooms.ts";
export {
  encodePictures,
  inverseModel,
  predictNext,
  unroll,
  worldShapes,
  type WorldSize,
} from "./lib/world/networks.ts";
export {
  type NormalStates,
  predictionError,
  smoothness,
  stateCovariance,
  stateDeviations,
  type WorldWeights,
} from "./lib/world/losses.ts";
export {
  networkShapes,
  type WorldConfig,
  type WorldInputs,
  worldLoss,
  type WorldLossConfig,
  worldObjective,
} from "./lib/world/objective.ts";
export { checkWorldConfig } from "./lib/world/check_config.ts";
export { WORLD_PRESETS, type WorldPreset, worldPreset } from "./lib/world/presets.ts";
export { pretrainWorld, type WorldLogEntry, type WorldResult } from "./lib/world/pretrain.ts";
export { loadWorld, saveWorld, type TrainedWorld } from "./lib/world/saved_world.ts";
export { type Cost, pathIntegralWeights, type Plan, plan, type PlannerOptions } from "./lib/world/planners.ts";
export {
  BASELINES,
  candidateCosts,
  type EpisodeOptions,
  follow,
  imagine,
  type Outcome,
  picturesOf,
  plainMetric,
  type Policy,
  type Seeing,
  solve,
  type SolveOptions,
  type WorldModel,
} from "./lib/world/planning.ts";
export {
  EPISODE,
  measurePlanning,
  type MeasurePlanningOptions,
  PLANNER,
  type PlanningResult,
} from "./lib/evaluation/planning/measure_planning.ts";
export { type PictureDecoder, pictureDecoder } from "./lib/evaluation/planning/picture_decoder.ts";
export { type PlaceProbe, placeProbe } from "./lib/evaluation/planning/place_probe.ts";
export { statesOf } from "./lib/evaluation/planning/states.ts";
export { fitStepMetric, stepMetric } from "./lib/evaluation/planning/step_metric.ts";
export { planFigure, type PlannedWalk } from "./lib/figures/pictures/plan_figure.ts";
export { roomImage } from "./lib/figures/pictures/room_image.ts";

// Camera models: drawn scenes whose camera is turned by actions, and what a frozen encoder of clips will see of them.
export {
  type CameraAction,
  cameraOf,
  type CameraPose,
  type CameraWalk,
  cameraWalkOf,
  type CameraWalkOptions,
  type CameraWay,
  cameraWayOf,
  GREATEST_TURN,
  poseOf,
  seenFrom,
  turnBetween,
  turnCamera,
  type WalkKey,
} from "./lib/datasets/scenes/camera_walk.ts";
export { type CameraClips, type CameraClipsOptions, loadCameraClips } from "./lib/datasets/clips/camera_clips.ts";
export { encodeFrames, type FrameEncoder, frameTokens } from "./lib/world/camera/frame_tokens.ts";
export {
  frameCausal,
  type FrameGrid,
  framePredictorShapes,
  type FramePredictorSize,
  predictFrames,
  rollOut,
} from "./lib/world/camera/frame_predictor.ts";
export {
  type CameraConfig,
  type CameraInputs,
  cameraObjective,
  type CameraTokens,
  cameraTokens,
  frameLosses,
} from "./lib/world/camera/camera_objective.ts";
export { CAMERA_PRESETS, type CameraPreset, cameraPreset } from "./lib/world/camera/camera_presets.ts";
export { checkCameraConfig } from "./lib/world/camera/check_camera_config.ts";
export {
  type CameraData,
  type CameraLogEntry,
  type CameraResult,
  openCameraData,
  pretrainCamera,
} from "./lib/world/camera/pretrain_camera.ts";
export { type CameraModel, loadCamera, saveCamera } from "./lib/world/camera/saved_camera.ts";
export {
  CAMERA_PLANNER,
  type CameraPlanning,
  type CameraPrediction,
  measureCamera,
  type MeasureCameraOptions,
} from "./lib/evaluation/planning/measure_camera.ts";

// The paper, table by table.
export {
  ablationCells,
  ablationFigure,
  type AblationOutcome,
  type AblationRow,
  type Scores,
  verdicts,
} from "./lib/reproduction/ablation_outcome.ts";
export { type Claim, CLAIMS } from "./lib/reproduction/catalogue.ts";

// Figures.
export { type Ablation, ablationsFigure, type AblationsText } from "./lib/figures/curves/ablations_figure.ts";
export type { Figure } from "./lib/figures/figure.ts";
export { architecturesFigure, methodFigure } from "./lib/figures/diagrams.ts";
export { type HeatMap, type HeatMapOptions, heatMaps } from "./lib/figures/pictures/heat_maps.ts";
export { type GridImage, imageGrid } from "./lib/figures/pictures/image_grid.ts";
export { type ChartLine, type ChartText, lineChart } from "./lib/figures/curves/line_chart.ts";
export { lossCurve, type LossEntry } from "./lib/figures/curves/loss_curve.ts";
export { maskStrategiesFigure, type StrategyColumn } from "./lib/figures/pictures/mask_strategies.ts";
export { type MaskExample, masksFigure } from "./lib/figures/pictures/masks_figure.ts";
export type { MovingFigure } from "./lib/figures/moving.ts";
export { type LiveBar, liveBar, type LiveFigure, liveFigure, show } from "./lib/figures/notebook.ts";
export { type PatchedImage, patchesFigure } from "./lib/figures/pictures/patches_figure.ts";
export { componentImages, patchMap, type PatchMapOptions } from "./lib/figures/pictures/patch_images.ts";
export { type ComparedRun, type RunEntry, runsFigure } from "./lib/figures/curves/runs_figure.ts";
export { figureToHtml, figureToPng, saveFigure } from "./lib/figures/save.ts";
export { figureToSvg } from "./lib/figures/svg.ts";
export { type Cell, type Column, markdownTable } from "./lib/figures/table.ts";

// Files.
export { readNpy } from "./lib/weights/formats/npy.ts";
export {
  DamagedFileError,
  type Dtype,
  type DtypeArrays,
  type HostTensor,
  type LentTensor,
  openSafetensors,
  readSafetensors,
  type SafetensorsOptions,
  toBfloat16,
  toFloat16,
  toFloat32,
  writeSafetensors,
} from "./lib/weights/formats/safetensors.ts";
export type { StoredTensor } from "./lib/weights/formats/tensors.ts";
export { torchFile } from "./lib/weights/formats/torch_file.ts";

// The engine: tfjs's tf on TensorFlow, and functions compiled for it.
export type { Precision, PrecisionChoice } from "./lib/tensorflow/autocast.ts";
export { type Tensor, uint8Tensor } from "./lib/tensorflow/backend.ts";
export { compile, type Compiled, type CompileOptions, compileUpdate } from "./lib/tensorflow/compile.ts";
export { recomputed } from "./lib/tensorflow/recomputed.ts";
export { type EagerValue, hasGpu } from "./lib/tensorflow/ops/eager.ts";
export { fused, kernel } from "./lib/tensorflow/fused.ts";
export { installTensorFlow } from "./lib/tensorflow/libraries/install.ts";
export type { TensorFlowVariant } from "./lib/tensorflow/libraries/locate.ts";
export type { Progress as InstallProgress } from "./lib/tensorflow/libraries/python.ts";
export { type Variable, Variables } from "./lib/tensorflow/variables.ts";

// Seeded random numbers.
export { type Random, randomStream, shuffled } from "./lib/random.ts";
