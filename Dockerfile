# The server with the app in the browser, built with the pinned toolchain and run as a user without rights.
FROM rust:1.95-bookworm AS builder
WORKDIR /build
COPY . .
RUN cargo build --release --locked -p sync-server

FROM node:22-bookworm-slim AS node
FROM rust:1.95-bookworm AS app
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=node /usr/local/lib/node_modules /usr/local/lib/node_modules
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
WORKDIR /build
COPY . .
RUN .ci/app

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates dumb-init \
    && rm -rf /var/lib/apt/lists/* && useradd --system --uid 1001 pantry
COPY --from=builder /build/target/release/sync-server /usr/local/bin/sync-server
COPY --from=app /build/wasm-bindings/pwa/dist /srv/app
ENV APP_DIR=/srv/app
USER pantry
# Metrics are not served unless METRICS_ADDR is set, such as 0.0.0.0:9100; keep that port from the public.
EXPOSE 3000
ENTRYPOINT ["dumb-init", "--"]
CMD ["sync-server", "serve"]
HEALTHCHECK --interval=30s --timeout=3s --start-period=5s --retries=3 CMD ["sync-server", "health"]
