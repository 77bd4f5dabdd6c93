# The operator's image, with the simulator beside it; the plugin runs on people's machines.
#
#   docker build -t rollback-operator .
#   docker buildx build --platform linux/amd64,linux/arm64 -t rollback-operator .
#
# Nothing below depends on the architecture: each platform is built from base images of its own, on a
# machine of that kind or emulated, and keeps what it compiled to itself. Where the registries of the
# base images are out of reach, name others with --build-arg.

# Rust 1.95 or newer and a C compiler.
ARG BUILDER=docker.io/library/rust:1.95-slim-bookworm
# glibc no older than the builder's, libgcc_s and the certificates of public authorities; no shell.
ARG BASE=gcr.io/distroless/cc-debian12:nonroot

FROM ${BUILDER} AS build
# Of Cargo.toml: release, or dev where compiling quickly matters more.
ARG PROFILE=release
ARG TARGETPLATFORM
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/src/target \
    CARGO_TARGET_DIR="/src/target/${TARGETPLATFORM:-native}" \
    cargo install --locked --path . --root /out --no-track --profile "$PROFILE" \
      --no-default-features --features operator,sim --bin rollback-operator --bin idc-sim

FROM ${BASE}
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="rollback-operator" \
      org.opencontainers.image.description="Undoes recorded access changes in AWS IAM Identity Center" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /out/bin/ /usr/local/bin/
# A number, because a kubelet cannot tell whether a name is root.
USER 65532:65532
# /healthz, /readyz, /metrics
EXPOSE 8080
ENTRYPOINT ["/usr/local/bin/rollback-operator"]
