/** Notes every operation that TensorFlow's addon executes, as nodes of a graph. */
import { GraphRefused } from '../graphs.js';
import type { Attribute, Binding, OutputInfo } from '../tensorflowBackend.js';
import { shapeProto, type AttributeValue, type GraphNode } from './savedModel.js';

/** Each run of a graph would draw anew, where TensorFlow.js had drawn from its own seed. */
const RANDOM = /^(Random|Truncated|ParameterizedTruncated|Multinomial|Stateless)/;

export class Recorder {
  readonly nodes: GraphNode[] = [];
  /** Executed ones, not counting constants and inputs. */
  operations = 0;
  /** Name in the graph by the addon's tensor id. An id is never given twice. */
  private readonly names = new Map<number, string>();
  /** Names of constants by type, shape and bytes: most are the same few numbers. */
  private readonly constants = new Map<string, string>();

  constructor(private readonly real: Binding) {}

  /** Stands for the tensor in the graph; later calls for the same tensor name the same input. */
  input(id: number, type: number, shape: readonly number[]): string {
    const known = this.names.get(id);
    if (known) return known;
    const attr = { dtype: { type }, shape: { shape: shapeProto(shape) } };
    return this.named(id, this.add('Placeholder', [], attr));
  }

  /** @throws GraphRefused where it comes from outside of what was recorded */
  nameOf(id: number): string {
    const name = this.names.get(id);
    if (name === undefined) throw new GraphRefused('a step reads a tensor that is none of its inputs');
    return name;
  }

  /** The addon, recording. Its own properties cannot be written: those here lie over them. */
  binding(): Binding {
    const { real } = this;
    const createTensor: Binding['createTensor'] = (shape, type, values) => {
      const id = real.createTensor(shape, type, values);
      this.constant(id, type, shape, values);
      return id;
    };
    const executeOp: Binding['executeOp'] = (...args) => this.execute(...args);
    const tensorDataSync = () => {
      throw new GraphRefused('a step looks at a value that it has computed');
    };
    const over = Object.entries({ createTensor, executeOp, tensorDataSync });
    return Object.create(real, Object.fromEntries(over.map(([name, value]) => [name, { value }]))) as Binding;
  }

  private execute(op: string, attributes: Attribute[], inputs: number[], outputs: number): OutputInfo[] {
    if (RANDOM.test(op)) throw new GraphRefused(`a step draws at random (${op})`);
    const attr = Object.fromEntries(attributes.map((one) => [one.name, valueOf(one, this.real)]));
    const named = inputs.map((id) => this.nameOf(id));
    const results = this.real.executeOp(op, attributes, inputs, outputs);
    const name = this.add(op, named, attr);
    results.forEach(({ id }, i) => this.named(id, i === 0 ? name : `${name}:${i}`));
    this.operations += 1;
    return results;
  }

  private constant(id: number, type: number, shape: readonly number[], values: unknown): void {
    if (!ArrayBuffer.isView(values)) throw new GraphRefused('a step has a constant that is not of numbers');
    const content = Uint8Array.from(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    const key = `${type} ${shape.join('×')} ${Buffer.from(content).toString('base64')}`;
    const tensor = { dtype: type, tensorShape: shapeProto(shape), tensorContent: content };
    const name = this.constants.get(key) ?? this.add('Const', [], { dtype: { type }, value: { tensor } });
    this.constants.set(key, name);
    this.named(id, name);
  }

  private add(op: string, input: string[], attr: Record<string, AttributeValue>): string {
    const name = `${op}_${this.nodes.length}`;
    this.nodes.push({ name, op, input, attr });
    return name;
  }

  private named(id: number, name: string): string {
    this.names.set(id, name);
    return name;
  }
}

/** As the addon's `AssignOpAttr` reads them. */
function valueOf({ name, type, value }: Attribute, binding: Binding): AttributeValue {
  switch (type) {
    case binding.TF_ATTR_STRING:
      return { s: Buffer.from(String(value)) };
    case binding.TF_ATTR_INT:
      return Array.isArray(value) ? { list: { i: value as number[] } } : { i: value as number };
    case binding.TF_ATTR_FLOAT:
      return Array.isArray(value) ? { list: { f: value as number[] } } : { f: value as number };
    case binding.TF_ATTR_BOOL:
      return Array.isArray(value) ? { list: { b: value as boolean[] } } : { b: value as boolean };
    case binding.TF_ATTR_TYPE:
      return { type: value as number };
    case binding.TF_ATTR_SHAPE:
      return { shape: shapeProto(value as number[]) };
    default:
      throw new GraphRefused(`the attribute ${name} is of the unknown type ${type}`);
  }
}
