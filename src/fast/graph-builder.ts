import proto from 'onnx-proto';

const { AttributeProto, ModelProto, TensorProto } = proto.onnx;

/** A fixed length, or the name of a length that differs from run to run. */
export type Dimension = number | string;
export type ElementType = 'float32' | 'int32' | 'int64';
/** A number is an integer attribute. */
type Attributes = Record<string, number | { float: number }>;

const TYPES = { float32: TensorProto.DataType.FLOAT, int32: TensorProto.DataType.INT32, int64: TensorProto.DataType.INT64 };
/** Opset 17 of ONNX's own operators; `contrib` operators are ONNX Runtime's. */
const OPSET = 17;
const CONTRIB = 'com.microsoft';

/** Writes an ONNX ModelProto node by node. Values are known by their names; weights stay outside the protobuf. */
export class GraphBuilder {
  private readonly nodes: proto.onnx.INodeProto[] = [];
  private readonly inputs: proto.onnx.IValueInfoProto[] = [];
  private readonly outputs: proto.onnx.IValueInfoProto[] = [];
  private readonly initializers: proto.onnx.ITensorProto[] = [];
  private count = 0;

  input(name: string, type: ElementType, shape: readonly Dimension[]): string {
    this.inputs.push(valueInfo(name, type, shape));
    return name;
  }

  output(name: string, type: ElementType, shape: readonly Dimension[]): string {
    this.outputs.push(valueInfo(name, type, shape));
    return name;
  }

  /** A float32 constant whose bytes are handed to the session as the external file `name`. */
  external(name: string, shape: readonly number[]): string {
    const length = 4 * shape.reduce((a, b) => a * b, 1);
    this.initializers.push({
      name, dims: [...shape], dataType: TYPES.float32, dataLocation: TensorProto.DataLocation.EXTERNAL,
      externalData: [{ key: 'location', value: name }, { key: 'offset', value: '0' }, { key: 'length', value: String(length) }],
    });
    return name;
  }

  /** A small int64 constant, such as a shape. */
  integers(name: string, values: readonly number[]): string {
    const bytes = new Uint8Array(new BigInt64Array(values.map(BigInt)).buffer);
    this.initializers.push({ name, dims: [values.length], dataType: TYPES.int64, rawData: bytes });
    return name;
  }

  /** Adds a node of ONNX's own operators. '' stands for an input or output left out. */
  node(operator: string, inputs: readonly string[], outputs: readonly string[], attributes: Attributes = {}, domain = ''): void {
    this.nodes.push({
      opType: operator, name: `${operator}_${this.nodes.length}`, domain, input: [...inputs], output: [...outputs],
      attribute: Object.entries(attributes).map(([name, value]) =>
        typeof value === 'number' ? { name, type: AttributeProto.AttributeType.INT, i: value } : { name, type: AttributeProto.AttributeType.FLOAT, f: value.float }),
    });
  }

  /** Adds a node of ONNX Runtime's contributed operators. */
  contrib(operator: string, inputs: readonly string[], outputs: readonly string[], attributes: Attributes = {}): void {
    this.node(operator, inputs, outputs, attributes, CONTRIB);
  }

  /** Adds a node with one output and returns that output's name. */
  one(operator: string, inputs: readonly string[], attributes: Attributes = {}): string {
    const output = this.name();
    this.node(operator, inputs, [output], attributes);
    return output;
  }

  /** A name that no value has yet. */
  name(): string {
    return `v${this.count++}`;
  }

  bytes(graphName: string): Uint8Array {
    return ModelProto.encode({
      irVersion: 8, producerName: 'openledger',
      opsetImport: [{ domain: '', version: OPSET }, { domain: CONTRIB, version: 1 }],
      graph: { name: graphName, node: this.nodes, input: this.inputs, output: this.outputs, initializer: this.initializers },
    }).finish();
  }
}

function valueInfo(name: string, type: ElementType, shape: readonly Dimension[]): proto.onnx.IValueInfoProto {
  const dim = shape.map((length) => (typeof length === 'number' ? { dimValue: length } : { dimParam: length }));
  return { name, type: { tensorType: { elemType: TYPES[type], shape: { dim } } } };
}
