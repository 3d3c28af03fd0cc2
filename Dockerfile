# The BIDS App as an image: read-only, any user, no network, unwritable HOME. Only the output and work directories and /tmp are written.
#
# The base is named by its digest, so that the same base is built on anywhere: scripts/pin_base.sh writes that of today.
ARG BASE=docker.io/library/debian:bookworm-slim@sha256:7b140f374b289a7c2befc338f42ebe6441b7ea838a042bbd5acbfca6ec875818
FROM ${BASE} AS python

ENV LANG=C.UTF-8 \
    PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONNOUSERSITE=1 \
    PYTHONUNBUFFERED=1 \
    TEMPLATEFLOW_HOME=/opt/templateflow \
    TEMPLATEFLOW_AUTOUPDATE=off \
    MPLBACKEND=Agg \
    MPLCONFIGDIR=/tmp/morbids/matplotlib \
    NUMBA_CACHE_DIR=/tmp/morbids/numba \
    NIPYPE_CONFIG_DIR=/tmp/morbids/nipype \
    NIPYPE_NO_ET=1 \
    NO_ET=1 \
    DENO_DIR=/tmp/morbids/deno \
    DENO_NO_UPDATE_CHECK=1 \
    XDG_CACHE_HOME=/tmp/morbids \
    XDG_CONFIG_HOME=/tmp/morbids

RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python3 \
    && apt-get clean && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/* /var/log/*

# What only building needs stays in this stage: of it, the image gets the environment and the caches.
FROM python AS build
RUN apt-get update && apt-get install --yes --no-install-recommends binutils python3-venv
COPY requirements.lock scripts/slim_packages.sh /src/
RUN python3 -m venv /opt/venv \
    && pip install --no-cache-dir --quiet --no-compile --require-hashes -r /src/requirements.lock \
    && sh /src/slim_packages.sh /opt/venv

ARG TEMPLATES=embedded
COPY . /src/
RUN pip install --no-cache-dir --quiet --no-compile --no-deps --no-build-isolation /src \
    && pip uninstall --quiet --yes pip setuptools \
    # An image's layers keep whole seconds, and compiled code names the time of its source.
    && find /opt/venv/lib -exec touch --no-dereference --date=@1767225600 {} + \
    && python -m compileall -q /opt/venv/lib \
    && sh /src/scripts/fill_image_caches.sh /opt/cache "$TEMPLATES" \
    && chmod -R a+rX /opt

FROM python
COPY --from=build /opt /opt
COPY version /version
COPY LICENSE README.md /opt/morbids/
COPY scripts/image_entrypoint.sh scripts/list_packages.sh /opt/morbids/scripts/
RUN sh /opt/morbids/scripts/list_packages.sh >/opt/morbids/packages.txt

# VERSION, REVISION, CREATED: for the labels. TEMPLATES: `templateflow` fetches the templates while building, or the build fails; `embedded` leaves the
# brain of an installed package, and whoever needs another space mounts one.
ARG VERSION=unknown
ARG REVISION=unknown
ARG CREATED=unknown
ARG TEMPLATES=embedded
LABEL org.opencontainers.image.title="morbids" \
      org.opencontainers.image.description="BIDS App: from a PET-BIDS dataset to group-level inference on receptor availability" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.morbids.templates="${TEMPLATES}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="https://github.com/morbids/morbids"
# Results say which image made them.
ENV MORBIDS_CONTAINER_TAG="morbids:${VERSION}"

ENTRYPOINT ["/opt/morbids/scripts/image_entrypoint.sh"]
