# Two images come in as arguments: one with the Swift 6.3 toolchain, one to run in. Both are Debian 12 or like it.
ARG BUILDER=swift:6.3-bookworm
ARG RUNTIME=debian:bookworm-slim

FROM ${BUILDER} AS build
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends make liburing-dev libisal-dev libssl-dev libexpat1-dev libxxhash-dev libseccomp-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN swift build -c release --static-swift-stdlib --product martlet && cp .build/release/martlet /martlet

FROM ${RUNTIME}
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends liburing2 libisal2 libssl3 libexpat1 libxxhash0 ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin martlet
COPY --from=build /martlet /usr/local/bin/martlet
USER 10001
EXPOSE 9000 9001
# The root file system may be read-only: only the drives and the state directory are written.
ENV MARTLET_STATE_DIR=/state
ENTRYPOINT ["martlet"]
CMD ["server", "/data"]
