#!/bin/sh
# Build an ffmpeg from Debian's source that decodes the sounds of edge_worker/sound_files/ffmpeg.py and can do nothing
# else; it depends on the C library alone.
# usage: image_ffmpeg.sh TARGET
set -eu
sed -i 's/^Types: deb$/Types: deb deb-src/' /etc/apt/sources.list.d/debian.sources
apt-get update
apt-get install -y --no-install-recommends dpkg-dev gcc libc6-dev make nasm
cd "$(mktemp -d)"
apt-get source ffmpeg
cd ffmpeg-*/
./configure --disable-everything --disable-autodetect --disable-network --disable-debug --disable-doc \
  --disable-avdevice --disable-ffplay --disable-ffprobe --enable-protocol=file \
  --enable-demuxer=aac,ac3,aiff,amr,ape,asf,au,avi,caf,flac,matroska,mov,mp3,mpegps,mpegts,ogg,tta,voc,w64,wav,wv \
  --enable-parser=aac,aac_latm,ac3,amr,flac,mpegaudio,opus,vorbis \
  --enable-decoder=aac,aac_latm,ac3,alac,amrnb,amrwb,ape,eac3,flac,mp1,mp2,mp3,opus,speex,tta,vorbis,wavpack \
  --enable-decoder='wma*,pcm_*,adpcm_ima_qt,adpcm_ima_wav,adpcm_ms,gsm*' \
  --enable-filter=aresample --enable-encoder=pcm_s16le --enable-muxer=wav
make -j"$(nproc)" ffmpeg
install ffmpeg "$1"
