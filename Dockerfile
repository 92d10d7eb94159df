# Images of the programs of a site, a target each; docker-compose.yml builds them, from the root of the repository.
# One alone: docker build --target worker --tag stetho-edge/edge-worker .
ARG BASE=python:3.11-slim

# The project itself, in an environment that has nothing else.
FROM ${BASE} AS project
WORKDIR /source
COPY requirements/build.txt .
RUN pip install --no-cache-dir --require-hashes --requirement build.txt && python -m venv --without-pip /opt/stetho
COPY . .
RUN python -m hatchling build --target wheel --directory /wheel && pip --python /opt/stetho/bin/python install --no-cache-dir --no-deps /wheel/*.whl
# Networks are for the programs that run them.
RUN cd /opt/stetho/lib/python3*/site-packages/models_tflite && mkdir -p "/networks$PWD" && mv ./*.tflite "/networks$PWD"

# An ffmpeg that decodes sound and can do nothing else: 4 MB, where Debian's comes with 500 MB. m4a and webm only; wav,
# mp3, ogg and flac are read by libsndfile, which comes with its Python package.
FROM ${BASE} AS ffmpeg
COPY requirements/image_ffmpeg.sh .
RUN sh image_ffmpeg.sh /ffmpeg

# Letters of reports beyond Latin-1: Cyrillic, Arabic, Chinese.
FROM ${BASE} AS fonts
RUN apt-get update && apt-get install -y --no-install-recommends fonts-dejavu-core fonts-droid-fallback \
 && rm /usr/share/fonts/truetype/dejavu/*Mono* /usr/share/fonts/truetype/dejavu/*Serif*

# The packages of each program.
FROM ${BASE} AS packages
WORKDIR /packages
COPY requirements/image_packages.sh requirements/nats.txt requirements/worker.txt requirements/api.txt requirements/notify.txt requirements/trainer.txt ./

FROM packages AS provision-packages
RUN sh image_packages.sh nats.txt

FROM packages AS worker-packages
RUN sh image_packages.sh worker.txt

FROM packages AS api-packages
RUN sh image_packages.sh api.txt
COPY requirements/image_blas.sh .
RUN sh image_blas.sh

FROM packages AS notify-packages
RUN sh image_packages.sh notify.txt

FROM packages AS trainer-packages
RUN sh image_packages.sh trainer.txt

# What all images have in common: the base without what installs packages, which would be the larger part of it.
FROM ${BASE} AS small
COPY requirements/image_base.sh .
RUN sh image_base.sh --delete-from-this-system

FROM scratch AS runtime
COPY --from=small / /
COPY --from=project /opt/stetho /opt/stetho
ENV PATH=/opt/stetho/bin:/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
# A new volume takes its owner from the image: the user of the official mosquitto image, for all services.
RUN install -d -m 0700 -o 1883 -g 1883 /data /state /state/worker /state/api /state/notify /state/postgres /state/store /postgres /store
USER 1883:1883
ENV HOME=/tmp STETHO_DATA_DIR=/data

# `stetho provision`, which makes certificates and accounts in the volumes of docker-compose.yml, and `stetho nats access`.
# The broker itself runs in the official image of Mosquitto or NATS.
FROM runtime AS provision
COPY --from=provision-packages /opt/stetho /opt/stetho
ENTRYPOINT ["stetho", "provision", "--dir", "/state"]
CMD ["--help"]

# The edge worker: chunks in over MQTT, results out.
FROM runtime AS worker
COPY --from=worker-packages /opt/stetho /opt/stetho
COPY --from=project /networks /
CMD ["stetho", "worker"]

# The history API: serves what the worker stored, takes uploads in; runs no model.
FROM runtime AS api
COPY --from=fonts /usr/share/fonts /usr/share/fonts
COPY --from=ffmpeg /ffmpeg /usr/local/bin/ffmpeg
COPY --from=api-packages /opt/stetho /opt/stetho
CMD ["stetho", "api"]

# Notifications: what was heard, to phones, mailboxes and programs.
FROM runtime AS notify
COPY --from=notify-packages /opt/stetho /opt/stetho
CMD ["stetho", "notify"]

# The trainer: learns from labelled recordings of this site, and puts into use only what is better.
FROM runtime AS trainer
COPY --from=trainer-packages /opt/stetho /opt/stetho
COPY --from=project /networks /
CMD ["stetho", "trainer", "serve"]
