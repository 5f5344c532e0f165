export interface Hub {
  placeholder?: never;
}
