#!/bin/sh
# Gives app roles to those who call: sh infra/hooks/grant.sh CLIENT_ID OBJECT_ID=ROLE…
# The object id of a user, a group, or of the managed identity of a Data Factory, a Databricks access connector or a
# Synapse workspace. Granting a role twice changes nothing.
# SLIPWAY_HOOK_WAIT_S: seconds between two tries.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
graph=https://graph.microsoft.com/v1.0
wait_s=${SLIPWAY_HOOK_WAIT_S:-10}
client=$1
shift
sh "$here/hooks/tenant.sh"

keep_trying() { # keep_trying COMMAND…: for about a minute, because the directory learns of what is new by and by
    tries=1
    until "$@"; do
        if [ "$tries" -ge 7 ]; then return 1; fi
        tries=$((tries + 1))
        sleep "$wait_s"
    done
}

find_service() {
    service=$(az ad sp list --filter "appId eq '$client'" --query "[0].id" --output tsv) && [ -n "$service" ]
}

give() { # of who and role; what az says of a failure is kept in said
    found=$(az rest --method GET --url "$graph/servicePrincipals/$service/appRoleAssignedTo?\$top=999" \
        --query "value[?principalId=='$who' && appRoleId=='$role'].id | [0]" --output tsv) || return 1
    if [ -n "$found" ]; then return 0; fi
    said=$(az rest --method POST --url "$graph/servicePrincipals/$service/appRoleAssignedTo" \
        --headers Content-Type=application/json --output none \
        --body "{\"principalId\": \"$who\", \"resourceId\": \"$service\", \"appRoleId\": \"$role\"}" 2>&1)
}

if ! keep_trying find_service; then
    echo "slipway: there is no application $client in this directory: check SLIPWAY_CLIENT_ID" >&2
    exit 1
fi
for grant in "$@"; do
    who=${grant%%=*}
    role=$(python3 -c 'import json, sys
print(next((role["id"] for role in json.load(open(sys.argv[1])) if role["value"] == sys.argv[2]), ""))' \
        "$here/entra/app-roles.json" "${grant#*=}")
    if [ -z "$role" ]; then
        echo "slipway: '${grant#*=}' is no app role: see infra/entra/app-roles.json" >&2
        exit 1
    fi
    said=
    if ! keep_trying give; then
        echo "slipway: $who could not be given ${grant#*=}: $said" >&2
        exit 1
    fi
done
