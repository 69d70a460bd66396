#!/usr/bin/env bash
# Builds deploy/Containerfile as localhost/smsgate-test for tests/test_deploy_container.py.
#
# No registry of images is asked: the base image is made of Debian's packages, once. Needs root, podman, runc and debootstrap.
set -euo pipefail
cd "$(dirname "$0")/.."
base=localhost/smsgate-python:3.11
if ! podman image exists "$base"; then
    root=$(mktemp -d)
    trap 'rm -rf "$root"' EXIT
    debootstrap --variant=minbase --include=python3,python3-venv,python-is-python3,ca-certificates bookworm "$root" >&2
    # What this machine knows of authorities and of pip's index.
    cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
    [ ! -e /etc/pip.conf ] || cp /etc/pip.conf "$root/etc/"
    tar -C "$root" -c . | podman import --quiet - "$base"
fi
# Docker's format, which has health checks; the machine's own limits and network, which a container in a container needs.
podman --runtime runc build --quiet --format docker --network host --ulimit nofile=4096:4096 --ulimit nproc=4096:4096 \
    --build-arg "PYTHON=$base" --tag localhost/smsgate-test --file deploy/Containerfile .
