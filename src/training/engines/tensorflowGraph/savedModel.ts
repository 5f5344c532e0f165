/**
 * A graph as TensorFlow's SavedModel, the one form in which the tfjs-node addon takes graphs. The messages are the part
 * of TensorFlow's own (tensorflow/core/framework/*.proto and core/protobuf/*.proto, Apache-2.0) that is written here,
 * with its field numbers.
 */
import protobuf from 'protobufjs';

const { root } = protobuf.parse(`
  syntax = "proto3";
  package tensorflow;
  message SavedModel { int64 saved_model_schema_version = 1; repeated MetaGraphDef meta_graphs = 2; }
  message MetaGraphDef {
    message MetaInfoDef { repeated string tags = 4; }
    MetaInfoDef meta_info_def = 1;
    GraphDef graph_def = 2;
  }
  message GraphDef { repeated NodeDef node = 1; VersionDef versions = 4; }
  message VersionDef { int32 producer = 1; int32 min_consumer = 2; }
  message NodeDef {
    string name = 1;
    string op = 2;
    repeated string input = 3;
    string device = 4;
    map<string, AttrValue> attr = 5;
  }
  message AttrValue {
    message ListValue { repeated int64 i = 3; repeated float f = 4; repeated bool b = 5; }
    // So that 0 and false are written.
    oneof value {
      ListValue list = 1;
      bytes s = 2;
      int64 i = 3;
      float f = 4;
      bool b = 5;
      int32 type = 6;
      TensorShapeProto shape = 7;
      TensorProto tensor = 8;
    }
  }
  message TensorShapeProto {
    message Dim { int64 size = 1; }
    repeated Dim dim = 2;
    bool unknown_rank = 3;
  }
  message TensorProto { int32 dtype = 1; TensorShapeProto tensor_shape = 2; bytes tensor_content = 4; }
`);
const SAVED_MODEL = root.lookupType('tensorflow.SavedModel');

/** Of `AttrValue` exactly one field; `type` is a number of TensorFlow's enum DataType. */
export type AttributeValue =
  | { s: Uint8Array }
  | { i: number }
  | { f: number }
  | { b: boolean }
  | { type: number }
  | { shape: Shape }
  | { tensor: { dtype: number; tensorShape: Shape; tensorContent: Uint8Array } }
  | { list: { i: number[] } | { f: number[] } | { b: boolean[] } };

interface Shape {
  dim: { size: number }[];
}

export interface GraphNode {
  name: string;
  op: string;
  /** 'node' or 'node:output'. */
  input: string[];
  attr: Record<string, AttributeValue>;
}

/** By which the addon finds the graph in the SavedModel. */
export const TAG = 'shingo';
/** Of TensorFlow 2.9, the oldest that the addon is built against: newer ones read it. */
const PRODUCER = 1087;

export const shapeProto = (shape: readonly number[]): Shape => ({ dim: shape.map((size) => ({ size })) });

/** The bytes of `saved_model.pb`. */
export function encodeSavedModel(nodes: readonly GraphNode[]): Uint8Array {
  const graphDef = { node: nodes, versions: { producer: PRODUCER } };
  const metaGraphs = [{ metaInfoDef: { tags: [TAG] }, graphDef }];
  return SAVED_MODEL.encode(SAVED_MODEL.create({ savedModelSchemaVersion: 1, metaGraphs })).finish();
}

/** The nodes of a `saved_model.pb` with one graph. */
export function decodeSavedModel(bytes: Uint8Array): GraphNode[] {
  const plain = SAVED_MODEL.toObject(SAVED_MODEL.decode(bytes), { longs: Number, defaults: true });
  return (plain as { metaGraphs: { graphDef: { node: GraphNode[] } }[] }).metaGraphs[0]!.graphDef.node;
}
