"""Times training steps of MobileNetV2 in Keras: the network, batch and optimiser of `npm run bench -- train`.

Called by bench/train.ts; reads one JSON line a request from stdin: {"size": px, "batch": n, "steps": n}, answers with
{"milliseconds": [one a step]}. The first line that it writes says which TensorFlow it is.
"""
import functools
import json
import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

# As src/training/networks/mobilenetv2.ts: (expansion, channels, repeats, stride of the first).
STAGES = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]


def divisible(channels, divisor=8):
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * channels else rounded


def strides_for(size):
    """The earliest stages keep their resolution where fewer than 2 x 2 pixels would be left."""
    strides = [s for *_, s in STAGES]
    while size / (2 * np.prod(strides)) < 2 and 2 in strides:
        strides[strides.index(2)] = 1
    return strides


def network(size, width=0.35, classes=3):
    layers = keras.layers

    def convolution(x, filters, kernel, stride=1, relu=True):
        x = layers.Conv2D(filters, kernel, stride, "same", use_bias=False)(x)
        return normalised(x, relu)

    def normalised(x, relu):
        x = layers.BatchNormalization(momentum=0.9, epsilon=1e-3)(x)
        return layers.Activation("relu6")(x) if relu else x

    inputs = keras.Input((size, size, 3))
    x = convolution(inputs, divisible(32 * width), 3, 2)
    for (t, c, n, _), first in zip(STAGES, strides_for(size)):
        channels = divisible(c * width)
        for repeat in range(n):
            stride = first if repeat == 0 else 1
            shortcut, inside = x, x.shape[-1]
            if t != 1:
                x = convolution(x, inside * t, 1)
            x = normalised(layers.DepthwiseConv2D(3, stride, "same", use_bias=False)(x), True)
            x = convolution(x, channels, 1, relu=False)
            if stride == 1 and inside == channels:
                x = layers.Add()([shortcut, x])
    x = convolution(x, 1280, 1)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(classes)(x))


@functools.lru_cache(maxsize=1)
def compiled(size):
    keras.backend.clear_session()
    model = network(size)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    # One compiled graph a step, as `fit` runs it by default.
    model.compile(optimizer=keras.optimizers.Adam(0.001), loss=loss)
    return model


def measure(size, batch, steps, warm=3):
    model = compiled(size)
    random = np.random.default_rng(1)
    x = random.uniform(-1, 1, (batch, size, size, 3)).astype(np.float32)
    y = (np.arange(batch) % 3).astype(np.int32)
    taken = []
    for step in range(-warm, steps):
        if step == 0:
            processor = time.process_time()
        start = time.perf_counter()
        value = model.train_on_batch(x, y)
        if step >= 0:
            taken.append(1000 * (time.perf_counter() - start))
    if not np.isfinite(value):
        raise ValueError("Keras' loss is not finite")
    processor = 1000 * (time.process_time() - processor) / steps
    weights = int(sum(np.prod(w.shape) for w in model.trainable_weights))
    return {"milliseconds": taken, "processor": processor, "weights": weights}


def main():
    print(json.dumps({"tensorflow": tf.__version__, "keras": keras.__version__}), flush=True)
    for line in sys.stdin:
        print(json.dumps(measure(**json.loads(line))), flush=True)


main()
