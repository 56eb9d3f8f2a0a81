# The server, built with the pinned toolchain and run as a user without rights.
FROM rust:1.95-bookworm AS builder
WORKDIR /build
COPY . .
RUN cargo build --release --locked -p sync-server

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates dumb-init \
    && rm -rf /var/lib/apt/lists/* && useradd --system --uid 1001 pantry
COPY --from=builder /build/target/release/sync-server /usr/local/bin/sync-server
USER pantry
# Metrics are not served unless METRICS_ADDR is set, such as 0.0.0.0:9100; keep that port from the public.
EXPOSE 3000
ENTRYPOINT ["dumb-init", "--"]
CMD ["sync-server", "serve"]
HEALTHCHECK --interval=30s --timeout=3s --start-period=5s --retries=3 CMD ["sync-server", "health"]
