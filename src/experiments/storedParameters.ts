/** Parameters as rows: a group, such as augmentation, becomes one row for each of its members, with a dot between. */
export type StoredValue = number | string | boolean | null;

export function flatten(parameters: object): Record<string, StoredValue> {
  const flat: Record<string, StoredValue> = {};
  for (const [name, value] of Object.entries(parameters) as [string, StoredValue | object][]) {
    if (value !== null && typeof value === 'object')
      for (const [inner, one] of Object.entries(value)) flat[`${name}.${inner}`] = one as StoredValue;
    else flat[name] = value;
  }
  return flat;
}

/** The inverse; only the first dot separates, a condition's name may hold more. */
export function unflatten(flat: Iterable<[string, StoredValue]>): Record<string, unknown> {
  const parameters: Record<string, unknown> = {};
  for (const [name, value] of flat) {
    const dot = name.indexOf('.');
    if (dot < 0) parameters[name] = value;
    else {
      const group = (parameters[name.slice(0, dot)] ??= {}) as Record<string, StoredValue>;
      group[name.slice(dot + 1)] = value;
    }
  }
  return parameters;
}
