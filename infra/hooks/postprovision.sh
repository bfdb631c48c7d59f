#!/bin/sh
# After provisioning: app roles for the callers that the environment names, SLIPWAY_CALLERS, comma separated
# {object id}={role}. Run by azd.
set -eu
if [ -z "${SLIPWAY_CALLERS:-}" ]; then exit 0; fi
if [ -n "${GITHUB_ACTIONS:-}" ]; then
    echo "slipway: SLIPWAY_CALLERS have no new roles, a service that deploys may not give any: somebody who may runs" \
        "sh infra/hooks/grant.sh" >&2
    exit 0
fi
here=$(cd "$(dirname "$0")" && pwd)
# Neither an object id nor a role has a blank in it.
sh "$here/grant.sh" "$SLIPWAY_CLIENT_ID" $(printf '%s' "$SLIPWAY_CALLERS" | tr ',' ' ')
