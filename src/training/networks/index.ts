/** Every network by the name that `algorithm` gives it; another network is one more file and one more line. */
import { mobilenetv2 } from './mobilenetv2.js';
import { mobilenetv3small } from './mobilenetv3small.js';
import { smallcnn } from './smallcnn.js';

export const NETWORKS = {
  mobilenetv2,
  'mobilenetv3-small': mobilenetv3small,
  'small-cnn': smallcnn,
} as const;
export type Algorithm = keyof typeof NETWORKS;
