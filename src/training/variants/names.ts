/** The forms in which a model leaves: as it was stored, or with its weights in fewer bytes. */
export const VARIANTS = ['LAYERS', 'UINT8', 'FLOAT16'] as const;
export type Variant = (typeof VARIANTS)[number];
