#!/bin/sh
# After provisioning: app roles for the callers that the environment names, SLIPWAY_CALLERS, comma separated
# {object id}={role}. Run by azd.
set -eu
if [ -z "${SLIPWAY_CALLERS:-}" ]; then exit 0; fi
here=$(cd "$(dirname "$0")" && pwd)
old_ifs=$IFS
IFS=,
set -- $SLIPWAY_CALLERS
IFS=$old_ifs
sh "$here/grant.sh" "$SLIPWAY_CLIENT_ID" "$@"
