# Two images come in as arguments: one with the Swift 6.3 toolchain, one to run in. Both are Debian 12 or like it.
ARG BUILDER=docker.io/library/swift:6.3-bookworm
ARG RUNTIME=docker.io/library/debian:bookworm-slim

FROM ${BUILDER} AS build
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends liburing-dev libisal-dev libssl-dev libexpat1-dev libxxhash-dev \
        libcurl4-openssl-dev libldap-dev zlib1g-dev libzstd-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY Package.swift ./
COPY Sources Sources
# The manifest names the test targets: their folders must be there, nothing of them is built.
COPY Tests Tests
RUN swift build -c release -Xswiftc -enforce-exclusivity=unchecked --static-swift-stdlib --product martlet \
    && install -D --strip .build/release/martlet /out/martlet

FROM ${RUNTIME}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Martlet" \
      org.opencontainers.image.description="An S3-compatible object store" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends liburing2 libisal2 libssl3 libexpat1 libxxhash0 libcurl4 libldap-2.5-0 zlib1g libzstd1 ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin martlet \
    && install -d -o 10001 -g 10001 -m 0700 /state /data
COPY --from=build /out/martlet /usr/local/bin/martlet
USER 10001
EXPOSE 9000 9001
VOLUME ["/data", "/state"]
# The root file system may be read-only: only the drives and the state directory are written.
ENV MARTLET_STATE_DIR=/state \
    MARTLET_OPS_ADDRESS=0.0.0.0:9001
STOPSIGNAL SIGTERM
# No HTTP client is installed for this: the shell asks itself.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/${MARTLET_OPS_ADDRESS##*:} && printf 'GET /health/ready HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && [ $status = 200 ]"]
ENTRYPOINT ["martlet"]
CMD ["server", "/data/drive{1...4}"]
