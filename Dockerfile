# syntax=docker/dockerfile:1
# Not built where it was written (no Docker engine there). Its commands were run by hand in empty folders (npm ci, the
# build, npm prune, and what `service` copies started as a user of its own); a test lints it. Targets: `service` (API,
# worker, embedded PostgreSQL or SHINGO_DATABASE_URL) and `worker-cuda`.

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
# docker build --build-arg COMMIT=$(git rev-parse HEAD): experiments say which sources trained them.
ARG COMMIT=""
RUN npm run build && printf '%s' "$COMMIT" > dist/COMMIT && npm prune --omit=dev --no-audit --no-fund

FROM node:24-bookworm-slim AS service
RUN useradd --system --create-home --home-dir /var/lib/shingo shingo
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
# An address that others can reach: the service refuses to start on it until SHINGO_API_KEYS is set.
ENV NODE_ENV=production SHINGO_DATA_DIR=/var/lib/shingo SHINGO_HOST=0.0.0.0 SHINGO_PORT=4600
USER shingo
VOLUME /var/lib/shingo
EXPOSE 4600
HEALTHCHECK --interval=15s --timeout=3s --start-period=60s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:4600/readyz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
STOPSIGNAL SIGTERM
CMD ["node", "--enable-source-maps", "dist/src/main.js", "up"]

# tfjs-node-gpu 4.22 brings libtensorflow 2.9, which was built for CUDA 11.2 and cuDNN 8.1.
FROM nvidia/cuda:11.2.2-cudnn8-runtime-ubuntu20.04 AS worker-cuda
RUN useradd --system --create-home --home-dir /var/lib/shingo shingo
WORKDIR /app
COPY --from=build /usr/local/bin/node /usr/local/bin/node
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
ENV NODE_ENV=production SHINGO_DATA_DIR=/var/lib/shingo SHINGO_ENGINE=cuda
USER shingo
VOLUME /var/lib/shingo
# A worker has no port: it is well while its process runs; the catalog requeues its job when its heartbeat stops.
HEALTHCHECK --interval=30s --timeout=3s CMD ["node", "-e", "process.kill(1, 0)"]
STOPSIGNAL SIGTERM
CMD ["node", "--enable-source-maps", "dist/src/main.js", "work"]
